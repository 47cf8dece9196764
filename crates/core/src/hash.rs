//! Hashes: as hexadecimal text, of what is kept, and of numbers in tables.

pub use taskbell_ring::stable_hash;

use sha2::{Digest, Sha256};
use std::hash::{BuildHasherDefault, Hasher};

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

/// For tables whose keys are numbers that nobody outside chooses.
pub type NumberHash = BuildHasherDefault<NumberHasher>;

/// See [`NumberHash`].
#[derive(Debug, Default)]
pub struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        // A table takes the place from the lowest bits and a mark from the highest ones.
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number as u64);
    }
}
