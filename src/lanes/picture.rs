//! A picture that is larger than its platform takes is made smaller: a generated PNG is often beyond the two
//! megabytes of a chat bot, and says as much as a JPEG; a JPEG says nearly as much with coarser steps.

use super::jpeg;
use crate::platform::Enclosure;
use jpeg_encoder::{ColorType as JpegColor, Encoder};
use png::{ColorType, Decoder, Limits, Transformations};
use std::io::Cursor;

/// The most pixels that are decoded: 100 megapixels, 300 MB.
const PIXELS: u64 = 100_000_000;

/// What is tried, one after the other: the quality of JPEG, and how often the picture is halved.
const TRIALS: [(u8, u32); 6] = [(90, 0), (75, 0), (85, 1), (70, 1), (75, 2), (75, 3)];

/// The picture in at most `most` bytes, in a form that the platform shows; `None` when it can stay as it is,
/// and otherwise the end of a sentence that begins with its name.
pub(super) fn fit(
    file: &Enclosure,
    most: u64,
    shows: &dyn Fn(&str) -> bool,
) -> Result<Option<Enclosure>, String> {
    let is_small = file.bytes.len() as u64 <= most;
    if is_small && shows(file.media) {
        return Ok(None);
    }
    if file.media == "image/jpeg"
        && !is_small
        && let Some(bytes) = jpeg::shrink(&file.bytes, most)
    {
        return Ok(Some(Enclosure { name: file.name.clone(), media: file.media, bytes }));
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
    let mut picture = Picture::decode(&file.bytes).ok_or_else(|| unfit("is no PNG that can be read"))?;
    let mut halved = 0;
    for (quality, halvings) in TRIALS {
        while halved < halvings {
            picture = picture.halved();
            halved += 1;
        }
        if let Some(bytes) = picture.encode(quality)
            && bytes.len() as u64 <= most
        {
            let stem = file.name.rsplit_once('.').map_or(file.name.as_str(), |(stem, _)| stem);
            return Ok(Some(Enclosure { name: format!("{stem}.jpg"), media: "image/jpeg", bytes }));
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
    /// A PNG of any kind, on white where it is transparent.
    fn decode(bytes: &[u8]) -> Option<Picture> {
        let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: 512 * 1024 * 1024 });
        decoder.set_transformations(Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().ok()?;
        let (width, height) = (reader.info().width, reader.info().height);
        if u64::from(width) * u64::from(height) > PIXELS {
            return None;
        }
        let mut pixels = vec![0; reader.output_buffer_size()?];
        let frame = reader.next_frame(&mut pixels).ok()?;
        pixels.truncate(frame.buffer_size());
        let on_white = |value: u8, alpha: u8| {
            ((u32::from(value) * u32::from(alpha) + 255 * (255 - u32::from(alpha))) / 255) as u8
        };
        let rgb = match frame.color_type {
            ColorType::Rgb => pixels,
            ColorType::Rgba => pixels
                .as_chunks::<4>()
                .0
                .iter()
                .flat_map(|[r, g, b, a]| [r, g, b].map(|value| on_white(*value, *a)))
                .collect(),
            ColorType::Grayscale => pixels.iter().flat_map(|value| [*value; 3]).collect(),
            ColorType::GrayscaleAlpha => {
                pixels.as_chunks::<2>().0.iter().flat_map(|[value, a]| [on_white(*value, *a); 3]).collect()
            }
            ColorType::Indexed => return None,
        };
        Some(Picture { width, height, rgb })
    }

    /// Half as wide and high; each pixel is the mean of four.
    fn halved(&self) -> Picture {
        let (width, height) = ((self.width / 2).max(1), (self.height / 2).max(1));
        let at = |x: u32, y: u32, part: usize| {
            let (x, y) = (x.min(self.width - 1), y.min(self.height - 1));
            let index = (y as usize * self.width as usize + x as usize) * 3 + part;
            u32::from(self.rgb.get(index).copied().unwrap_or_default())
        };
        let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
        for y in 0..height {
            for x in 0..width {
                for part in 0..3 {
                    let (left, top) = (x * 2, y * 2);
                    let sum = at(left, top, part)
                        + at(left + 1, top, part)
                        + at(left, top + 1, part)
                        + at(left + 1, top + 1, part);
                    rgb.push((sum / 4) as u8);
                }
            }
        }
        Picture { width, height, rgb }
    }

    /// As a JPEG; `None` when it is wider or higher than one can be.
    fn encode(&self, quality: u8) -> Option<Vec<u8>> {
        let (width, height) = (u16::try_from(self.width).ok()?, u16::try_from(self.height).ok()?);
        let mut bytes = Vec::new();
        Encoder::new(&mut bytes, quality).encode(&self.rgb, width, height, JpegColor::Rgb).ok()?;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PNG that does not compress.
    fn noise(side: u32, color: ColorType, depth: png::BitDepth) -> Enclosure {
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
        Enclosure { name: "a.png".into(), media: "image/png", bytes }
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
        let broken = Enclosure { bytes: file.bytes[..200].to_vec(), ..file.clone() };
        assert!(fit(&broken, 100, &any).unwrap_err().contains("no PNG that can be read"));
        let gif = Enclosure { media: "image/gif", bytes: vec![0; 50], ..file.clone() };
        assert!(fit(&gif, 10, &any).unwrap_err().contains("larger than the 10 bytes"));
        assert!(fit(&gif, 100, &|media| media == "image/png").unwrap_err().contains("does not show"));
    }

    #[test]
    fn transparent_pixels_lie_on_white() {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
        encoder.set_color(ColorType::Rgba);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&[10, 20, 30, 0, 10, 20, 30, 255]).unwrap();
        writer.finish().unwrap();
        assert_eq!(Picture::decode(&bytes).unwrap().rgb, [255, 255, 255, 10, 20, 30]);
    }
}
