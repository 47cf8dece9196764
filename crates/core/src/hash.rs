//! Hashes as hexadecimal text.

use ring::digest::{SHA256, digest};

/// The first `digits` hexadecimal digits of a SHA-256; all of them are 64.
pub fn sha256_hex(content: impl AsRef<[u8]>, digits: usize) -> String {
    let mut text = hex(digest(&SHA256, content.as_ref()).as_ref());
    text.truncate(digits);
    text
}

/// Two hexadecimal digits for each byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
