//! A picture that is larger than its platform takes is made smaller: a generated PNG is often beyond the two
//! megabytes of a chat bot, and says as much as a JPEG; a JPEG says nearly as much with coarser steps.

use super::jpeg;
use crate::platform::Attachment;
use jpeg_encoder::{ColorType as JpegColor, Encoder};
use png::{ColorType, Decoder, InterlaceInfo, Limits, Transformations, expand_interlaced_row};
use std::io::{self, Cursor, Write};

/// The most bytes of a file and of what is decoded of it together: 44 megapixels of a small file, 22 of one that
/// is as large as it may be. With the new file and the rows in between it stays below 150 MB: the memory is the
/// host's.
pub(super) const BUDGET: usize = 132_000_000;

/// The most bytes of rows and notes that the decoder holds.
const ROWS: usize = 4 * 1024 * 1024;

/// What is tried, one after the other: the quality of JPEG, and how often the picture is halved.
const TRIALS: [(u8, u32); 6] = [(90, 0), (75, 0), (85, 1), (70, 1), (75, 2), (75, 3)];

/// The picture in at most `most` bytes, in a form that the platform shows; `None` when it can stay as it is,
/// and otherwise the end of a sentence that begins with its name.
pub(super) fn fit(
    file: &Attachment,
    most: u64,
    shows: &dyn Fn(&str) -> bool,
) -> Result<Option<Attachment>, String> {
    let is_small = file.bytes.len() as u64 <= most;
    if is_small && shows(file.media) {
        return Ok(None);
    }
    if file.media == "image/jpeg"
        && !is_small
        && let Some(bytes) = jpeg::shrink(&file.bytes, most)
    {
        return Ok(Some(Attachment { name: file.name.clone(), media: file.media, bytes }));
    }
    if file.media != "image/png" {
        let size = file.bytes.len();
        return Err(if is_small {
            format!("is of a kind ({}) that the platform does not show", file.media)
        } else {
            format!("is larger than the {most} bytes that the platform takes ({size})")
        });
    }
    let unfit = |why: &str| format!("is larger than the {most} bytes that the platform takes, and {why}");
    let mut picture = Picture::decode(&file.bytes).map_err(unfit)?;
    let mut halved = 0;
    for (quality, halvings) in TRIALS {
        while halved < halvings {
            picture.halve();
            halved += 1;
        }
        if let Some(bytes) = picture.encode(quality, most) {
            let stem = file.name.rsplit_once('.').map_or(file.name.as_str(), |(stem, _)| stem);
            return Ok(Some(Attachment { name: format!("{stem}.jpg"), media: "image/jpeg", bytes }));
        }
    }
    Err(unfit("could not be made small enough"))
}

/// Rows of red, green and blue.
struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Picture {
    /// A PNG of any kind, on white where it is transparent; why not, as the end of a sentence.
    fn decode(bytes: &[u8]) -> Result<Picture, &'static str> {
        let broken = |_| "is no PNG that can be read";
        let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: ROWS });
        decoder.set_transformations(Transformations::normalize_to_color8());
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        let mut reader = decoder.read_info().map_err(broken)?;
        let (width, height) = (reader.info().width, reader.info().height);
        let size = u64::from(width).saturating_mul(u64::from(height)).saturating_mul(3);
        if size.saturating_add(bytes.len() as u64) > BUDGET as u64 {
            return Err("has more pixels than are decoded to make it smaller");
        }
        let stride = width as usize * 3;
        let mut rgb = vec![0; size as usize];
        let color = reader.output_color_type().0;
        let mut colours = Vec::with_capacity(stride);
        let mut start = 0;
        while let Some(row) = reader.next_interlaced_row().map_err(broken)? {
            colours.clear();
            flatten(row.data(), color, &mut colours);
            match row.interlace() {
                InterlaceInfo::Null(_) => {
                    if let Some(line) = rgb.get_mut(start..start + colours.len()) {
                        line.copy_from_slice(&colours);
                    }
                    start += stride;
                }
                InterlaceInfo::Adam7(pass) => expand_interlaced_row(&mut rgb, stride, &colours, pass, 24),
            }
        }
        Ok(Picture { width, height, rgb })
    }

    /// Half as wide and high, in place; each pixel is the mean of four.
    fn halve(&mut self) {
        let (width, height) = ((self.width / 2).max(1), (self.height / 2).max(1));
        let index = |x: u32, y: u32, part: usize| {
            let (x, y) = (x.min(self.width - 1), y.min(self.height - 1));
            (y as usize * self.width as usize + x as usize) * 3 + part
        };
        let mut end = 0;
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let (left, top) = (x * 2, y * 2);
            for part in 0..3 {
                let corners = [(left, top), (left + 1, top), (left, top + 1), (left + 1, top + 1)];
                let at = |(x, y)| u32::from(self.rgb.get(index(x, y, part)).copied().unwrap_or_default());
                let sum: u32 = corners.into_iter().map(at).sum();
                // What is written here was read before: it stands behind what is still to be read.
                if let Some(place) = self.rgb.get_mut(end) {
                    *place = (sum / 4) as u8;
                }
                end += 1;
            }
        }
        self.rgb.truncate(end);
        (self.width, self.height) = (width, height);
    }

    /// As a JPEG of at most `most` bytes; `None` when it is larger, or wider or higher than one can be.
    fn encode(&self, quality: u8, most: u64) -> Option<Vec<u8>> {
        let (width, height) = (u16::try_from(self.width).ok()?, u16::try_from(self.height).ok()?);
        let mut sink = Sink { bytes: Vec::new(), most };
        Encoder::new(&mut sink, quality).encode(&self.rgb, width, height, JpegColor::Rgb).ok()?;
        Some(sink.bytes)
    }
}

/// Adds the pixels of a row, of whatever colours, as red, green and blue on white.
fn flatten(row: &[u8], color: ColorType, rgb: &mut Vec<u8>) {
    // A palette is looked up by the decoder.
    let samples = if color == ColorType::Indexed { 3 } else { color.samples() };
    for pixel in row.chunks_exact(samples) {
        let (colours, alpha) = match *pixel {
            [grey] => ([grey; 3], 255),
            [grey, alpha] => ([grey; 3], alpha),
            [r, g, b] => ([r, g, b], 255),
            [r, g, b, alpha] => ([r, g, b], alpha),
            _ => continue,
        };
        let alpha = u32::from(alpha);
        let on_white = |value: u8| ((u32::from(value) * alpha + 255 * (255 - alpha)) / 255) as u8;
        rgb.extend_from_slice(&colours.map(on_white));
    }
}

/// A file in memory that refuses to grow beyond what may be.
struct Sink {
    bytes: Vec<u8>,
    most: u64,
}

impl Write for Sink {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if (self.bytes.len() + part.len()) as u64 > self.most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PNG that does not compress.
    fn noise(side: u32, color: ColorType, depth: png::BitDepth) -> Attachment {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, side, side);
        encoder.set_color(color);
        encoder.set_depth(depth);
        let mut writer = encoder.write_header().unwrap();
        let per_pixel = color.samples() * if depth == png::BitDepth::Sixteen { 2 } else { 1 };
        let mut state = 1_u32;
        let pixels: Vec<u8> = (0..(side * side) as usize * per_pixel)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        writer.write_image_data(&pixels).unwrap();
        writer.finish().unwrap();
        Attachment { name: "a.png".into(), media: "image/png", bytes }
    }

    fn any(_: &str) -> bool {
        true
    }

    #[test]
    fn a_picture_that_fits_stays_as_it_is() {
        let file = noise(16, ColorType::Rgb, png::BitDepth::Eight);
        assert_eq!(fit(&file, 100_000, &any), Ok(None));
    }

    #[test]
    fn a_large_png_of_any_kind_becomes_a_jpeg_within_the_limit() {
        for (color, depth) in [
            (ColorType::Rgb, png::BitDepth::Eight),
            (ColorType::Rgba, png::BitDepth::Eight),
            (ColorType::Rgb, png::BitDepth::Sixteen),
            (ColorType::Grayscale, png::BitDepth::Eight),
            (ColorType::GrayscaleAlpha, png::BitDepth::Eight),
        ] {
            let file = noise(300, color, depth);
            let most = 40_000;
            assert!(file.bytes.len() > most);
            let small = fit(&file, most as u64, &any).unwrap().unwrap();
            assert!(small.bytes.len() <= most && small.bytes.starts_with(&[0xff, 0xd8, 0xff]), "{color:?}");
            assert_eq!((small.name.as_str(), small.media), ("a.jpg", "image/jpeg"));
        }
    }

    #[test]
    fn what_cannot_be_made_smaller_is_told() {
        let file = noise(64, ColorType::Rgb, png::BitDepth::Eight);
        assert!(fit(&file, 10, &any).unwrap_err().contains("could not be made small enough"));
        let broken = Attachment { bytes: file.bytes[..200].to_vec(), ..file.clone() };
        assert!(fit(&broken, 100, &any).unwrap_err().contains("no PNG that can be read"));
        let gif = Attachment { media: "image/gif", bytes: vec![0; 50], ..file.clone() };
        assert!(fit(&gif, 10, &any).unwrap_err().contains("larger than the 10 bytes"));
        assert!(fit(&gif, 100, &|media| media == "image/png").unwrap_err().contains("does not show"));
    }

    /// The start of a grey PNG of these sides, which is all that must be read to know its size.
    fn announced(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = png::Encoder::new(&mut bytes, width, height).write_header().unwrap();
        writer.write_chunk(png::chunk::IDAT, &[0x78, 0x9c]).unwrap();
        drop(writer);
        bytes
    }

    #[test]
    fn a_picture_of_more_pixels_than_the_memory_of_a_host_may_hold_is_not_decoded() {
        let side = 6630;
        assert!((side * side * 3 + 100) as usize <= BUDGET && side * (side + 10) * 3 > BUDGET as u32);
        let many = "has more pixels than are decoded to make it smaller";
        for (width, height, padding, fault) in [
            (side, side, 0, "is no PNG that can be read"),
            (side, side + 10, 0, many),
            (side, side, 1_000_000, many),
            (100_000, 100_000, 0, many),
            (0x7fff_ffff, 0x7fff_ffff, 0, "is no PNG that can be read"),
        ] {
            let bytes = [announced(width, height), vec![0; padding]].concat();
            assert_eq!(Picture::decode(&bytes).err(), Some(fault), "{width} x {height} + {padding}");
        }
        let file = Attachment { name: "a.png".into(), media: "image/png", bytes: announced(10_000, 10_000) };
        let told = "is larger than the 10 bytes that the platform takes, and has more pixels than";
        assert!(fit(&file, 10, &any).unwrap_err().starts_with(told));
    }

    #[test]
    fn a_picture_is_halved_to_the_means_of_its_pixels() {
        let mut picture = Picture { width: 5, height: 4, rgb: (0..60).collect() };
        picture.halve();
        // The first of them is the mean of 0, 3, 15 and 18.
        let means = [9, 10, 11, 15, 16, 17, 39, 40, 41, 45, 46, 47];
        assert_eq!((picture.width, picture.height, picture.rgb.as_slice()), (2, 2, &means[..]));
        for (width, height) in [(1, 1), (1, 9), (9, 1)] {
            let mut line = Picture { width, height, rgb: vec![7; (width * height * 3) as usize] };
            line.halve();
            let sides = ((width / 2).max(1), (height / 2).max(1));
            assert_eq!(
                (line.width, line.height, line.rgb.len() as u32),
                (sides.0, sides.1, sides.0 * sides.1 * 3)
            );
            assert!(line.rgb.iter().all(|value| *value == 7));
        }
    }

    #[test]
    fn transparent_pixels_lie_on_white() {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
        encoder.set_color(ColorType::Rgba);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&[10, 20, 30, 0, 10, 20, 30, 255]).unwrap();
        writer.finish().unwrap();
        assert_eq!(Picture::decode(&bytes).map(|picture| picture.rgb).unwrap(), [255, 255, 255, 10, 20, 30]);
    }
}
