//! The rows of the spool as the rest of the library sees them. All times are Unix milliseconds.

use crate::event::EventId;
use crate::transport::Phases;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use serde::Serialize;

/// An event to keep.
pub struct NewEvent<'a> {
    /// Its id.
    pub id: EventId,
    /// Its type.
    pub kind: &'a str,
    /// When the host's call accepted it.
    pub accepted_at: i64,
    /// The node of a farm that posted it; `None` for one of this process.
    pub node: Option<&'a str>,
    /// The payload as given, less `webhook_params`.
    pub payload: &'a [u8],
}

/// A delivery to keep.
pub struct NewDelivery<'a> {
    /// The event's sequence number, from `SpoolTransaction::event`.
    pub event: i64,
    /// The endpoint's name.
    pub endpoint: &'a str,
    /// The name of the hook that fired.
    pub hook: &'a str,
    /// The content type of the body.
    pub content_type: &'a str,
    /// The body bytes; empty for a message that could not be rendered.
    pub body: &'a [u8],
    /// What goes with it, as `message::Extras` writes it.
    pub extras: Option<&'a str>,
    /// When it was made.
    pub created_at: i64,
    /// When it is due first.
    pub due_at: i64,
    /// Set for a delivery that is dead from the start, with the reason.
    pub dead: Option<&'a str>,
    /// Why the hook fired, in words.
    pub why: Option<&'a str>,
    /// When it is stale, if ever.
    pub expires_at: Option<i64>,
    /// The thing it speaks of, when a newer message of the same thing takes its place.
    pub thing: Option<&'a str>,
    /// The event that began the living message it is a state of.
    pub live: Option<&'a str>,
}

/// A message to keep ready in case another does not arrive.
pub struct NewFallback<'a> {
    /// The event's number.
    pub event: i64,
    /// The endpoint whose delivery is watched.
    pub via: &'a str,
    /// Who hears instead.
    pub endpoint: &'a str,
    /// The name of the hook that fired.
    pub hook: &'a str,
    /// When it is said; `None` for when the watched delivery is dead.
    pub due_at: Option<i64>,
    /// The alert that is said again at that time even if it was delivered, unless it is resolved.
    pub alert: Option<&'a str>,
    /// The content type of the body.
    pub content_type: &'a str,
    /// The body bytes.
    pub body: &'a [u8],
    /// What goes with it, as `message::Extras` writes it.
    pub extras: Option<&'a str>,
}

/// A fallback that became a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// The number of the delivery.
    pub seq: i64,
    /// The event's id.
    pub event_id: EventId,
    /// The event's type.
    pub kind: String,
    /// The endpoint's name.
    pub endpoint: String,
    /// The name of the hook that fired.
    pub hook: String,
    /// Whether it had a time; else it is what a dead delivery falls back to.
    pub escalated: bool,
    /// What it says.
    pub message: StoredMessage,
}

impl Called {
    /// Why it is a delivery now.
    pub fn reason(&self) -> &'static str {
        if self.escalated {
            "another endpoint was notified, and nobody reacted in time: `escalate`"
        } else {
            "another endpoint did not get it: `fallback`"
        }
    }
}

/// The message of a delivery, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// The content type of the body.
    pub content_type: String,
    /// The same bytes on each attempt.
    pub body: Vec<u8>,
    /// What goes with it, as `message::Extras` writes it.
    pub extras: Option<String>,
}

/// One attempt, as it is logged.
#[derive(Debug, Clone)]
pub struct AttemptRow {
    /// The delivery's sequence number.
    pub delivery: i64,
    /// From 1.
    pub number: u32,
    /// When it started.
    pub started_at: i64,
    /// How long its phases took.
    pub phases: Phases,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// `delivered`, `retry`, `retry_after`, `final` or `gone`.
    pub outcome: &'static str,
    /// What went wrong, in words; scrubbed.
    pub error: Option<String>,
    /// The head of the response body, at most 4 KiB; scrubbed.
    pub response: Option<String>,
    /// When the next attempt is due, if there is one.
    pub next_at: Option<i64>,
}

impl AttemptRow {
    /// Whether it is the first one and there is nothing to say of it but the answer: a delivery that arrived with it
    /// keeps it in its own row.
    pub fn is_plain_first(&self) -> bool {
        self.number == 1 && self.outcome == "delivered" && self.error.is_none() && self.next_at.is_none()
    }

    /// An attempt during which a defect of Taskbell was caught.
    pub fn defect(delivery: i64, number: u32, started_at: i64) -> AttemptRow {
        AttemptRow {
            delivery,
            number,
            started_at,
            phases: Phases::default(),
            status: None,
            outcome: "retry",
            error: Some("a defect of Taskbell was caught; please report it".into()),
            response: None,
            next_at: None,
        }
    }
}

/// How a delivery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryEnd {
    /// The receiver has it.
    Delivered,
    /// It is a dead letter, with the reason.
    Dead(String),
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// It waits, or is in flight.
    Pending,
    /// The receiver has it.
    Delivered,
    /// It is a dead letter.
    Dead,
}

impl DeliveryState {
    /// The word that stands in the spool and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryState::Pending => "pending",
            DeliveryState::Delivered => "delivered",
            DeliveryState::Dead => "dead",
        }
    }
}

impl FromSql for DeliveryState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "pending" => Ok(DeliveryState::Pending),
            "delivered" => Ok(DeliveryState::Delivered),
            "dead" => Ok(DeliveryState::Dead),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}
