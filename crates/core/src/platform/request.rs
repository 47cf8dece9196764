//! The request of one attempt: the message, which is rendered once, and the parts that change with each attempt.

use super::multipart::{Field, form};
use crate::secret::Secret;
use serde_json::Value;
use std::borrow::Cow;
use url::Url;

/// A message on its way, as a platform sees it when it shapes an attempt.
#[derive(Debug, Clone, Copy)]
pub struct RenderedMessage<'a> {
    /// The event's id.
    pub event_id: &'a str,
    /// The event's type.
    pub kind: &'a str,
    /// When the delivery was made, in Unix milliseconds; the same on each attempt.
    pub created_at: i64,
    /// When this attempt starts, in Unix milliseconds.
    pub now: i64,
    /// The content type of the body.
    pub content_type: &'a str,
    /// The rendered body, the same on each attempt.
    pub body: &'a [u8],
    /// A file that goes with it.
    pub file: Option<&'a Attachment>,
    /// Whether the file goes in a form as SwarmUI makes it; only for a platform that reads such forms.
    pub form: bool,
    /// The living message that it is a state of.
    pub live: Option<Live<'a>>,
}

/// A living message, as a platform sees it.
#[derive(Debug, Clone, Copy)]
pub struct Live<'a> {
    /// The id of the event that began it: letters, digits and `_`, the same for all its states.
    pub first: &'a str,
    /// What the platform called the message in its answer; `None` for the first state.
    pub message: Option<&'a str>,
}

impl<'a> RenderedMessage<'a> {
    /// The message that it edits.
    pub fn edited(&self) -> Option<&'a str> {
        self.live.and_then(|live| live.message)
    }
}

/// A file that was read for an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name without folders, as letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// Its media type, such as `image/png`.
    pub media: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The request of one attempt, before the endpoint's own headers and signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    /// What is dialled.
    pub url: Url,
    /// The `content-type`.
    pub content_type: Cow<'a, str>,
    /// The HTTP method.
    pub method: &'static str,
    /// Further headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The bytes that are signed and sent.
    pub body: Cow<'a, [u8]>,
    /// Set for a message that goes by SMTP.
    pub envelope: Option<Envelope>,
    /// It takes bytes to an address that the receiver named, and is no message: it has none of the endpoint's headers
    /// and signatures, and 200 alone says that the bytes arrived.
    pub is_storage: bool,
}

/// A request that follows a delivered message, and what of the message it is, as `image`.
///
/// # Errors
/// What the last answer lacks, in words that go after "the answer".
pub type FollowUp<'a> = Result<(&'static str, Request<'a>), &'static str>;

/// Whom a message by SMTP is for, and what the server must know besides (RFC 5321).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The address that gets reports of failures.
    pub from: String,
    /// The addresses of the recipients, in ASCII.
    pub to: Vec<String>,
    /// User and password.
    pub login: Option<(Secret, Secret)>,
    /// Whether it may go without TLS.
    pub in_clear: InClear,
}

/// When a message may go by SMTP without TLS, to a server that offers none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InClear {
    /// Never.
    Never,
    /// To this machine.
    Locally,
    /// To any machine, unless there is a password.
    Anywhere,
}

impl<'a> RenderedMessage<'a> {
    /// The request to this URL when nothing of it changes from attempt to attempt.
    #[inline(never)]
    pub(super) fn request_to(&self, url: Url, reads_forms: bool) -> Request<'a> {
        let (content_type, body) = match self.file.filter(|_| self.form && reads_forms) {
            Some(file) => {
                let (content_type, body) = self.swarm_form(file);
                (Cow::Owned(content_type), Cow::Owned(body))
            }
            None => (Cow::Borrowed(self.content_type), Cow::Borrowed(self.body)),
        };
        Request {
            method: "POST",
            url,
            content_type,
            headers: Vec::new(),
            body,
            envelope: None,
            is_storage: false,
        }
    }

    /// The form in which SwarmUI sends a message that begins with `[discord_image]`: its templates may name the
    /// file as `attachment://image.png`.
    fn swarm_form(&self, file: &Attachment) -> (String, Vec<u8>) {
        let text = String::from_utf8_lossy(self.body);
        let field = Field { name: "payload_json", media: Some("application/json"), value: &text };
        let ending = file.name.rsplit('.').next().unwrap_or("bin");
        form(&[field], "file", &format!("image.{ending}"), file)
    }

    /// The body as JSON; `None` when it is anything else.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(self.body).ok()
    }
}

impl Request<'_> {
    /// Puts JSON in the place of the body.
    pub fn set_json(&mut self, body: &Value) {
        self.content_type = Cow::Borrowed("application/json");
        self.body = Cow::Owned(body.to_string().into_bytes());
    }
}
