//! Cooldowns and digest windows of all hooks, and how the spool keeps them.

use super::cooldown::{self, CooldownResult, Cooldowns, ShapingChange};
use super::digest_window::{DigestWindow, WindowKey};
use super::told::{self, ThingChange, ToldBeginnings};
use crate::event::{ALERT_FIRING, ALERT_RESOLVED, BATCH_STALLED, EventId};
use crate::hooks::{Digest, Hook, Subject};
use crate::message::ConditionResult;
use crate::tally::DEFAULT_QUEUE;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// A digest of a queue that never ends is sent after a day.
const MAX_QUEUE_DIGEST_MS: i64 = 24 * 3_600_000;

/// Open windows: queue names may come from a host's users, so their number is bounded.
const MAX_WINDOWS: usize = 1024;

/// Bytes of items in all windows. Beyond, the oldest window is sent early, and items without room are only
/// counted.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The state of shaping. Its clock is the Unix time in milliseconds that callers pass in.
#[derive(Debug, Clone, Default)]
pub struct ShapingState {
    cooldowns: Cooldowns,
    told: ToldBeginnings,
    windows: BTreeMap<WindowKey, DigestWindow>,
    bytes: usize,
    changes: Vec<ShapingChange>,
}

impl ShapingState {
    /// Passes a match through the hook's cooldown, which starts if it passes. A `cooldown_by` that cannot be
    /// evaluated lets the match pass; the second value says why. The end of something follows its beginning.
    pub fn cool(&mut self, hook: &Hook, subject: &Subject, now: i64) -> (CooldownResult, Option<String>) {
        let change = ThingChange::of(subject);
        if let Some(end) = change.as_ref().filter(|change| !change.begins) {
            match self.told.told(&hook.name, &end.thing) {
                Some(true) => return (CooldownResult::Pass(0), None),
                Some(false) if end.is_mere_end => {
                    self.told.end(&hook.name, &end.thing);
                    self.take_back_late(&hook.name, &end.thing);
                    return (CooldownResult::Suppressed, None);
                }
                _ => {}
            }
        }
        let cooled = self.pass_cooldown(hook, subject, now);
        match change {
            None => {}
            Some(change) if cooled.0 != CooldownResult::Suppressed => {
                self.take_back_late(&hook.name, &change.thing);
            }
            Some(change) if change.begins => self.told.begin(&hook.name, &change.thing, false, now),
            Some(change) => {
                self.told.end(&hook.name, &change.thing);
                self.take_back_late(&hook.name, &change.thing);
            }
        }
        cooled
    }

    /// Keeps the beginning of an alert or the standstill of a batch that the cooldown has just suppressed until the
    /// cooldown ends: if it lasts on then, nobody would have heard of it. Returns whether it is kept.
    pub fn hold_late(&mut self, hook: &Hook, endpoint: &str, subject: &Subject, now: i64) -> bool {
        let lasts = matches!(subject.kind.as_str(), ALERT_FIRING | BATCH_STALLED);
        let change = ThingChange::of(subject).filter(|_| lasts);
        let untold = |change: &ThingChange| self.told.told(&hook.name, &change.thing) == Some(false);
        let Some(change) = change.filter(untold) else { return false };
        let late = hook.shaping.cooldown_by.as_ref().map(|key| key.of(&subject.context).unwrap_or_default());
        let late = late.unwrap_or_default();
        let Some(due) = self.cooldowns.end_of(&hook.name, &late) else { return false };
        let (hook, endpoint) = (hook.name.to_string(), endpoint.to_owned());
        let key = WindowKey { hook, endpoint, queue: None, late: Some(late) };
        if let Some(window) = self.windows.get_mut(&key) {
            // A reminder takes the place of what it reminds of.
            let before = window.bytes();
            window.take_back(&change.thing);
            self.bytes = self.bytes + window.bytes() - before;
        }
        self.add(key, false, due, (subject, false), now);
        true
    }

    /// Drops the batches whose standstill waits for the end of a cooldown that is over by now, and which go on.
    pub fn release_late_batches(&mut self, now: i64, mut went_on: impl FnMut(&str) -> bool) {
        let due = self.windows.values().filter(|window| window.is_late() && window.is_due(now));
        let batches: Vec<(String, String)> = due
            .flat_map(|window| window.alerts().map(|thing| (window.hook().to_owned(), thing.to_owned())))
            .collect();
        for (hook, thing) in batches {
            if thing.strip_prefix("batch/").is_some_and(&mut went_on) {
                self.take_back_late(&hook, &thing);
            }
        }
    }

    /// Something has ended, or is told by a reminder: what its hook's cooldown keeps of it is not sent.
    fn take_back_late(&mut self, hook: &str, thing: &str) {
        let late = self.windows.values_mut().filter(|window| window.is_late() && window.hook() == hook);
        let empty: Vec<WindowKey> =
            late.filter_map(|window| window.take_back(thing).then(|| window.key.clone())).collect();
        for window in empty.iter().filter_map(|key| self.windows.remove(key)).collect::<Vec<_>>() {
            window.forget(&mut self.changes);
        }
        self.bytes = self.windows.values().map(DigestWindow::bytes).sum();
    }

    fn pass_cooldown(
        &mut self,
        hook: &Hook,
        subject: &Subject,
        now: i64,
    ) -> (CooldownResult, Option<String>) {
        let Some(cooldown) = hook.shaping.cooldown else { return (CooldownResult::Pass(0), None) };
        match hook.shaping.cooldown_by.as_ref().map(|key| key.of(&subject.context)) {
            Some(Err(reason)) => (CooldownResult::Pass(0), Some(reason)),
            key => {
                let key = key.and_then(Result::ok).unwrap_or_default();
                (self.cooldowns.ask(&hook.name, &key, cooldown.as_millis() as i64, now), None)
            }
        }
    }

    /// Undoes [`ShapingState::cool`] when no message could be rendered: the cooldown does not run, and the next
    /// message reports the `suppressed` matches.
    pub fn not_sent(&mut self, hook: &Hook, subject: &Subject, suppressed: u64, now: i64) {
        if self.knows_beginning(hook, subject)
            && ThingChange::of(subject).is_some_and(|change| !change.begins)
        {
            return;
        }
        let key = hook.shaping.cooldown_by.as_ref().map(|key| key.of(&subject.context).unwrap_or_default());
        if hook.shaping.cooldown.is_some() {
            self.cooldowns.take_back(&hook.name, &key.unwrap_or_default(), suppressed, now);
        }
    }

    /// A hook told, or holds to tell, that something began or ended.
    pub fn tell(&mut self, hook: &str, change: &ThingChange, now: i64) {
        match change.begins {
            true => self.told.begin(hook, &change.thing, true, now),
            false => self.told.end(hook, &change.thing),
        }
    }

    fn knows_beginning(&self, hook: &Hook, subject: &Subject) -> bool {
        let change = ThingChange::of(subject);
        change.is_some_and(|change| self.told.told(&hook.name, &change.thing) == Some(true))
    }

    /// Adds a match to a window if the hook has a `digest` or is in its quiet hours, and returns the id of the
    /// digest; `None` when the message is to be sent now. The second value is the error of `quiet_except`.
    ///
    /// `keeps_states`: the receiver opens something with an alert, and closes it with its end. An end of what is
    /// open there waits for nothing.
    pub fn hold(
        &mut self,
        hook: &Hook,
        (endpoint, keeps_states): (&str, bool),
        subject: &Subject,
        now: i64,
    ) -> (Option<EventId>, Option<String>) {
        let (quiet_until, fault) = match &hook.shaping.quiet {
            None => (None, None),
            Some(quiet) => match quiet.hours.end_after(now) {
                None => (None, None),
                end => match quiet.except.as_ref().map(|except| except.holds(&subject.context)) {
                    None | Some(ConditionResult::False) => (end, None),
                    Some(ConditionResult::True) => return (None, None),
                    Some(ConditionResult::Broken(reason)) => return (None, Some(reason)),
                },
            },
        };
        let (queue, due) = match (hook.shaping.digest, quiet_until) {
            (Some(Digest::Window(window)), _) => (None, now + window.as_millis() as i64),
            (Some(Digest::Queue), quiet_until) => match (queue_of(subject), quiet_until) {
                (Some(queue), _) => (Some(queue), now + MAX_QUEUE_DIGEST_MS),
                // It belongs to no queue, so there is no end to wait for.
                (None, Some(end)) => (None, end),
                (None, None) => return (None, fault),
            },
            (None, Some(end)) => (None, end),
            (None, None) => return (None, fault),
        };
        let key = WindowKey { hook: hook.name.to_string(), endpoint: endpoint.to_owned(), queue, late: None };
        let told = self.knows_beginning(hook, subject);
        if keeps_states && told && subject.kind == ALERT_RESOLVED {
            let change = ThingChange::of(subject);
            match change.map(|end| (end, self.windows.get_mut(&key))) {
                Some((end, Some(window))) if window.holds_beginning(&end.thing) => {}
                Some((end, Some(window))) => {
                    window.drop_alert(&end.thing);
                    return (None, fault);
                }
                _ => return (None, fault),
            }
        }
        let gathers = hook.shaping.digest.is_some();
        (Some(self.add(key, gathers, due, (subject, told), now)), fault)
    }

    fn add(
        &mut self,
        key: WindowKey,
        gathers: bool,
        due: i64,
        (subject, told): (&Subject, bool),
        now: i64,
    ) -> EventId {
        let fills = !self.windows.contains_key(&key) && self.windows.len() >= MAX_WINDOWS;
        if fills || self.bytes >= MAX_BYTES {
            self.close_the_oldest(now);
        }
        let window = self
            .windows
            .entry(key)
            .or_insert_with_key(|key| DigestWindow::open(key.clone(), gathers, now, due));
        let before = window.bytes();
        window.add(subject, self.bytes < MAX_BYTES, told);
        self.bytes = self.bytes + window.bytes() - before;
        window.id()
    }

    /// A queue ended: the digests that waited for it are due.
    pub fn end_queue(&mut self, queue: &str, now: i64) {
        for window in self.windows.values_mut() {
            if window.key.queue.as_deref() == Some(queue) {
                window.bring_forward(now);
            }
        }
    }

    /// Makes every window due, before a process ends that keeps nothing.
    pub fn hurry(&mut self, now: i64) {
        self.windows.values_mut().for_each(|window| window.bring_forward(now));
    }

    /// Closes and returns the windows that are due. A window whose hook is in its quiet hours waits for their
    /// end, unless `even_quiet`.
    pub fn due(&mut self, hooks: &[Hook], now: i64, even_quiet: bool) -> Vec<DigestWindow> {
        let mut closed = Vec::new();
        let due: Vec<WindowKey> = self
            .windows
            .values()
            .filter(|window| window.is_due(now))
            .map(|window| window.key.clone())
            .collect();
        for key in due {
            let quiet = hook_of(hooks, &key.hook).and_then(|hook| hook.shaping.quiet.as_ref());
            let end = quiet.and_then(|quiet| quiet.hours.end_after(now)).filter(|_| !even_quiet);
            match (end, self.windows.get_mut(&key)) {
                (Some(end), Some(window)) => window.put_off(end),
                _ => closed.extend(self.windows.remove(&key)),
            }
        }
        for window in &closed {
            window.forget(&mut self.changes);
            for thing in window.alerts().filter(|_| window.is_late()) {
                self.told.begin(window.hook(), thing, true, now);
            }
        }
        self.bytes = self.windows.values().map(DigestWindow::bytes).sum();
        closed
    }

    /// When the next window is due, in Unix milliseconds.
    pub fn next_due(&self) -> Option<i64> {
        self.windows.values().map(DigestWindow::due_at).min()
    }

    /// The changes since the last call, in the order in which the spool must write them.
    pub fn changes(&mut self) -> Vec<ShapingChange> {
        self.cooldowns.changes(&mut self.changes);
        self.told.changes(&mut self.changes);
        self.windows.values_mut().for_each(|window| window.changes(&mut self.changes));
        std::mem::take(&mut self.changes)
    }

    pub fn touch_all(&mut self) {
        self.cooldowns.touch_all();
        self.told.touch_all();
        self.windows.values_mut().for_each(DigestWindow::touch);
    }

    /// Adds the state that an ended instance left in the spool: the ends of the keys in order, and the values.
    /// Skips what cannot be read.
    pub fn restore(&mut self, kept: &[(&str, &[u8])]) {
        for (key, value) in kept {
            if key.starts_with(cooldown::PREFIX) {
                self.cooldowns.restore(value);
            } else if key.starts_with(told::PREFIX) {
                self.told.restore(value);
            } else if let Some(window) = DigestWindow::restore(key, value, kept) {
                match self.windows.get_mut(&window.key) {
                    Some(present) => present.join(window),
                    None => {
                        self.windows.insert(window.key.clone(), window);
                    }
                }
            }
        }
        self.bytes = self.windows.values().map(DigestWindow::bytes).sum();
    }

    fn close_the_oldest(&mut self, now: i64) {
        if let Some(oldest) = self.windows.values_mut().min_by_key(|window| window.since()) {
            oldest.bring_forward(now);
        }
    }
}

pub fn hook_of<'a>(hooks: &'a [Hook], name: &str) -> Option<&'a Hook> {
    hooks.iter().find(|hook| &*hook.name == name)
}

/// The queue that an event belongs to; `None` for `alert.*` and `server.*` events.
fn queue_of(subject: &Subject) -> Option<String> {
    if ["alert.", "server."].iter().any(|family| subject.kind.starts_with(family)) {
        return None;
    }
    let context = &subject.context;
    let named = [["task", "queue"], ["queue", "name"]].iter().find_map(|path| context.text_at(path));
    // The `name` of any other event is not the name of a queue.
    let other = || match context.at(&["event", "data", "queue"]) {
        Some(Json::Number(number)) => Some(number.to_string()),
        other => other.and_then(Json::as_str).filter(|name| !name.is_empty()).map(str::to_owned),
    };
    Some(named.map(str::to_owned).or_else(other).unwrap_or_else(|| DEFAULT_QUEUE.to_owned()))
}

#[cfg(test)]
mod tests;
