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
    /// The picture that is drawn when the message is sent, where there is no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawing: Option<Drawing>,
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

/// A picture that Taskbell draws.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Drawing {
    /// A grid of the pictures at these paths, as the host named them; read when the message is sent.
    Sheet(Vec<String>),
    /// A series over its own range, from 0 to [`Drawing::TOP`].
    Curve(Vec<u16>),
}

impl Drawing {
    /// The height of a curve.
    pub const TOP: u16 = 1000;

    /// The points of a curve at most.
    const MAX_POINTS: usize = 400;

    /// The curve of a series; `None` of fewer than three finite numbers.
    pub fn curve(series: &[f64]) -> Option<Drawing> {
        let finite: Vec<f64> = series.iter().copied().filter(|number| number.is_finite()).collect();
        if finite.len() < 3 {
            return None;
        }
        let columns = finite.len().min(Drawing::MAX_POINTS);
        let at = |column: usize| finite[column * (finite.len() - 1) / (columns - 1)];
        let (low, high) =
            finite.iter().fold((f64::MAX, f64::MIN), |(low, high), at| (low.min(*at), high.max(*at)));
        // Halved first: the difference of large numbers is not finite.
        let range = high / 2.0 - low / 2.0;
        let share = |value: f64| if range > 0.0 { (value / 2.0 - low / 2.0) / range } else { 0.5 };
        Some(Drawing::Curve(
            (0..columns).map(|column| (share(at(column)) * f64::from(Drawing::TOP)) as u16).collect(),
        ))
    }
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
