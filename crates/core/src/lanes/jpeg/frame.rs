//! What a JPEG says of its picture and of its scans (ITU-T T.81, A.1, A.2, B.2.2 and B.2.3).

/// The most pixels that are worked through: 100 megapixels.
const PIXELS: usize = 100_000_000;

/// Blocks are eight samples wide and high.
const SIDE: usize = 8;

/// The most blocks of a unit of an interleaved scan.
pub(super) const UNIT: usize = 10;

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
    pub(super) identity: u8,
    pub(super) across: usize,
    pub(super) down: usize,
    /// Which quantisation table it has.
    pub(super) steps: usize,
    /// Whether its scan was there, or the first of them.
    pub(super) is_done: bool,
}

/// A component in a scan.
pub(super) struct Part {
    /// Its place in the frame.
    pub(super) place: usize,
    pub(super) identity: u8,
    pub(super) steps: usize,
    /// Which Huffman tables it has.
    pub(super) dc: usize,
    pub(super) ac: usize,
    /// How many blocks it has in a unit, beside and below each other.
    pub(super) across: usize,
    pub(super) down: usize,
}

/// How many units there are beside and below each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Units {
    pub(super) across: usize,
    pub(super) down: usize,
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

    /// The parts of a sequential scan by its header, and its units. Each component is in one scan alone, and
    /// wholly.
    pub(super) fn scan(&mut self, header: &[u8]) -> Option<(Vec<Part>, Units)> {
        let [selectors @ .., 0, 63, 0] = header else { return None };
        let (parts, units) = self.parts(selectors)?;
        for part in &parts {
            let component = self.components.get_mut(part.place).filter(|component| !component.is_done)?;
            component.is_done = true;
        }
        Some((parts, units))
    }

    /// The parts of a scan by the beginning of its header.
    pub(super) fn parts(&self, selectors: &[u8]) -> Option<(Vec<Part>, Units)> {
        let [count @ 1..=4, rest @ ..] = selectors else { return None };
        let (selectors, []) = rest.as_chunks::<2>() else { return None };
        if selectors.len() != usize::from(*count) {
            return None;
        }
        let (mut parts, mut blocks, mut units) = (Vec::new(), 0, self.units());
        for [wanted, tables] in selectors {
            let place = self.components.iter().position(|component| component.identity == *wanted)?;
            let component = self.components.get(place)?;
            let (dc, ac) = (usize::from(tables >> 4), usize::from(tables & 15));
            if dc > 3 || ac > 3 {
                return None;
            }
            let (mut across, mut down) = (component.across, component.down);
            if *count == 1 {
                // By itself, a component has the blocks that its samples need.
                let blocks = |side: usize, ratio: usize, most| (side * ratio).div_ceil(most).div_ceil(SIDE);
                units.across = blocks(self.width, across, self.across);
                units.down = blocks(self.height, down, self.down);
                (across, down) = (1, 1);
            }
            blocks += across * down;
            parts.push(Part { place, identity: *wanted, steps: component.steps, dc, ac, across, down });
        }
        (blocks <= UNIT).then_some((parts, units))
    }

    /// The units of a scan of several components.
    pub(super) fn units(&self) -> Units {
        let units = |side: usize, most| side.div_ceil(SIDE * most);
        Units { across: units(self.width, self.across), down: units(self.height, self.down) }
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
        assert_eq!(units, Units { across: 7, down: 4 });
        assert_eq!(parts.iter().map(|part| part.across * part.down).collect::<Vec<_>>(), [4, 1, 1]);
        assert!(frame.is_done());
        let mut frame = Frame::new(&HEADER).unwrap();
        for (identity, across, down) in [(1, 13, 8), (2, 7, 4), (3, 7, 4)] {
            assert!(!frame.is_done());
            let (parts, found) = frame.scan(&[1, identity, 0x11, 0, 63, 0]).unwrap();
            assert_eq!((parts.len(), parts[0].across, parts[0].down), (1, 1, 1));
            assert_eq!(found, Units { across, down });
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
