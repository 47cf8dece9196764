//! Whether a file goes to a platform as a picture that is shown, as a document, or not at all.

use super::picture;
use crate::platform::{Attachment, Platform};
use std::ops::RangeInclusive;

/// The file as its platform takes it: as a picture where it can be shown, made smaller if needed, else as a
/// document. An error is the end of a sentence that begins with the file's name.
pub(super) fn pack(file: Attachment, platform: &dyn Platform) -> Result<Attachment, String> {
    let description = platform.description();
    let unfit = match description.file_limit.filter(|_| file.media.starts_with("image/")) {
        Some(most) => match picture::fit(&file, most, &|media| description.shows(media)) {
            Ok(None) => return Ok(file),
            // One whose sides are not shown goes unchanged.
            Ok(Some(smaller)) if smaller.media != file.media || platform.is_picture(&smaller) => {
                return Ok(smaller);
            }
            Ok(Some(_)) => None,
            Err(fault) => Some(fault),
        },
        None => None,
    };
    let Some(sizes) = &description.document_sizes else {
        return Err(
            unfit.unwrap_or_else(|| "is not a picture, and the platform takes nothing else".to_owned())
        );
    };
    match misfit(file.bytes.len() as u64, sizes) {
        None => Ok(file),
        Some(fault) => Err(unfit.unwrap_or(fault)),
    }
}

/// Why a platform takes no document of this size; `None` when it takes it.
fn misfit(size: u64, sizes: &RangeInclusive<u64>) -> Option<String> {
    let (least, most) = (sizes.start(), sizes.end());
    match size {
        0 => Some("is empty".to_owned()),
        size if size < *least => {
            Some(format!("is smaller than the {least} bytes that the platform requires ({size})"))
        }
        size if size > *most => {
            Some(format!("is larger than the {most} bytes that the platform takes ({size})"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::by_name;

    fn packed(platform: &str, media: &'static str, size: usize) -> Result<usize, String> {
        let file = Attachment { name: "a.x".into(), media, bytes: vec![7; size] };
        pack(file, by_name(platform).unwrap()).map(|file| file.bytes.len())
    }

    #[test]
    fn a_file_goes_where_its_platform_takes_one_of_its_size() {
        const MIB: usize = 1 << 20;
        let plain = "application/octet-stream";
        for (platform, media, size, fault) in [
            ("wecom", plain, 5, Some("smaller than the 6 bytes")),
            ("wecom", plain, 6, None),
            ("wecom", plain, 20 * MIB, None),
            ("wecom", plain, 20 * MIB + 1, Some("larger than the 20971520 bytes")),
            ("wecom", "image/gif", 100, None),
            ("wecom", "image/jpeg", 3 * MIB, None),
            ("telegram", plain, 0, Some("is empty")),
            ("telegram", plain, 50 * MIB, None),
            ("telegram", plain, 50 * MIB + 1, Some("larger than the 52428800 bytes")),
            ("telegram", "image/jpeg", 11 * MIB, None),
            ("telegram", "image/png", 11 * MIB, None),
            ("discord", plain, 10 * MIB, None),
            ("discord", plain, 10 * MIB + 1, Some("larger than")),
            ("discord", "image/jpeg", 10 * MIB + 1, Some("larger than")),
            ("slack", plain, 10, Some("takes nothing else")),
        ] {
            match (packed(platform, media, size), fault) {
                (Ok(length), None) => assert_eq!(length, size, "{platform} {media} {size}"),
                (Err(reason), Some(fault)) => assert!(reason.contains(fault), "{platform}: {reason}"),
                (other, _) => panic!("{platform} {media} {size}: {other:?}"),
            }
        }
    }
}
