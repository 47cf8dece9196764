//! The layout of a record in the ring, and the checks that recognise one.
//!
//! A record starts at a multiple of 8 bytes and consists of little-endian 64-bit words:
//!
//! | word | holds |
//! |---|---|
//! | 0 | the state: bits 0 to 30 the length in bytes, bit 31 set once committed, bits 32 to 63 a check |
//! | 1 | bits 0 to 31 the length of the type, bits 32 to 63 a check of both lengths |
//! | 2 | the time of acceptance, Unix milliseconds |
//! | 3, 4 | the id |
//! | 5 … | the type, padded to a word; then the payload, padded to a word |
//!
//! The state is 0 before anything is written, then *reserved* with the length, then *committed*; its
//! check is then the CRC-32 of the payload, which starts from a hash of words 1 to 4 and the type: a CRC of a few bytes
//! takes as long as that of a whole payload.
//! Every check starts from the ring's random key and from the record's own position, which counts
//! all bytes since the ring was created. So neither bytes of an earlier round nor bytes inside a payload
//! pass for a record.

use crate::{EventId, Record, mix};

/// The words before the type.
pub const HEAD_WORDS: usize = 5;
const HEAD_BYTES: u64 = HEAD_WORDS as u64 * 8;
const COMMITTED: u64 = 1 << 31;
const LENGTH: u64 = COMMITTED - 1;

/// The lengths of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    kind: u32,
    length: u32,
}

impl Extent {
    /// The extent of a record with a type and a payload of these lengths; `None` when the total exceeds
    /// 31 bits.
    pub fn of(kind: usize, payload: usize) -> Option<Extent> {
        let kind = u32::try_from(kind).ok()?;
        let length = (HEAD_BYTES + padded(u64::from(kind))).checked_add(payload as u64)?;
        (length <= LENGTH - 8).then_some(Extent { kind, length: length as u32 })
    }

    /// Bytes in the ring.
    pub fn span(self) -> u64 {
        padded(u64::from(self.length))
    }

    fn payload(self) -> Option<u64> {
        u64::from(self.length).checked_sub(HEAD_BYTES + padded(u64::from(self.kind)))
    }
}

/// What a position of the ring holds.
pub enum RingSlot {
    /// Nothing was reserved there.
    Empty,
    /// Reserved and not committed; its length in bytes.
    Reserved(u64),
    /// A record, and its length in bytes.
    Committed(u64, Record),
    /// No check fits.
    Damaged,
}

/// The words of a ring, by their positions.
pub trait RingWords {
    /// The word at this position.
    fn word(&self, at: u64) -> u64;

    /// So many words from this position on, in bytes.
    fn words(&self, at: u64, count: usize) -> Vec<[u8; 8]> {
        (0..count as u64).map(|index| self.word(at + index * 8).to_le_bytes()).collect()
    }
}

impl<F: Fn(u64) -> u64> RingWords for F {
    fn word(&self, at: u64) -> u64 {
        self(at)
    }
}

/// The checks of one ring.
#[derive(Debug, Clone, Copy)]
pub struct Seal {
    key: u64,
}

impl Seal {
    /// The checks that start from this key.
    pub fn new(key: u64) -> Seal {
        Seal { key }
    }

    /// The state word of a reservation.
    pub fn reserved(self, at: u64, shape: Extent) -> u64 {
        u64::from(shape.length) | u64::from(self.check(at, shape.length, 0)) << 32
    }

    /// Words 1 to 4.
    pub fn head(self, at: u64, shape: Extent, accepted_at: i64, id: EventId) -> [u64; HEAD_WORDS - 1] {
        let id = u128::from_be_bytes(*id.as_bytes());
        let lengths = u64::from(shape.kind) | u64::from(self.lengths(at, shape)) << 32;
        [lengths, accepted_at as u64, (id >> 64) as u64, id as u64]
    }

    /// The state word of a committed record.
    pub fn committed(
        self,
        at: u64,
        shape: Extent,
        head: &[u64; HEAD_WORDS - 1],
        kind: &[u8],
        payload: &[u8],
    ) -> u64 {
        // Each step can be undone, so a word that differs gives another sum.
        let add = |sum: u64, word: u64| (sum.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut start = head.iter().fold(self.key ^ at, |sum, word| add(sum, *word));
        for part in kind.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            start = add(start, u64::from_le_bytes(word));
        }
        let mut sum = crc32fast::Hasher::new_with_initial(mix(start) as u32);
        sum.update(payload);
        u64::from(shape.length) | COMMITTED | u64::from(sum.finalize()) << 32
    }

    fn lengths(self, at: u64, shape: Extent) -> u32 {
        self.check(at, shape.length, u64::from(shape.kind) + 1)
    }

    fn check(self, at: u64, length: u32, kind: u64) -> u32 {
        (mix(mix(self.key ^ at) ^ u64::from(length) ^ kind << 31) >> 32) as u32
    }

    /// Inspects position `at`; a record there has at most `limit` bytes.
    pub fn inspect(self, at: u64, limit: u64, words: &impl RingWords) -> RingSlot {
        let state = words.word(at);
        let length = state & LENGTH;
        let span = padded(length);
        if state == 0 {
            return RingSlot::Empty;
        } else if length < HEAD_BYTES || span > limit {
            return RingSlot::Damaged;
        } else if state & COMMITTED == 0 {
            let expected = u64::from(self.check(at, length as u32, 0));
            return if state >> 32 == expected { RingSlot::Reserved(span) } else { RingSlot::Damaged };
        }
        match self.open(at, state, words) {
            Some(record) => RingSlot::Committed(span, record),
            None => RingSlot::Damaged,
        }
    }

    fn open(self, at: u64, state: u64, words: &impl RingWords) -> Option<Record> {
        let head: [u64; HEAD_WORDS - 1] = std::array::from_fn(|index| words.word(at + 8 + index as u64 * 8));
        let shape = Extent { kind: head[0] as u32, length: (state & LENGTH) as u32 };
        // Check the lengths before trusting them. The check is cheap: a search through damage must not
        // compute a checksum at each step.
        if head[0] >> 32 != u64::from(self.lengths(at, shape)) {
            return None;
        }
        let payload_bytes = shape.payload()?;
        let kind_at = at + HEAD_BYTES;
        let kind = bytes(kind_at, u64::from(shape.kind), words);
        let payload = bytes(kind_at + padded(u64::from(shape.kind)), payload_bytes, words);
        if state != self.committed(at, shape, &head, &kind, &payload) {
            return None;
        }
        let id = u128::from(head[2]) << 64 | u128::from(head[3]);
        Some(Record {
            ticket: at + shape.span(),
            id: EventId::from_bytes(id.to_be_bytes()),
            accepted_at: head[1] as i64,
            kind: String::from_utf8(kind).ok()?,
            payload,
        })
    }
}

fn padded(bytes: u64) -> u64 {
    bytes.next_multiple_of(8)
}

fn bytes(at: u64, length: u64, words: &impl RingWords) -> Vec<u8> {
    let mut bytes = words.words(at, (padded(length) / 8) as usize).into_flattened();
    bytes.truncate(length as usize);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: u64 = 4096 * 3 + 8;

    fn image(seal: Seal, kind: &str, payload: &[u8]) -> Vec<u64> {
        let shape = Extent::of(kind.len(), payload.len()).unwrap();
        let head = seal.head(AT, shape, 1_700_000_000_123, EventId::new(7, 9));
        let mut words = vec![seal.committed(AT, shape, &head, kind.as_bytes(), payload)];
        words.extend(head);
        for part in [kind.as_bytes(), payload] {
            for chunk in part.chunks(8) {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                words.push(u64::from_le_bytes(word));
            }
        }
        assert_eq!(words.len() as u64 * 8, shape.span());
        words
    }

    fn inspect(seal: Seal, words: &[u64], at: u64) -> RingSlot {
        let word = |position: u64| words.get(((position - at) / 8) as usize).copied().unwrap_or(0);
        seal.inspect(at, words.len() as u64 * 8, &word)
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let seal = Seal::new(42);
        for payload in [&b""[..], b"{}", b"12345678", b"{\"a\":\"123456\"}"] {
            let words = image(seal, "task.complete", payload);
            let RingSlot::Committed(span, record) = inspect(seal, &words, AT) else {
                panic!("not committed")
            };
            assert_eq!(span, words.len() as u64 * 8);
            assert_eq!((record.ticket, record.id), (AT + span, EventId::new(7, 9)));
            assert_eq!((record.kind.as_str(), record.payload.as_slice()), ("task.complete", payload));
            assert_eq!(record.accepted_at, 1_700_000_000_123);
        }
    }

    #[test]
    fn a_record_is_none_at_another_position_or_under_another_key() {
        let words = image(Seal::new(42), "task.complete", b"{\"id\":1}");
        assert!(matches!(inspect(Seal::new(42), &words, AT + 65_536), RingSlot::Damaged));
        assert!(matches!(inspect(Seal::new(43), &words, AT), RingSlot::Damaged));
    }

    #[test]
    fn each_check_depends_on_key_position_and_lengths() {
        let shape = |kind, payload| Extent::of(kind, payload).unwrap();
        let checks = |key, at, shape: Extent| {
            let seal = Seal::new(key);
            // The same words throughout: only where the sum starts differs.
            let committed = seal.committed(at, shape, &[1, 2, 3, 4], b"kind", b"payload");
            [seal.reserved(at, shape), seal.head(at, shape, 5, EventId::new(7, 9))[0], committed]
                .map(|word| word >> 32)
        };
        let base = checks(42, AT, shape(4, 7));
        for other in [checks(43, AT, shape(4, 7)), checks(42, AT + 65_536, shape(4, 7))] {
            assert!(base.iter().zip(other).all(|(one, another)| *one != another));
        }
        assert_ne!(base[0], checks(42, AT, shape(4, 15))[0]);
        assert_ne!(base[1], checks(42, AT, shape(5, 7))[1]);
        assert_ne!(base[1], checks(42, AT, shape(4, 15))[1]);
    }

    #[test]
    fn no_single_flipped_bit_goes_unseen() {
        let seal = Seal::new(42);
        let words = image(seal, "task.complete", b"{\"id\":12345678}.");
        for bit in 0..words.len() * 64 {
            let mut changed = words.clone();
            changed[bit / 64] ^= 1 << (bit % 64);
            let padding = bit / 64 == HEAD_WORDS + 1 && bit % 64 >= 40;
            let whole = matches!(inspect(seal, &changed, AT), RingSlot::Committed(..));
            assert_eq!(whole, padding, "bit {bit}");
        }
    }

    #[test]
    fn a_length_that_no_ring_holds_has_no_shape() {
        assert_eq!(Extent::of(0, usize::MAX), None);
        assert_eq!(Extent::of(usize::MAX, 0), None);
        assert_eq!(Extent::of(13, 1 << 31), None);
        assert_eq!(Extent::of(13, 3).unwrap().span(), 40 + 16 + 8);
    }
}
