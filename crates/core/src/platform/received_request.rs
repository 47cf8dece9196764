//! A request as its receiver sees it: what a platform's own request checks read.

use crate::json::json;
use serde_json::{Map, Value};

/// A request that arrived, as `taskbell serve --as` hands it to the `refuses` of a [`PlayedPlatform`](super::PlayedPlatform).
#[derive(Debug)]
pub struct ReceivedRequest<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// Names in lower case.
    pub headers: &'a [(String, String)],
    /// The raw body.
    pub body: &'a [u8],
    /// Whether the receiver took a file before, which a message can name.
    pub uploaded: bool,
    /// The messages that the receiver has, by their ids.
    pub messages: &'a [String],
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub name: &'a str,
    /// Its file's name; `None` for a text.
    pub file: Option<&'a str>,
    pub content: &'a [u8],
}

impl<'a> ReceivedRequest<'a> {
    #[cfg(test)]
    pub(super) fn post(
        target: &'a str,
        headers: &'a [(String, String)],
        body: &'a [u8],
    ) -> ReceivedRequest<'a> {
        ReceivedRequest { method: "POST", target, headers, body, uploaded: false, messages: &[] }
    }

    pub(super) fn path(&self) -> &'a str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// A parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        let (_, query) = self.target.split_once('?')?;
        query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    }

    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(self.body).ok()
    }

    /// The id of the message that it edits: in the path, or in a field.
    pub fn edited_message(&self) -> Option<String> {
        if self.method == "PATCH" {
            return self.path().rsplit_once("/messages/").map(|(_, id)| id.to_owned());
        }
        let fields = self.json().or_else(|| self.form())?;
        if let (Some(channel), Some(ts)) = (fields["channel"].as_str(), fields["ts"].as_str()) {
            return Some(format!("{channel}:{ts}"));
        }
        let id = fields.get("message_id")?;
        id.as_str().map(str::to_owned).or_else(|| id.as_i64().map(|id| id.to_string()))
    }

    pub(super) fn edits_known_message(&self) -> bool {
        self.edited_message().is_some_and(|id| self.messages.contains(&id))
    }

    /// A `multipart/form-data` request as JSON: a text as it is or as the object that it holds, a file as its name and
    /// its number of bytes.
    pub fn form(&self) -> Option<Value> {
        let field = |part: &Part<'_>| match part.file {
            Some(name) => json!({ "file": name, "bytes": part.content.len() }),
            None => {
                let object = serde_json::from_slice(part.content).ok().filter(Value::is_object);
                object.unwrap_or_else(|| json!(String::from_utf8_lossy(part.content)))
            }
        };
        let parts = self.parts()?;
        let fields: Map<String, Value> =
            parts.iter().map(|part| (part.name.to_owned(), field(part))).collect();
        Some(Value::Object(fields))
    }

    /// The fields of a `multipart/form-data` request (RFC 7578), read strictly: `None` where it is not whole.
    pub(super) fn parts(&self) -> Option<Vec<Part<'a>>> {
        let kind = self.header("content-type")?.strip_prefix("multipart/form-data")?;
        let boundary =
            kind.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?.trim_matches('"');
        if boundary.is_empty() {
            return None;
        }
        let mut rest = self.body.strip_prefix(format!("--{boundary}").as_bytes())?;
        let mark = format!("\r\n--{boundary}");
        let mut found = Vec::new();
        loop {
            if matches!(rest, b"--" | b"--\r\n") {
                return Some(found);
            }
            let (part, after) = split(rest.strip_prefix(b"\r\n")?, mark.as_bytes())?;
            let (head, content) = split(part, b"\r\n\r\n")?;
            found.push(read_part(head, content)?);
            rest = after;
        }
    }
}

fn read_part<'a>(head: &'a [u8], content: &'a [u8]) -> Option<Part<'a>> {
    let lines = std::str::from_utf8(head).ok()?.split("\r\n");
    let headers = lines.filter_map(|line| line.split_once(':'));
    let named = |header: &(&str, &str)| header.0.eq_ignore_ascii_case("content-disposition");
    let (_, disposition) = headers.into_iter().find(named)?;
    let value = |name: &str| {
        let (_, after) = disposition.split_once(&format!("; {name}=\""))?;
        after.split_once('"').map(|(value, _)| value)
    };
    disposition.trim().starts_with("form-data").then_some(())?;
    Some(Part { name: value("name")?, file: value("filename"), content })
}

fn split<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some((bytes.get(..at)?, bytes.get(at + mark.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_form_is_read_and_a_broken_one_is_not() {
        let kind = "multipart/form-data; boundary=\"b\"";
        let text = "--b\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n5\r\n";
        let file = "--b\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a;b.log\"; filelength=3\r\n\
                    Content-Type: text/plain\r\n\r\n\r\n1\r\n--b--\r\n";
        let whole = format!("{text}{file}");
        let headers = |kind: &str| vec![("content-type".to_owned(), kind.to_owned())];
        let of = |headers: &[(String, String)], body: &str| {
            ReceivedRequest::post("/", headers, body.as_bytes()).parts().map(|parts| format!("{parts:?}"))
        };
        let wanted = [
            Part { name: "chat_id", file: None, content: b"5" },
            Part { name: "media", file: Some("a;b.log"), content: b"\r\n1" },
        ];
        assert_eq!(of(&headers(kind), &whole), Some(format!("{wanted:?}")));
        for (kind, body) in [
            ("application/json", whole.as_str()),
            ("multipart/form-data", &whole),
            ("multipart/form-data; boundary=c", &whole),
            (kind, text),
            (kind, whole.trim_end_matches("--\r\n")),
            (kind, &whole.replace("form-data; ", "attachment; ")),
            (kind, &whole.replace("name=\"chat_id\"", "")),
        ] {
            assert_eq!(of(&headers(kind), body), None, "{kind} {body}");
        }
    }
}
