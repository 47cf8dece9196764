//! The watch over metrics: one small state machine an alert.

use super::pending::Pending;
use super::state::Kept;
use crate::alerts::Alert;
use crate::clock::{self, Moment};
use crate::event;
use crate::json::json;
use serde_json::Value as Json;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Firing,
    /// It still fires, for the time given after `every`; counted from 1.
    Reminder(u64),
    Resolved,
}

/// A change of an alert, to be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    pub alert: Arc<Alert>,
    pub change: Change,
    pub value: f64,
    /// When the value went to the bad side, in Unix milliseconds.
    pub since: i64,
    /// When it happened, in Unix milliseconds.
    pub at: i64,
}

/// Watches every alert. An alert fires once its value has been on the bad side for `for` without
/// interruption, as far as the samples show; it is resolved once by the first value at `clear` or beyond.
/// Between the two, nothing changes it: a metric that falls silent keeps its state.
#[derive(Default)]
pub struct Watch {
    entries: Vec<Entry>,
}

struct Entry {
    alert: Arc<Alert>,
    state: State,
    last: Option<f64>,
    /// Whether `last` was noted and not judged.
    unjudged: bool,
    /// Whether the spool has to be told that it is about to fire, or is no more.
    unkept: bool,
}

enum State {
    Quiet,
    /// On the bad side, and not for long enough.
    Pending(Pending),
    /// Fires, and is due to be told again.
    Firing(Kept, Option<Duration>),
}

impl Watch {
    /// A watch over these alerts, all of them quiet.
    pub fn new(alerts: &[Arc<Alert>]) -> Watch {
        let quiet = |alert: &Arc<Alert>| Entry::new(Arc::clone(alert), State::Quiet, None);
        Watch { entries: alerts.iter().map(quiet).collect() }
    }

    /// Takes a value that is judged later. One that is not finite is no value.
    pub fn note(&mut self, metric: &str, value: f64) {
        if !value.is_finite() {
            return;
        }
        for entry in self.entries.iter_mut().filter(|entry| entry.alert.metric.name() == metric) {
            entry.last = Some(value);
            entry.unjudged = true;
        }
    }

    pub fn judge(&mut self, now: Moment) -> Vec<Transition> {
        let judge = |entry: &mut Entry| std::mem::take(&mut entry.unjudged).then(|| entry.judge(now))?;
        self.entries.iter_mut().filter_map(judge).collect()
    }

    pub fn tick(&mut self, now: Moment) -> Vec<Transition> {
        self.entries.iter_mut().filter_map(|entry| entry.tick(now)).collect()
    }

    /// When [`Watch::tick`] has something to do next, by the monotonic clock.
    pub fn next_due(&self) -> Option<Duration> {
        self.entries.iter().filter_map(Entry::due).min()
    }

    /// Puts other alerts in force. One of the same name and metric keeps its state. Returns the names of
    /// those that the spool has and that are not watched any more.
    pub fn replace(&mut self, alerts: &[Arc<Alert>], now: Moment) -> Vec<String> {
        let mut old = std::mem::take(&mut self.entries);
        for alert in alerts {
            let same = |entry: &Entry| entry.alert.name == alert.name && entry.alert.metric == alert.metric;
            let entry = match old.iter().position(same) {
                Some(index) => old.swap_remove(index).under(Arc::clone(alert), now),
                None => Entry::new(Arc::clone(alert), State::Quiet, None),
            };
            self.entries.push(entry);
        }
        old.retain(|entry| entry.kept().is_some());
        old.into_iter().map(|entry| entry.alert.name.clone()).collect()
    }

    /// Takes back what an earlier process left of an alert: one that fires is not told of again, and one that was
    /// about to goes on when the next value is still bad. `false` when no such alert watches this metric, or
    /// what was left is no part of what goes on now.
    pub fn restore(&mut self, name: &str, kept: Kept, now: Moment) -> bool {
        let Some(entry) = self.named(name, &kept.metric) else { return false };
        if kept.told.is_none() {
            let pending = Pending::restored(&kept, entry.alert.hold, now);
            let Some(pending) = pending.filter(|_| matches!(entry.state, State::Quiet)) else { return false };
            entry.state = State::Pending(pending);
            return true;
        }
        let next = kept.next(entry.alert.every, now);
        entry.last.get_or_insert(kept.value);
        entry.state = State::Firing(kept, next);
        true
    }

    /// An earlier process told of an alert's end. `false` when there is no such alert.
    pub fn restore_quiet(&mut self, name: &str) -> bool {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.alert.name == name) else {
            return false;
        };
        entry.state = State::Quiet;
        true
    }

    /// What the spool has to keep of an alert.
    pub fn kept(&self, name: &str) -> Option<Kept> {
        self.entries.iter().find(|entry| entry.alert.name == name).and_then(Entry::kept)
    }

    /// The alerts that are about to fire, or are not any more, since the last call; as the spool is to keep
    /// them.
    pub fn take_pending(&mut self) -> Vec<(String, Option<Kept>)> {
        let change = |entry: &mut Entry| {
            std::mem::take(&mut entry.unkept).then(|| (entry.alert.name.clone(), entry.kept()))
        };
        self.entries.iter_mut().filter_map(change).collect()
    }

    /// All alerts that are about to fire are to be kept: the process ends.
    pub fn keep_pending(&mut self) {
        for entry in &mut self.entries {
            if let State::Pending(pending) = &mut entry.state
                && entry.last.is_some()
            {
                pending.keep();
                entry.unkept = true;
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn firing(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry.state, State::Firing(..))).count()
    }

    fn named(&mut self, name: &str, metric: &str) -> Option<&mut Entry> {
        let same = |entry: &&mut Entry| entry.alert.name == name && entry.alert.metric.name() == metric;
        self.entries.iter_mut().find(same)
    }
}

impl Entry {
    fn new(alert: Arc<Alert>, state: State, last: Option<f64>) -> Entry {
        Entry { alert, state, last, unjudged: false, unkept: false }
    }

    /// The same state under another configuration.
    fn under(mut self, alert: Arc<Alert>, now: Moment) -> Entry {
        if let State::Firing(kept, next) = &mut self.state
            && alert.every != self.alert.every
        {
            *next = kept.next(alert.every, now);
        }
        Entry { alert, ..self }
    }

    fn judge(&mut self, now: Moment) -> Option<Transition> {
        let value = self.last?;
        match &self.state {
            State::Quiet if self.alert.is_bad(value) => {
                self.state = State::Pending(Pending::since(now));
                self.tick(now)
            }
            State::Pending(pending) if !self.alert.is_bad(value) => {
                self.unkept |= pending.is_kept();
                self.state = State::Quiet;
                None
            }
            State::Firing(kept, _) if self.alert.is_clear(value) => {
                let since = kept.since;
                self.state = State::Quiet;
                Some(self.transition(Change::Resolved, value, since, now))
            }
            _ => self.tick(now),
        }
    }

    fn tick(&mut self, now: Moment) -> Option<Transition> {
        if self.due()? > now.monotonic {
            return None;
        }
        let value = self.last?;
        let metric = self.alert.metric.name().to_owned();
        let told = Some(now.unix_ms);
        let (change, kept) = match &mut self.state {
            State::Quiet => return None,
            State::Pending(pending) if pending.fires_at(self.alert.hold) > now.monotonic => {
                pending.keep();
                self.unkept = true;
                return None;
            }
            State::Pending(pending) => {
                (Change::Firing, Kept { metric, since: pending.began(), told, reminders: 0, value })
            }
            State::Firing(kept, _) => {
                let reminders = kept.reminders + 1;
                let kept = Kept { metric, since: kept.since, told, reminders, value };
                (Change::Reminder(reminders), kept)
            }
        };
        let since = kept.since;
        self.unkept = false;
        self.state = State::Firing(kept, self.alert.every.map(|every| now.monotonic + every));
        Some(self.transition(change, value, since, now))
    }

    fn due(&self) -> Option<Duration> {
        match &self.state {
            State::Quiet => None,
            // One that was restored waits for a value that says it is so still.
            State::Pending(pending) => self.last.map(|_| pending.due(self.alert.hold)),
            State::Firing(_, next) => *next,
        }
    }

    fn kept(&self) -> Option<Kept> {
        match &self.state {
            State::Quiet => None,
            State::Pending(pending) => pending.is_kept().then(|| Kept {
                metric: self.alert.metric.name().to_owned(),
                since: pending.began(),
                told: None,
                reminders: 0,
                value: self.last.unwrap_or_default(),
            }),
            State::Firing(kept, _) => Some(kept.clone()),
        }
    }

    fn transition(&self, change: Change, value: f64, since: i64, now: Moment) -> Transition {
        Transition { alert: Arc::clone(&self.alert), change, value, since, at: now.unix_ms }
    }
}

impl Transition {
    pub fn kind(&self) -> &'static str {
        match self.change {
            Change::Firing | Change::Reminder(_) => event::ALERT_FIRING,
            Change::Resolved => event::ALERT_RESOLVED,
        }
    }

    /// The payload of its event: what templates see as `alert`.
    pub fn payload(&self) -> Json {
        let reminder = match self.change {
            Change::Reminder(number) => number,
            Change::Firing | Change::Resolved => 0,
        };
        json!({
            "name": self.alert.name,
            "metric": self.alert.metric.name(),
            "value": number(self.value),
            "threshold": number(self.alert.bound.threshold()),
            "direction": self.alert.bound.direction(),
            "since": clock::rfc3339(self.since),
            "duration_s": number((self.at - self.since).max(0) as f64 / 1e3),
            "reminder": reminder,
        })
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Alert { name, metric, bound, clear, .. } = &*self.alert;
        let (metric, value) = (metric.name(), self.value);
        match self.change {
            Change::Resolved => {
                write!(f, "alert `{name}` is resolved: {metric} is {value}, and clear is {clear}")
            }
            Change::Firing | Change::Reminder(_) => {
                let still = if self.change == Change::Firing { "" } else { "still " };
                let (direction, threshold) = (bound.direction(), bound.threshold());
                write!(f, "alert `{name}` {still}fires: {metric} is {value}, {direction} {threshold}")
            }
        }
    }
}

/// A whole number is written as one: people read `10`, not `10.0`.
fn number(value: f64) -> Json {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT { json!(value as i64) } else { json!(value) }
}
