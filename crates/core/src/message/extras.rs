//! What goes with a message beside its body: the file to enclose, and the message in one line.

use super::{Context, Notice, Tone};
use crate::config::{Endpoint, Overflow};
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
    /// What goes with the message of this event to this endpoint.
    pub fn of(endpoint: &Endpoint, context: &Context) -> Extras {
        let encloses = endpoint.platform.file_limit().is_some();
        let folds = endpoint.overflow == Overflow::Fold && !endpoint.rate.is_empty();
        Extras {
            file: encloses.then(|| chosen(context, endpoint)).flatten(),
            form: false,
            line: folds.then(|| {
                let kind = context.text_at(&["event", "type"]).unwrap_or("event");
                let notice = Notice::from_context(kind, context);
                Line { tone: notice.tone, text: notice.title }
            }),
            host: folds.then(|| context.at(&["host"]).cloned()).flatten(),
        }
    }

    /// With the file in SwarmUI's form, or in the platform's own where its receivers read no such form; without
    /// any when the template does not ask for it.
    pub(super) fn for_swarmui(self, asked: bool, endpoint: &Endpoint, context: &Context) -> Extras {
        let form = asked && endpoint.platform.reads_forms();
        let file = if form { chosen(context, endpoint) } else { self.file.filter(|_| asked) };
        Extras { form: form && file.is_some(), file, ..self }
    }

    /// As the spool keeps it; `None` for nothing.
    pub fn to_text(&self) -> Option<String> {
        if *self == Extras::default() { None } else { serde_json::to_string(self).ok() }
    }

    /// From what the spool kept. What cannot be read is nothing: the message itself still goes.
    pub fn from_text(text: Option<&str>) -> Extras {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

/// The path of the first output of a task that is a picture by its type or its name; where there is none,
/// of the first file, for a platform that takes any. None where no file may be read.
fn chosen(context: &Context, endpoint: &Endpoint) -> Option<String> {
    if endpoint.file_roots.is_empty() {
        return None;
    }
    let takes_any = endpoint.platform.document_sizes().is_some();
    let outputs = context.at(&["task", "outputs"])?.as_array()?;
    let text = |output: &Json, key: &str| output.get(key).and_then(Json::as_str).map(str::to_owned);
    let path_of = |output: &Json| text(output, "path").filter(|path| !path.is_empty());
    let picture = outputs.iter().find_map(|output| {
        let path = path_of(output)?;
        let is_picture = match text(output, "mime") {
            Some(mime) => mime.starts_with("image/"),
            None => {
                let path = path.to_ascii_lowercase();
                [".png", ".jpg", ".jpeg", ".gif", ".webp"].iter().any(|ending| path.ends_with(ending))
            }
        };
        is_picture.then_some(path)
    });
    picture.or_else(|| outputs.iter().find_map(path_of).filter(|_| takes_any))
}
