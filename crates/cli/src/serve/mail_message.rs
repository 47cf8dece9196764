//! A message of mail in parts that a person can read.

use mail_parser::{MessageParser, MimeHeaders};
use serde_json::{Value as Json, json};
use std::borrow::Cow;

/// The method of a request that is a message of mail.
pub const METHOD: &str = "MAIL";

/// The head, with names in lower case and values as they are on the way.
pub fn headers(message: &[u8]) -> Vec<(String, String)> {
    let Some(read) = MessageParser::new().parse(message) else { return Vec::new() };
    let headers = read.headers_raw().map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    headers.collect()
}

/// A message as its reader sees it: subject, text, HTML, and what is attached.
pub fn read(message: &[u8]) -> Option<Json> {
    let read = MessageParser::new().parse(message)?;
    let attached = read.attachments().map(|part| {
        let kind = part.content_type().map(|kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()));
        json!({"name": part.attachment_name().or(part.content_id()), "type": kind, "bytes": part.contents().len()})
    });
    let mut json = json!({"subject": read.subject()});
    let has_html = read.html_bodies().any(|part| part.is_text_html());
    // Of a missing part the reader makes one from the other.
    let has_text = read.text_bodies().any(|part| !part.is_text_html());
    let mut put = |name: &str, text: Option<Cow<'_, str>>| {
        if let Some(text) = text {
            json[name] = json!(text.replace("\r\n", "\n"));
        }
    };
    put("text", read.body_text(0).filter(|_| has_text));
    put("html", read.body_html(0).filter(|_| has_html));
    let attached: Vec<Json> = attached.collect();
    if !attached.is_empty() {
        json["attached"] = json!(attached);
    }
    Some(json)
}
