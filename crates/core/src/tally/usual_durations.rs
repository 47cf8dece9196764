//! What is usual: how long tasks, queues and batches took of late, so that a hook can tell an unusually
//! long one. The estimate is the median of the last runs: one night that hung does not move it.

use std::collections::{HashMap, VecDeque};

/// How many runs are remembered.
const WINDOW: usize = 31;

/// How many runs it takes before anything is called usual.
const LEAST: usize = 5;

/// The most kinds of runs remembered at once; the one not heard of for longest goes.
const MAX_KINDS: usize = 1024;

/// How many of the stalest are found at once: finding them walks all.
const STALEST: usize = 64;

/// How long runs took, by kind of run.
#[derive(Debug, Default, Clone)]
pub struct UsualDurations {
    runs: HashMap<String, Runs>,
    changed: Vec<String>,
    /// What the transaction under way writes.
    unsettled: Vec<(String, Vec<u8>)>,
    ticks: u64,
    /// How many of the runs are those of queues.
    queues: usize,
    /// Those that were not heard of for longest when this was filled, each with the tick of that time; the last first.
    stalest: Vec<(u64, String)>,
}

#[derive(Debug, Default, Clone)]
struct Runs {
    seconds: VecDeque<f32>,
    /// The same in order of length: every task asks for the one in the middle.
    sorted: Vec<f32>,
    /// How many of the last ones are not in the spool yet.
    fresh: usize,
    /// What was written last: where the spool still has it, nobody else has added to it.
    written: Vec<u8>,
    touched: u64,
    /// It is among the changed ones.
    has_changed: bool,
}

impl Runs {
    /// Puts what the spool has before the runs that it has not: others have added to it meanwhile.
    fn join(&mut self, kept: VecDeque<f32>) {
        let settled = self.seconds.len().saturating_sub(self.fresh);
        let own = self.seconds.split_off(settled);
        self.seconds.clear();
        self.sorted.clear();
        kept.into_iter().chain(own).for_each(|seconds| self.push(seconds));
    }

    fn push(&mut self, seconds: f32) {
        if self.seconds.len() >= WINDOW
            && let Some(oldest) = self.seconds.pop_front()
        {
            let at = self.place_of(oldest);
            self.sorted.remove(at.min(self.sorted.len().saturating_sub(1)));
        }
        self.seconds.push_back(seconds);
        self.sorted.insert(self.place_of(seconds), seconds);
    }

    fn place_of(&self, seconds: f32) -> usize {
        self.sorted.partition_point(|other| other.total_cmp(&seconds).is_lt())
    }
}

/// The kind of run that a task is. Both names are the host's, so it says where the first one ends.
pub fn task_key(queue: &str, kind: Option<&str>) -> String {
    // Without `format!`, which takes six times as long: it is asked for with each task.
    ["task/", &queue.len().to_string(), ":", queue, "/", super::names::short(kind.unwrap_or_default())]
        .concat()
}

/// The kind of run that a busy period of this queue is.
pub fn queue_key(queue: &str) -> String {
    format!("queue/{queue}")
}

/// The kind of run that a batch of this queue is.
pub fn batch_key(queue: &str) -> String {
    format!("batch/{queue}")
}

impl UsualDurations {
    /// How many seconds such a run usually takes: the median of the last 31. `None` before five of them.
    pub fn seconds(&self, key: &str) -> Option<f64> {
        let runs = self.runs.get(key).filter(|runs| runs.seconds.len() >= LEAST)?;
        let sorted = &runs.sorted;
        let middle = sorted.len() / 2;
        let upper = f64::from(*sorted.get(middle)?);
        let median = match sorted.len() % 2 {
            0 => (f64::from(*sorted.get(middle - 1)?) + upper) / 2.0,
            _ => upper,
        };
        Some((median * 1000.0).round() / 1000.0)
    }

    /// Whether such a run was ever heard of.
    pub fn knows(&self, key: &str) -> bool {
        self.runs.contains_key(key)
    }

    /// How many queues there are whose end was heard of.
    pub fn known_queues(&self) -> usize {
        self.queues
    }

    /// Remembers a run that took so many seconds.
    pub fn add(&mut self, key: &str, seconds: f64) {
        if !seconds.is_finite() || seconds < 0.0 {
            return;
        }
        if let Some(runs) = self.touch(key) {
            runs.fresh = (runs.fresh + 1).min(WINDOW);
            runs.push(seconds as f32);
        }
    }

    /// Remembers that there was such a run, of which nobody knows how long it took.
    pub fn hear_of(&mut self, key: &str) {
        self.touch(key);
    }

    fn touch(&mut self, key: &str) -> Option<&mut Runs> {
        if !self.runs.contains_key(key) {
            if self.runs.len() >= MAX_KINDS {
                self.drop_stalest();
            }
            self.queues += usize::from(is_of_queue(key));
            self.runs.insert(key.to_owned(), Runs::default());
        }
        self.ticks += 1;
        let runs = self.runs.get_mut(key)?;
        runs.touched = self.ticks;
        if !std::mem::replace(&mut runs.has_changed, true) {
            self.changed.push(key.to_owned());
        }
        Some(runs)
    }

    /// What changed since the last call, for the spool.
    pub fn changes(&mut self) -> Vec<super::TallyChange> {
        let runs = &mut self.runs;
        let state = |key: String| {
            let runs = runs.get_mut(&key);
            let bytes = runs.and_then(|runs| {
                runs.has_changed = false;
                serde_json::to_vec(&runs.seconds).ok()
            });
            (key, bytes)
        };
        std::mem::take(&mut self.changed).into_iter().map(state).collect()
    }

    /// Makes nothing count as changed.
    pub fn forget_changes(&mut self) {
        for key in self.changed.drain(..) {
            if let Some(runs) = self.runs.get_mut(&key) {
                runs.has_changed = false;
            }
        }
    }

    /// Makes everything count as changed.
    pub fn touch_all(&mut self) {
        for (key, runs) in &mut self.runs {
            if !std::mem::replace(&mut runs.has_changed, true) {
                self.changed.push(key.clone());
            }
        }
    }

    /// Takes over what the spool keeps. Bytes that cannot be read are passed over: `false`.
    pub fn restore(&mut self, key: &str, kept: &[u8]) -> bool {
        let Some(seconds) = read(kept) else { return false };
        if self.runs.len() >= MAX_KINDS && !self.runs.contains_key(key) {
            return false;
        }
        self.queues += usize::from(is_of_queue(key) && !self.runs.contains_key(key));
        self.stalest.clear();
        self.runs.entry(key.to_owned()).or_default().join(seconds);
        true
    }

    /// Makes of what the transaction under way would write of these runs, given what the spool has: that, and the
    /// runs that it has not. A spool that has nothing gets all that is known.
    pub fn rebase(&mut self, key: &str, kept: Option<&[u8]>, value: &mut Vec<u8>) {
        let Some(runs) = self.runs.get_mut(key) else { return };
        if kept.is_none_or(|kept| *kept != *runs.written) {
            if let Some(seconds) = kept.and_then(read) {
                runs.join(seconds);
            }
            if let Ok(joined) = serde_json::to_vec(&runs.seconds) {
                *value = joined;
            }
        }
        self.unsettled.push((key.to_owned(), value.clone()));
    }

    /// The transaction is durable.
    pub fn settled(&mut self) {
        for (key, written) in std::mem::take(&mut self.unsettled) {
            if let Some(runs) = self.runs.get_mut(&key) {
                (runs.fresh, runs.written) = (0, written);
            }
        }
    }

    fn drop_stalest(&mut self) {
        let stalest = self.take_stalest().or_else(|| {
            let mut runs: Vec<(u64, &String)> =
                self.runs.iter().map(|(key, runs)| (runs.touched, key)).collect();
            runs.sort_unstable();
            runs.truncate(STALEST);
            self.stalest = runs.into_iter().rev().map(|(tick, key)| (tick, key.clone())).collect();
            self.take_stalest()
        });
        if let Some(key) = stalest {
            self.queues -= usize::from(is_of_queue(&key));
            self.runs.remove(&key);
            self.changed.push(key);
        }
    }

    /// The next of `stalest` that was not heard of meanwhile: every other was heard of after it.
    fn take_stalest(&mut self) -> Option<String> {
        while let Some((tick, key)) = self.stalest.pop() {
            if self.runs.get(&key).is_some_and(|runs| runs.touched == tick) {
                return Some(key);
            }
        }
        None
    }
}

fn is_of_queue(key: &str) -> bool {
    key.starts_with("queue/")
}

fn read(kept: &[u8]) -> Option<VecDeque<f32>> {
    let mut seconds = serde_json::from_slice::<VecDeque<f32>>(kept).ok()?;
    seconds.retain(|seconds| seconds.is_finite() && *seconds >= 0.0);
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn nothing_is_usual_before_five_runs_and_one_that_hung_does_not_move_it() {
        let mut usuals = UsualDurations::default();
        for seconds in [10.0, 11.0, 9.0, 10_000.0] {
            usuals.add("queue/film", seconds);
            assert_eq!(usuals.seconds("queue/film"), None);
        }
        usuals.add("queue/film", 10.0);
        assert_eq!(usuals.seconds("queue/film"), Some(10.0));
        usuals.add("queue/film", 10.5);
        assert_eq!(usuals.seconds("queue/film"), Some(10.25));
        assert_eq!(usuals.seconds("queue/other"), None);
    }

    #[test]
    fn it_follows_what_has_become_usual_over_restarts() {
        let mut usuals = UsualDurations::default();
        let key = task_key("film", Some("video"));
        for _ in 0..100 {
            usuals.add(&key, 1.0);
        }
        let changes = usuals.changes();
        assert_eq!((changes.len(), usuals.changes().len()), (1, 0));
        let mut next = UsualDurations::default();
        assert!(next.restore(&key, changes[0].1.as_deref().unwrap()));
        assert_eq!(next.seconds(&key), Some(1.0));
        for _ in 0..WINDOW / 2 + 1 {
            next.add(&key, 4.0);
        }
        assert_eq!(next.seconds(&key), Some(4.0));
        assert!(!next.restore(&key, b"[1,") && !next.restore(&key, b"{}"));
        next.add(&key, f64::NAN);
        next.add(&key, -1.0);
        assert_eq!(next.seconds(&key), Some(4.0));
    }

    #[test]
    fn kinds_of_runs_are_told_apart_whatever_they_are_called() {
        let names = ["a", "a/b", "a/b/c", "1:a", "a/1:b"];
        let kinds = [None, Some("b"), Some("b/c"), Some("c"), Some("1:b/c")];
        let keys = names.iter().flat_map(|queue| kinds.iter().map(|kind| task_key(queue, *kind)));
        let keys: HashSet<String> = keys.collect();
        assert_eq!(keys.len(), names.len() * kinds.len());
    }

    #[test]
    fn the_kinds_that_were_not_heard_of_for_longest_go_in_their_order() {
        let mut usuals = UsualDurations::default();
        let mut heard: Vec<String> = Vec::new();
        for number in 0..4 * MAX_KINDS {
            // Every third is heard of again.
            let key = format!("queue/{}", if number % 3 == 0 { number / 2 } else { number });
            heard.retain(|known| *known != key);
            heard.push(key.clone());
            if heard.len() > MAX_KINDS {
                heard.remove(0);
            }
            usuals.hear_of(&key);
        }
        assert!(heard.iter().all(|key| usuals.knows(key)));
        assert_eq!((usuals.runs.len(), usuals.known_queues()), (MAX_KINDS, MAX_KINDS));
    }

    #[test]
    fn kinds_of_runs_from_outside_cannot_grow_it_without_bound() {
        let mut usuals = UsualDurations::default();
        for number in 0..MAX_KINDS + 3 {
            usuals.add(&format!("task/q{number}/"), 1.0);
        }
        assert_eq!(usuals.runs.len(), MAX_KINDS);
        assert!(!usuals.runs.contains_key("task/q0/"), "the stalest went first");
        assert!(usuals.changes().contains(&("task/q0/".to_owned(), None)));
    }
}
