//! Hashes: as hexadecimal text, and of what is kept.

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

/// FNV-1a in 64 bits: the same in every process and every version.
pub fn stable_hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
