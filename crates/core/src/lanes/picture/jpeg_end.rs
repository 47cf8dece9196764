//! Where a JPEG ends (ITU-T T.81, B.1.1 and B.2.1). Telephones write more behind it, a video or a second
//! picture, which goes before the picture itself loses anything. A decoder would show a file that is cut off
//! as far as it goes; such a file is sent as it is instead.

/// The end of a JPEG inside of its file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct JpegEnd {
    /// The bytes before it.
    pub(super) at: usize,
    pub(super) scans: usize,
}

const START: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;

impl JpegEnd {
    /// `None` for a file without an end.
    pub(super) fn find(bytes: &[u8]) -> Option<JpegEnd> {
        let mut at = 0;
        let mut scans = 0;
        loop {
            if *bytes.get(at)? != 0xff {
                return None;
            }
            let marker = *bytes.get(at + 1)?;
            at += 2;
            match marker {
                // Any number of these may stand before a marker.
                0xff => at -= 1,
                START | 0x01 => {}
                END => return Some(JpegEnd { at, scans }),
                _ => {
                    let length = bytes.get(at..at + 2)?;
                    at += usize::from(u16::from_be_bytes([length[0], length[1]]));
                    if marker == SCAN {
                        scans += 1;
                        at = after_scan(bytes, at)?;
                    }
                }
            }
        }
    }
}

/// The next marker that is neither a restart nor a stuffed byte.
fn after_scan(bytes: &[u8], from: usize) -> Option<usize> {
    let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7);
    bytes.get(from..)?.windows(2).position(is_marker).map(|found| from + found)
}

#[cfg(test)]
mod tests {
    use super::JpegEnd;

    /// A comment, restarts, stuffed bytes, fill bytes and a second scan.
    const JPEG: &[u8] = b"\xff\xd8\xff\xfe\0\x04no\xff\xda\0\x02a\xff\0\xff\xd1b\xff\xff\xda\0\x03x\xff\xd9";

    #[test]
    fn the_end_is_found_before_whatever_follows_it() {
        let expected = Some(JpegEnd { at: JPEG.len(), scans: 2 });
        assert_eq!(JpegEnd::find(JPEG), expected);
        assert_eq!(JpegEnd::find(&[JPEG, b"\0\xff\xd9more"].concat()), expected);
    }

    #[test]
    fn a_file_that_is_cut_off_anywhere_has_no_end() {
        for length in 0..JPEG.len() {
            assert_eq!(JpegEnd::find(&JPEG[..length]), None, "{length}");
        }
        assert_eq!(JpegEnd::find(b"\x89PNG"), None);
    }
}
