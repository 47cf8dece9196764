//! Batches: tasks that belong together and say so, `batch = {id, total}`. A batch ends once, when so
//! many tasks have completed, in whatever order and over however many restarts.

mod parts;

pub use parts::{Part, Verdict};

use super::{Asked, QueueTally, Seen, Task};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The most batches remembered at once, ended ones included; but for those whose end the next transaction
/// tells.
pub const MAX_BATCHES: usize = 2048;

/// So many ended ones are forgotten at once: looking for the oldest for each new batch would cost more than
/// the batch.
const PORTION: usize = 128;

/// How long an ended batch is remembered, so that a task that is reported late does not begin it anew.
const REMEMBER_MS: i64 = 3_600_000;

/// The batch a task says it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRef {
    /// Its id, the same in every task of it.
    pub id: String,
    /// How many tasks it has, if the task says so.
    pub total: Option<u64>,
}

/// The count of one batch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchTally {
    /// The queue of its first task.
    pub queue: String,
    /// How many tasks it has: the largest number that a task of it said; 0 when none has said one.
    pub expected: u64,
    /// The counts.
    pub tally: QueueTally,
    /// When it ended, in Unix milliseconds.
    ended_at: Option<i64>,
    /// Whether it was told of as stalled, and has not gone on since.
    stalled: bool,
    seen: Seen,
    /// When it last went on, by the monotonic clock of this process.
    #[serde(skip)]
    moved: Duration,
    /// Whether the spool has had it, and so nobody found it too late.
    #[serde(skip)]
    settled: bool,
    /// Which of the counts of this process was its last.
    #[serde(skip)]
    last_count: u64,
}

/// What a task did to its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It was counted, and more are to come.
    Counted,
    /// It was the last one: the batch has ended.
    Ended,
    /// It was counted before.
    Repeated,
    /// The batch has ended without it.
    Late,
}

/// The counts of every batch.
#[derive(Debug, Default, Clone)]
pub struct Batches {
    known: BTreeMap<String, BatchTally>,
    changed: Vec<String>,
    counts: u64,
    /// Those that are complete by what was counted since the last transaction.
    awaiting: BTreeSet<String>,
    /// What was taken back from the spool and not looked at since.
    restored: Vec<String>,
    /// What was given up for want of room, for the log.
    forgotten: Vec<String>,
    /// Whether other processes may count batches too.
    in_company: bool,
    /// Sums of the parts of several processes, whose end is to be told.
    whole: Vec<(String, BatchTally)>,
    told_whole: Vec<String>,
    /// What others have counted of batches that stand still.
    elsewhere: Vec<(String, BatchTally)>,
}

impl Batches {
    /// Counts a task of a batch.
    pub fn count(&mut self, of: &BatchRef, task: &Task, accepted_at: i64, now: Duration) -> Step {
        if self.known.get(&of.id).is_some_and(|batch| batch.is_over(task, accepted_at)) {
            self.known.remove(&of.id);
        }
        if !self.known.contains_key(&of.id) {
            self.open(&of.id, task, accepted_at);
        }
        let Some(batch) = self.known.get_mut(&of.id) else { return Step::Counted };
        let step = batch.count(of.total, task, accepted_at, now, !self.in_company);
        if matches!(step, Step::Counted | Step::Ended) {
            self.changed.push(of.id.clone());
            self.counts += 1;
            batch.last_count = self.counts;
            if self.in_company && batch.is_complete() {
                self.awaiting.insert(of.id.clone());
            }
        }
        step
    }

    /// Keeps what a task asked for that the end of its batch is to tell of; `false` when there is no room for
    /// it.
    pub fn ask(&mut self, id: &str, asked: Asked) -> bool {
        let others = self.known.iter().filter(|(other, _)| other.as_str() != id);
        let elsewhere = others.map(|(_, batch)| batch.tally.asked.bytes()).sum();
        let Some(batch) = self.known.get_mut(id) else { return false };
        self.changed.push(id.to_owned());
        batch.tally.asked.keep(asked, elsewhere)
    }

    /// The count of a batch.
    pub fn get(&self, id: &str) -> Option<&BatchTally> {
        self.known.get(id)
    }

    /// An ended batch has been told of: what it needs no more is let go.
    pub fn told(&mut self, id: &str) {
        if let Some(batch) = self.known.get_mut(id) {
            batch.tally = QueueTally::opened_at(batch.tally.started_at);
            self.changed.push(id.to_owned());
        }
    }

    /// Batches that are complete and have not ended: what two processes counted may add up. They end now.
    pub fn completed(&mut self) -> Vec<String> {
        let mut ids = std::mem::take(&mut self.restored);
        if self.in_company {
            // The parts of others are looked at when these are written.
            self.changed.extend(ids);
            return Vec::new();
        }
        ids.retain(|id| self.known.get_mut(id).is_some_and(BatchTally::end_if_complete));
        self.changed.extend(ids.iter().cloned());
        ids
    }

    /// Batches that have not gone on for so long by now, and were not told of since they last did.
    pub fn stalled(&mut self, now: Duration, after: Duration) -> Vec<String> {
        let ids = self.about_to_stall(now, after);
        for id in &ids {
            if let Some(batch) = self.known.get_mut(id) {
                batch.stalled = true;
            }
        }
        self.changed.extend(ids.iter().cloned());
        ids
    }

    /// When the next batch would count as stalled, by the monotonic clock.
    pub fn next_stall(&self, after: Duration) -> Option<Duration> {
        self.known.values().filter(|batch| batch.may_stall()).map(|batch| batch.moved + after).min()
    }

    /// What changed since the last call, for the spool.
    pub fn changes(&mut self) -> Vec<super::Change> {
        let mut ids = std::mem::take(&mut self.changed);
        ids.sort_unstable();
        ids.dedup();
        let state = |id: String| {
            let bytes = self.known.get(&id).and_then(|batch| serde_json::to_vec(batch).ok());
            (id, bytes)
        };
        ids.into_iter().map(state).collect()
    }

    /// Makes every batch count as changed.
    pub fn touch_all(&mut self) {
        self.changed.extend(self.known.keys().cloned());
    }

    /// Takes back what the spool kept of a batch, and adds it to what is known. Bytes that cannot be read
    /// are passed over: `false`.
    pub fn restore(&mut self, id: &str, kept: &[u8], now: Duration) -> bool {
        let Some(mut batch) = BatchTally::from_bytes(kept) else { return false };
        (batch.moved, batch.settled) = (now, true);
        match self.known.get_mut(id) {
            Some(present) => present.join(&batch),
            None => {
                self.make_room();
                self.known.insert(id.to_owned(), batch);
            }
        }
        self.changed.push(id.to_owned());
        self.restored.push(id.to_owned());
        true
    }

    /// What was given up for want of room since the last call, in words.
    pub fn forgotten(&mut self) -> Vec<String> {
        std::mem::take(&mut self.forgotten)
    }

    fn open(&mut self, id: &str, task: &Task, accepted_at: i64) {
        self.make_room();
        let batch = BatchTally {
            queue: task.queue.clone(),
            tally: QueueTally::opened_at(accepted_at),
            ..BatchTally::default()
        };
        self.known.insert(id.to_owned(), batch);
    }

    /// Lets go of the batches that ended first, or else of the one that has been still for longest.
    fn make_room(&mut self) {
        let remembered = self.known.len().saturating_sub(self.awaiting.len());
        if remembered < MAX_BATCHES {
            return;
        }
        let ended = |(id, batch): (&String, &BatchTally)| batch.ended_at.map(|at| (at, id.clone()));
        let mut ended: Vec<(i64, String)> = self.known.iter().filter_map(ended).collect();
        ended.sort_unstable();
        ended.truncate(remembered - MAX_BATCHES + PORTION);
        for (_, id) in &ended {
            self.known.remove(id);
        }
        let mut gone: Vec<String> = ended.into_iter().map(|(_, id)| id).collect();
        if gone.is_empty() {
            let open = self.known.iter().filter(|(id, _)| !self.awaiting.contains(*id));
            let stillest = open.min_by_key(|(_, batch)| batch.tally.finished_at).map(|(id, _)| id.clone());
            if let Some((id, batch)) = stillest.and_then(|id| self.known.remove_entry(&id)) {
                self.forgotten.push(format!(
                    "batch `{}` is given up at {} of {} tasks: {MAX_BATCHES} others are open",
                    id.escape_debug(),
                    batch.tally.total,
                    batch.expected
                ));
                gone.push(id);
            }
        }
        self.changed.extend(gone);
    }
}

impl BatchTally {
    /// Counts a task. Where this process is alone, the last one ends the batch.
    fn count(
        &mut self,
        total: Option<u64>,
        task: &Task,
        accepted_at: i64,
        now: Duration,
        alone: bool,
    ) -> Step {
        if self.ended_at.is_some() {
            let known = task.id.as_deref().is_some_and(|id| self.seen.knows(id));
            return if known { Step::Repeated } else { Step::Late };
        }
        if task.id.as_deref().is_some_and(|id| !self.seen.add(id, task.status)) {
            return Step::Repeated;
        }
        self.expected = self.expected.max(total.unwrap_or(0));
        self.tally.count(task, accepted_at);
        self.moved = now;
        self.stalled = false;
        if alone && self.end_if_complete() {
            return Step::Ended;
        }
        Step::Counted
    }

    fn is_complete(&self) -> bool {
        self.ended_at.is_none() && self.expected > 0 && self.tally.total >= self.expected
    }

    fn end_if_complete(&mut self) -> bool {
        let complete = self.is_complete();
        if complete {
            self.ended_at = Some(self.tally.finished_at);
        }
        complete
    }

    fn may_stall(&self) -> bool {
        self.ended_at.is_none() && !self.stalled
    }

    /// Whether this batch has ended and the task belongs to another one of the same id: hosts count their
    /// batches from 1 again. That is a task which began after the end and is not a known one, or any task
    /// long after it.
    fn is_over(&self, task: &Task, accepted_at: i64) -> bool {
        let Some(ended_at) = self.ended_at else { return false };
        let known = task.id.as_deref().is_some_and(|id| self.seen.knows(id));
        accepted_at - ended_at > REMEMBER_MS || (!known && task.began_at(accepted_at) > ended_at)
    }
}

#[cfg(test)]
#[path = "batches_tests.rs"]
mod tests;
