//! Reading a JPEG: markers, segments, bits and Huffman codes (ITU-T T.81, B.1 and F.2.2).

/// The bits of a code that are looked up at once; few codes are longer.
const SHORT: usize = 9;

/// A place in a file, and the bits before it that were read and not yet used.
pub(super) struct Source<'a> {
    bytes: &'a [u8],
    at: usize,
    window: u64,
    held: u32,
}

impl<'a> Source<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Source<'a> {
        Source { bytes, at: 0, window: 0, held: 0 }
    }

    /// The next marker, after any number of fill bytes.
    pub(super) fn marker(&mut self) -> Option<u8> {
        if *self.bytes.get(self.at)? != 0xff {
            return None;
        }
        loop {
            self.at += 1;
            match *self.bytes.get(self.at)? {
                0xff => {}
                code => {
                    self.at += 1;
                    return Some(code);
                }
            }
        }
    }

    /// What follows a marker, without its length.
    pub(super) fn segment(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        let data = rest.get(2..length)?;
        self.at += length;
        Some(data)
    }

    /// Ends the bits before a marker; `None` when they are more than fill up a byte.
    pub(super) fn align(&mut self) -> Option<()> {
        self.fill();
        let is_clean = self.held < 8;
        self.held = 0;
        is_clean.then_some(())
    }

    /// The restart marker before this unit, when one is due (E.2.4).
    pub(super) fn restart(&mut self, unit: usize, interval: usize) -> Option<Option<u8>> {
        if unit == 0 || interval == 0 || !unit.is_multiple_of(interval) {
            return Some(None);
        }
        self.align()?;
        let due = 0xd0 | (unit / interval - 1) as u8 & 7;
        (self.marker()? == due).then_some(Some(due))
    }

    /// The next symbol of a Huffman code (F.2.2.3).
    #[inline]
    pub(super) fn symbol(&mut self, table: &Table) -> Option<u8> {
        if self.held < 16 {
            self.fill();
        }
        // Behind the last bit stand zeros; a code that needs one of them is refused below.
        let ahead = match self.held.checked_sub(16) {
            Some(surplus) => self.window >> surplus,
            None => self.window << (16 - self.held),
        } as u16;
        let [mut length, mut symbol] = table.short[usize::from(ahead) >> (16 - SHORT)].to_be_bytes();
        if length == 0 {
            length = (SHORT as u8 + 1..=16).find(|bits| u32::from(ahead) < table.ends[usize::from(*bits)])?;
            let code = i32::from(ahead >> (16 - length));
            symbol = *table.symbols.get((code + table.places[usize::from(length)]) as usize)?;
        }
        self.held = self.held.checked_sub(u32::from(length))?;
        Some(symbol)
    }

    /// The next so many bits, at most 16.
    #[inline]
    pub(super) fn bits(&mut self, count: u32) -> Option<i32> {
        if self.held < count {
            self.fill();
        }
        self.held = self.held.checked_sub(count)?;
        Some((self.window >> self.held) as i32 & ((1 << count) - 1))
    }

    /// A number of so many bits, its sign in the first (F.2.2.1, EXTEND).
    #[inline]
    pub(super) fn number(&mut self, size: u32) -> Option<i32> {
        let bits = self.bits(size)?;
        Some(if bits < (1 << size) >> 1 { bits - (1 << size) + 1 } else { bits })
    }

    /// Takes bytes up to the next marker as long as there is room; a zero after 0xff is no byte (F.1.2.3).
    fn fill(&mut self) {
        while self.held < 56 {
            let byte = match self.bytes.get(self.at..) {
                Some([0xff, 0, ..]) => {
                    self.at += 1;
                    0xff
                }
                None | Some([] | [0xff, ..]) => return,
                Some([byte, ..]) => *byte,
            };
            self.at += 1;
            self.window = self.window << 8 | u64::from(byte);
            self.held += 8;
        }
    }
}

/// A Huffman code, ready to be read (C.2 and F.2.2.3).
pub(super) struct Table {
    /// By the first bits: the length of the code and its symbol, or 0 when the code is longer.
    short: [u16; 1 << SHORT],
    /// By length: the first 16 bits that are no longer a code of this length.
    ends: [u32; 17],
    /// By length: what makes a code the place of its symbol.
    places: [i32; 17],
    symbols: [u8; 256],
}

impl Table {
    /// How many codes there are of each length, and their symbols.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Box<Table>> {
        let mut table =
            Box::new(Table { short: [0; 1 << SHORT], ends: [0; 17], places: [0; 17], symbols: [0; 256] });
        table.symbols.get_mut(..symbols.len())?.copy_from_slice(symbols);
        let (mut code, mut place) = (0, 0);
        for (length, count) in (1..).zip(counts) {
            let after = code + usize::from(*count);
            if after > 1 << length {
                return None;
            }
            table.places[length] = place as i32 - code as i32;
            table.ends[length] = (after << (16 - length)) as u32;
            while code < after {
                if length <= SHORT {
                    let width = 1 << (SHORT - length);
                    let entry = u16::from_be_bytes([length as u8, *symbols.get(place)?]);
                    table.short.get_mut(code * width..(code + 1) * width)?.fill(entry);
                }
                code += 1;
                place += 1;
            }
            code <<= 1;
        }
        Some(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_may_stand_behind_fill_bytes_and_a_segment_must_be_whole() {
        let mut source = Source::new(&[0xff, 0xff, 0xff, 0xfe, 0, 4, 7, 8, 0xff, 0xd9]);
        assert_eq!(source.marker(), Some(0xfe));
        assert_eq!(source.segment(), Some([7, 8].as_slice()));
        assert_eq!((source.marker(), source.marker()), (Some(0xd9), None));
        for broken in [&[0, 1, 0][..], &[0, 5, 1, 2], &[0]] {
            assert_eq!(Source::new(broken).segment(), None);
        }
    }

    #[test]
    fn bits_end_at_a_marker_and_a_stuffed_zero_is_none_of_them() {
        let mut source = Source::new(&[0b1010_0000, 0xff, 0, 0xff, 0xd9]);
        assert_eq!((source.bits(3), source.bits(5), source.bits(8)), (Some(0b101), Some(0), Some(0xff)));
        assert_eq!(source.bits(1), None);
        let mut source = Source::new(&[0b1010_0000, 0xff, 0xd9]);
        assert_eq!((source.bits(3), source.align(), source.marker()), (Some(5), Some(()), Some(0xd9)));
        assert_eq!(Source::new(&[1, 0xff, 0xd9]).align(), None, "a byte that nothing reads");
    }

    #[test]
    fn numbers_have_their_sign_in_the_first_bit() {
        for (bits, size, number) in
            [(0b0000_0000, 1, -1), (0b1000_0000, 1, 1), (0b0110_0000, 3, -4), (0, 0, 0)]
        {
            assert_eq!(Source::new(&[bits]).number(size), Some(number));
        }
    }

    #[test]
    fn codes_of_every_length_are_read_and_too_many_are_refused() {
        let symbols: Vec<u8> = (0..16).collect();
        let table = Table::new(&[1; 16], &symbols).unwrap();
        // Fifteen ones and a zero, then a zero.
        let mut source = Source::new(&[0b1111_1111, 0, 0b1111_1110, 0]);
        assert_eq!((source.symbol(&table), source.symbol(&table)), (Some(15), Some(0)));
        let mut source = Source::new(&[0xff, 0, 0xff, 0]);
        assert_eq!(source.symbol(&table), None, "no code is all ones");
        assert!(Source::new(&[]).symbol(&table).is_none());
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Table::new(&counts, &[1, 2, 3]).is_none());
        counts[0] = 2;
        assert!(Table::new(&counts, &[1]).is_none(), "fewer symbols than codes");
    }
}
