//! An instance without threads, spool and network, in a time that the caller sets: days pass in milliseconds.
//! Runs the code that the dispatcher runs.

use super::commit::Transaction;
use super::counters::Counters;
use super::decide::{Decider, Decisions, PlannedEvent};
use super::ingest::{EventOrigin, IngestedEvent, IngestedRecord};
use super::usual_durations;
use crate::clock::Moment;
use crate::config::Config;
use crate::event::EventId;
use crate::farm::SpeaksFor;
use crate::intake::Record;
use crate::shaping::ShapingState;
use crate::spool::{BatchCounts, SimulatedBatches, StateKey, StateKind};
use crate::tally::{BatchTask, Tally, WorkingNodes};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The instance in the state keys.
const INSTANCE: &str = "simulation";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedMessage {
    pub event: EventId,
    pub kind: String,
    pub endpoint: String,
    pub hook: String,
    pub why: String,
    pub body: Result<Vec<u8>, String>,
}

/// An instance that only decides. Its time is set by [`Simulation::pass`].
pub struct Simulation {
    decider: Decider,
    batches: SimulatedBatches,
    // When this process began.
    life_began: Duration,
    counters: Counters,
    remarks: Vec<String>,
    began_at: i64,
    now: Duration,
    events: u64,
    // Accepted, and not yet durable.
    ring: Vec<Record>,
    events_decided: Vec<PlannedEvent>,
    // The states in the spool.
    kept: BTreeMap<StateKey, Vec<u8>>,
    node_lost: Duration,
    late: usize,
}

impl Simulation {
    /// An instance opened at this time, in Unix milliseconds.
    pub fn new(config: Config, unix_ms: i64) -> Simulation {
        Simulation {
            decider: Decider::new(Arc::new(config), Tally::default(), ShapingState::default()),
            batches: SimulatedBatches::new(),
            life_began: Duration::ZERO,
            counters: Counters::default(),
            remarks: Vec::new(),
            began_at: unix_ms,
            now: Duration::ZERO,
            events: 0,
            ring: Vec::new(),
            events_decided: Vec::new(),
            kept: BTreeMap::new(),
            node_lost: Duration::ZERO,
            late: 0,
        }
    }

    /// The relay of a farm, which loses a node after this time.
    pub fn relay(config: Config, unix_ms: i64, node_lost: Duration) -> Simulation {
        let mut simulation = Simulation::new(config, unix_ms);
        simulation.decider.tally.nodes = Some(WorkingNodes::new(node_lost, Duration::ZERO));
        simulation.node_lost = node_lost;
        simulation
    }

    /// A node posts events, which it accepted at these times.
    pub fn post(&mut self, node: &str, speaks_for: SpeaksFor, events: &[(i64, &str, String)]) {
        let now = self.moment();
        self.decider.hear_node(node, now);
        let origin = EventOrigin { node: node.to_owned(), host: format!("{node}.farm"), speaks_for };
        let origin = Arc::new(origin);
        for (accepted_at, kind, payload) in events {
            self.events += 1;
            let record = Record {
                ticket: 0,
                id: EventId::new(*accepted_at, u128::from(self.events)),
                accepted_at: *accepted_at,
                kind: (*kind).to_owned(),
                payload: payload.clone().into_bytes(),
            };
            self.take(IngestedRecord { record, origin: Some(Arc::clone(&origin)) });
        }
    }

    /// How many committed events came after the end of their queue.
    pub fn late(&self) -> usize {
        self.late
    }

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
        self.take(IngestedRecord { record, origin: None });
    }

    /// Lets time pass. What becomes due happens at its time.
    pub fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(due) = self.next_due().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.end_due();
        }
        self.now = until;
    }

    /// Makes everything so far durable, and returns its messages.
    pub fn commit(&mut self) -> Vec<SimulatedMessage> {
        let mut transaction = Transaction::default();
        transaction.add_changes(&mut self.decider, INSTANCE);
        for (key, state) in transaction.states {
            match state {
                Some(state) => drop(self.kept.insert(key, state)),
                None => drop(self.kept.remove(&key)),
            }
        }
        self.batches.keep();
        self.ring.clear();
        let is_late = |event: &&PlannedEvent| {
            event.kind == "task.complete"
                && event.explanation.as_ref().is_some_and(|why| why.starts_with("late:"))
        };
        self.late += self.events_decided.iter().filter(is_late).count();
        self.events_decided.drain(..).flat_map(messages).collect()
    }

    /// The process dies and starts again: events that were not durable are read from the ring again.
    pub fn crash(&mut self) {
        self.events_decided.clear();
        let (now, delay) = (self.now, self.decider.config.queue.end_delay);
        let (mut tally, mut shaping) = (Tally::default(), ShapingState::default());
        let of = |kind| self.kept.iter().filter(move |(key, _)| key.kind == kind);
        if self.decider.tally.nodes.is_some() {
            let mut nodes = WorkingNodes::new(self.node_lost, now);
            of(StateKind::FarmQueue).for_each(|(key, kept)| nodes.restore(&key.name, kept, now));
            tally.nodes = Some(nodes);
        }
        for (key, kept) in of(StateKind::QueueCounts) {
            tally.restore(&key.name, kept, now, delay);
        }
        let shaped: Vec<(&str, &[u8])> =
            of(StateKind::Shaping).map(|(key, kept)| (key.name.as_str(), kept.as_slice())).collect();
        shaping.restore(&shaped);
        usual_durations::restore(&self.kept, &mut tally);
        self.decider = Decider::new(Arc::clone(&self.decider.config), tally, shaping);
        self.batches.revert();
        self.life_began = now;
        for record in self.ring.clone() {
            self.take(IngestedRecord { record, origin: None });
        }
        self.end_due();
    }

    fn unix_ms(&self) -> i64 {
        self.began_at + self.now.as_millis() as i64
    }

    fn next_due(&self) -> Option<Duration> {
        let window = self.decider.shaping.next_due();
        let window = window.map(|at| Duration::from_millis(at.saturating_sub(self.began_at).max(0) as u64));
        [self.decider.tally.next_due(), self.next_stall(), self.next_progress(), window]
            .into_iter()
            .flatten()
            .min()
    }

    fn take(&mut self, record: IngestedRecord) {
        self.decider.take(IngestedEvent::from(record), self.moment());
        let Some(task) = self.keep_decisions() else { return };
        let counts = self.batches.count(&task, self.unix_ms());
        self.decider.report_batches(&counts, self.moment());
        self.remarks.extend(counts.remarks);
        self.keep_decisions();
    }

    /// When the next batch counts as stalled. While the process was down, nobody waited.
    fn next_stall(&self) -> Option<Duration> {
        self.after(self.decider.config.queue.batch_stall?, self.batches.stillest()?)
    }

    fn next_progress(&self) -> Option<Duration> {
        self.after(self.decider.batch_progress()?, self.batches.longest_untold()?)
    }

    fn after(&self, time: Duration, moved_at: i64) -> Option<Duration> {
        let moved = Duration::from_millis((moved_at - self.began_at).max(0) as u64);
        Some(moved.max(self.life_began) + time)
    }

    fn report_batches(&mut self) {
        let (now, unix_ms) = (self.now, self.unix_ms());
        let since = |due: Option<Duration>, after: Option<Duration>| {
            due.filter(|due| *due <= now).and(after).map(|after| unix_ms - after.as_millis() as i64)
        };
        let stalled = since(self.next_stall(), self.decider.config.queue.batch_stall);
        let untold = since(self.next_progress(), self.decider.batch_progress());
        let counts = BatchCounts {
            stalled: stalled.map(|since| self.batches.stalled(since)).unwrap_or_default(),
            progressed: untold.map(|since| self.batches.progressed(since, unix_ms)).unwrap_or_default(),
            ..BatchCounts::default()
        };
        self.decider.report_batches(&counts, self.moment());
    }

    fn end_due(&mut self) {
        let now = self.moment();
        self.decider.end_due(now);
        self.report_batches();
        let went_on = |id: &str| self.batches.went_on(id);
        self.decider.shaping.release_late_batches(now.unix_ms, went_on);
        self.decider.close_windows(now, false);
        self.keep_decisions();
    }

    /// Returns the task to count in its batch, if there is one.
    fn keep_decisions(&mut self) -> Option<Box<BatchTask>> {
        let Decisions { events, remarks, counts, .. } = self.decider.take_decisions();
        self.counters.add_decisions(counts);
        self.remarks.extend(remarks);
        let mut batch_task = None;
        for mut event in events {
            batch_task = event.batch_task.take().or(batch_task);
            self.events_decided.push(event);
        }
        batch_task
    }

    fn moment(&self) -> Moment {
        Moment { monotonic: self.now, unix_ms: self.unix_ms() }
    }
}

fn messages(event: PlannedEvent) -> impl Iterator<Item = SimulatedMessage> {
    let (id, kind) = (event.id, event.kind);
    event.deliveries.into_iter().map(move |delivery| SimulatedMessage {
        event: id,
        kind: kind.clone(),
        endpoint: delivery.endpoint.to_string(),
        hook: delivery.hook.to_string(),
        why: delivery.why,
        body: delivery.message.map(|message| message.bytes.clone()),
    })
}

mod tests;
