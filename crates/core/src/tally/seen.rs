//! The tasks of a batch that were counted already, so that one that is reported twice counts once.

use super::Status;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::collections::VecDeque;

/// How many tasks are remembered: the last ones, in 8 bytes each.
const MAX_SEEN: usize = 1024;

/// The bits of a hash that say how the task ended.
const STATUS_BITS: u64 = 3;

/// The hashes of the last task ids, each with how the task ended in its lowest bits.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    hashes: VecDeque<u64>,
}

impl Seen {
    /// Remembers a task; `false` when it is known already.
    pub fn add(&mut self, id: &str, status: Status) -> bool {
        let hash = fnv(id);
        if self.contains(hash) {
            return false;
        }
        self.push(hash & !STATUS_BITS | status as u64);
        true
    }

    /// Whether a task is known.
    pub fn knows(&self, id: &str) -> bool {
        self.contains(fnv(id))
    }

    /// Remembers what another process saw as well. Gives how those tasks ended there that were known here.
    pub fn join(&mut self, other: &Seen) -> Vec<Status> {
        let mut again = Vec::new();
        for hash in &other.hashes {
            if !self.contains(*hash) {
                self.push(*hash);
                continue;
            }
            again.push(match hash & STATUS_BITS {
                1 => Status::Error,
                2 => Status::Cancelled,
                _ => Status::Success,
            });
        }
        again
    }

    /// Whether these are all of so many tasks, and another process saw each of them as well.
    pub fn are_known_to(&self, other: &Seen, count: u64) -> bool {
        self.hashes.len() as u64 >= count && self.hashes.iter().all(|hash| other.contains(*hash))
    }

    fn contains(&self, hash: u64) -> bool {
        let same = |found: bool, known: &u64| found | ((known ^ hash) & !STATUS_BITS == 0);
        // Whole chunks without a way out between: the processor compares several at once.
        let (older, newer) = self.hashes.as_slices();
        older.chunks(64).chain(newer.chunks(64)).any(|chunk| chunk.iter().fold(false, same))
    }

    fn push(&mut self, hash: u64) {
        if self.hashes.len() >= MAX_SEEN {
            self.hashes.pop_front();
        }
        self.hashes.push_back(hash);
    }
}

/// FNV-1a in 64 bits: the same in every version, for the spool keeps it.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl Serialize for Seen {
    fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.hashes.iter().flat_map(|hash| hash.to_be_bytes()).collect();
        writer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let text = String::deserialize(reader)?;
        let bytes = STANDARD_NO_PAD.decode(text).map_err(D::Error::custom)?;
        let hash = |bytes: &[u8]| bytes.try_into().map(u64::from_be_bytes).unwrap_or_default();
        Ok(Seen { hashes: bytes.chunks_exact(8).take(MAX_SEEN).map(hash).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_known_for_as_long_as_there_is_room() {
        let mut seen = Seen::default();
        let add = |seen: &mut Seen, id: &str| seen.add(id, Status::Success);
        assert!(add(&mut seen, "a") && !add(&mut seen, "a") && seen.knows("a") && !seen.knows("b"));
        let text = serde_json::to_string(&seen).unwrap();
        let mut back: Seen = serde_json::from_str(&text).unwrap();
        assert_eq!(back, seen);
        for number in 0..MAX_SEEN {
            assert!(add(&mut back, &number.to_string()));
        }
        assert!(!back.knows("a") && back.knows("0"));
        let mut joined = Seen::default();
        add(&mut joined, "a");
        joined.join(&back);
        assert_eq!(joined.hashes.len(), MAX_SEEN);
        assert!(serde_json::from_str::<Seen>("\"%\"").is_err());
    }

    #[test]
    fn a_task_that_two_have_seen_is_known_with_how_it_ended_elsewhere() {
        let (mut here, mut there) = (Seen::default(), Seen::default());
        here.add("a", Status::Success);
        here.add("b", Status::Success);
        for (id, status) in [("b", Status::Error), ("a", Status::Cancelled), ("c", Status::Error)] {
            there.add(id, status);
        }
        assert!(
            here.are_known_to(&there, 2) && !here.are_known_to(&there, 3) && !there.are_known_to(&here, 2)
        );
        assert_eq!(here.join(&there), [Status::Error, Status::Cancelled]);
        assert!(here.knows("c") && here.hashes.len() == 3);
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!((fnv(""), fnv("a")), (0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c));
    }
}
