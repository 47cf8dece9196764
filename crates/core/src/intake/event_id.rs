//! Unique ids of instances and events.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use taskbell_ring::{EventId, mix};

/// 2^128 divided by the golden ratio, made odd: consecutive tickets land far apart.
const STRIDE: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// Random numbers drawn once, when an intake opens.
#[derive(Clone, Copy)]
pub(super) struct EventIdSource {
    ids: u128,
    name: u64,
    key: u64,
}

impl EventIdSource {
    /// Draws random bytes from the system. Without any, mixes the clock, the process and a counter: not
    /// secret, but still unique.
    pub fn draw() -> EventIdSource {
        let mut bytes = [0_u8; 32];
        if getrandom::fill(&mut bytes).is_err() {
            bytes = Self::of_circumstances();
        }
        let [a, b, c, d] = std::array::from_fn(|part| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[part * 8..part * 8 + 8]);
            u64::from_le_bytes(word)
        });
        EventIdSource { ids: u128::from(a) << 64 | u128::from(b), name: c, key: d }
    }

    fn of_circumstances() -> [u8; 32] {
        static DRAWN: AtomicU64 = AtomicU64::new(0);
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
        let pid = u64::from(std::process::id());
        let mut state = mix(nanos) ^ mix(pid << 32 | DRAWN.fetch_add(1, Ordering::Relaxed));
        let mut bytes = [0; 32];
        for part in bytes.chunks_exact_mut(8) {
            state = mix(state.wrapping_add(STRIDE as u64));
            part.copy_from_slice(&state.to_le_bytes());
        }
        bytes
    }

    /// The instance's id: 16 hexadecimal digits.
    pub fn instance(&self) -> String {
        format!("{:016x}", self.name)
    }

    /// The key of the ring's checksums.
    pub fn key(&self) -> u64 {
        self.key
    }

    /// The id of the event with this ticket. Within an instance every step is invertible, so two tickets
    /// never give one id; two instances differ by 128 random bits.
    pub fn id(&self, unix_ms: i64, ticket: u64) -> EventId {
        let mut number = self.ids.wrapping_add(u128::from(ticket).wrapping_mul(STRIDE));
        number ^= number >> 67;
        number = number.wrapping_mul(0xda94_2042_e4dd_58b5_94d0_49bb_1331_11eb);
        number ^= number >> 61;
        number = number.wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645);
        number ^= number >> 64;
        EventId::new(unix_ms, number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_repeat_neither_within_an_instance_nor_between_instances() {
        let mut seen = HashSet::new();
        for seed in [EventIdSource::draw(), EventIdSource::draw(), EventIdSource::draw()] {
            for ticket in 1..=20_000 {
                assert!(seen.insert(seed.id(1_700_000_000_000, ticket * 8)), "ticket {ticket}");
            }
        }
    }

    #[test]
    fn an_instance_is_named_by_16_hexadecimal_digits() {
        let name = EventIdSource::draw().instance();
        assert_eq!(name.len(), 16);
        assert!(name.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_ne!(name, EventIdSource::draw().instance());
        assert_ne!(EventIdSource::of_circumstances(), EventIdSource::of_circumstances());
    }
}
