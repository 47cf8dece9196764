//! Hashes: as hexadecimal text, and of what is kept.

pub use taskbell_ring::stable_hash;

use sha2::{Digest, Sha256};

/// The first `digits` hexadecimal digits of a SHA-256; all of them are 64.
pub fn sha256_hex(content: impl AsRef<[u8]>, digits: usize) -> String {
    let mut text = hex(&Sha256::digest(content));
    text.truncate(digits);
    text
}

/// Two hexadecimal digits for each byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
