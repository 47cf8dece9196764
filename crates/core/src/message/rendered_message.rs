//! A rendered message, and what goes with its body: the file to enclose, and the message in one line.

use super::summary_line::SummaryLine;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// A rendered message, the same for every attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The `content-type` of the body.
    pub content_type: String,
    /// The body, exactly as it is signed and sent.
    pub body: Vec<u8>,
    /// Whether the task's first output is attached as a file.
    pub attach_first_output: bool,
    /// The attachment and the summary line.
    pub extras: Extras,
}

/// The attachment and the summary line of a message. The spool stores this as JSON, and a file by its path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extras {
    /// The path of the attached file, as the host named it; read when the message is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Whether the file is sent in a form like SwarmUI's for Discord, instead of the platform's own way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub form: bool,
    /// The message in one line, for a summary of many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<SummaryLine>,
    /// `host` of the context, for such a summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Json>,
}

impl Extras {
    /// The text for the spool; `None` when there is nothing to store.
    pub fn to_text(&self) -> Option<String> {
        if *self == Extras::default() { None } else { serde_json::to_string(self).ok() }
    }

    /// Reads the text of the spool. An unreadable one counts as nothing, so that the message itself is still sent.
    pub fn from_text(text: Option<&str>) -> Extras {
        let json = text.and_then(|text| serde_json::from_slice::<Json>(text.as_bytes()).ok());
        json.and_then(|json| serde_json::from_value(json).ok()).unwrap_or_default()
    }
}
