//! Which events are in the store, as far as that was asked: nobody else adds one.

use super::flight::{BoundStatement, values};
use super::values::event_id;
use std::collections::{HashMap, HashSet};
use taskbell_core::event::EventId;
use tokio_postgres::Row;

/// So many answers are kept; then all are asked for again.
const MOST: usize = 50_000;

/// Answers that hold until an event is written.
#[derive(Default)]
pub struct KnownEvents(HashMap<EventId, bool>);

impl KnownEvents {
    /// Whether this event is in the store, where that was asked.
    pub fn get(&self, id: EventId) -> Option<bool> {
        self.0.get(&id).copied()
    }

    /// Those of which nothing is known.
    pub fn unknown_of(&self, ids: &[EventId]) -> Vec<EventId> {
        let unknown: HashSet<EventId> = ids.iter().copied().filter(|id| !self.0.contains_key(id)).collect();
        unknown.into_iter().collect()
    }

    /// Notes the answer to [`question`].
    pub fn learn(&mut self, asked: &[EventId], found: &[Row]) {
        if self.0.len() + asked.len() > MOST {
            self.0.clear();
        }
        self.0.extend(asked.iter().map(|id| (*id, false)));
        self.0.extend(found.iter().map(|row| (event_id(row, 0), true)));
    }

    /// This event is written.
    pub fn add(&mut self, id: EventId) {
        self.0.insert(id, true);
    }

    /// What is known may no longer hold.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}

/// Asks which of these events are there.
pub fn question(ids: &[EventId]) -> BoundStatement<'_> {
    let ids: Vec<&[u8]> = ids.iter().map(|id| &id.as_bytes()[..]).collect();
    BoundStatement::new("SELECT id FROM taskbell.events WHERE id = ANY($1)", values![ids])
}
