//! A JPEG with coarser steps: coefficients are rounded to them as they are read, without a look at a pixel
//! (ITU-T T.81, F.1.1 and F.2.1).

use super::super::picture::BUDGET;
use super::GROWTH;
use super::frame::{Frame, Part};
use super::progressive::Planes;
use super::read::{Source, Table};
use super::write::Sink;

/// The steps of one quantisation table, in the order of the zigzag: as they were, and as they become.
#[derive(Clone, Copy)]
struct Steps {
    old: [u16; 64],
    new: [u16; 64],
}

/// How a JPEG is made smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trial {
    /// How much larger the steps become, in percent; 100 leaves everything as it is.
    pub(super) percent: u32,
    /// How many coefficients of a block are kept.
    pub(super) kept: usize,
}

/// Huffman tables by their number.
pub(super) type Tables = [Option<Box<Table>>; 4];

/// A way through a file.
pub(super) struct Recoder<'a> {
    source: Source<'a>,
    sink: Sink,
    trial: Trial,
    /// The bytes that the coefficients of a progressive picture may take.
    room: usize,
    /// Whether only the segments stay that a picture cannot be shown rightly without.
    is_bare: bool,
    frame: Option<Frame>,
    steps: [Option<Steps>; 4],
    dc: Tables,
    ac: Tables,
    /// Units between two restart markers; 0 when there are none.
    interval: usize,
    has_tables: bool,
    /// What is known of a progressive picture.
    planes: Option<Planes>,
}

impl<'a> Recoder<'a> {
    pub(super) fn new(bytes: &'a [u8], trial: Trial, most: usize, is_bare: bool) -> Recoder<'a> {
        Recoder {
            source: Source::new(bytes),
            sink: Sink::new(most),
            trial,
            room: BUDGET.saturating_sub(bytes.len().saturating_mul(1 + GROWTH)),
            is_bare,
            frame: None,
            steps: [None; 4],
            dc: [const { None }; 4],
            ac: [const { None }; 4],
            interval: 0,
            has_tables: false,
            planes: None,
        }
    }

    /// The new file: `None` when the old one cannot be read, and inside of that when it becomes too large.
    pub(super) fn run(mut self) -> Option<Option<Vec<u8>>> {
        let is_read = self.segments().is_some();
        match (self.sink.is_full(), is_read) {
            (true, _) => Some(None),
            (false, true) => Some(Some(self.sink.into_bytes())),
            (false, false) => None,
        }
    }

    /// From the start of the image to its end (B.2.1). What stands behind that is no part of it.
    fn segments(&mut self) -> Option<()> {
        if self.source.marker()? != 0xd8 {
            return None;
        }
        self.sink.marker(0xd8);
        loop {
            let marker = self.source.marker()?;
            if marker == 0xd9 {
                let frame = self.frame.as_ref().filter(|frame| frame.is_done())?;
                if let Some(planes) = &self.planes {
                    planes.write(frame, self.interval, &mut self.sink)?;
                }
                self.sink.marker(marker);
                return Some(());
            }
            let data = self.source.segment()?;
            match marker {
                0xc0 | 0xc1 if self.frame.is_none() => {
                    self.frame = Some(Frame::new(data)?);
                    self.sink.segment(marker, data);
                }
                0xc2 if self.frame.is_none() => {
                    let frame = Frame::new(data)?;
                    self.planes = Some(Planes::new(&frame, self.room)?);
                    self.frame = Some(frame);
                    self.sink.segment(0xc0, data);
                }
                0xc4 => self.huffman(data)?,
                0xda => self.scan(data)?,
                0xdb => self.quantisation(data)?,
                0xdd => {
                    self.interval = usize::from(u16::from_be_bytes(data.try_into().ok()?));
                    self.sink.segment(marker, data);
                }
                0xe0..=0xef | 0xfe => {
                    let is_left_out = is_stale(marker, data) || self.is_bare && is_spare(marker, data);
                    if !is_left_out {
                        self.sink.segment(marker, data);
                    }
                }
                // Lossless and arithmetic coding among them.
                _ => return None,
            }
            if self.sink.is_full() {
                return None;
            }
        }
    }

    /// Quantisation tables (B.2.4.1): the new steps take the place of the old ones.
    fn quantisation(&mut self, mut data: &[u8]) -> Option<()> {
        let mut written = Vec::new();
        while let Some((head, rest)) = data.split_first() {
            let width = usize::from(head >> 4) + 1;
            let values = rest.get(..64 * width).filter(|_| width <= 2)?;
            let mut steps = Steps { old: [0; 64], new: [0; 64] };
            written.push(*head);
            for (index, value) in values.chunks_exact(width).enumerate() {
                let old = value.iter().fold(0, |sum, byte| sum << 8 | u16::from(*byte));
                let new = coarser(old, index as u32, self.trial.percent);
                if old == 0 {
                    return None;
                }
                (steps.old[index], steps.new[index]) = (old, new);
                written.extend_from_slice(&new.to_be_bytes()[2 - width..]);
            }
            let slot = self.steps.get_mut(usize::from(head & 15))?;
            // The scans of a progressive picture are written together: each table must hold for all.
            if self.planes.is_some() && slot.is_some_and(|known| known.old != steps.old) {
                return None;
            }
            *slot = Some(steps);
            data = &rest[values.len()..];
        }
        self.sink.segment(0xdb, &written);
        Some(())
    }

    /// Huffman tables (B.2.4.2): they are for reading alone.
    fn huffman(&mut self, mut data: &[u8]) -> Option<()> {
        while let Some((head, rest)) = data.split_first() {
            let counts = rest.first_chunk::<16>()?;
            let length = counts.iter().map(|count| usize::from(*count)).sum::<usize>();
            let symbols = rest.get(16..16 + length)?;
            let tables = match head >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return None,
            };
            *tables.get_mut(usize::from(head & 15))? = Some(Table::new(counts, symbols)?);
            data = &rest[16 + length..];
        }
        Some(())
    }

    /// A scan, unit by unit (B.2.3 and E.2.3).
    fn scan(&mut self, header: &[u8]) -> Option<()> {
        let frame = self.frame.as_mut()?;
        if let Some(planes) = &mut self.planes {
            return planes.scan(header, frame, &mut self.source, [&self.dc, &self.ac], self.interval);
        }
        let (parts, units) = frame.scan(header)?;
        if !self.has_tables {
            self.sink.tables();
            self.has_tables = true;
        }
        let mut written = vec![parts.len() as u8];
        let mut coders = Vec::new();
        for part in &parts {
            let Part { identity, steps, dc, ac, across, down, .. } = *part;
            let colour = usize::from(steps != 0);
            written.extend_from_slice(&[identity, colour as u8 * 0x11]);
            coders.push(Coder {
                steps: self.steps[steps].as_ref()?,
                dc: self.dc[dc].as_deref()?,
                ac: self.ac[ac].as_deref()?,
                blocks: across * down,
                colour,
                kept: self.trial.kept,
                read: 0,
                written: 0,
            });
        }
        written.extend_from_slice(&[0, 63, 0]);
        self.sink.segment(0xda, &written);
        for unit in 0..units.across * units.down {
            if let Some(restart) = self.source.restart(unit, self.interval)? {
                self.sink.align();
                self.sink.marker(restart);
                coders.iter_mut().for_each(|coder| (coder.read, coder.written) = (0, 0));
            }
            for coder in &mut coders {
                for _ in 0..coder.blocks {
                    coder.block(&mut self.source, &mut self.sink)?;
                }
            }
            if self.sink.is_full() {
                return None;
            }
        }
        self.sink.align();
        self.source.align()
    }
}

/// What a component needs for its blocks.
struct Coder<'a> {
    steps: &'a Steps,
    dc: &'a Table,
    ac: &'a Table,
    blocks: usize,
    colour: usize,
    kept: usize,
    /// The first coefficients of the block before, as it was read and as it was written.
    read: i32,
    written: i32,
}

impl Coder<'_> {
    /// One block (F.1.2 and F.2.2).
    fn block(&mut self, source: &mut Source, sink: &mut Sink) -> Option<()> {
        let size = source.symbol(self.dc)?;
        if size > 11 {
            return None;
        }
        self.read += source.number(u32::from(size))?;
        let first = self.rounded(0, i16::try_from(self.read).ok()?);
        sink.step(self.colour, first - self.written)?;
        self.written = first;
        let (mut at, mut last) = (0, 0);
        while at < 63 {
            let symbol = source.symbol(self.ac)?;
            let (zeros, size) = (usize::from(symbol >> 4), symbol & 15);
            at += match (zeros, size) {
                (0, 0) => break,
                (15, 0) => 16,
                (_, 0) => return None,
                _ => zeros + 1,
            };
            if at > 63 {
                return None;
            }
            if size > 0 {
                let value = self.rounded(at, source.number(u32::from(size))? as i16);
                if value != 0 && at < self.kept {
                    sink.after(self.colour, at - last - 1, value);
                    last = at;
                }
            }
        }
        if last < 63 {
            sink.end(self.colour);
        }
        Some(())
    }

    /// A coefficient in the new steps, the nearest to what it was.
    #[inline]
    fn rounded(&self, at: usize, value: i16) -> i32 {
        let (old, new) = (u32::from(self.steps.old[at]), u32::from(self.steps.new[at]));
        if old == new {
            return i32::from(value);
        }
        let size = ((u32::from(value.unsigned_abs()) * old + new / 2) / new) as i32;
        if value < 0 { -size } else { size }
    }
}

/// A step that grew. As in the tables of Annex K, the eye loses fine detail first: the step of the mean of a
/// block grows by a quarter of what the finest ones do.
fn coarser(old: u16, index: u32, percent: u32) -> u16 {
    // A table of bytes has no larger step, and in one of words no step need be larger.
    if old >= 255 {
        return old;
    }
    let growth = u32::from(old) * (percent - 100) * (16 + index.min(48));
    (u32::from(old) + (growth + 3200) / 6400).min(255) as u16
}

/// Whether a segment is wrong in another file: it says where further pictures are behind the first.
fn is_stale(marker: u8, data: &[u8]) -> bool {
    marker == 0xe2 && data.starts_with(b"MPF\0")
}

/// Whether a segment may be left out: neither its shape, its orientation nor its colours would be wrong.
fn is_spare(marker: u8, data: &[u8]) -> bool {
    let needed: &[u8] = match marker {
        0xe0 => b"JFIF\0",
        0xe1 => b"Exif\0",
        0xe2 => b"ICC_PROFILE\0",
        0xee => b"Adobe",
        _ => return true,
    };
    !data.starts_with(needed)
}

/// Whether the picture is a progressive one.
pub(super) fn is_progressive(bytes: &[u8]) -> bool {
    let mut source = Source::new(bytes);
    source.marker();
    while let Some(marker) = source.marker().filter(|marker| *marker != 0xda) {
        if marker == 0xc2 {
            return true;
        }
        if source.segment().is_none() {
            break;
        }
    }
    false
}

/// How many bytes of segments before the first scan may be left out.
pub(super) fn spare(bytes: &[u8]) -> usize {
    let mut source = Source::new(bytes);
    let mut sum = 0;
    source.marker();
    while let Some(marker) = source.marker().filter(|marker| *marker != 0xda) {
        let Some(data) = source.segment() else { break };
        if matches!(marker, 0xe0..=0xef | 0xfe) && is_spare(marker, data) {
            sum += data.len();
        }
    }
    sum
}
