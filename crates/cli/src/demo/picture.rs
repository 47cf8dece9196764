//! Pictures: written as PNG, shown in a terminal.

use std::io;
use std::path::Path;

/// Pixels, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 3]>,
}

/// The most bytes of a stored block of deflate (RFC 1951, section 3.2.4).
const STORED_BLOCK: usize = 65_535;

impl Picture {
    /// A picture without pixels yet.
    pub fn new(width: usize, height: usize) -> Picture {
        Picture { width, height, pixels: Vec::with_capacity(width * height) }
    }

    /// The next pixel.
    pub fn push(&mut self, pixel: [u8; 3]) {
        self.pixels.push(pixel);
    }

    /// Writes it as PNG (RFC 2083), uncompressed.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        std::fs::write(path, self.png())
    }

    fn png(&self) -> Vec<u8> {
        let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        let mut header = Vec::new();
        header.extend(side(self.width));
        header.extend(side(self.height));
        // Eight bits a channel, red green blue; no interlace.
        header.extend([8, 2, 0, 0, 0]);
        let mut rows = Vec::with_capacity(self.height * (self.width * 3 + 1));
        for row in self.pixels.chunks(self.width.max(1)) {
            rows.push(0);
            rows.extend(row.iter().flatten());
        }
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        chunk(&mut file, *b"IHDR", &header);
        chunk(&mut file, *b"IDAT", &zlib(&rows));
        chunk(&mut file, *b"IEND", &[]);
        file
    }

    /// It in so many columns of a terminal with 24-bit colours: two pixels a character.
    pub fn half_blocks(&self, columns: usize) -> String {
        let lines = (self.height * columns / self.width.max(1) / 2).max(1);
        let mut text = String::new();
        for line in 0..lines {
            for column in 0..columns {
                let [r, g, b] = self.mean(column, line * 2, columns, lines * 2);
                let [low_r, low_g, low_b] = self.mean(column, line * 2 + 1, columns, lines * 2);
                text.push_str(&format!("\x1b[38;2;{r};{g};{b};48;2;{low_r};{low_g};{low_b}m▀"));
            }
            text.push_str("\x1b[0m\n");
        }
        text
    }

    /// The mean colour of one cell of a grid laid over it.
    fn mean(&self, column: usize, row: usize, columns: usize, rows: usize) -> [u32; 3] {
        let span = |at: usize, of: usize, length: usize| {
            let from = at * length / of;
            from..((at + 1) * length / of).max(from + 1)
        };
        let mut sum = [0_u32; 3];
        let mut count = 0;
        for y in span(row, rows, self.height) {
            for x in span(column, columns, self.width) {
                let Some(pixel) = self.pixels.get(y * self.width + x) else { continue };
                sum.iter_mut().zip(pixel).for_each(|(sum, part)| *sum += u32::from(*part));
                count += 1;
            }
        }
        sum.map(|part| part / count.max(1))
    }
}

fn chunk(file: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    file.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let from = file.len();
    file.extend(name);
    file.extend(data);
    let sum = crc32fast::hash(file.get(from..).unwrap_or_default());
    file.extend(sum.to_be_bytes());
}

/// Bytes in stored blocks of deflate, in a zlib stream (RFC 1950).
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let blocks = bytes.len().div_ceil(STORED_BLOCK).max(1);
    for number in 0..blocks {
        let from = number * STORED_BLOCK;
        let block = bytes.get(from..(from + STORED_BLOCK).min(bytes.len())).unwrap_or_default();
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        stream.push(u8::from(number + 1 == blocks));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    stream.extend(adler32(bytes).to_be_bytes());
    stream
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in bytes {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    high << 16 | low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_png_has_its_parts_and_sums() {
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
        let mut picture = Picture::new(300, 100);
        (0..30_000_u32).for_each(|number| picture.push([number as u8, 7, 9]));
        let png = picture.png();
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x01\x2c\0\0\0\x64\x08\x02"));
        assert!(png.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"), "the sum of an empty IEND is known");
        let stored = 100 * 901;
        assert_eq!(png.len(), 8 + 25 + 12 + 12 + 2 + 2 * 5 + stored + 4, "two blocks");
    }

    #[test]
    fn a_thumbnail_keeps_colours() {
        let mut picture = Picture::new(4, 4);
        (0..16).for_each(|number| picture.push(if number < 8 { [200, 0, 0] } else { [0, 0, 100] }));
        assert_eq!(picture.half_blocks(1), "\x1b[38;2;200;0;0;48;2;0;0;100m▀\x1b[0m\n");
    }
}
