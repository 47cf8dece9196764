//! Makes a picture that is larger than its platform takes smaller, as a JPEG: a generated PNG is often beyond
//! the two megabytes of a chat bot, and shows as much as a JPEG.
//!
//! Pictures may be of any size, or damaged: the process decodes one at a time, within [`BUDGET`], and a panic
//! of a decoder is an error like any other.

mod jpeg_end;
#[cfg(test)]
mod tests;

use crate::os::ForkSafeLock;
use crate::platform::Attachment;
use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageBuffer, ImageDecoder, ImageEncoder, Limits, RgbImage, imageops};
use jpeg_end::JpegEnd;
use std::io::Cursor;
use std::panic::{self, AssertUnwindSafe};

/// The memory for one picture in bytes: its file, what is decoded of it, and the decoder's buffers.
const BUDGET: u64 = 250_000_000;

/// The qualities tried at each size.
const QUALITIES: [u8; 6] = [95, 90, 83, 75, 60, 40];

/// How often a picture is halved before it is given up.
const MAX_HALVINGS: u32 = 3;

/// The most that fits into the one segment that a JPEG has for Exif.
const MAX_EXIF: usize = 65_000;

/// For the sake of the host's memory.
static ONE_AT_A_TIME: ForkSafeLock = ForkSafeLock::new();

/// The picture in at most `limit` bytes, of a media type that the platform shows. `None` when it can stay as it
/// is; an error is the end of a sentence that begins with the file's name.
///
/// Sides (unless it must be halved), orientation and colour profile stay. Transparent parts become white.
pub(super) fn fit(
    file: &Attachment,
    limit: u64,
    shows: &dyn Fn(&str) -> bool,
) -> Result<Option<Attachment>, String> {
    let is_small = file.bytes.len() as u64 <= limit;
    if is_small && shows(file.media) {
        return Ok(None);
    }
    let misfit = if is_small {
        format!("is of a kind ({}) that the platform does not show", file.media)
    } else {
        format!("is larger than the {limit} bytes that the platform takes ({})", file.bytes.len())
    };
    let _turn = ONE_AT_A_TIME.lock();
    let shrunk = panic::catch_unwind(AssertUnwindSafe(|| shrink(file, limit)));
    match shrunk.unwrap_or(Err("cannot be decoded")) {
        Ok(bytes) => {
            let stem = file.name.rsplit_once('.').map_or(file.name.as_str(), |(stem, _)| stem);
            Ok(Some(Attachment { name: format!("{stem}.jpg"), media: "image/jpeg", bytes }))
        }
        Err(reason) => Err(format!("{misfit}, and {reason}")),
    }
}

/// The picture within a square of this side, in colours, and the way up that its Exif says. An error is the end of a
/// sentence that begins with the file's name.
pub(super) fn thumbnail(file: &Attachment, side: u32) -> Result<RgbImage, &'static str> {
    let _turn = ONE_AT_A_TIME.lock();
    let shrunk = panic::catch_unwind(AssertUnwindSafe(|| {
        let picture = decode(file)?;
        let pixels = picture.pixels.into_rgb8();
        let longer = u64::from(pixels.width().max(pixels.height()).max(1));
        let scaled =
            |length: u32| ((u64::from(length) * u64::from(side) + longer / 2) / longer).max(1) as u32;
        let (width, height) = (scaled(pixels.width()), scaled(pixels.height()));
        Ok(turned(imageops::thumbnail(&pixels, width, height), picture.orientation))
    }));
    shrunk.unwrap_or(Err("cannot be decoded"))
}

/// The methods of `DynamicImage` do the same for ten kinds of pixels, which all would be part of the library.
fn turned(picture: RgbImage, orientation: Orientation) -> RgbImage {
    match orientation {
        Orientation::NoTransforms => picture,
        Orientation::Rotate90 => imageops::rotate90(&picture),
        Orientation::Rotate180 => imageops::rotate180(&picture),
        Orientation::Rotate270 => imageops::rotate270(&picture),
        Orientation::FlipHorizontal => imageops::flip_horizontal(&picture),
        Orientation::FlipVertical => imageops::flip_vertical(&picture),
        Orientation::Rotate90FlipH => imageops::flip_horizontal(&imageops::rotate90(&picture)),
        Orientation::Rotate270FlipH => imageops::flip_horizontal(&imageops::rotate270(&picture)),
    }
}

/// Exif that says nothing but which way up a picture is: a TIFF of one entry, the tag 0x0112 of the type SHORT.
fn exif_of(orientation: Orientation) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend_from_slice(&[orientation.to_exif(), 0, 0, 0, 0, 0, 0, 0]);
    exif
}

fn decode(file: &Attachment) -> Result<DecodedPicture, &'static str> {
    match file.media {
        "image/png" => {
            let mut limits = Limits::no_limits();
            limits.max_alloc = Some(BUDGET);
            let decoder = PngDecoder::with_limits(Cursor::new(&file.bytes), limits);
            let decoder = decoder.map_err(|_| "cannot be decoded")?;
            DecodedPicture::decode(Box::new(decoder), 3 * file.bytes.len(), 0)
        }
        "image/webp" => {
            let decoder = WebPDecoder::new(Cursor::new(&file.bytes)).map_err(|_| "cannot be decoded")?;
            if decoder.has_animation() {
                return Err("is animated");
            }
            DecodedPicture::decode(Box::new(decoder), 2 * file.bytes.len(), 4)
        }
        "image/jpeg" => {
            let end = JpegEnd::find(&file.bytes).ok_or("is cut off or damaged")?;
            let bytes = file.bytes.get(..end.at).unwrap_or_default();
            let decoder = JpegDecoder::new(Cursor::new(bytes)).map_err(|_| "cannot be decoded")?;
            // A picture in several scans is kept as coefficients of two bytes, of at most four components.
            let coefficients = if end.scans > 1 { 8 } else { 0 };
            DecodedPicture::decode(Box::new(decoder), 2 * file.bytes.len(), coefficients)
        }
        _ => Err("is not a PNG, JPEG or WebP"),
    }
}

fn shrink(file: &Attachment, limit: u64) -> Result<Vec<u8>, &'static str> {
    if file.media == "image/jpeg" {
        let end = JpegEnd::find(&file.bytes).ok_or("is cut off or damaged")?;
        if end.at as u64 <= limit {
            return Ok(file.bytes.get(..end.at).unwrap_or_default().to_vec());
        }
    }
    let mut picture = decode(file)?;
    for halvings in 0..=MAX_HALVINGS {
        if halvings > 0 {
            picture.halve();
        }
        if let Some(bytes) = QUALITIES.into_iter().find_map(|quality| picture.encode(quality, limit)) {
            return Ok(bytes);
        }
    }
    Err("could not be made small enough")
}

struct DecodedPicture {
    pixels: DynamicImage,
    icc_profile: Option<Vec<u8>>,
    exif: Option<Vec<u8>>,
    orientation: Orientation,
}

impl DecodedPicture {
    /// Decoding takes `file_bytes` and `bytes_per_pixel` in addition to the pixels.
    fn decode(
        mut decoder: Box<dyn ImageDecoder + '_>,
        file_bytes: usize,
        bytes_per_pixel: u64,
    ) -> Result<DecodedPicture, &'static str> {
        let (width, height) = decoder.dimensions();
        let pixels = u64::from(width).saturating_mul(u64::from(height));
        let buffers = pixels.saturating_mul(bytes_per_pixel).saturating_add(file_bytes as u64);
        if decoder.total_bytes().saturating_add(buffers) > BUDGET {
            return Err("has more pixels than are decoded to make it smaller");
        }
        // A JPEG is written as grey or RGB, which a profile for CMYK does not describe.
        let icc_profile = decoder.icc_profile().ok().flatten();
        let icc_profile = icc_profile.filter(|profile| profile.get(16..20) != Some(b"CMYK"));
        let exif = decoder.exif_metadata().ok().flatten();
        let orientation = exif.as_deref().and_then(Orientation::from_exif_chunk);
        let orientation = orientation.unwrap_or(Orientation::NoTransforms);
        let exif = exif.map(|exif| if exif.len() > MAX_EXIF { exif_of(orientation) } else { exif });
        let (color, mut samples) = (decoder.color_type(), vec![0; decoder.total_bytes() as usize]);
        decoder.read_image(&mut samples).map_err(|_| "cannot be decoded")?;
        let pixels = on_white(width, height, color, samples).ok_or("cannot be decoded")?;
        Ok(DecodedPicture { pixels, icc_profile, exif, orientation })
    }

    fn halve(&mut self) {
        let (width, height) = ((self.pixels.width() / 2).max(1), (self.pixels.height() / 2).max(1));
        self.pixels = match &self.pixels {
            DynamicImage::ImageLuma8(grey) => imageops::thumbnail(grey, width, height).into(),
            DynamicImage::ImageRgb8(rgb) => imageops::thumbnail(rgb, width, height).into(),
            _ => return,
        };
    }

    /// `None` when it is larger than `limit` bytes, or has longer sides than a JPEG can have.
    fn encode(&self, quality: u8, limit: u64) -> Option<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(limit).ok()?];
        let mut output = Cursor::new(bytes.as_mut_slice());
        let mut encoder = JpegEncoder::new_with_quality(&mut output, quality);
        if let Some(profile) = &self.icc_profile {
            encoder.set_icc_profile(profile.clone()).ok()?;
        }
        if let Some(exif) = &self.exif {
            encoder.set_exif_metadata(exif.clone()).ok()?;
        }
        let (width, height) = (self.pixels.width(), self.pixels.height());
        encoder.write_image(self.pixels.as_bytes(), width, height, self.pixels.color().into()).ok()?;
        let length = output.position() as usize;
        bytes.truncate(length);
        Some(bytes)
    }
}

/// As grey or RGB of 8 bits, in place.
fn on_white(width: u32, height: u32, color: ColorType, mut samples: Vec<u8>) -> Option<DynamicImage> {
    if color.bytes_per_pixel() > color.channel_count() {
        samples = of_8_bits(samples);
    }
    let grey = |samples| ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLuma8);
    let rgb = |samples| ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgb8);
    match color.channel_count() {
        1 => grey(samples),
        2 => grey(without_alpha::<1>(samples)),
        3 => rgb(samples),
        _ => rgb(without_alpha::<3>(samples)),
    }
}

/// The samples of 16 bits, rounded.
fn of_8_bits(mut samples: Vec<u8>) -> Vec<u8> {
    let count = samples.len() / 2;
    for at in 0..count {
        let sample = u16::from_ne_bytes([samples[2 * at], samples[2 * at + 1]]);
        samples[at] = ((u32::from(sample) + 128) / 257) as u8;
    }
    samples.truncate(count);
    samples
}

/// `COLOURS` samples a pixel remain of those and an alpha behind them.
fn without_alpha<const COLOURS: usize>(mut samples: Vec<u8>) -> Vec<u8> {
    let pixels = samples.len() / (COLOURS + 1);
    for pixel in 0..pixels {
        let from = pixel * (COLOURS + 1);
        let alpha = u32::from(samples[from + COLOURS]);
        for colour in 0..COLOURS {
            let value = u32::from(samples[from + colour]);
            samples[pixel * COLOURS + colour] = ((value * alpha + 255 * (255 - alpha)) / 255) as u8;
        }
    }
    samples.truncate(pixels * COLOURS);
    samples
}
