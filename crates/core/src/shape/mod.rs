//! Shaping: when a hook that fires is silent, held or gathered with others, so that people hear what
//! matters once. Between hooks and message, on the clerk's thread; driven by the clock it is given.
//!
//! Its state is kept in the spool under `shape/INSTANCE/…` and taken back by the next start: in the same
//! transaction as the events it speaks of, so that a crash neither loses an item of a digest nor says it
//! twice. Times are Unix milliseconds.

mod compact;
mod cooldown;
#[cfg(test)]
mod trials;
mod window;

pub use window::Window;

use crate::event::EventId;
use crate::hooks::Subject;
use crate::hooks::{Digest, Hook};
use crate::message::Verdict;
use crate::tally::DEFAULT_QUEUE;
use cooldown::Cooldowns;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use window::Place;

/// A digest of a queue that never ends goes out after a day.
const LONGEST_QUEUE: i64 = 24 * 3_600_000;

/// The most windows that are open at once: the names of queues may come from a host's users.
const MAX_WINDOWS: usize = 1024;

/// The most bytes of items in all windows together; with more, the oldest window is said before its
/// time, and what it cannot be said for is counted.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A change that the spool must keep: the end of the key, and the value or nothing.
pub type Change = (String, Option<Vec<u8>>);

/// What the shaping of every hook remembers.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    cooldowns: Cooldowns,
    windows: BTreeMap<Place, Window>,
    /// Bytes of items in them.
    bytes: usize,
    changes: Vec<Change>,
}

/// What a hook's cooldown says of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cooled {
    /// It fires. So many were silenced since it fired last.
    Fires(u64),
    /// It is silent.
    Silent,
}

impl Shape {
    /// Asks the cooldown of a hook whether it may fire, and notes that it does. A key that cannot be read
    /// lets it fire: the second value says why.
    pub fn cool(&mut self, hook: &Hook, subject: &Subject, now: i64) -> (Cooled, Option<String>) {
        let Some(cooldown) = hook.shaping.cooldown else { return (Cooled::Fires(0), None) };
        match hook.shaping.cooldown_by.as_ref().map(|key| key.of(&subject.context)) {
            Some(Err(reason)) => (Cooled::Fires(0), Some(reason)),
            key => {
                let key = key.and_then(Result::ok).unwrap_or_default();
                (self.cooldowns.ask(&hook.name, &key, cooldown.as_millis() as i64, now), None)
            }
        }
    }

    /// The hook fired and nothing could be said: its cooldown does not run, and `silenced` are to be told of
    /// still.
    pub fn unheard(&mut self, hook: &Hook, subject: &Subject, silenced: u64, now: i64) {
        let key = hook.shaping.cooldown_by.as_ref().map(|key| key.of(&subject.context).unwrap_or_default());
        if hook.shaping.cooldown.is_some() {
            self.cooldowns.take_back(&hook.name, &key.unwrap_or_default(), silenced, now);
        }
    }

    /// Takes a firing into a window, when the hook gathers or is in its quiet hours, and gives the id of what is
    /// said then; `None` when it is to be said now. The second value says what is wrong with `quiet_except`.
    pub fn hold(
        &mut self,
        hook: &Hook,
        endpoint: &str,
        subject: &Subject,
        now: i64,
    ) -> (Option<EventId>, Option<String>) {
        let (quiet_until, fault) = match &hook.shaping.quiet {
            None => (None, None),
            Some(quiet) => match quiet.hours.end_after(now) {
                None => (None, None),
                end => match quiet.except.as_ref().map(|except| except.holds(&subject.context)) {
                    None | Some(Verdict::False) => (end, None),
                    Some(Verdict::True) => return (None, None),
                    Some(Verdict::Broken(reason)) => return (None, Some(reason)),
                },
            },
        };
        let (queue, due) = match (hook.shaping.digest, quiet_until) {
            (Some(Digest::Window(window)), _) => (None, now + window.as_millis() as i64),
            (Some(Digest::Queue), quiet_until) => match (queue_of(subject), quiet_until) {
                (Some(queue), _) => (Some(queue), now + LONGEST_QUEUE),
                // Of no queue, so there is no end to wait for.
                (None, Some(end)) => (None, end),
                (None, None) => return (None, fault),
            },
            (None, Some(end)) => (None, end),
            (None, None) => return (None, fault),
        };
        let place = Place { hook: hook.name.clone(), endpoint: endpoint.to_owned(), queue };
        let fills = !self.windows.contains_key(&place) && self.windows.len() >= MAX_WINDOWS;
        if fills || self.bytes >= MAX_BYTES {
            self.hurry_the_oldest(now);
        }
        let gathers = hook.shaping.digest.is_some();
        let window = self
            .windows
            .entry(place)
            .or_insert_with_key(|place| Window::open(place.clone(), gathers, now, due));
        let before = window.bytes();
        window.add(subject, self.bytes < MAX_BYTES);
        self.bytes += window.bytes() - before;
        (Some(window.id()), fault)
    }

    /// The end of a queue counts: the digests that waited for it are due.
    pub fn end_queue(&mut self, queue: &str, now: i64) {
        for window in self.windows.values_mut() {
            if window.place.queue.as_deref() == Some(queue) {
                window.bring_forward(now);
            }
        }
    }

    /// Makes everything due: nothing survives this process.
    pub fn hurry(&mut self, now: i64) {
        self.windows.values_mut().for_each(|window| window.bring_forward(now));
    }

    /// Closes the windows that are due. One whose hook is in its quiet hours waits for their end, but for
    /// `even_quiet`.
    pub fn due(&mut self, hooks: &[Hook], now: i64, even_quiet: bool) -> Vec<Window> {
        let mut closed = Vec::new();
        let due: Vec<Place> = self
            .windows
            .values()
            .filter(|window| window.is_due(now))
            .map(|window| window.place.clone())
            .collect();
        for place in due {
            let quiet = hook_of(hooks, &place.hook).and_then(|hook| hook.shaping.quiet.as_ref());
            let end = quiet.and_then(|quiet| quiet.hours.end_after(now)).filter(|_| !even_quiet);
            match (end, self.windows.get_mut(&place)) {
                (Some(end), Some(window)) => window.put_off(end),
                _ => closed.extend(self.windows.remove(&place)),
            }
        }
        closed.iter().for_each(|window| window.forget(&mut self.changes));
        self.bytes = self.windows.values().map(Window::bytes).sum();
        closed
    }

    /// When the next window is due.
    pub fn next_due(&self) -> Option<i64> {
        self.windows.values().map(Window::due_at).min()
    }

    /// What changed since the last call, for the spool, in the order in which it has to be written.
    pub fn changes(&mut self) -> Vec<Change> {
        self.cooldowns.changes(&mut self.changes);
        self.windows.values_mut().for_each(|window| window.changes(&mut self.changes));
        std::mem::take(&mut self.changes)
    }

    /// Everything counts as changed: the spool has it no more.
    pub fn touch_all(&mut self) {
        self.cooldowns.touch_all();
        self.windows.values_mut().for_each(Window::touch);
    }

    /// Takes back what the spool kept of one instance that has ended: the ends of the keys, in their order,
    /// and the values. What cannot be read is passed over.
    pub fn restore(&mut self, kept: &[(&str, &[u8])]) {
        for (key, value) in kept {
            if key.starts_with(cooldown::PREFIX) {
                self.cooldowns.restore(value);
            } else if let Some(window) = Window::restore(key, value, kept) {
                match self.windows.get_mut(&window.place) {
                    Some(present) => present.join(window),
                    None => {
                        self.windows.insert(window.place.clone(), window);
                    }
                }
            }
        }
        self.bytes = self.windows.values().map(Window::bytes).sum();
    }

    fn hurry_the_oldest(&mut self, now: i64) {
        if let Some(oldest) = self.windows.values_mut().min_by_key(|window| window.since()) {
            oldest.bring_forward(now);
        }
    }
}

/// The hook of this name.
pub fn hook_of<'a>(hooks: &'a [Hook], name: &str) -> Option<&'a Hook> {
    hooks.iter().find(|hook| hook.name == name)
}

/// The queue that an event belongs to. An alert, and what the server says of itself, belong to none.
fn queue_of(subject: &Subject) -> Option<String> {
    if ["alert.", "server."].iter().any(|family| subject.kind.starts_with(family)) {
        return None;
    }
    let context = &subject.context;
    let named = [["task", "queue"], ["queue", "name"]].iter().find_map(|path| context.text_at(path));
    // The `name` of any other event is its own.
    let other = || match context.at(&["event", "data", "queue"]) {
        Some(Json::Number(number)) => Some(number.to_string()),
        other => other.and_then(Json::as_str).filter(|name| !name.is_empty()).map(str::to_owned),
    };
    Some(named.map(str::to_owned).or_else(other).unwrap_or_else(|| DEFAULT_QUEUE.to_owned()))
}
