//! Writing a JPEG: segments, and blocks in the typical Huffman codes (ITU-T T.81, F.1.2 and Annex K.3).

/// How many codes there are of each length: DC and AC of brightness, then of colour (K.3.3).
const COUNTS: [[u8; 16]; 4] = [
    [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
    [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125],
    [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
    [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119],
];

const DC: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/// The AC symbols of brightness; each run with each size of 8 bit samples is among them.
const BRIGHT: [u8; 162] = *b"\
    \x01\x02\x03\x00\x04\x11\x05\x12\x21\x31\x41\x06\x13\x51\x61\x07\x22\x71\x14\x32\x81\x91\xa1\x08\
    \x23\x42\xb1\xc1\x15\x52\xd1\xf0\x24\x33\x62\x72\x82\x09\x0a\x16\x17\x18\x19\x1a\x25\x26\x27\x28\
    \x29\x2a\x34\x35\x36\x37\x38\x39\x3a\x43\x44\x45\x46\x47\x48\x49\x4a\x53\x54\x55\x56\x57\x58\x59\
    \x5a\x63\x64\x65\x66\x67\x68\x69\x6a\x73\x74\x75\x76\x77\x78\x79\x7a\x83\x84\x85\x86\x87\x88\x89\
    \x8a\x92\x93\x94\x95\x96\x97\x98\x99\x9a\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xb2\xb3\xb4\xb5\xb6\
    \xb7\xb8\xb9\xba\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xe1\xe2\
    \xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa";

/// The AC symbols of colour.
const COLOUR: [u8; 162] = *b"\
    \x00\x01\x02\x03\x11\x04\x05\x21\x31\x06\x12\x41\x51\x07\x61\x71\x13\x22\x32\x81\x08\x14\x42\x91\
    \xa1\xb1\xc1\x09\x23\x33\x52\xf0\x15\x62\x72\xd1\x0a\x16\x24\x34\xe1\x25\xf1\x17\x18\x19\x1a\x26\
    \x27\x28\x29\x2a\x35\x36\x37\x38\x39\x3a\x43\x44\x45\x46\x47\x48\x49\x4a\x53\x54\x55\x56\x57\x58\
    \x59\x5a\x63\x64\x65\x66\x67\x68\x69\x6a\x73\x74\x75\x76\x77\x78\x79\x7a\x82\x83\x84\x85\x86\x87\
    \x88\x89\x8a\x92\x93\x94\x95\x96\x97\x98\x99\x9a\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xb2\xb3\xb4\
    \xb5\xb6\xb7\xb8\xb9\xba\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\
    \xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa";

const SYMBOLS: [&[u8]; 4] = [&DC, &BRIGHT, &DC, &COLOUR];

/// The largest coefficients of 8 bit samples (F.1.2.1 and F.1.2.2): their sizes are 11 and 10 bits.
const LARGEST: i32 = 1023;
const LARGEST_STEP: i32 = 2047;

/// The end of a block, and sixteen zeros.
const END: u8 = 0x00;
const ZEROS: u8 = 0xf0;

/// A JPEG that grows up to a limit.
pub(super) struct Sink {
    bytes: Vec<u8>,
    most: usize,
    window: u64,
    held: u32,
    /// By table and symbol: the length of the code above its bits.
    codes: [[u32; 256]; 4],
}

impl Sink {
    pub(super) fn new(most: usize) -> Sink {
        let mut codes = [[0; 256]; 4];
        for (table, codes) in codes.iter_mut().enumerate() {
            let (mut code, mut symbols) = (0, SYMBOLS[table].iter());
            for (length, count) in (1_u32..).zip(COUNTS[table]) {
                for symbol in symbols.by_ref().take(usize::from(count)) {
                    codes[usize::from(*symbol)] = length << 16 | code;
                    code += 1;
                }
                code <<= 1;
            }
        }
        Sink { bytes: Vec::new(), most, window: 0, held: 0, codes }
    }

    /// Whether it grew beyond its limit.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() > self.most
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn marker(&mut self, code: u8) {
        self.bytes.extend_from_slice(&[0xff, code]);
    }

    /// A segment of at most 65 533 bytes.
    pub(super) fn segment(&mut self, code: u8, data: &[u8]) {
        self.marker(code);
        self.bytes.extend_from_slice(&(data.len() as u16 + 2).to_be_bytes());
        self.bytes.extend_from_slice(data);
    }

    /// The four tables (B.2.4.2).
    pub(super) fn tables(&mut self) {
        for (table, identity) in [0x00, 0x10, 0x01, 0x11].into_iter().enumerate() {
            let mut data = vec![identity];
            data.extend_from_slice(&COUNTS[table]);
            data.extend_from_slice(SYMBOLS[table]);
            self.segment(0xc4, &data);
        }
    }

    /// The first coefficient of a block, as the step from the one before it; `None` when no 8 bit samples
    /// make such a step. `colour` is 0 or 1.
    #[inline]
    pub(super) fn step(&mut self, colour: usize, step: i32) -> Option<()> {
        if step.abs() > LARGEST_STEP {
            return None;
        }
        self.coefficient(colour * 2, 0, step);
        Some(())
    }

    /// Another coefficient, after so many zeros.
    #[inline]
    pub(super) fn after(&mut self, colour: usize, zeros: usize, value: i32) {
        for _ in 0..zeros / 16 {
            self.symbol(colour * 2 + 1, ZEROS);
        }
        self.coefficient(colour * 2 + 1, (zeros % 16) as u8, value.clamp(-LARGEST, LARGEST));
    }

    /// Nothing but zeros is left in the block.
    pub(super) fn end(&mut self, colour: usize) {
        self.symbol(colour * 2 + 1, END);
    }

    /// A whole block, after the step of its first coefficient.
    pub(super) fn block(&mut self, colour: usize, step: i32, block: &[i16; 64]) -> Option<()> {
        self.step(colour, step)?;
        let mut last = 0;
        for (at, value) in block.iter().enumerate().skip(1) {
            if *value != 0 {
                self.after(colour, at - last - 1, i32::from(*value));
                last = at;
            }
        }
        if last < 63 {
            self.end(colour);
        }
        Some(())
    }

    /// Fills the last byte up with ones.
    pub(super) fn align(&mut self) {
        self.bits(0x7f, 7);
        self.held = 0;
    }

    fn coefficient(&mut self, table: usize, zeros: u8, value: i32) {
        let size = 32 - value.unsigned_abs().leading_zeros();
        self.symbol(table, zeros << 4 | size as u8);
        let bits = if value < 0 { value - 1 } else { value };
        self.bits(bits as u32 & ((1 << size) - 1), size);
    }

    fn symbol(&mut self, table: usize, symbol: u8) {
        let code = self.codes[table][usize::from(symbol)];
        self.bits(code & 0xffff, code >> 16);
    }

    fn bits(&mut self, bits: u32, count: u32) {
        self.window = self.window << count | u64::from(bits);
        self.held += count;
        while self.held >= 8 {
            self.held -= 8;
            let byte = (self.window >> self.held) as u8;
            self.bytes.push(byte);
            if byte == 0xff {
                self.bytes.push(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_have_a_code_for_every_symbol_of_8_bit_samples() {
        let sink = Sink::new(0);
        for colour in [0, 2] {
            for size in 0..=11 {
                assert_ne!(sink.codes[colour][size], 0, "{size}");
            }
            for symbol in 0..=0xff_u8 {
                let is_used = matches!(symbol & 15, 1..=10) || matches!(symbol, END | ZEROS);
                assert_eq!(sink.codes[colour + 1][usize::from(symbol)] != 0, is_used, "{symbol:02x}");
            }
        }
    }

    #[test]
    fn coefficients_are_read_as_they_were_written() {
        use super::super::read::{Source, Table};
        let mut sink = Sink::new(1000);
        let written = [(0, -1023), (5, 1), (40, 700), (15, -1), (16, 3)];
        for (zeros, value) in written {
            sink.after(1, zeros, value);
        }
        sink.end(1);
        sink.align();
        let bytes = sink.into_bytes();
        let table = Table::new(&COUNTS[3], SYMBOLS[3]).unwrap();
        let mut source = Source::new(&bytes);
        for (zeros, value) in written {
            let mut read = 0;
            let symbol = loop {
                match source.symbol(&table).unwrap() {
                    ZEROS => read += 16,
                    symbol => break symbol,
                }
            };
            assert_eq!(read + usize::from(symbol >> 4), zeros);
            assert_eq!(source.number(u32::from(symbol & 15)), Some(value));
        }
        assert_eq!((source.symbol(&table), source.align()), (Some(END), Some(())));
    }

    #[test]
    fn a_step_that_8_bits_cannot_make_is_refused() {
        let mut sink = Sink::new(1000);
        assert_eq!((sink.step(0, 2047), sink.step(0, -2048)), (Some(()), None));
    }
}
