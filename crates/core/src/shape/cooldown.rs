//! Silence after a hook has fired, kept by hook and key.

use super::{Change, Cooled};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What the keys of cooldowns start with.
pub(super) const PREFIX: &str = "cool/";

/// The most keys that are remembered: they may come from a host's users.
const MAX_KEYS: usize = 4096;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Cooldown {
    hook: String,
    key: String,
    fired_at: i64,
    until: i64,
    silenced: u64,
}

/// Every cooldown that runs, and those that have something to tell.
#[derive(Debug, Clone, Default)]
pub(super) struct Cooldowns {
    running: BTreeMap<(String, String), Cooldown>,
    changed: Vec<(String, String)>,
}

impl Cooldowns {
    /// Whether a hook may fire for this key now; if so, its cooldown starts.
    pub fn ask(&mut self, hook: &str, key: &str, length: i64, now: i64) -> Cooled {
        let place = (hook.to_owned(), key.to_owned());
        self.changed.push(place.clone());
        if let Some(known) = self.running.get_mut(&place) {
            // A clock that was set back to before the firing must not silence a hook for long.
            if (known.fired_at..known.until).contains(&now) {
                known.silenced += 1;
                return Cooled::Silent;
            }
            let silenced = std::mem::take(&mut known.silenced);
            (known.fired_at, known.until) = (now, now.saturating_add(length));
            return Cooled::Fires(silenced);
        }
        if self.running.len() >= MAX_KEYS {
            self.make_room(now);
        }
        let cooldown = Cooldown {
            hook: place.0.clone(),
            key: place.1.clone(),
            fired_at: now,
            until: now.saturating_add(length),
            silenced: 0,
        };
        self.running.insert(place, cooldown);
        Cooled::Fires(0)
    }

    /// Takes back that a hook has fired for this key: nobody heard it. `silenced` is what it was to tell of.
    pub fn take_back(&mut self, hook: &str, key: &str, silenced: u64, now: i64) {
        let place = (hook.to_owned(), key.to_owned());
        if let Some(known) = self.running.get_mut(&place) {
            (known.until, known.silenced) = (now, silenced);
            self.changed.push(place);
        }
    }

    /// Forgets what has run out without anything to tell; if that is nothing, the one that ends first.
    fn make_room(&mut self, now: i64) {
        let mut out: Vec<_> = self
            .running
            .iter()
            .filter(|(_, known)| known.until <= now && known.silenced == 0)
            .map(|(place, _)| place.clone())
            .collect();
        if out.is_empty() {
            let first = self.running.iter().min_by_key(|(_, known)| known.until);
            out.extend(first.map(|(place, _)| place.clone()));
        }
        for place in out {
            self.running.remove(&place);
            self.changed.push(place);
        }
    }

    pub fn changes(&mut self, changes: &mut Vec<Change>) {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        changed.dedup();
        for place in changed {
            let value = self.running.get(&place).and_then(|known| serde_json::to_vec(known).ok());
            changes.push((state_key(&place), value));
        }
    }

    pub fn touch_all(&mut self) {
        self.changed.extend(self.running.keys().cloned());
    }

    pub fn restore(&mut self, kept: &[u8]) {
        let Ok(kept) = serde_json::from_slice::<Cooldown>(kept) else { return };
        let place = (kept.hook.clone(), kept.key.clone());
        self.changed.push(place.clone());
        match self.running.get_mut(&place) {
            Some(present) => {
                present.silenced += kept.silenced;
                present.fired_at = present.fired_at.min(kept.fired_at);
                present.until = present.until.max(kept.until);
            }
            None => {
                self.running.insert(place, kept);
            }
        }
    }
}

/// A key may be any text, and long.
fn state_key((hook, key): &(String, String)) -> String {
    let digest = Sha256::new().chain_update(hook).chain_update([0]).chain_update(key).finalize();
    let short: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{PREFIX}{short}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fires_once_per_key_and_time_and_tells_what_it_silenced() {
        let mut cooldowns = Cooldowns::default();
        let mut ask = |key: &str, now| cooldowns.ask("h", key, 600, now);
        assert_eq!(ask("a", 1_000), Cooled::Fires(0));
        assert_eq!(ask("a", 1_001), Cooled::Silent);
        assert_eq!(ask("b", 1_001), Cooled::Fires(0), "another thing");
        assert_eq!(ask("a", 1_599), Cooled::Silent);
        assert_eq!(ask("a", 1_600), Cooled::Fires(2));
        assert_eq!(ask("a", 2_200), Cooled::Fires(0));
        assert_eq!(ask("a", 1_000), Cooled::Fires(0), "the clock was set back");
        assert_eq!(cooldowns.ask("other", "a", 600, 1_001), Cooled::Fires(0), "another hook");
        assert_eq!(cooldowns.ask("h", "a", 600, 1_001), Cooled::Silent, "and this one's still runs");
    }

    #[test]
    fn keys_from_outside_cannot_grow_it_without_bound_and_leave_the_spool_with_it() {
        let mut cooldowns = Cooldowns::default();
        for number in 0..MAX_KEYS as i64 + 100 {
            cooldowns.ask("h", &number.to_string(), 1_000_000, number);
        }
        assert_eq!(cooldowns.running.len(), MAX_KEYS);
        let mut changes = Vec::new();
        cooldowns.changes(&mut changes);
        assert_eq!(changes.iter().filter(|(_, value)| value.is_none()).count(), 100);
        cooldowns.ask("h", "late", 1_000_000, 10_000_000);
        assert_eq!(cooldowns.running.len(), 1, "what ran out went all at once");
    }
}
