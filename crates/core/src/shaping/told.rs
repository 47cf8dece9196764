//! What a hook told of the beginnings of alerts, stalled batches, queues and the server: an end follows its
//! beginning. It is told when the beginning was, and not when the beginning was silenced.

use super::cooldown::ShapingChange;
use crate::hash::sha256_hex;
use crate::hooks::{Subject, alert_key};
use crate::message::Context;
use crate::tally::scalar_text;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// The prefix of their state keys.
pub(super) const PREFIX: &str = "told/";

/// Remembered beginnings: names come from the host, so their number is bounded.
const MAX_BEGINNINGS: usize = 4096;

/// An event that begins or ends something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThingChange {
    /// What it is about: `alert/disk`.
    pub thing: String,
    /// Whether it begins, or goes on.
    pub begins: bool,
    /// An end that says nothing without its beginning, or nothing that must be heard.
    pub is_mere_end: bool,
}

impl ThingChange {
    /// Reads it from an event; `None` for one that is no state.
    pub fn of(subject: &Subject) -> Option<ThingChange> {
        if subject.for_asked {
            return None;
        }
        let context = &subject.context;
        let (family, begins) = match subject.kind.as_str() {
            "alert.firing" => ("alert", true),
            "alert.resolved" => ("alert", false),
            "batch.stalled" => ("batch", true),
            "batch.end" => ("batch", false),
            "queue.start" => ("queue", true),
            "queue.end" => ("queue", false),
            "server.start" => ("server", true),
            "server.stop" => ("server", false),
            _ => return None,
        };
        let name = name(context, family);
        // The end of a batch is told for itself, and so is one with failures.
        let is_mere_end = !begins && family != "batch" && subject.scale.failed == 0;
        Some(ThingChange { thing: format!("{family}/{name}"), begins, is_mere_end })
    }

    /// Keeps apart what `supersede` must not take for a repetition: another thing, and the end of this one.
    pub fn supersede_key(&self, key: &str) -> String {
        let side = if self.begins { "begins" } else { "ends" };
        format!("{key} {} {side}", self.thing)
    }
}

/// Hosts number their batches and alerts.
fn name(context: &Context, family: &str) -> String {
    if family == "alert" {
        return alert_key(context.at(&["alert", "name"]), context.text_at(&["alert", "node"]));
    }
    let key = if family == "batch" { "id" } else { "name" };
    context.at(&[family, key]).and_then(scalar_text).unwrap_or_default()
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Beginning {
    hook: String,
    thing: String,
    told: bool,
    at: i64,
}

#[derive(Debug, Clone, Default)]
pub(super) struct ToldBeginnings {
    open: HashMap<(String, String), Beginning>,
    changed: HashSet<(String, String)>,
}

impl ToldBeginnings {
    /// Whether this hook told of the beginning; `None` when it matched none.
    pub fn told(&self, hook: &str, thing: &str) -> Option<bool> {
        self.open.get(&(hook.to_owned(), thing.to_owned())).map(|beginning| beginning.told)
    }

    /// A beginning was told or silenced. A reminder that is silenced leaves the thing told.
    pub fn begin(&mut self, hook: &str, thing: &str, told: bool, now: i64) {
        let scope = (hook.to_owned(), thing.to_owned());
        let known = self.open.get(&scope);
        if known.is_some_and(|known| known.told || known.told == told) {
            return;
        }
        if known.is_none() && self.open.len() >= MAX_BEGINNINGS {
            self.forget_oldest();
        }
        let beginning = Beginning { hook: scope.0.clone(), thing: scope.1.clone(), told, at: now };
        self.open.insert(scope.clone(), beginning);
        self.changed.insert(scope);
    }

    /// It ended.
    pub fn end(&mut self, hook: &str, thing: &str) {
        let scope = (hook.to_owned(), thing.to_owned());
        if self.open.remove(&scope).is_some() {
            self.changed.insert(scope);
        }
    }

    fn forget_oldest(&mut self) {
        let oldest =
            self.open.iter().min_by_key(|(_, beginning)| beginning.at).map(|(scope, _)| scope.clone());
        if let Some(scope) = oldest {
            self.open.remove(&scope);
            self.changed.insert(scope);
        }
    }

    pub fn changes(&mut self, changes: &mut Vec<ShapingChange>) {
        for scope in std::mem::take(&mut self.changed) {
            let value = self.open.get(&scope).and_then(|beginning| serde_json::to_vec(beginning).ok());
            changes.push((state_key(&scope), value));
        }
    }

    pub fn touch_all(&mut self) {
        self.changed.extend(self.open.keys().cloned());
    }

    pub fn restore(&mut self, kept: &[u8]) {
        let Ok(kept) = serde_json::from_slice::<Beginning>(kept) else { return };
        let scope = (kept.hook.clone(), kept.thing.clone());
        self.changed.insert(scope.clone());
        let known = self.open.entry(scope).or_insert_with(|| kept.clone());
        known.told |= kept.told;
    }
}

/// A fixed length, since a name may be any text.
fn state_key((hook, thing): &(String, String)) -> String {
    format!("{PREFIX}{}", sha256_hex(format!("{hook}\0{thing}"), 32))
}
