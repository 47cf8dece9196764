//! What goes with a message beside its body: the file to enclose, and the message in one line.

use super::Tone;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// What goes with a message beside its body. The spool keeps it as JSON; a file by its path, never by its
/// bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extras {
    /// The path of a file that goes with it, as the host named it; read when it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Whether the file goes in a form as SwarmUI makes it for Discord, not as the platform has it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub form: bool,
    /// The message in one line, for a summary of many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<Line>,
    /// What templates see as `host`, for such a summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Json>,
}

/// A message in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// How the news is.
    pub tone: Tone,
    /// The title of the card.
    pub text: String,
}

impl Extras {
    /// As the spool keeps it; `None` for nothing.
    pub fn to_text(&self) -> Option<String> {
        if *self == Extras::default() { None } else { serde_json::to_string(self).ok() }
    }

    /// From what the spool kept. What cannot be read is nothing: the message itself still goes.
    pub fn from_text(text: Option<&str>) -> Extras {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}
