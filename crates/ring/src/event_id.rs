//! The id of an event, and a number for texts such as this one.

use crate::mix;
use std::fmt;

/// The id of an event: a UUIDv7 (RFC 9562, section 5.7), unchanged over retries and restarts.
/// Written as `evt_` and 32 hexadecimal digits; it is the `webhook-id` a receiver sees.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId([u8; 16]);

impl EventId {
    /// An id for this instant; the caller gives 74 random bits that no other event has.
    pub fn new(unix_ms: i64, random: u128) -> Self {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&(unix_ms.max(0) as u64).to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random.to_be_bytes()[6..]);
        bytes[6] = 0x70 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        EventId(bytes)
    }

    /// A new id for this instant.
    pub fn random(unix_ms: i64) -> Self {
        let part = || u128::from(getrandom::u64().unwrap_or_default());
        EventId::new(unix_ms, part() << 64 | part())
    }

    /// The id with these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        EventId(bytes)
    }

    /// The bytes of the UUID.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// When it was made, in Unix milliseconds.
    pub fn unix_ms(&self) -> i64 {
        let [a, b, c, d, e, f, ..] = self.0;
        i64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }

    /// A number for it that is the same in every process.
    pub fn stable_hash(&self) -> u64 {
        let number = u128::from_be_bytes(self.0);
        mix((number >> 64) as u64 ^ number as u64)
    }

    /// The written form. What `to_string` gives, which takes four times as long.
    pub fn written(&self) -> String {
        String::from_utf8(self.text().to_vec()).unwrap_or_default()
    }

    fn text(&self) -> [u8; 36] {
        let mut text = *b"evt_00000000000000000000000000000000";
        let [_, _, _, _, digits @ ..] = &mut text;
        let (pairs, _) = digits.as_chunks_mut::<2>();
        for (pair, byte) in pairs.iter_mut().zip(self.0) {
            *pair = DIGITS[usize::from(byte)];
        }
        text
    }

    /// Parses the written form.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("evt_")?;
        if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        u128::from_str_radix(digits, 16).ok().map(|number| EventId(number.to_be_bytes()))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Each byte in two hexadecimal digits.
const DIGITS: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    pairs
};

/// FNV-1a in 64 bits: the same in every process and every version.
pub fn stable_hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_version_7_uuid_and_survives_its_written_form() {
        let id = EventId::new(1_614_265_330_123, u128::MAX);
        let text = id.to_string();
        assert_eq!(text, "evt_0177d9b629cb7fffbfffffffffffffff");
        assert_eq!((EventId::parse(&text), id.unix_ms()), (Some(id), 1_614_265_330_123));
        assert!(EventId::new(1, 0) < EventId::new(2, 0), "ids sort by time");
        for bad in ["", "evt_", "evt_+177d9ba1a4b7fffbfffffffffffffff", "0177d9b629cb7fffbfffffffffffffff"] {
            assert_eq!(EventId::parse(bad), None, "{bad}");
        }
    }
}
