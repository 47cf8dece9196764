//! The clerk's part of the way without threads, spool or network, in a time that the caller sets: days pass
//! in milliseconds. For tests, and for measuring what deciding costs.

use super::prepare::{Prepared, Preparer};
use super::stats::Counters;
use crate::config::Config;
use crate::event::EventId;
use crate::intake::Record;
use crate::shape::Shape;
use crate::spool::SimulatedBatches;
use crate::tally::Tally;
use std::collections::BTreeMap;
use std::time::Duration;

/// The instance under whose name the counts are kept.
const INSTANCE: &str = "rehearsal";

/// A message that would be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    /// The event's id.
    pub event: EventId,
    /// The event's type.
    pub kind: String,
    /// The endpoint.
    pub endpoint: String,
    /// The hook that fired.
    pub hook: String,
    /// Why it fired.
    pub why: String,
    /// The body; or why there is none.
    pub body: Result<Vec<u8>, String>,
}

/// A bell that only counts, decides and renders. Its time stands still until [`Rehearsal::pass`].
#[derive(Debug)]
pub struct Rehearsal {
    config: Config,
    tally: Tally,
    /// `None` where there is no memory for it.
    batches: Option<SimulatedBatches>,
    /// When this process began.
    life_began: Duration,
    shape: Shape,
    counters: Counters,
    remarks: Vec<String>,
    began_at: i64,
    now: Duration,
    events: u64,
    /// What the ring holds: accepted, and not yet durable.
    ring: Vec<Record>,
    /// What comes of it.
    prepared: Vec<Prepared>,
    /// What the spool holds.
    kept: BTreeMap<String, Vec<u8>>,
}

impl Rehearsal {
    /// A bell with this configuration, opened at this time in Unix milliseconds.
    pub fn new(config: Config, unix_ms: i64) -> Rehearsal {
        Rehearsal {
            config,
            tally: Tally::default(),
            batches: SimulatedBatches::new().ok(),
            life_began: Duration::ZERO,
            shape: Shape::default(),
            counters: Counters::default(),
            remarks: Vec::new(),
            began_at: unix_ms,
            now: Duration::ZERO,
            events: 0,
            ring: Vec::new(),
            prepared: Vec::new(),
            kept: BTreeMap::new(),
        }
    }

    /// Takes an event, as a host would report it now.
    pub fn emit(&mut self, kind: &str, payload: &[u8]) {
        self.events += 1;
        let now = self.unix_ms();
        let record = Record {
            ticket: self.events,
            id: EventId::new(now, u128::from(self.events)),
            accepted_at: now,
            kind: kind.to_owned(),
            payload: payload.to_vec(),
        };
        self.ring.push(record.clone());
        self.take(record);
    }

    /// Lets time pass. What becomes due on the way happens when it is due.
    pub fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        self.tally.idle_end = self.config.queue.idle_end;
        while let Some(due) = self.next_due().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.end_what_is_due();
        }
        self.now = until;
    }

    /// Makes durable what happened so far, and gives what rings for it.
    pub fn commit(&mut self) -> Vec<Rung> {
        let tallies = self.tally.changes().into_iter();
        let tallies = tallies.map(|(queue, state)| (super::work::tally_key(INSTANCE, &queue), state));
        let shaped = self.shape.changes().into_iter();
        let shaped = shaped.map(|(rest, state)| (super::work::shape_key(INSTANCE, &rest), state));
        let changes: Vec<_> =
            tallies.chain(shaped).chain(super::usual_durations::changes(&mut self.tally.usuals)).collect();
        let kept = self.batches.as_ref().map_or(Ok(()), SimulatedBatches::keep);
        self.remarks.extend(kept.err().map(|fault| fault.to_string()));
        for (key, state) in changes {
            match state {
                Some(state) => drop(self.kept.insert(key, state)),
                None => drop(self.kept.remove(&key)),
            }
        }
        self.ring.clear();
        self.prepared.drain(..).flat_map(rungs).collect()
    }

    /// The process dies and starts anew: what was not durable is read out of the ring again.
    pub fn crash(&mut self) {
        self.prepared.clear();
        self.tally = Tally::default();
        let (now, delay) = (self.now, self.config.queue.end_delay);
        let queues = super::work::tally_key(INSTANCE, "");
        for (key, kept) in &self.kept {
            if let Some(queue) = key.strip_prefix(&queues) {
                self.tally.restore(queue, kept, now, delay);
            }
        }
        let shaped = super::work::shape_key(INSTANCE, "");
        let shaped =
            self.kept.iter().filter_map(|(key, kept)| Some((key.strip_prefix(&shaped)?, kept.as_slice())));
        let shaped: Vec<_> = shaped.collect();
        self.shape = Shape::default();
        self.shape.restore(&shaped);
        super::usual_durations::restore(&self.kept, &mut self.tally);
        let reverted = self.batches.as_ref().map_or(Ok(()), SimulatedBatches::revert);
        self.remarks.extend(reverted.err().map(|fault| fault.to_string()));
        self.life_began = now;
        for record in self.ring.clone() {
            self.take(record);
        }
        self.end_what_is_due();
    }

    /// What the operator would read in the log.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// The present time, in Unix milliseconds.
    pub fn unix_ms(&self) -> i64 {
        self.began_at + self.now.as_millis() as i64
    }

    fn next_due(&self) -> Option<Duration> {
        let window = self
            .shape
            .next_due()
            .map(|at| Duration::from_millis(at.saturating_sub(self.began_at).max(0) as u64));
        [self.tally.next_due(), self.next_stall(), window].into_iter().flatten().min()
    }

    fn take(&mut self, record: Record) {
        let now = self.now;
        let taken = self.preparer().take(record, now);
        self.prepared.extend(taken.before);
        let batch_task = taken.event.batch_task.clone();
        self.prepared.push(taken.event);
        let (Some(task), Some(batches)) = (batch_task, &self.batches) else { return };
        let unix_ms = self.unix_ms();
        match batches.count(&task, unix_ms) {
            Ok(counts) => {
                self.remarks.extend(counts.remarks);
                let told = self.preparer().tell_of_batches(&counts.ended, &[]);
                self.prepared.extend(told);
            }
            Err(fault) => self.remarks.push(fault.to_string()),
        }
    }

    /// When the next batch counts as stalled. A process that was not there did not wait.
    fn next_stall(&self) -> Option<Duration> {
        let after = self.config.queue.batch_stall?;
        let moved_at = self.batches.as_ref()?.stillest().ok()??;
        let moved = Duration::from_millis((moved_at - self.began_at).max(0) as u64);
        Some(moved.max(self.life_began) + after)
    }

    fn stall_batches(&mut self) {
        let (Some(after), Some(batches)) = (self.config.queue.batch_stall, &self.batches) else { return };
        if self.next_stall().is_none_or(|due| due > self.now) {
            return;
        }
        let stalled = batches.stalled(self.unix_ms() - after.as_millis() as i64).unwrap_or_default();
        let told = self.preparer().tell_of_batches(&[], &stalled);
        self.prepared.extend(told);
    }

    fn end_what_is_due(&mut self) {
        let (now, unix_ms) = (self.now, self.unix_ms());
        self.tally.idle_end = self.config.queue.idle_end;
        let ended = self.preparer().end_what_is_due(now, unix_ms);
        self.prepared.extend(ended);
        self.stall_batches();
        let windows = self.shape.due(&self.config, unix_ms, false);
        for window in &windows {
            let digest = self.preparer().digest(window);
            self.prepared.push(digest);
        }
    }

    fn preparer(&mut self) -> Preparer<'_> {
        Preparer {
            config: &self.config,
            tally: &mut self.tally,
            shape: &mut self.shape,
            unix_ms: self.began_at + self.now.as_millis() as i64,
            counters: &self.counters,
            remarks: &mut self.remarks,
            accounts: None,
        }
    }
}

fn rungs(event: Prepared) -> impl Iterator<Item = Rung> {
    let (id, kind) = (event.id, event.kind);
    event.deliveries.into_iter().map(move |delivery| Rung {
        event: id,
        kind: kind.clone(),
        endpoint: delivery.endpoint,
        hook: delivery.hook,
        why: delivery.why,
        body: delivery.message.map(|message| message.bytes.clone()),
    })
}

#[cfg(test)]
#[path = "rehearsal_tests.rs"]
mod tests;
