//! Cooldowns: after a match, further matches of the same hook and key are suppressed for a time.

use crate::hash::sha256_hex;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// The prefix of cooldowns' state keys.
pub(super) const PREFIX: &str = "cool/";

/// Remembered keys: they may come from a host's users, so their number is bounded.
const MAX_KEYS: usize = 4096;

/// A change for the spool: the end of the key, and the new value, or `None` to delete it.
pub type ShapingChange = (String, Option<Vec<u8>>);

/// What a cooldown says to a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CooldownResult {
    /// It passes. The number of matches suppressed since the last one that passed.
    Pass(u64),
    Suppressed,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Cooldown {
    hook: String,
    key: String,
    passed_at: i64,
    until: i64,
    suppressed: u64,
}

/// Running cooldowns, and ended ones that have suppressed matches to report.
#[derive(Debug, Clone, Default)]
pub(super) struct Cooldowns {
    running: HashMap<(String, String), Cooldown>,
    changed: HashSet<(String, String)>,
}

impl Cooldowns {
    /// Passes or suppresses a match; one that passes starts the cooldown.
    pub fn ask(&mut self, hook: &str, key: &str, length: i64, now: i64) -> CooldownResult {
        let scope = (hook.to_owned(), key.to_owned());
        self.changed.insert(scope.clone());
        if let Some(known) = self.running.get_mut(&scope) {
            // A clock that was set back must not extend the cooldown.
            if (known.passed_at..known.until).contains(&now) {
                known.suppressed += 1;
                return CooldownResult::Suppressed;
            }
            let suppressed = std::mem::take(&mut known.suppressed);
            (known.passed_at, known.until) = (now, now.saturating_add(length));
            return CooldownResult::Pass(suppressed);
        }
        if self.running.len() >= MAX_KEYS {
            self.make_room(now);
        }
        let cooldown = Cooldown {
            hook: scope.0.clone(),
            key: scope.1.clone(),
            passed_at: now,
            until: now.saturating_add(length),
            suppressed: 0,
        };
        self.running.insert(scope, cooldown);
        CooldownResult::Pass(0)
    }

    /// When the cooldown of this key ends.
    pub fn end_of(&self, hook: &str, key: &str) -> Option<i64> {
        self.running.get(&(hook.to_owned(), key.to_owned())).map(|known| known.until)
    }

    /// Ends the cooldown of a match whose message could not be rendered; the next one reports `suppressed`.
    pub fn take_back(&mut self, hook: &str, key: &str, suppressed: u64, now: i64) {
        let scope = (hook.to_owned(), key.to_owned());
        if let Some(known) = self.running.get_mut(&scope) {
            (known.until, known.suppressed) = (now, suppressed);
            self.changed.insert(scope);
        }
    }

    /// Forgets ended cooldowns without suppressed matches; if there are none, the one that ends first.
    fn make_room(&mut self, now: i64) {
        let mut out: Vec<_> = self
            .running
            .iter()
            .filter(|(_, known)| known.until <= now && known.suppressed == 0)
            .map(|(scope, _)| scope.clone())
            .collect();
        if out.is_empty() {
            let first = self.running.iter().min_by_key(|(_, known)| known.until);
            out.extend(first.map(|(scope, _)| scope.clone()));
        }
        for scope in out {
            self.running.remove(&scope);
            self.changed.insert(scope);
        }
    }

    pub fn changes(&mut self, changes: &mut Vec<ShapingChange>) {
        for scope in std::mem::take(&mut self.changed) {
            let value = self.running.get(&scope).and_then(|known| serde_json::to_vec(known).ok());
            changes.push((state_key(&scope), value));
        }
    }

    pub fn touch_all(&mut self) {
        self.changed.extend(self.running.keys().cloned());
    }

    pub fn restore(&mut self, kept: &[u8]) {
        let Ok(kept) = serde_json::from_slice::<Cooldown>(kept) else { return };
        let scope = (kept.hook.clone(), kept.key.clone());
        self.changed.insert(scope.clone());
        match self.running.get_mut(&scope) {
            Some(present) => {
                present.suppressed += kept.suppressed;
                present.passed_at = present.passed_at.min(kept.passed_at);
                present.until = present.until.max(kept.until);
            }
            None => {
                self.running.insert(scope, kept);
            }
        }
    }
}

/// A fixed length, since a key may be any text.
fn state_key((hook, key): &(String, String)) -> String {
    format!("{PREFIX}{}", sha256_hex(format!("{hook}\0{key}"), 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_match_passes_per_key_and_time_and_reports_the_suppressed_ones() {
        let mut cooldowns = Cooldowns::default();
        let mut ask = |key: &str, now| cooldowns.ask("h", key, 600, now);
        assert_eq!(ask("a", 1_000), CooldownResult::Pass(0));
        assert_eq!(ask("a", 1_001), CooldownResult::Suppressed);
        assert_eq!(ask("b", 1_001), CooldownResult::Pass(0), "another thing");
        assert_eq!(ask("a", 1_599), CooldownResult::Suppressed);
        assert_eq!(ask("a", 1_600), CooldownResult::Pass(2));
        assert_eq!(ask("a", 2_200), CooldownResult::Pass(0));
        assert_eq!(ask("a", 1_000), CooldownResult::Pass(0), "the clock was set back");
        assert_eq!(cooldowns.ask("other", "a", 600, 1_001), CooldownResult::Pass(0), "another hook");
        assert_eq!(
            cooldowns.ask("h", "a", 600, 1_001),
            CooldownResult::Suppressed,
            "and this one's still runs"
        );
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
        assert_eq!(cooldowns.running.len(), 1, "ended ones are forgotten together");
    }
}
