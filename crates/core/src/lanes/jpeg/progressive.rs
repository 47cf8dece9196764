//! A progressive JPEG: its scans tell the coefficients bit by bit, so that they are all held before they are
//! written as a sequential one (ITU-T T.81, G.1 and G.2).

use super::frame::{Frame, Part, UNIT};
use super::read::{Source, Table};
use super::recode::Tables;
use super::write::Sink;

/// The most scans that are read; encoders write about ten. A few bytes can be a whole scan.
const SCANS: usize = 100;

type Block = [i16; 64];

/// The coefficients of a picture.
pub(super) struct Planes {
    planes: Vec<Plane>,
    scans: usize,
}

/// Those of one component, in rows of whole units.
struct Plane {
    blocks: Vec<Block>,
    width: usize,
}

/// What one scan tells.
struct Layer {
    /// The first and the last coefficient.
    from: usize,
    to: usize,
    /// Whether it tells one more bit of coefficients that are known.
    is_finer: bool,
    /// Which bit is its last.
    low: u32,
    /// How many blocks more have nothing new but bits of what is known.
    ended: u32,
}

impl Planes {
    /// All of them zero; `None` where they would take more than this many bytes.
    pub(super) fn new(frame: &Frame, room: usize) -> Option<Planes> {
        let units = frame.units();
        let count = units.across * units.down;
        let blocks = frame.components.iter().map(|component| component.across * component.down * count);
        if blocks.sum::<usize>() > room / size_of::<Block>() {
            return None;
        }
        let mut planes = Vec::new();
        for component in &frame.components {
            let width = units.across * component.across;
            planes.push(Plane { blocks: vec![[0; 64]; width * units.down * component.down], width });
        }
        Some(Planes { planes, scans: 0 })
    }

    /// Reads a scan.
    pub(super) fn scan(
        &mut self,
        header: &[u8],
        frame: &mut Frame,
        source: &mut Source,
        [dc, ac]: [&Tables; 2],
        interval: usize,
    ) -> Option<()> {
        let [selectors @ .., from, to, bits] = header else { return None };
        let (parts, units) = frame.parts(selectors)?;
        let (from, to, high, low) = (*from, *to, bits >> 4, bits & 15);
        let is_range = if from == 0 { to == 0 } else { (from..=63).contains(&to) && parts.len() == 1 };
        self.scans += 1;
        if !is_range || low > 13 || (high != 0 && high != low + 1) || self.scans > SCANS {
            return None;
        }
        let (from, to) = (usize::from(from), usize::from(to));
        let mut layer = Layer { from, to, is_finer: high != 0, low: u32::from(low), ended: 0 };
        let mut before = [0; 4];
        for unit in 0..units.across * units.down {
            if source.restart(unit, interval)?.is_some() {
                before = [0; 4];
                layer.ended = 0;
            }
            for (part, before) in parts.iter().zip(&mut before) {
                let plane = self.planes.get_mut(part.place)?;
                for index in 0..part.across * part.down {
                    let block = plane.blocks.get_mut(place(part, plane.width, unit, units.across, index))?;
                    match (layer.from, layer.is_finer) {
                        (0, false) => layer.first(block, source, dc[part.dc].as_deref()?, before)?,
                        (0, true) => block[0] |= (source.bits(1)? << layer.low) as i16,
                        (_, false) => layer.coarse(block, source, ac[part.ac].as_deref()?)?,
                        (_, true) => layer.fine(block, source, ac[part.ac].as_deref()?)?,
                    }
                }
            }
        }
        for part in parts.iter().filter(|_| from == 0) {
            frame.components.get_mut(part.place)?.is_done = true;
        }
        source.align()
    }

    /// Writes all of it as a sequential picture: one scan, or when a unit would be too large one of each
    /// component.
    pub(super) fn write(&self, frame: &Frame, interval: usize, sink: &mut Sink) -> Option<()> {
        sink.tables();
        if interval > 0 {
            sink.segment(0xdd, &[0, 0]);
        }
        let blocks = frame.components.iter().map(|component| component.across * component.down);
        let together = if blocks.sum::<usize>() > UNIT { 1 } else { frame.components.len() };
        for components in frame.components.chunks(together) {
            let mut header = vec![components.len() as u8];
            for component in components {
                let colour = u8::from(component.steps != 0);
                header.extend_from_slice(&[component.identity, colour * 0x11]);
            }
            let (parts, units) = frame.parts(&header)?;
            header.extend_from_slice(&[0, 63, 0]);
            sink.segment(0xda, &header);
            let mut before = [0; 4];
            for unit in 0..units.across * units.down {
                for (part, before) in parts.iter().zip(&mut before) {
                    let plane = self.planes.get(part.place)?;
                    for index in 0..part.across * part.down {
                        let block = plane.blocks.get(place(part, plane.width, unit, units.across, index))?;
                        let first = i32::from(block[0]);
                        sink.block(usize::from(part.steps != 0), first - *before, block)?;
                        *before = first;
                    }
                }
            }
            sink.align();
        }
        Some(())
    }
}

/// Where in its plane a block of a unit is, when so many units are beside each other.
fn place(part: &Part, width: usize, unit: usize, across: usize, index: usize) -> usize {
    let row = unit / across * part.down + index / part.across;
    row * width + unit % across * part.across + index % part.across
}

impl Layer {
    /// The first coefficient but for its last bits (G.1.2.1).
    fn first(&self, block: &mut Block, source: &mut Source, table: &Table, before: &mut i32) -> Option<()> {
        let size = source.symbol(table)?;
        if size > 11 {
            return None;
        }
        *before += source.number(u32::from(size))?;
        let first = i16::try_from(*before).ok()?;
        block[0] = i16::try_from(i32::from(first) << self.low).ok()?;
        Some(())
    }

    /// Other coefficients but for their last bits (G.1.2.2).
    fn coarse(&mut self, block: &mut Block, source: &mut Source, table: &Table) -> Option<()> {
        if self.ended > 0 {
            self.ended -= 1;
            return Some(());
        }
        let mut at = self.from;
        while at <= self.to {
            let symbol = source.symbol(table)?;
            let (zeros, size) = (symbol >> 4, u32::from(symbol & 15));
            if size == 0 && zeros < 15 {
                self.ended = run(source, zeros)? - 1;
                break;
            }
            at += usize::from(zeros);
            if size > 0 {
                let slot = block.get_mut(at).filter(|_| at <= self.to)?;
                *slot = i16::try_from(source.number(size)? << self.low).ok()?;
            }
            at += 1;
        }
        Some(())
    }

    /// One more bit of coefficients that are known, and those that begin with this bit (G.1.2.3).
    fn fine(&mut self, block: &mut Block, source: &mut Source, table: &Table) -> Option<()> {
        let mut at = self.from;
        while self.ended == 0 && at <= self.to {
            let symbol = source.symbol(table)?;
            let (zeros, size) = (symbol >> 4, symbol & 15);
            let mut new = 0;
            match size {
                0 if zeros < 15 => {
                    self.ended = run(source, zeros)?;
                    break;
                }
                0 => {}
                1 => new = if source.bits(1)? == 1 { 1 << self.low } else { -1 << self.low },
                _ => return None,
            }
            at = self.refine(block, source, at, zeros)?;
            if new != 0 {
                *block.get_mut(at).filter(|_| at <= self.to)? = new;
            }
            at += 1;
        }
        if self.ended > 0 {
            self.refine(block, source, at, u8::MAX)?;
            self.ended -= 1;
        }
        Some(())
    }

    /// Reads a bit of each coefficient that is known, up to the zero behind so many others; its place.
    fn refine(&self, block: &mut Block, source: &mut Source, mut at: usize, mut zeros: u8) -> Option<usize> {
        while at <= self.to {
            let value = &mut block[at];
            if *value == 0 {
                if zeros == 0 {
                    break;
                }
                zeros -= 1;
            } else if source.bits(1)? == 1 && *value & 1 << self.low == 0 {
                *value = value.wrapping_add(value.signum() << self.low);
            }
            at += 1;
        }
        Some(at)
    }
}

/// The length of a run of blocks that end here (G.1.2.2, EOBn).
fn run(source: &mut Source, bits: u8) -> Option<u32> {
    Some((1 << bits) + source.bits(u32::from(bits))? as u32)
}
