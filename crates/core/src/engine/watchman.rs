//! The watchman: brings values to the watch, and what the watch sees into the ring, so that an alert is as
//! durable as any event. Values come in on hosts' threads and on the thread of the rounds, and time
//! passes on the clerk's.

use super::log::Level;
use super::rounds::Rounds;
use super::shared::{Shared, lock};
use crate::alerts::Alert;
use crate::alerts::{Kept, Moment, Transition, Watch};
use crate::intake::Record;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How soon a transition is offered again that the ring had no room for.
const AGAIN: Duration = Duration::from_millis(100);

/// The most values that wait until the watchman is woken; of further ones only the last counts.
const MAX_EARLY_VALUES: usize = 4096;

/// The state of an alert for the spool: its name, and its state or nothing when it is quiet.
pub type KeptState = (String, Option<Vec<u8>>);

/// The watchman.
#[derive(Debug)]
pub struct Watchman {
    desk: Mutex<Desk>,
    /// Whether something became due before the time the clerk sleeps to.
    early: AtomicBool,
    /// The thread that measures built-in metrics.
    pub rounds: Arc<Rounds>,
}

/// Held for the length of a few comparisons and of copies into the ring, never while anything waits.
#[derive(Debug)]
struct Desk {
    watch: Watch,
    /// Values that came while the clerk still reads what dead processes left; `None` once it has.
    early: Option<Vec<(String, f64, Moment)>>,
    /// What the ring had no room for. As long as there is any, values are only noted.
    untold: VecDeque<Transition>,
    /// What the spool has to keep together with the event of this ticket.
    changes: VecDeque<(u64, KeptState)>,
    /// The time the clerk sleeps to.
    armed: Option<Duration>,
}

impl Watchman {
    /// A watchman who only gathers values until he is woken.
    pub fn new(alerts: &[Arc<Alert>]) -> Watchman {
        let desk = Desk {
            watch: Watch::new(alerts),
            early: Some(Vec::new()),
            untold: VecDeque::new(),
            changes: VecDeque::new(),
            armed: None,
        };
        Watchman { desk: Mutex::new(desk), early: AtomicBool::new(false), rounds: Arc::default() }
    }

    /// Takes a value. Never waits.
    pub fn observe(&self, shared: &Shared, metric: &str, value: f64) {
        let mut desk = lock(&self.desk);
        match &mut desk.early {
            Some(early) if early.len() < MAX_EARLY_VALUES => {
                return early.push((metric.to_owned(), value, now(shared)));
            }
            _ => desk.watch.note(metric, value),
        }
        let told = desk.go_on(shared);
        let kept = desk.keep_pending();
        let early = match (desk.next_due(now(shared)), desk.armed) {
            (Some(due), Some(armed)) => due < armed,
            (Some(_), None) => true,
            (None, _) => false,
        };
        drop(desk);
        if early || kept {
            self.early.store(true, Ordering::Release);
        }
        if told || early || kept {
            shared.bed.rouse();
        }
    }

    /// The clerk's: what the passing of time changes.
    pub fn tick(&self, shared: &Shared) {
        let mut desk = lock(&self.desk);
        desk.go_on(shared);
        if desk.is_ready() {
            let found = desk.watch.tick(now(shared));
            desk.tell(found, shared);
        }
        desk.keep_pending();
    }

    /// The clerk's, before its last transaction: alerts that are about to fire are left to the next start.
    pub fn leave(&self) {
        let mut desk = lock(&self.desk);
        desk.watch.keep_pending();
        desk.keep_pending();
    }

    /// The clerk's, before it sleeps: when [`Watchman::tick`] has something to do, by the monotonic clock.
    pub fn arm(&self, shared: &Shared) -> Option<Duration> {
        let mut desk = lock(&self.desk);
        self.early.store(false, Ordering::Release);
        desk.armed = desk.next_due(now(shared));
        desk.armed
    }

    /// Whether something became due before the time the clerk sleeps to.
    pub fn is_early(&self) -> bool {
        self.early.load(Ordering::Acquire)
    }

    /// The clerk's: what the spool has to keep together with the events up to this ticket.
    pub fn changes(&self, read_ticket: u64) -> Vec<KeptState> {
        let mut desk = lock(&self.desk);
        let many = desk.changes.iter().take_while(|(ticket, _)| *ticket <= read_ticket).count();
        desk.changes.drain(..many).map(|(_, kept)| kept).collect()
    }

    /// Takes back an alert that fired when an earlier process ended, or was about to. `false` when there is no
    /// such alert.
    pub fn restore(&self, shared: &Shared, name: &str, kept: Kept) -> bool {
        lock(&self.desk).watch.restore(name, kept, now(shared))
    }

    /// Takes the state of an alert out of an event that a dead process left in its ring, as the spool has
    /// to keep it: for a watch without alerts too, which leaves it to one that has some. `None` for any
    /// other event.
    pub fn take_over(&self, shared: &Shared, record: &Record) -> Option<KeptState> {
        if !record.kind.starts_with("alert.") {
            return None;
        }
        let payload = serde_json::from_slice(&record.payload).ok()?;
        let (name, kept) = Kept::from_event(&record.kind, &payload, record.accepted_at)?;
        let bytes = kept.as_ref().map(Kept::to_bytes);
        let watch = &mut lock(&self.desk).watch;
        let known = match kept {
            Some(kept) => watch.restore(&name, kept, now(shared)),
            None => watch.restore_quiet(&name),
        };
        (known || watch.is_empty()).then_some((name, bytes))
    }

    /// The clerk has read what dead processes left: the values that came meanwhile are judged in their
    /// order.
    pub fn wake(&self, shared: &Shared) {
        let mut desk = lock(&self.desk);
        for (metric, value, then) in desk.early.take().unwrap_or_default() {
            desk.watch.note(&metric, value);
            if desk.is_ready() {
                let found = desk.watch.judge(then);
                desk.tell(found, shared);
            }
        }
        desk.go_on(shared);
    }

    /// Puts other alerts in force, and judges them by the last values the host fed. Returns the names of
    /// those that fired and are not watched any more.
    pub fn replace(&self, shared: &Arc<Shared>, alerts: &[Arc<Alert>]) -> Vec<String> {
        let fed = lock(&shared.metrics).clone();
        let gone = {
            let mut desk = lock(&self.desk);
            let gone = desk.watch.replace(alerts, now(shared));
            desk.changes.retain(|(_, (name, _))| !gone.contains(name));
            fed.iter().for_each(|(name, value)| desk.watch.note(name, *value));
            desk.go_on(shared);
            gone
        };
        if let Err(error) = self.rounds.put_in_force(alerts, shared) {
            let text = format!("built-in metrics are not measured: no thread can be started: {error}");
            shared.log.write(Level::Error, &text);
        }
        gone
    }

    /// How many alerts fire.
    pub fn firing(&self) -> usize {
        lock(&self.desk).watch.firing()
    }
}

impl Desk {
    /// Whether nothing stands before a judgement.
    fn is_ready(&self) -> bool {
        self.early.is_none() && self.untold.is_empty()
    }

    /// Tells what is left to tell, then judges what was noted. Whether anything was told.
    fn go_on(&mut self, shared: &Shared) -> bool {
        let told = self.tell(Vec::new(), shared);
        if !self.is_ready() {
            return told;
        }
        let found = self.watch.judge(now(shared));
        self.tell(found, shared) || told
    }

    /// Puts transitions into the ring, in their order; what does not fit waits.
    fn tell(&mut self, found: Vec<Transition>, shared: &Shared) -> bool {
        self.untold.extend(found);
        let before = self.untold.len();
        while let Some(next) = self.untold.front() {
            let payload = next.payload().to_string();
            let Ok(accepted) = shared.intake.push(next.kind(), payload.as_bytes()) else { break };
            shared.counters.alert_events.one();
            shared.log.write(Level::Info, &format!("{}: {next}", accepted.id));
            let name = next.alert.name.clone();
            // Nothing was judged since, so this is the state after just this transition.
            let kept = self.watch.kept(&name).as_ref().map(Kept::to_bytes);
            self.changes.push_back((accepted.ticket, (name, kept)));
            self.untold.pop_front();
        }
        self.untold.len() < before
    }

    /// Hands over which alerts are about to fire, and which are no more. Whether there were any.
    fn keep_pending(&mut self) -> bool {
        let pending = self.watch.take_pending();
        let any = !pending.is_empty();
        // Not before what was told of them.
        let ticket = self.changes.back().map_or(0, |(ticket, _)| *ticket);
        let kept = pending.into_iter().map(|(name, kept)| (name, kept.as_ref().map(Kept::to_bytes)));
        self.changes.extend(kept.map(|kept| (ticket, kept)));
        any
    }

    fn next_due(&self, now: Moment) -> Option<Duration> {
        if self.untold.is_empty() { self.watch.next_due() } else { Some(now.monotonic + AGAIN) }
    }
}

fn now(shared: &Shared) -> Moment {
    Moment { monotonic: shared.clock.monotonic(), unix_ms: shared.clock.unix_ms() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::config::Config;
    use crate::intake::{Home, Intake};

    const CONFIG: &str =
        "[spool]\npath = \":memory:\"\n[[alerts]]\nname = \"a\"\nmetric = \"m\"\nabove = 1\n";

    fn shared() -> Shared {
        let config = Config::load(CONFIG).unwrap();
        Shared::new(Intake::open(&Home::Memory, 0), &config, Arc::new(SystemClock), None)
    }

    /// What the clerk would read: types of events, and the states to keep with them.
    fn read(shared: &Shared) -> (Vec<Record>, Vec<KeptState>) {
        let mut records = Vec::new();
        shared.intake.read(usize::MAX, &mut records);
        let changes = shared.watchman.changes(shared.intake.read_ticket());
        shared.intake.release();
        (records, changes)
    }

    fn kinds(records: &[Record]) -> Vec<&str> {
        records.iter().map(|record| record.kind.as_str()).filter(|kind| kind.starts_with("alert.")).collect()
    }

    #[test]
    fn an_alert_waits_for_room_in_the_ring_and_is_not_lost() {
        let shared = shared();
        shared.watchman.wake(&shared);
        while shared.intake.push("filler", &[b' '; 256]).is_ok() {}
        while shared.intake.push("filler", b"{}").is_ok() {}
        for value in [2.0, 0.0, 3.0] {
            shared.watchman.observe(&shared, "m", value);
        }
        shared.watchman.tick(&shared);
        assert!(shared.watchman.arm(&shared).is_some(), "it is offered again");
        let (records, changes) = read(&shared);
        assert_eq!((kinds(&records).len(), changes.len()), (0, 0));
        shared.watchman.tick(&shared);
        let (records, changes) = read(&shared);
        assert_eq!(kinds(&records), ["alert.firing"], "the last value is on the bad side still");
        assert!(matches!(&changes[..], [(name, Some(_))] if name == "a"));
        assert_eq!(shared.watchman.arm(&shared), None);
    }

    #[test]
    fn a_state_is_kept_with_its_event_and_not_before() {
        let shared = shared();
        shared.watchman.wake(&shared);
        shared.watchman.observe(&shared, "m", 2.0);
        assert_eq!(shared.watchman.changes(shared.intake.read_ticket()), []);
        let (records, changes) = read(&shared);
        assert_eq!((kinds(&records), changes.len()), (vec!["alert.firing"], 1));
        shared.watchman.observe(&shared, "m", 0.0);
        let (records, changes) = read(&shared);
        assert_eq!((kinds(&records), changes), (vec!["alert.resolved"], vec![("a".to_owned(), None)]));
    }

    #[test]
    fn values_that_come_before_dead_processes_are_read_are_judged_after() {
        let shared = shared();
        for value in [2.0, 0.0] {
            shared.watchman.observe(&shared, "m", value);
        }
        assert!(read(&shared).0.is_empty());
        let kept = Kept { metric: "m".into(), since: 1, told: Some(2), reminders: 0, value: 9.0 };
        assert!(shared.watchman.restore(&shared, "a", kept));
        shared.watchman.wake(&shared);
        assert_eq!(kinds(&read(&shared).0), ["alert.resolved"], "it had been told before");
    }

    #[test]
    fn only_what_taskbell_told_by_itself_changes_an_alert() {
        let shared = shared();
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
            assert_eq!(shared.watchman.take_over(&shared, &record(kind, payload)), None);
        }
        assert_eq!(shared.watchman.firing(), 0);
    }
}
