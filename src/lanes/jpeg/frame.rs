//! What a JPEG says of its picture and of its scans (ITU-T T.81, A.1, A.2, B.2.2 and B.2.3).

/// The most pixels that are worked through: 100 megapixels.
const PIXELS: usize = 100_000_000;

/// Blocks are eight samples wide and high.
const SIDE: usize = 8;

/// The most blocks of a unit of an interleaved scan.
const UNIT: usize = 10;

/// The frame header.
pub(super) struct Frame {
    width: usize,
    height: usize,
    across: usize,
    down: usize,
    pub(super) components: Vec<Component>,
}

/// One of at most four colours.
pub(super) struct Component {
    identity: u8,
    across: usize,
    down: usize,
    /// Which quantisation table it has.
    pub(super) steps: usize,
    /// Whether its scan was there.
    pub(super) is_done: bool,
}

/// A component in a scan.
pub(super) struct Part {
    pub(super) identity: u8,
    pub(super) steps: usize,
    /// Which Huffman tables it has.
    pub(super) dc: usize,
    pub(super) ac: usize,
    /// How many blocks it has in a unit.
    pub(super) blocks: usize,
}

impl Frame {
    /// Of a header for samples of 8 bits.
    pub(super) fn new(header: &[u8]) -> Option<Frame> {
        let [8, h1, h0, w1, w0, count @ 1..=4, rest @ ..] = header else { return None };
        let (colours, []) = rest.as_chunks::<3>() else { return None };
        let width = usize::from(u16::from_be_bytes([*w1, *w0]));
        let height = usize::from(u16::from_be_bytes([*h1, *h0]));
        if colours.len() != usize::from(*count) || width == 0 || height == 0 || width * height > PIXELS {
            return None;
        }
        let mut frame = Frame { width, height, across: 1, down: 1, components: Vec::new() };
        for [identity, sampling, steps] in colours {
            let (across, down) = (usize::from(sampling >> 4), usize::from(sampling & 15));
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) || *steps > 3 {
                return None;
            }
            frame.across = frame.across.max(across);
            frame.down = frame.down.max(down);
            let steps = usize::from(*steps);
            frame.components.push(Component { identity: *identity, across, down, steps, is_done: false });
        }
        Some(frame)
    }

    /// The parts of a scan by its header, and how many units it has. Each component is in one scan alone,
    /// and wholly.
    pub(super) fn scan(&mut self, header: &[u8]) -> Option<(Vec<Part>, usize)> {
        let [count @ 1..=4, rest @ .., 0, 63, 0] = header else { return None };
        let (selectors, []) = rest.as_chunks::<2>() else { return None };
        if selectors.len() != usize::from(*count) {
            return None;
        }
        let is_alone = *count == 1;
        let (mut parts, mut units, mut blocks) = (Vec::new(), 0, 0);
        for [wanted, tables] in selectors {
            let mut open = self.components.iter_mut().filter(|component| !component.is_done);
            let component = open.find(|component| component.identity == *wanted)?;
            component.is_done = true;
            let (dc, ac) = (usize::from(tables >> 4), usize::from(tables & 15));
            if dc > 3 || ac > 3 {
                return None;
            }
            let (identity, steps) = (*wanted, component.steps);
            let (across, down) = (component.across, component.down);
            let in_unit = if is_alone { 1 } else { across * down };
            blocks += in_unit;
            parts.push(Part { identity, steps, dc, ac, blocks: in_unit });
            // By itself, a component has the blocks that its samples need; with others it has whole units.
            units = if is_alone {
                let samples = |side: usize, ratio: usize, most: usize| (side * ratio).div_ceil(most);
                samples(self.width, across, self.across).div_ceil(SIDE)
                    * samples(self.height, down, self.down).div_ceil(SIDE)
            } else {
                self.width.div_ceil(SIDE * self.across) * self.height.div_ceil(SIDE * self.down)
            };
        }
        (is_alone || blocks <= UNIT).then_some((parts, units))
    }

    /// Whether every component was there.
    pub(super) fn is_done(&self) -> bool {
        self.components.iter().all(|component| component.is_done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 by 60 pixels, three components; brightness has twice the samples.
    const HEADER: [u8; 15] = [8, 0, 60, 0, 100, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];

    #[test]
    fn a_scan_has_as_many_blocks_as_its_picture_needs() {
        let mut frame = Frame::new(&HEADER).unwrap();
        let (parts, units) = frame.scan(&[3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]).unwrap();
        assert_eq!(units, 7 * 4);
        assert_eq!(parts.iter().map(|part| part.blocks).collect::<Vec<_>>(), [4, 1, 1]);
        assert!(frame.is_done());
        let mut frame = Frame::new(&HEADER).unwrap();
        for (identity, units) in [(1, 13 * 8), (2, 7 * 4), (3, 7 * 4)] {
            assert!(!frame.is_done());
            let (parts, found) = frame.scan(&[1, identity, 0x11, 0, 63, 0]).unwrap();
            assert_eq!((parts.len(), parts[0].blocks, found), (1, 1, units));
        }
        assert!(frame.is_done());
        assert!(frame.scan(&[1, 2, 0x11, 0, 63, 0]).is_none(), "a second scan of one component");
    }

    #[test]
    fn what_no_sequential_picture_has_is_refused() {
        for (at, value) in [(0, 12), (2, 0), (4, 0), (5, 4), (5, 0), (7, 0x52), (7, 0x20), (8, 4)] {
            let mut header = HEADER;
            header[at] = value;
            assert!(Frame::new(&header).is_none(), "{at}: {value}");
        }
        assert!(Frame::new(&[8, 0xff, 0xff, 0xff, 0xff, 1, 1, 0x11, 0]).is_none(), "too many pixels");
        for header in
            [&[1, 1, 0, 0, 5, 0][..], &[1, 9, 0, 0, 63, 0], &[2, 1, 0, 0, 63, 0], &[1, 1, 0x40, 0, 63, 0]]
        {
            assert!(Frame::new(&HEADER).unwrap().scan(header).is_none(), "{header:?}");
        }
    }
}
