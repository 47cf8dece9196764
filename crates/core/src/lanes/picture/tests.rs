use super::*;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ExtendedColorType, ImageFormat};
use proptest::prelude::*;

const COLOURS: [(ExtendedColorType, usize); 7] = [
    (ExtendedColorType::Rgb8, 3),
    (ExtendedColorType::Rgba8, 4),
    (ExtendedColorType::L8, 1),
    (ExtendedColorType::La8, 2),
    (ExtendedColorType::Rgb16, 6),
    (ExtendedColorType::Rgba16, 8),
    (ExtendedColorType::La16, 4),
];

fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

fn png(side: u32, color: ExtendedColorType, bytes_per_pixel: usize) -> Attachment {
    let mut bytes = Vec::new();
    let pixels = noise((side * side) as usize * bytes_per_pixel);
    PngEncoder::new(&mut bytes).write_image(&pixels, side, side, color).unwrap();
    Attachment { name: "a.png".into(), media: "image/png", bytes }
}

fn jpeg(side: u32) -> Attachment {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 95);
    encoder.set_exif_metadata(b"II*\0\x08\0\0\0\0\0\0\0\0\0".to_vec()).unwrap();
    encoder.set_icc_profile(vec![7; 200]).unwrap();
    encoder.write_image(&noise((side * side * 3) as usize), side, side, ExtendedColorType::Rgb8).unwrap();
    Attachment { name: "a.jpg".into(), media: "image/jpeg", bytes }
}

fn all(_: &str) -> bool {
    true
}

fn shown(file: &Attachment, limit: usize) -> (u32, u32) {
    assert!(file.bytes.len() <= limit, "{} of {limit}", file.bytes.len());
    assert_eq!((file.name.as_str(), file.media), ("a.jpg", "image/jpeg"));
    let picture = image::load_from_memory_with_format(&file.bytes, ImageFormat::Jpeg).unwrap();
    (picture.width(), picture.height())
}

#[test]
fn a_picture_that_fits_stays_as_it_is() {
    assert_eq!(fit(&png(16, ExtendedColorType::Rgb8, 3), 100_000, &all), Ok(None));
}

#[test]
fn a_large_picture_of_any_kind_becomes_a_jpeg_within_the_limit() {
    for (color, bytes_per_pixel) in COLOURS {
        let file = png(300, color, bytes_per_pixel);
        assert!(file.bytes.len() > 40_000);
        let small = fit(&file, 40_000, &all).unwrap().unwrap();
        shown(&small, 40_000);
    }
    let mut webp = Attachment { name: "a.webp".into(), media: "image/webp", bytes: Vec::new() };
    let pixels = noise(300 * 300 * 3);
    WebPEncoder::new_lossless(&mut webp.bytes)
        .write_image(&pixels, 300, 300, ExtendedColorType::Rgb8)
        .unwrap();
    shown(&fit(&webp, 40_000, &all).unwrap().unwrap(), 40_000);
    let unshown = |media: &str| media != "image/webp";
    assert_eq!(shown(&fit(&webp, 1 << 20, &unshown).unwrap().unwrap(), 1 << 20), (300, 300));
}

#[test]
fn a_jpeg_keeps_its_sides_its_exif_and_its_profile() {
    let file = jpeg(203);
    let limit = file.bytes.len() * 2 / 3;
    let small = fit(&file, limit as u64, &all).unwrap().unwrap();
    assert_eq!(shown(&small, limit), (203, 203));
    assert!(small.bytes.len() > limit / 2, "no smaller than it must be");
    let metadata = |file: &Attachment| {
        let mut decoder = JpegDecoder::new(Cursor::new(&file.bytes)).unwrap();
        (decoder.exif_metadata().unwrap(), decoder.icc_profile().unwrap())
    };
    assert_eq!(metadata(&small), metadata(&file));
    assert!(metadata(&small).0.is_some() && metadata(&small).1.is_some());
}

/// A picture of 20 by 10 pixels whose left half is red.
fn write_half_red(mut encoder: impl ImageEncoder, exif: Vec<u8>) {
    let samples: Vec<u8> =
        (0..200).flat_map(|at| if at % 20 < 10 { [230, 0, 0] } else { [0, 0, 230] }).collect();
    encoder.set_exif_metadata(exif).unwrap();
    encoder.write_image(&samples, 20, 10, ExtendedColorType::Rgb8).unwrap();
}

#[test]
fn a_thumbnail_is_the_way_up_that_the_exif_of_its_picture_says() {
    for (exif, sides, red) in [
        (1, (20, 10), (3, 5)),
        (2, (20, 10), (16, 5)),
        (3, (20, 10), (16, 5)),
        (4, (20, 10), (3, 5)),
        (5, (10, 20), (5, 3)),
        (6, (10, 20), (5, 3)),
        (7, (10, 20), (5, 16)),
        (8, (10, 20), (5, 16)),
    ] {
        let mut file = Attachment { name: "a.jpg".into(), media: "image/jpeg", bytes: Vec::new() };
        let encoder = JpegEncoder::new_with_quality(&mut file.bytes, 95);
        write_half_red(encoder, exif_of(Orientation::from_exif(exif).unwrap()));
        let small = thumbnail(&file, 20).unwrap();
        assert_eq!(small.dimensions(), sides, "{exif}");
        let [r, _, b] = small.get_pixel(red.0, red.1).0;
        assert!(r > 180 && b < 60, "{exif}: {r} {b}");
    }
}

#[test]
fn a_picture_with_more_exif_than_a_jpeg_takes_stays_the_way_up_it_is() {
    let mut file = Attachment { name: "a.png".into(), media: "image/png", bytes: Vec::new() };
    let long = [exif_of(Orientation::Rotate90), vec![7; MAX_EXIF]].concat();
    write_half_red(PngEncoder::new(&mut file.bytes), long);
    let small = fit(&file, 4000, &all).unwrap().unwrap();
    assert_eq!(shown(&small, 4000), (20, 10));
    let mut decoder = JpegDecoder::new(Cursor::new(&small.bytes)).unwrap();
    assert_eq!(decoder.orientation().unwrap(), Orientation::Rotate90);
}

#[test]
fn what_follows_a_jpeg_goes_before_any_of_it() {
    let file = jpeg(64);
    let longer = Attachment { bytes: [file.bytes.as_slice(), &[7; 5000]].concat(), ..file.clone() };
    let small = fit(&longer, file.bytes.len() as u64, &all).unwrap().unwrap();
    assert_eq!(small.bytes, file.bytes);
}

#[test]
fn a_picture_is_halved_when_no_quality_is_enough() {
    let file = png(300, ExtendedColorType::Rgb8, 3);
    let small = fit(&file, 10_000, &all).unwrap().unwrap();
    assert!(shown(&small, 10_000).0 < 300);
    for (sides, halved) in [((5, 4), (2, 2)), ((1, 9), (1, 4)), ((1, 1), (1, 1))] {
        let pixels = DynamicImage::new_rgb8(sides.0, sides.1);
        let mut picture =
            DecodedPicture { pixels, icc_profile: None, exif: None, orientation: Orientation::NoTransforms };
        picture.halve();
        assert_eq!((picture.pixels.width(), picture.pixels.height()), halved);
    }
}

#[test]
fn the_error_says_why_a_picture_is_not_made_smaller() {
    let file = png(64, ExtendedColorType::Rgb8, 3);
    let error = |file: &Attachment, limit| fit(file, limit, &all).unwrap_err();
    assert!(error(&file, 10).contains("could not be made small enough"));
    let cut = Attachment { bytes: file.bytes[..200].to_vec(), ..file.clone() };
    assert!(error(&cut, 100).contains("cannot be decoded"));
    let whole = jpeg(64);
    let cut = Attachment { bytes: whole.bytes[..whole.bytes.len() - 2].to_vec(), ..whole };
    assert!(error(&cut, 100).contains("cut off"));
    let gif = Attachment { media: "image/gif", bytes: vec![0; 50], ..file };
    assert!(error(&gif, 10).contains("larger than the 10 bytes"));
    assert!(fit(&gif, 100, &|media| media == "image/png").unwrap_err().contains("does not show"));
}

/// The start of a grey PNG of these sides, which is all that is read before its size is judged.
fn announced(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::new(&mut bytes, width, height).write_header().unwrap();
    writer.write_chunk(png::chunk::IDAT, &[0x78, 0x9c]).unwrap();
    drop(writer);
    bytes
}

#[test]
fn a_picture_of_more_pixels_than_the_budget_is_not_decoded() {
    let side = 15_811;
    assert!(side * side < BUDGET - 1000 && (side + 1) * (side + 1) > BUDGET);
    let many = "has more pixels than are decoded to make it smaller";
    for (width, height, padding, error) in [
        (side, side, 0, "cannot be decoded"),
        (side + 1, side + 1, 0, many),
        (side, side, 10_000, many),
        (100_000, 100_000, 0, many),
    ] {
        let bytes = [announced(width as u32, height as u32), vec![0; padding]].concat();
        let file = Attachment { name: "a.png".into(), media: "image/png", bytes };
        assert_eq!(shrink(&file, 10), Err(error), "{width} x {height} + {padding}");
    }
}

#[test]
fn transparent_pixels_become_white_and_samples_of_16_bits_are_rounded() {
    let flattened = |color, samples: &[u8]| on_white(2, 1, color, samples.to_vec()).unwrap().into_bytes();
    let rgba = [10, 20, 30, 0, 10, 20, 30, 255];
    assert_eq!(flattened(ColorType::Rgba8, &rgba), [255, 255, 255, 10, 20, 30]);
    assert_eq!(flattened(ColorType::La8, &[10, 0, 10, 255]), [255, 10]);
    let wide: Vec<u8> = [0x0a0a_u16, 0, 0x0a90, u16::MAX].into_iter().flat_map(u16::to_ne_bytes).collect();
    assert_eq!(flattened(ColorType::La16, &wide), [255, 11]);
}

/// A picture, of which some bytes are others.
fn damaged() -> impl Strategy<Value = Attachment> {
    let files = vec![jpeg(24), png(24, ExtendedColorType::Rgba8, 4)];
    let hits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    let length = any::<prop::sample::Index>();
    (prop::sample::select(files), hits, length).prop_map(|(mut file, hits, length)| {
        for (at, byte) in hits {
            let at = at.index(file.bytes.len());
            file.bytes[at] = byte;
        }
        file.bytes.truncate(length.index(file.bytes.len() * 2).max(2));
        file
    })
}

proptest! {
    #![proptest_config(crate::property::cases(300))]

    #[test]
    fn a_damaged_picture_is_refused_or_within_the_limit(file in damaged(), limit in 0..5000_u64) {
        if let Ok(Some(small)) = fit(&file, limit, &all) {
            prop_assert!(small.bytes.len() as u64 <= limit);
        }
    }
}
