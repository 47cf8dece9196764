//! The alert source: takes values of metrics, and puts the transitions of alerts into the ring, so that an
//! alert is as durable as any event. Values come from host threads and the sampler; the dispatcher lets time
//! pass.

use super::sampler::Measured;
use crate::alerts::{Alert, Kept, Transition, Watch};
use crate::clock::{Clock, Moment};
use crate::engine::counters::Counters;
use crate::engine::lock::lock;
use crate::engine::log::{Level, Log};
use crate::engine::waker::Waker;
use crate::intake::{Intake, Record};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Between two attempts to put a transition into a full ring.
const RETRY: Duration = Duration::from_millis(100);

/// Values that wait for [`AlertSource::start`]; of later ones only the last counts.
const MAX_EARLY_VALUES: usize = 4096;

/// Metrics that a host may feed; further names are refused.
const MAX_METRICS: usize = 1024;

/// The state of an alert for the spool: its name, and `None` when it is quiet.
pub type AlertState = (String, Option<Vec<u8>>);

pub struct AlertSource {
    watch: Mutex<WatchState>,
    // The last value of each metric that the host fed.
    metrics: Mutex<HashMap<String, f64>>,
    // Whether something became due before the time to which the dispatcher sleeps.
    is_early: AtomicBool,
    waker: Arc<Waker>,
    output: AlertOutput,
}

struct AlertOutput {
    intake: Arc<Intake>,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
    log: Arc<Log>,
}

/// Locked for a few comparisons and copies into the ring, never while anything waits.
struct WatchState {
    watch: Watch,
    // Values that came before the rings of dead processes were read; `None` from then on.
    early: Option<Vec<(String, f64, Moment)>>,
    // Transitions that the ring had no room for. While there are any, values are only noted.
    unwritten: VecDeque<Transition>,
    // States that the spool must keep with the event of this ticket.
    changes: VecDeque<(u64, AlertState)>,
    // The time to which the dispatcher sleeps.
    armed: Option<Duration>,
}

impl AlertSource {
    /// Only collects values until [`AlertSource::start`].
    pub fn new(
        alerts: &[Arc<Alert>],
        intake: Arc<Intake>,
        clock: Arc<dyn Clock>,
        waker: Arc<Waker>,
        counters: Arc<Counters>,
        log: Arc<Log>,
    ) -> AlertSource {
        let state = WatchState {
            watch: Watch::new(alerts),
            early: Some(Vec::new()),
            unwritten: VecDeque::new(),
            changes: VecDeque::new(),
            armed: None,
        };
        AlertSource {
            watch: Mutex::new(state),
            metrics: Mutex::default(),
            is_early: AtomicBool::new(false),
            waker,
            output: AlertOutput { intake, clock, counters, log },
        }
    }

    /// Takes a value from the host. Never waits.
    ///
    /// # Errors
    /// A sentence when there are too many metrics.
    pub fn feed(&self, metric: &str, value: f64) -> Result<(), String> {
        let mut metrics = lock(&self.metrics);
        if metrics.len() >= MAX_METRICS && !metrics.contains_key(metric) {
            return Err(format!("there are {MAX_METRICS} metrics already; `{metric}` is refused"));
        }
        match metrics.get_mut(metric) {
            Some(last) => *last = value,
            None => drop(metrics.insert(metric.to_owned(), value)),
        }
        drop(metrics);
        self.observe(metric, value);
        Ok(())
    }

    /// Takes the values of the sampler for as long as this lives and `is_open` holds.
    pub fn sampled(self: &Arc<Self>, is_open: impl Fn() -> bool + Send + 'static) -> Measured {
        let source = Arc::downgrade(self);
        Box::new(move |metric, measured| {
            let Some(source) = source.upgrade() else { return };
            match measured {
                Ok(value) if is_open() => source.observe(metric, value),
                Ok(_) => {}
                Err(reason) => {
                    source.output.log.write(Level::Warn, &format!("{metric} has no value: {reason}"));
                }
            }
        })
    }

    /// Takes a value. Never waits.
    pub fn observe(&self, metric: &str, value: f64) {
        let mut state = lock(&self.watch);
        match &mut state.early {
            Some(early) if early.len() < MAX_EARLY_VALUES => {
                return early.push((metric.to_owned(), value, self.output.now()));
            }
            _ => state.watch.note(metric, value),
        }
        let written = state.advance(&self.output);
        let kept = state.keep_pending();
        let early = match (state.next_due(self.output.now()), state.armed) {
            (Some(due), Some(armed)) => due < armed,
            (Some(_), None) => true,
            (None, _) => false,
        };
        drop(state);
        if early || kept {
            self.is_early.store(true, Ordering::Release);
        }
        if written || early || kept {
            self.waker.notify();
        }
    }

    /// Lets time pass. For the dispatcher.
    pub fn tick(&self) {
        let mut state = lock(&self.watch);
        state.advance(&self.output);
        if state.is_ready() {
            let found = state.watch.tick(self.output.now());
            state.write(found, &self.output);
        }
        state.keep_pending();
    }

    /// Before the last transaction: leaves alerts that are about to fire to the next start.
    pub fn leave(&self) {
        let mut state = lock(&self.watch);
        state.watch.keep_pending();
        state.keep_pending();
    }

    /// Before the dispatcher sleeps: when [`AlertSource::tick`] has something to do, by the monotonic clock.
    pub fn arm(&self) -> Option<Duration> {
        let mut state = lock(&self.watch);
        self.is_early.store(false, Ordering::Release);
        state.armed = state.next_due(self.output.now());
        state.armed
    }

    /// Whether something became due before the time to which the dispatcher sleeps.
    pub fn is_early(&self) -> bool {
        self.is_early.load(Ordering::Acquire)
    }

    /// The states that the spool must keep with the events up to this ticket.
    pub fn changes(&self, taken_ticket: u64) -> Vec<AlertState> {
        let mut state = lock(&self.watch);
        let many = state.changes.iter().take_while(|(ticket, _)| *ticket <= taken_ticket).count();
        state.changes.drain(..many).map(|(_, kept)| kept).collect()
    }

    /// Restores an alert that fired when an earlier process ended, or was about to. `false` when it is not
    /// configured.
    pub fn restore(&self, name: &str, kept: Kept) -> bool {
        lock(&self.watch).watch.restore(name, kept, self.output.now())
    }

    /// Restores the state of an alert from an event that a dead process left in its ring. Returns it for the
    /// spool, also without any alerts configured: another instance may have some. `None` for other events.
    pub fn take_over(&self, record: &Record) -> Option<AlertState> {
        if !record.kind.starts_with("alert.") {
            return None;
        }
        let payload = serde_json::from_slice(&record.payload).ok()?;
        let (name, kept) = Kept::from_event(&record.kind, &payload, record.accepted_at)?;
        let bytes = kept.as_ref().map(Kept::to_bytes);
        let watch = &mut lock(&self.watch).watch;
        let known = match kept {
            Some(kept) => watch.restore(&name, kept, self.output.now()),
            None => watch.restore_quiet(&name),
        };
        (known || watch.is_empty()).then_some((name, bytes))
    }

    /// The rings of dead processes have been read: judges the values that came meanwhile, in their order.
    pub fn start(&self) {
        let mut state = lock(&self.watch);
        for (metric, value, then) in state.early.take().unwrap_or_default() {
            state.watch.note(&metric, value);
            if state.is_ready() {
                let found = state.watch.judge(then);
                state.write(found, &self.output);
            }
        }
        state.advance(&self.output);
    }

    /// Replaces the alerts, and judges the new ones by the last values of the host. Returns the names of those
    /// that fired and are no longer configured.
    pub fn replace(&self, alerts: &[Arc<Alert>]) -> Vec<String> {
        let fed = lock(&self.metrics).clone();
        let mut state = lock(&self.watch);
        let gone = state.watch.replace(alerts, self.output.now());
        state.changes.retain(|(_, (name, _))| !gone.contains(name));
        fed.iter().for_each(|(name, value)| state.watch.note(name, *value));
        state.advance(&self.output);
        gone
    }

    pub fn firing(&self) -> usize {
        lock(&self.watch).watch.firing()
    }
}

impl WatchState {
    fn is_ready(&self) -> bool {
        self.early.is_none() && self.unwritten.is_empty()
    }

    /// Writes what is unwritten, then judges the noted values. Whether anything was written.
    fn advance(&mut self, output: &AlertOutput) -> bool {
        let written = self.write(Vec::new(), output);
        if !self.is_ready() {
            return written;
        }
        let found = self.watch.judge(output.now());
        self.write(found, output) || written
    }

    /// Puts transitions into the ring, in their order; those without room wait.
    fn write(&mut self, found: Vec<Transition>, output: &AlertOutput) -> bool {
        self.unwritten.extend(found);
        let before = self.unwritten.len();
        while let Some(next) = self.unwritten.front() {
            let payload = next.payload().to_string();
            let Ok(accepted) = output.intake.push(next.kind(), payload.as_bytes()) else { break };
            output.counters.alert_events.one();
            output.log.write(Level::Info, &format!("{}: {next}", accepted.id));
            let name = next.alert.name.clone();
            // Nothing was judged since, so this is the state right after this transition.
            let kept = self.watch.kept(&name).as_ref().map(Kept::to_bytes);
            self.changes.push_back((accepted.ticket, (name, kept)));
            self.unwritten.pop_front();
        }
        self.unwritten.len() < before
    }

    /// Adds the states of alerts that are about to fire, or no longer are. Whether there were any.
    fn keep_pending(&mut self) -> bool {
        let pending = self.watch.take_pending();
        let any = !pending.is_empty();
        // Not before the events about them.
        let ticket = self.changes.back().map_or(0, |(ticket, _)| *ticket);
        let kept = pending.into_iter().map(|(name, kept)| (name, kept.as_ref().map(Kept::to_bytes)));
        self.changes.extend(kept.map(|kept| (ticket, kept)));
        any
    }

    fn next_due(&self, now: Moment) -> Option<Duration> {
        if self.unwritten.is_empty() { self.watch.next_due() } else { Some(now.monotonic + RETRY) }
    }
}

impl AlertOutput {
    fn now(&self) -> Moment {
        self.clock.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::config::Config;
    use crate::intake::Home;

    const CONFIG: &str =
        "[spool]\npath = \":memory:\"\n[[alerts]]\nname = \"a\"\nmetric = \"m\"\nabove = 1\n";

    fn source() -> AlertSource {
        let config = Config::load(CONFIG).unwrap();
        let intake = Arc::new(Intake::open(&Home::Memory, 0));
        let clock = Arc::new(SystemClock);
        AlertSource::new(&config.alerts, intake, clock, Arc::default(), Arc::default(), Arc::default())
    }

    /// What the dispatcher would read: events, and the states to keep with them.
    fn read(source: &AlertSource) -> (Vec<Record>, Vec<AlertState>) {
        let mut records = Vec::new();
        source.output.intake.read(usize::MAX, &mut records);
        let changes = source.changes(source.output.intake.read_ticket());
        source.output.intake.release();
        (records, changes)
    }

    fn kinds(records: &[Record]) -> Vec<&str> {
        records.iter().map(|record| record.kind.as_str()).filter(|kind| kind.starts_with("alert.")).collect()
    }

    #[test]
    fn an_alert_waits_for_room_in_the_ring_and_is_not_lost() {
        let source = source();
        source.start();
        while source.output.intake.push("filler", &[b' '; 256]).is_ok() {}
        while source.output.intake.push("filler", b"{}").is_ok() {}
        for value in [2.0, 0.0, 3.0] {
            source.observe("m", value);
        }
        source.tick();
        assert!(source.arm().is_some(), "it is offered again");
        let (records, changes) = read(&source);
        assert_eq!((kinds(&records).len(), changes.len()), (0, 0));
        source.tick();
        let (records, changes) = read(&source);
        assert_eq!(kinds(&records), ["alert.firing"], "the last value is on the bad side still");
        assert!(matches!(&changes[..], [(name, Some(_))] if name == "a"));
        assert_eq!(source.arm(), None);
    }

    #[test]
    fn a_state_is_kept_with_its_event_and_not_before() {
        let source = source();
        source.start();
        source.observe("m", 2.0);
        assert_eq!(source.changes(source.output.intake.read_ticket()), []);
        let (records, changes) = read(&source);
        assert_eq!((kinds(&records), changes.len()), (vec!["alert.firing"], 1));
        source.observe("m", 0.0);
        let (records, changes) = read(&source);
        assert_eq!((kinds(&records), changes), (vec!["alert.resolved"], vec![("a".to_owned(), None)]));
    }

    #[test]
    fn values_that_come_before_dead_processes_are_read_are_judged_after() {
        let source = source();
        for value in [2.0, 0.0] {
            source.observe("m", value);
        }
        assert!(read(&source).0.is_empty());
        let kept = Kept { metric: "m".into(), since: 1, told: Some(2), reminders: 0, value: 9.0 };
        assert!(source.restore("a", kept));
        source.start();
        assert_eq!(kinds(&read(&source).0), ["alert.resolved"], "it had been told before");
    }

    #[test]
    fn only_events_of_taskbell_itself_change_an_alert() {
        let source = source();
        let id = crate::event::EventId::new(0, 0);
        let record = |kind: &str, payload: &[u8]| Record {
            ticket: 0,
            id,
            accepted_at: 5,
            kind: kind.to_owned(),
            payload: payload.to_vec(),
        };
        for (kind, payload) in [
            ("alert.firing", &b"{broken"[..]),
            ("alert.firing", br#"{"name": "a", "metric": "m"}"#),
            ("task.complete", br#"{"name": "a"}"#),
        ] {
            assert_eq!(source.take_over(&record(kind, payload)), None);
        }
        assert_eq!(source.firing(), 0);
    }
}
