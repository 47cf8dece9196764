//! What Telegram's Bot API looks at: the token and the method of the path, the chat, the markup and the length of
//! the text behind it, and the file.

use super::super::dimensions::dimensions;
use super::super::{ReceivedRequest, refusal};
use super::{CAPTION, PHOTO, TEXT, fits_photo, is_bot_token, is_chat, parse_modes, rules};
use serde_json::Value;
use std::collections::HashMap;

pub(in crate::platform) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let path = request.path();
    let Some((token, method)) = path.strip_prefix("/bot").and_then(|rest| rest.split_once('/')) else {
        return Some("404");
    };
    if !is_bot_token(token) {
        return Some("404");
    }
    if method.starts_with("editMessage") && !request.edits_known_message() {
        return Some("no-message");
    }
    let (text, most, too_long) = match method {
        "editMessageMedia" => return Fields::read(request).chat(),
        "editMessageCaption" => ("caption", CAPTION, "caption"),
        "sendMessage" | "editMessageText" => ("text", TEXT, "too-long"),
        "sendPhoto" | "sendDocument" | "sendMediaGroup" => ("caption", CAPTION, "caption"),
        _ => return Some("method"),
    };
    let fields = Fields::read(request);
    if method == "sendMediaGroup" {
        return fields.chat().or_else(|| album(request.json().as_ref().map(|body| &body["media"])?));
    }
    let shown = match fields.shown(text) {
        Ok(shown) => shown,
        Err(fault) => return Some(fault),
    };
    let lack = match method {
        "sendPhoto" => fields.fault("photo", "no-photo", photo),
        "sendDocument" => fields.fault("document", "no-document", |_| None),
        "editMessageCaption" => None,
        _ => shown.trim().is_empty().then_some("empty-text"),
    };
    let is_long = shown.chars().count() > most;
    lack.or_else(|| fields.chat()).or_else(|| is_long.then_some(too_long)).or_else(|| {
        let body = request.json().filter(|_| method == "sendMessage")?;
        // Taskbell keeps to the shorter of the two readings of the limit; the server counts the longer.
        refusal(rules::faults(&body, request.target)).filter(|name| *name != "too-long")
    })
}

/// The parameters of a request, in whichever of the forms that the Bot API takes.
#[derive(Default)]
struct Fields<'a> {
    texts: HashMap<String, String>,
    files: HashMap<&'a str, &'a [u8]>,
}

impl<'a> Fields<'a> {
    fn read(request: &'a ReceivedRequest<'a>) -> Fields<'a> {
        let mut fields = Fields::default();
        let kind = request.header("content-type").unwrap_or_default();
        if kind.starts_with("application/json") {
            for (name, value) in request.json().as_ref().and_then(Value::as_object).into_iter().flatten() {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                fields.texts.insert(name.clone(), text);
            }
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            fields.texts.extend(url::form_urlencoded::parse(request.body).into_owned());
        }
        for part in request.parts().unwrap_or_default() {
            match part.file {
                Some(_) => drop(fields.files.insert(part.name, part.content)),
                None => {
                    let text = String::from_utf8_lossy(part.content).into_owned();
                    fields.texts.insert(part.name.to_owned(), text);
                }
            }
        }
        fields
    }

    fn text(&self, name: &str) -> &str {
        self.texts.get(name).map(String::as_str).unwrap_or_default()
    }

    /// A text as it is shown, without its markup.
    fn shown(&self, name: &str) -> Result<String, &'static str> {
        let text = self.text(name);
        let parsed = match self.text("parse_mode").to_ascii_lowercase().as_str() {
            "" => Ok(text.to_owned()),
            "html" => parse_modes::html(text),
            "markdownv2" => parse_modes::markdown_v2(text),
            "markdown" => parse_modes::markdown(text),
            _ => return Err("parse-mode"),
        };
        parsed.map_err(|parse_modes::Unparsed(_)| "entities")
    }

    fn chat(&self) -> Option<&'static str> {
        let chat = self.text("chat_id");
        if matches!(chat, "" | "null") {
            return Some("chat-empty");
        }
        (!is_chat(chat)).then_some("chat")
    }

    /// What is wrong with a file; one that Telegram has or fetches itself is not looked at.
    fn fault(
        &self,
        name: &str,
        missing: &'static str,
        judge: impl Fn(&[u8]) -> Option<&'static str>,
    ) -> Option<&'static str> {
        match self.files.get(name) {
            None => self.text(name).is_empty().then_some(missing),
            Some([]) => Some("empty-file"),
            Some(content) => judge(content),
        }
    }
}

/// Two to ten pictures that Telegram fetches by their addresses.
fn album(media: &Value) -> Option<&'static str> {
    let media = media.as_array().map(Vec::as_slice).unwrap_or_default();
    let is_photo = |part: &Value| {
        part["type"] == "photo" && part["media"].as_str().is_some_and(|url| url.starts_with("https://"))
    };
    (!(2..=10).contains(&media.len()) || !media.iter().all(is_photo)).then_some("no-photo")
}

fn photo(bytes: &[u8]) -> Option<&'static str> {
    let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    let known: [&[u8]; 3] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8"];
    if !webp && !known.iter().any(|magic| bytes.starts_with(magic)) {
        return Some("no-image");
    }
    if bytes.len() as u64 > PHOTO {
        return Some("413");
    }
    let size = || dimensions(bytes);
    let is_wrong = bytes.starts_with(b"\x89PNG") && size().is_some_and(|size| !fits_photo(size));
    is_wrong.then_some("dimensions")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sent(target: &str, kind: &str, body: &[u8]) -> Option<&'static str> {
        let headers = [("content-type".to_owned(), kind.to_owned())];
        refuses(&ReceivedRequest::post(target, &headers, body))
    }

    fn said(body: &Value) -> Option<&'static str> {
        sent("/bot1:ab/sendMessage", "application/json", body.to_string().as_bytes())
    }

    fn file(method: &str, fields: &[(&str, &str)], name: &str, content: &[u8]) -> Option<&'static str> {
        let mut body = Vec::new();
        for (name, text) in fields {
            let part = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n--b--\r\n");
        sent(&format!("/bot1:ab/{method}"), "multipart/form-data; boundary=b", &body)
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend_from_slice(&width.to_be_bytes());
        bytes.extend_from_slice(&height.to_be_bytes());
        bytes
    }

    #[test]
    fn a_message_has_a_chat_and_a_text_that_can_be_parsed() {
        assert_eq!(said(&json!({"chat_id": -100, "text": "a < b"})), None);
        assert_eq!(said(&json!({"chat_id": "@team", "text": "<b>x</b>", "parse_mode": "HTML"})), None);
        for (body, fault) in [
            (json!({"text": "t"}), "chat-empty"),
            (json!({"chat_id": null, "text": "t"}), "chat-empty"),
            (json!({"chat_id": "team", "text": "t"}), "chat"),
            (json!({"chat_id": 1}), "empty-text"),
            (json!({"chat_id": 1, "text": "<b> </b>", "parse_mode": "HTML"}), "empty-text"),
            (json!({"chat_id": 1, "text": "a < b", "parse_mode": "HTML"}), "entities"),
            (json!({"chat_id": 1, "text": "1.5", "parse_mode": "MarkdownV2"}), "entities"),
            (json!({"chat_id": 1, "text": "a_b", "parse_mode": "Markdown"}), "entities"),
            (json!({"chat_id": 1, "text": "t", "parse_mode": "BBCode"}), "parse-mode"),
        ] {
            assert_eq!(said(&body), Some(fault), "{body}");
        }
    }

    #[test]
    fn a_text_is_counted_behind_its_markup() {
        let of = |count: usize, mode: &str| {
            said(&json!({"chat_id": 1, "text": "&amp;".repeat(count), "parse_mode": mode}))
        };
        assert_eq!(of(4096, "HTML"), None);
        assert_eq!(of(4097, "HTML"), Some("too-long"));
        assert_eq!(of(4096, ""), Some("too-long"));
    }

    #[test]
    fn a_file_stands_in_its_field_with_a_short_caption() {
        let chat = ("chat_id", "5");
        assert_eq!(file("sendDocument", &[chat], "document", b"log"), None);
        assert_eq!(file("sendPhoto", &[chat, ("caption", &"x".repeat(1024))], "photo", &png(8, 8)), None);
        for (method, fields, name, content, fault) in [
            ("sendDocument", vec![], "document", b"log".to_vec(), "chat-empty"),
            ("sendDocument", vec![chat], "file", b"log".to_vec(), "no-document"),
            ("sendDocument", vec![chat], "document", vec![], "empty-file"),
            ("sendPhoto", vec![chat], "document", png(8, 8), "no-photo"),
            ("sendPhoto", vec![chat], "photo", b"text".to_vec(), "no-image"),
            ("sendPhoto", vec![chat], "photo", png(9000, 1001), "dimensions"),
            ("sendPhoto", vec![chat], "photo", png(210, 10), "dimensions"),
            ("sendVoice", vec![chat], "voice", b"x".to_vec(), "method"),
        ] {
            assert_eq!(file(method, &fields, name, &content), Some(fault), "{method} {name}");
        }
        let long = "x".repeat(1025);
        assert_eq!(file("sendDocument", &[chat, ("caption", &long)], "document", b"log"), Some("caption"));
        let broken = [chat, ("caption", "<b>"), ("parse_mode", "HTML")];
        assert_eq!(file("sendDocument", &broken, "document", b"log"), Some("entities"));
        let mut large = png(8, 8);
        large.resize(PHOTO as usize + 1, 0);
        assert_eq!(file("sendPhoto", &[chat], "photo", &large), Some("413"));
    }

    #[test]
    fn the_token_stands_in_the_path() {
        let body = json!({"chat_id": 1, "text": "t"});
        for target in ["/", "/sendMessage", "/bot/sendMessage", "/botab/sendMessage", "/bot1:a b/sendMessage"]
        {
            let found = sent(target, "application/json", body.to_string().as_bytes());
            assert_eq!(found, Some("404"), "{target}");
        }
    }
}
