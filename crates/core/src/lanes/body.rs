//! The message of a delivery, and the other forms in which a receiver may take it.

use crate::endpoint::Endpoint;
use crate::json::Members;
use crate::message::{Extras, Message};
use crate::platform::{self, Degradation};
use crate::spool::StoredMessage;
use serde_json::Value;

/// A rendered message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The `content-type`.
    pub content_type: String,
    /// The rendered bytes, from which the platform makes the request that is signed and sent.
    pub bytes: Vec<u8>,
    /// What goes with it.
    pub extras: Extras,
}

impl From<Message> for Body {
    fn from(message: Message) -> Body {
        Body { content_type: message.content_type, bytes: message.body, extras: message.extras }
    }
}

impl From<StoredMessage> for Body {
    fn from(message: StoredMessage) -> Body {
        let extras = Extras::from_text(message.extras.as_deref());
        Body { content_type: message.content_type, bytes: message.body, extras }
    }
}

impl Body {
    /// The next plainer form for a receiver that refused the message, which went as `tried`; `None` when there is none.
    /// Where the platform's rules find what was refused, only that is left out. Without its file a message is
    /// plainer too. One that the receiver refused in a plainer form is made plainer still.
    pub(super) fn plainer(
        &self,
        endpoint: &Endpoint,
        how: Degradation,
        tried: Option<Degradation>,
        had_file: bool,
    ) -> Option<(Degradation, Body)> {
        use Degradation::{NoImage, NoMarkup, Pruned, Shorter};
        if tried.is_none()
            && let Some(body) = self.pruned(endpoint)
        {
            return Some((Pruned, body));
        }
        let steps: &[Degradation] = match (how, tried) {
            (Pruned, _) | (_, Some(Shorter)) => &[],
            (_, Some(NoMarkup)) => &[Shorter],
            (NoImage, None | Some(Pruned)) => &[NoImage, NoMarkup],
            (NoImage | NoMarkup, _) => &[NoMarkup],
            (Shorter, _) => &[Shorter],
        };
        steps.iter().find_map(|step| {
            let without_file = || had_file.then(|| self.clone());
            Some((*step, self.degraded(endpoint, *step).or_else(without_file)?))
        })
    }

    /// The message in a plainer form that an earlier attempt found.
    pub(super) fn in_form(&self, endpoint: &Endpoint, how: Degradation) -> Option<Body> {
        let pruned = self.pruned(endpoint);
        match pruned.as_ref().unwrap_or(self).degraded(endpoint, how) {
            Some(body) => Some(body),
            None => pruned,
        }
    }

    fn pruned(&self, endpoint: &Endpoint) -> Option<Body> {
        let pruned = platform::pruned(endpoint.platform, &endpoint.target, &self.bytes)?;
        Some(self.with_bytes(pruned))
    }

    fn degraded(&self, endpoint: &Endpoint, how: Degradation) -> Option<Body> {
        if how == Degradation::Pruned {
            return None;
        }
        let json: Value = serde_json::from_slice(&self.bytes).ok()?;
        let plain = endpoint.platform.plainer(&json, how)?;
        Some(self.with_bytes(plain.to_string().into_bytes()))
    }

    /// The message to the chat that replaced the configured one. `None` for one that names its chat itself:
    /// when that has moved, its template must follow.
    pub(super) fn to_chat(&self, chat: i64) -> Option<Body> {
        let mut json: Value = serde_json::from_slice(&self.bytes).ok()?;
        let fields = json.as_object_mut().filter(|fields| !fields.contains_key("chat_id"))?;
        fields.put("chat_id", chat.into());
        Some(self.with_bytes(json.to_string().into_bytes()))
    }

    fn with_bytes(&self, bytes: Vec<u8>) -> Body {
        Body { content_type: self.content_type.clone(), bytes, extras: self.extras.clone() }
    }
}
