//! What of an alert survives the process.

use crate::clock::{self, Moment};
use crate::event;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::time::Duration;

/// An alert that fires, or is about to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    pub metric: String,
    /// When the value went to the bad side, in Unix milliseconds.
    pub since: i64,
    /// When it was told of last, in Unix milliseconds; `None` when it was not: the value has not been on the
    /// bad side for long enough.
    pub told: Option<i64>,
    pub reminders: u64,
    /// The value it was told with.
    pub value: f64,
}

impl Kept {
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads it back; `None` for bytes that are none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Kept> {
        serde_json::from_slice(bytes).ok()
    }

    /// What an event of a process that died says of an alert: its name, and its state after the event.
    /// `None` when the payload is not one that Taskbell makes.
    pub fn from_event(
        kind: &str,
        payload: &Map<String, Json>,
        accepted_at: i64,
    ) -> Option<(String, Option<Kept>)> {
        let name = payload.get("name")?.as_str()?.to_owned();
        let kept = Kept {
            metric: payload.get("metric")?.as_str()?.to_owned(),
            since: clock::parse_rfc3339(payload.get("since")?.as_str()?)?,
            told: Some(accepted_at),
            reminders: payload.get("reminder")?.as_u64()?,
            value: payload.get("value")?.as_f64()?,
        };
        match kind {
            event::ALERT_FIRING => Some((name, Some(kept))),
            event::ALERT_RESOLVED => Some((name, None)),
            _ => None,
        }
    }

    /// When it is to be told again, by the monotonic clock.
    pub(super) fn next(&self, every: Option<Duration>, now: Moment) -> Option<Duration> {
        let told = self.told.unwrap_or(now.unix_ms);
        let passed = Duration::from_millis(u64::try_from(now.unix_ms - told).unwrap_or(0));
        every.map(|every| now.monotonic + every.saturating_sub(passed))
    }
}
