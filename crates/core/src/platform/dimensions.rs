//! The width and height of a picture, from its first bytes.

use super::Attachment;
use imagesize::blob_size;

/// In pixels; `None` where they cannot be read.
pub(super) fn dimensions(file: &Attachment) -> Option<(u32, u32)> {
    let size = blob_size(&file.bytes).ok()?;
    Some((size.width.try_into().ok()?, size.height.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ExtendedColorType, ImageFormat};

    fn of(bytes: &[u8]) -> Option<(u32, u32)> {
        dimensions(&Attachment { name: "a".into(), media: "image/png", bytes: bytes.to_vec() })
    }

    #[test]
    fn the_first_bytes_of_a_picture_are_enough() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let mut bytes = std::io::Cursor::new(Vec::new());
            let pixels = [9; 24 * 5 * 3];
            image::write_buffer_with_format(&mut bytes, &pixels, 24, 5, ExtendedColorType::Rgb8, format)
                .unwrap();
            assert_eq!(of(bytes.get_ref()), Some((24, 5)), "{format:?}");
        }
        let mut header = Vec::new();
        png::Encoder::new(&mut header, 300, 2).write_header().unwrap();
        assert_eq!(of(&header), Some((300, 2)));
    }

    #[test]
    fn a_picture_that_is_cut_or_broken_has_no_dimensions() {
        assert_eq!(of(b"\x89PNG\r\n\x1a\n"), None);
        for bytes in
            [&b"\xff\xd8\xff"[..], b"\xff\xd8\xff\xe0\0\x10", b"\xff\xd8\xff\xe0\0\0\0", b"\xff\xd8\xff\xff"]
        {
            assert_eq!(of(bytes), None);
        }
    }
}
