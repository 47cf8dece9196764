//! The newest state of each alert in a digest window. States are not repetitions: ten that came and went are one
//! state, and a flood of other items displaces none.

use super::cooldown::ShapingChange;
use super::told::ThingChange;
use crate::hash::sha256_hex;
use crate::hooks::Subject;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// Alerts with a state; further ones are only counted.
const MAX_ALERTS: usize = 500;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct WindowedAlert {
    thing: String,
    /// Whether the receiver knew before this window that it fires.
    told: bool,
    fires: bool,
    /// The items before it in the window, and its own number among all matches.
    order: (usize, u64),
    item: Box<str>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct AlertStates {
    states: HashMap<String, WindowedAlert>,
    changed: HashSet<String>,
    saved: HashSet<String>,
    bytes: usize,
}

impl AlertStates {
    /// Puts a state in the place of the earlier one. `false` when there is no room for one alert more.
    pub fn put(&mut self, subject: &Subject, item: String, order: (usize, u64), told: bool) -> bool {
        let Some(change) = ThingChange::of(subject) else { return false };
        let earlier = self.states.get(&change.thing);
        if earlier.is_none() && self.states.len() >= MAX_ALERTS {
            return false;
        }
        // An end that comes first is that of something which began before the window.
        let told = earlier.map_or(told || !change.begins, |earlier| earlier.told);
        let thing = change.thing.clone();
        let state = WindowedAlert { thing, told, fires: change.begins, order, item: item.into() };
        self.insert(change.thing, state);
        true
    }

    fn insert(&mut self, thing: String, state: WindowedAlert) {
        self.bytes += state.item.len();
        self.changed.insert(thing.clone());
        let earlier = self.states.insert(thing, state);
        self.bytes -= earlier.map_or(0, |earlier| earlier.item.len());
    }

    /// Whether the beginning of this alert waits here and was not told before.
    pub fn holds_untold(&self, thing: &str) -> bool {
        self.states.get(thing).is_some_and(|state| !state.told)
    }

    /// Drops the state of an alert; whether there was one.
    pub fn remove(&mut self, thing: &str) -> bool {
        let Some(state) = self.states.remove(thing) else { return false };
        self.bytes -= state.item.len();
        self.changed.insert(thing.to_owned())
    }

    pub fn things(&self) -> impl Iterator<Item = &str> {
        self.states.keys().map(String::as_str)
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What a receiver that opens and closes something by it must hear.
    pub fn to_tell(&self) -> impl Iterator<Item = &str> {
        self.sorted().into_iter().filter(|state| state.fires || state.told).map(|state| &*state.item)
    }

    /// The states as they came, each with the number of items before it.
    pub fn in_order(&self) -> Vec<(usize, &str)> {
        self.sorted().into_iter().map(|state| (state.order.0, &*state.item)).collect()
    }

    fn sorted(&self) -> Vec<&WindowedAlert> {
        let mut states: Vec<&WindowedAlert> = self.states.values().collect();
        states.sort_by_key(|state| state.order);
        states
    }

    pub fn changes(&mut self, window: &str, changes: &mut Vec<ShapingChange>) {
        for thing in std::mem::take(&mut self.changed) {
            let value = self.states.get(&thing).and_then(|state| serde_json::to_vec(state).ok());
            changes.push((state_key(window, &thing), value));
            self.saved.insert(thing);
        }
    }

    pub fn touch(&mut self) {
        self.saved.clear();
        self.changed.extend(self.states.keys().cloned());
    }

    pub fn forget(&self, window: &str, changes: &mut Vec<ShapingChange>) {
        changes.extend(self.saved.iter().map(|thing| (state_key(window, thing), None)));
    }

    pub fn restore(window: &str, kept: &[(&str, &[u8])]) -> AlertStates {
        let prefix = format!("alerts/{window}/");
        let mut states = AlertStates::default();
        for (_, value) in kept.iter().filter(|(key, _)| key.starts_with(&prefix)) {
            if let Ok(state) = serde_json::from_slice::<WindowedAlert>(value) {
                states.insert(state.thing.clone(), state);
            }
        }
        states
    }

    /// Adds the states of another window; of one alert those of the later number stay.
    pub fn join(&mut self, other: AlertStates) {
        for (thing, state) in other.states {
            let earlier = self.states.get(&thing);
            let told = state.told || earlier.is_some_and(|earlier| earlier.told);
            if earlier.is_none_or(|earlier| earlier.order.1 <= state.order.1) {
                self.insert(thing, WindowedAlert { told, ..state });
            }
        }
    }
}

/// A fixed length, since a name may be any text.
fn state_key(window: &str, thing: &str) -> String {
    format!("alerts/{window}/{}", sha256_hex(thing, 32))
}
