//! A batch that several processes count: each has its part of it, and the parts are one batch. Who sees
//! that they make it whole tells of its end; for all others it is over.

use super::{BatchTally, Batches, REMEMBER_MS};
use crate::tally::{QueueTally, Task};
use std::time::Duration;

/// What the parts of a batch say to a process that has just counted.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// More is to come.
    Open,
    /// Together they are whole: this is the sum.
    Whole(Box<BatchTally>),
    /// It has ended elsewhere, and this part came too late.
    Over(Box<BatchTally>),
}

/// A part that another process has counted.
pub type Part = (String, BatchTally);

impl Batches {
    /// Whether other processes may count batches too.
    pub fn in_company(&self) -> bool {
        self.in_company
    }

    /// Other processes may count batches too. From now on a batch ends when the parts say so.
    pub fn set_in_company(&mut self) {
        self.in_company = true;
    }

    /// Whether the next transaction ends batches, unless others know better.
    pub fn await_verdict(&self) -> bool {
        !self.awaiting.is_empty()
    }

    /// Whether that has to happen before this task can be counted: it may be of a later batch with the same id.
    pub fn must_wait(&self, task: &Task) -> bool {
        let of = task.batch.as_ref().filter(|of| self.awaiting.contains(&of.id));
        let batch = of.and_then(|of| self.known.get(&of.id));
        batch.is_some_and(|batch| !task.id.as_deref().is_some_and(|id| batch.has_seen(id)))
    }

    /// This batch stands in the spool as it is here.
    pub fn settle(&mut self, id: &str) {
        self.awaiting.remove(id);
        if let Some(batch) = self.known.get_mut(id) {
            batch.settled = true;
        }
    }

    /// Whether no batch is known.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Another process knows better: this is how the batch stands; `None` when it has not begun.
    pub fn replace(&mut self, id: &str, by: Option<BatchTally>, now: Duration) {
        self.changed.push(id.to_owned());
        self.awaiting.remove(id);
        match by {
            Some(by) => {
                self.known.insert(id.to_owned(), BatchTally { moved: now, settled: true, ..by });
            }
            None => drop(self.known.remove(id)),
        }
    }

    /// The parts of a batch were added up, and the spool has the sum: its end is to be told.
    pub fn gather(&mut self, id: &str, sum: BatchTally) {
        self.awaiting.remove(id);
        self.known.insert(id.to_owned(), sum.over());
        self.whole.push((id.to_owned(), sum));
    }

    /// Takes back the sum of a batch whose end was not told. Bytes that cannot be read are passed over.
    pub fn restore_whole(&mut self, id: &str, kept: &[u8]) {
        self.whole.extend(BatchTally::from_bytes(kept).map(|sum| (id.to_owned(), sum)));
    }

    /// The sums of batches whose end is to be told now.
    pub fn take_whole(&mut self) -> Vec<(String, BatchTally)> {
        let whole = std::mem::take(&mut self.whole);
        self.told_whole.extend(whole.iter().map(|(id, _)| id.clone()));
        whole
    }

    /// The batches of which [`Batches::take_whole`] has given the sum since the last call.
    pub fn told_whole(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told_whole)
    }

    /// Batches that would count as stalled if this process were alone.
    pub fn about_to_stall(&self, now: Duration, after: Duration) -> Vec<String> {
        let still = |batch: &BatchTally| batch.may_stall() && batch.moved + after <= now;
        self.known.iter().filter(|(_, batch)| still(batch)).map(|(id, _)| id.clone()).collect()
    }

    /// What others have counted of a batch that stands still here. Whoever counted last tells that it
    /// stands still everywhere; the others are silent about it.
    pub fn hear(&mut self, id: &str, own: &str, parts: &[Part], after: Duration, times: (Duration, i64)) {
        let (now, unix_ms) = times;
        let Some(batch) = self.known.get_mut(id) else { return };
        let open = parts.iter().filter(|(_, part)| part.ended_at.is_none());
        let last = open.clone().map(|(owner, part)| (part.tally.finished_at, owner.as_str())).max();
        match last.filter(|last| *last > (batch.tally.finished_at, own)) {
            Some((at, _)) => {
                let still = Duration::from_millis((unix_ms - at).max(0) as u64);
                if still < after {
                    batch.moved = now.saturating_sub(still);
                } else {
                    self.pass_over_stall(id);
                }
            }
            None => {
                let mut sum = BatchTally::default();
                open.for_each(|(_, part)| sum.join(part));
                self.elsewhere.push((id.to_owned(), sum));
            }
        }
    }

    /// This batch stands still, and nothing is to be told of it here.
    pub fn pass_over_stall(&mut self, id: &str) {
        if let Some(batch) = self.known.get_mut(id) {
            batch.stalled = true;
            self.changed.push(id.to_owned());
        }
    }

    /// The count of a batch with what others were last heard to have counted of it.
    pub fn with_elsewhere(&mut self, id: &str) -> Option<BatchTally> {
        let mut batch = self.known.get(id)?.clone();
        if let Some(at) = self.elsewhere.iter().position(|(of, _)| of == id) {
            batch.join(&self.elsewhere.swap_remove(at).1);
        }
        Some(batch)
    }
}

impl BatchTally {
    /// As the spool keeps it.
    pub fn from_bytes(kept: &[u8]) -> Option<BatchTally> {
        serde_json::from_slice(kept).ok()
    }

    /// For the spool.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Orders batches by their last tasks here.
    pub fn last_count(&self) -> u64 {
        self.last_count
    }

    /// Whether it has counted a task of this id.
    pub fn has_seen(&self, task: &str) -> bool {
        self.seen.knows(task)
    }

    /// Whether it has not ended.
    pub fn is_open(&self) -> bool {
        self.ended_at.is_none()
    }

    /// When its last task ended, once it is over.
    pub fn over_at(&self) -> Option<i64> {
        self.ended_at
    }

    /// What is remembered of it once it is over.
    pub fn over(&self) -> BatchTally {
        BatchTally {
            tally: QueueTally::opened_at(self.tally.started_at),
            ended_at: self.ended_at.or(Some(self.tally.finished_at)),
            stalled: false,
            ..self.clone()
        }
    }

    /// What this part and those of others come to.
    pub fn judge(&self, parts: &[Part]) -> Verdict {
        let ended = parts.iter().map(|(_, part)| part).filter(|part| self.is_late_for(part));
        if let Some(ended) = ended.max_by_key(|part| part.ended_at) {
            return Verdict::Over(Box::new(ended.clone()));
        }
        let open = || parts.iter().map(|(_, part)| part).filter(|part| part.is_open());
        let expected = open().map(|part| part.expected).fold(self.expected, u64::max);
        let most = open().map(|part| part.tally.total).sum::<u64>() + self.tally.total;
        if expected == 0 || most < expected {
            return Verdict::Open;
        }
        let mut sum = self.clone();
        open().for_each(|part| sum.join(part));
        if sum.end_if_complete() { Verdict::Whole(Box::new(sum)) } else { Verdict::Open }
    }

    /// Adds what another process counted of the same batch. A task that both have counted counts once.
    pub(super) fn join(&mut self, other: &BatchTally) {
        match (self.is_open(), other.is_open()) {
            (true, true) => {
                if self.tally.total == 0 || other.tally.started_at < self.tally.started_at {
                    self.queue.clone_from(&other.queue);
                }
                self.expected = self.expected.max(other.expected);
                self.stalled &= other.stalled;
                self.tally.add(&other.tally);
                self.tally.take_back(self.seen.join(&other.seen));
            }
            (false, false) => {
                self.ended_at = self.ended_at.max(other.ended_at);
                self.seen.join(&other.seen);
            }
            // What is open was found to be no late part when it was kept: it is of a later batch.
            (false, true) => *self = BatchTally { moved: self.moved, ..other.clone() },
            (true, false) => {}
        }
    }

    /// Whether another part says that the batch has ended, and this one is new and neither of a later batch
    /// with the same id nor more than a repetition of what was counted there.
    fn is_late_for(&self, other: &BatchTally) -> bool {
        let Some(ended_at) = other.ended_at else { return false };
        let remembered = self.tally.finished_at - ended_at <= REMEMBER_MS;
        let repeated = || self.seen.are_known_to(&other.seen, self.tally.total);
        !self.settled && remembered && (self.tally.started_at <= ended_at || repeated())
    }
}

#[cfg(test)]
#[path = "parts_tests.rs"]
mod tests;
