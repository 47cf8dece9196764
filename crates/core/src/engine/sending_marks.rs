//! Marks in the spool the deliveries whose attempt is in flight for a while, so that `taskbell list` and `show` tell
//! them from what waits.
//!
//! An attempt that ends within a second costs nothing. A longer one costs one small transaction, for all endpoints
//! together and once a second at most; its mark is removed with the transaction that records its end. A mark belongs
//! to its instance: that of a dead one says nothing.

use super::lane_table::LaneTable;
use crate::clock::Moment;
use crate::intake::Intake;
use crate::lanes::{LaneReport, SendingAttempt};
use crate::spool::{Reader, SpoolError, StateChange, StateKey, StateKind};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// From this age an attempt is marked, and so long after a look the next one is.
const LONG: Duration = Duration::from_secs(1);

/// A delivery that a living host is sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlightDelivery {
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// When it began, in Unix milliseconds.
    pub since: i64,
}

/// What is marked, by endpoint.
#[derive(Debug, Default)]
pub struct SendingMarks {
    marked: HashMap<Arc<str>, Vec<SendingAttempt>>,
    look_at: Duration,
}

impl SendingMarks {
    pub fn changes(
        &mut self,
        table: &LaneTable,
        reports: &[LaneReport],
        instance: &str,
        now: Moment,
    ) -> Vec<StateChange> {
        let is_marked = |report: &LaneReport| match report {
            LaneReport::Attempt { endpoint, .. } | LaneReport::Returned { endpoint, .. } => {
                self.marked.contains_key(endpoint)
            }
            _ => false,
        };
        if now.monotonic < self.look_at && !reports.iter().any(is_marked) {
            return Vec::new();
        }
        self.look_at = now.monotonic + LONG;
        let mut long = HashMap::new();
        for (name, lane) in table.lock().iter() {
            let mut sending = lane.sending();
            sending.retain(|attempt| now.monotonic >= attempt.since + LONG);
            if !sending.is_empty() {
                long.insert(name.clone(), sending);
            }
        }
        let mut changes = Vec::new();
        let key = |endpoint: &str| StateKey::owned(StateKind::InFlight, instance, endpoint);
        for (endpoint, sending) in &long {
            if self.marked.get(endpoint) != Some(sending) {
                changes.push((key(endpoint), Some(mark(table, sending))));
            }
        }
        let ended = self.marked.keys().filter(|endpoint| !long.contains_key(*endpoint));
        changes.extend(ended.map(|endpoint| (key(endpoint), None)));
        self.marked = long;
        changes
    }

    /// When an attempt in flight is to be marked, by the monotonic clock.
    pub fn due(&self, table: &LaneTable) -> Option<Duration> {
        let lanes = table.lock();
        let unmarked = lanes.iter().flat_map(|(name, lane)| {
            let marked = self.marked.get(name).map(Vec::as_slice).unwrap_or_default();
            lane.sending().into_iter().filter(|attempt| !marked.contains(attempt))
        });
        let first = unmarked.map(|attempt| attempt.since).min()?;
        Some((first + LONG).max(self.look_at))
    }
}

/// The value of a mark: each delivery by its number.
fn mark(table: &LaneTable, sending: &[SendingAttempt]) -> Vec<u8> {
    let mut deliveries = HashMap::new();
    for attempt in sending {
        for (delivery, number) in &attempt.deliveries {
            let in_flight = InFlightDelivery { attempt: *number, since: attempt.started_at };
            deliveries.insert(table.reports.present_row(*delivery), in_flight);
        }
    }
    serde_json::to_vec(&deliveries).unwrap_or_default()
}

/// The deliveries that living hosts are sending right now, by their numbers, as far as their attempt lasts longer than
/// about a second.
///
/// # Errors
/// When the spool cannot be read.
pub fn deliveries_in_flight(reader: &dyn Reader) -> Result<HashMap<i64, InFlightDelivery>, SpoolError> {
    let marks = reader.states(StateKind::InFlight)?;
    if marks.is_empty() {
        return Ok(HashMap::new());
    }
    // Where nobody can tell which hosts live, nothing counts as in flight.
    let living = reader.file().and_then(|file| Intake::live_instances(file).ok()).unwrap_or_default();
    let marks = marks.into_iter().filter(|(key, _)| living.contains(&key.owner));
    let deliveries = marks.filter_map(|(_, value)| serde_json::from_slice(&value).ok());
    Ok(deliveries.flat_map(HashMap::<i64, InFlightDelivery>::into_iter).collect())
}
