//! The end of a queue that waits for `end_delay`.

use crate::event::EventId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::time::Duration;

/// The end of a queue that is waited for: it counts once the queue has stayed empty for the delay.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeldEnd {
    #[serde(with = "id_text")]
    pub id: EventId,
    /// Its ticket in this process; 0 when it comes from an earlier one.
    #[serde(skip)]
    pub ticket: u64,
    /// When the host's call accepted it, in Unix milliseconds.
    pub accepted_at: i64,
    /// When the host first said that the queue is empty, in Unix milliseconds: its work was over then.
    #[serde(default)]
    pub idle_since: i64,
    pub payload: Map<String, Json>,
    /// When it counts, by the monotonic clock of this process.
    #[serde(skip)]
    pub due: Duration,
    /// Whether the queue was started or at work before it.
    #[serde(skip)]
    pub worked: bool,
}

mod id_text {
    use crate::event::EventId;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(id: &EventId, writer: S) -> Result<S::Ok, S::Error> {
        writer.collect_str(id)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<EventId, D::Error> {
        let text = String::deserialize(reader)?;
        EventId::parse(&text).ok_or_else(|| D::Error::custom("not an event id"))
    }
}
