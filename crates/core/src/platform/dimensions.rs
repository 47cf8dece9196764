//! The width and height of a picture, from its first bytes.

/// In pixels; `None` where its kind is not read, or it does not say.
pub(super) fn dimensions(media: &str, bytes: &[u8]) -> Option<(u32, u32)> {
    match media {
        "image/png" => Some((big_endian(bytes, 16, 4)?, big_endian(bytes, 20, 4)?)),
        "image/jpeg" => jpeg(bytes),
        _ => None,
    }
}

/// The header of the frame, behind any segments of other kinds (ITU-T T.81, B.1.1.4 and B.2.2).
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        if *bytes.get(at)? != 0xff {
            return None;
        }
        let marker = *bytes.get(at + 1)?;
        match marker {
            // Markers may be filled up by any number of these.
            0xff => at += 1,
            // Tables and differential frames share the range with frames.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                return Some((big_endian(bytes, at + 7, 2)?, big_endian(bytes, at + 5, 2)?));
            }
            _ => at = at.checked_add(2 + big_endian(bytes, at + 2, 2)? as usize)?,
        }
    }
}

fn big_endian(bytes: &[u8], at: usize, length: usize) -> Option<u32> {
    let digits = bytes.get(at..at.checked_add(length)?)?;
    Some(digits.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_says_how_large_it_is() {
        let mut png = Vec::new();
        png::Encoder::new(&mut png, 300, 2).write_header().unwrap();
        assert_eq!(dimensions("image/png", &png), Some((300, 2)));
        let mut jpeg = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut jpeg, 80);
        encoder.encode(&[9; 24 * 5], 24, 5, jpeg_encoder::ColorType::Luma).unwrap();
        assert_eq!(dimensions("image/jpeg", &jpeg), Some((24, 5)));
        assert_eq!(dimensions("image/webp", &png), None);
    }

    #[test]
    fn a_picture_that_is_cut_or_broken_says_nothing() {
        assert_eq!(dimensions("image/png", b"\x89PNG\r\n\x1a\n"), None);
        for bytes in
            [&b"\xff\xd8\xff"[..], b"\xff\xd8\xff\xe0\0\x10", b"\xff\xd8\xff\xe0\0\0\0", b"\xff\xd8\xff\xff"]
        {
            assert_eq!(dimensions("image/jpeg", bytes), None);
        }
    }
}
