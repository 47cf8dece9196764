//! The message of a delivery, and the other forms in which a receiver may take it.

use crate::endpoint::Endpoint;
use crate::message::{Extras, Message};
use crate::platform::{self, Degradation};
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

impl Body {
    /// The plainer form for a receiver that refused the message; `None` when there is none. Without its file
    /// a message is plainer too. Where the platform's rules find what was refused, only that is left out.
    pub(super) fn plainer(&self, endpoint: &Endpoint, how: Degradation, had_file: bool) -> Option<Body> {
        if let Some(pruned) = platform::pruned(endpoint.platform, &endpoint.target, &self.bytes) {
            return Some(self.with_bytes(pruned));
        }
        if how == Degradation::Pruned {
            return None;
        }
        let json: Value = serde_json::from_slice(&self.bytes).ok()?;
        match endpoint.platform.degrade(&json, how) {
            Some(plain) => Some(self.with_bytes(plain.to_string().into_bytes())),
            None => had_file.then(|| self.clone()),
        }
    }

    /// The message to the chat that replaced the configured one. `None` for one that names its chat itself:
    /// when that has moved, its template must follow.
    pub(super) fn to_chat(&self, chat: i64) -> Option<Body> {
        let mut json: Value = serde_json::from_slice(&self.bytes).ok()?;
        let fields = json.as_object_mut().filter(|fields| !fields.contains_key("chat_id"))?;
        fields.insert("chat_id".to_owned(), chat.into());
        Some(self.with_bytes(json.to_string().into_bytes()))
    }

    fn with_bytes(&self, bytes: Vec<u8>) -> Body {
        Body { content_type: self.content_type.clone(), bytes, extras: self.extras.clone() }
    }
}
