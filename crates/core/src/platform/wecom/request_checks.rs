//! What only the whole request shows: WeCom knows the bot by its key, and looks into pictures and files.

use super::super::{ReceivedRequest, refusal};
use super::rules;
use crate::hash::hex;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde_json::Value;

const IMAGE: usize = 2 << 20;
const FILE: usize = 20 << 20;
/// A file has more bytes than these.
const TOO_FEW: usize = 5;
/// The id in the response named `media`.
const MEDIA_ID: &str = "media-1";

pub(in crate::platform) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    if request.parameter("key").is_none_or(str::is_empty) {
        return Some("93000");
    }
    if request.path().ends_with("/upload_media") {
        return Some(upload(request));
    }
    let Some(json) = request.json() else { return Some("47001") };
    if has_escapes(request.body) {
        return Some("40033");
    }
    if let Some(refusal) = refusal(rules::faults(&json, request.target)) {
        return Some(refusal);
    }
    let kind = json["msgtype"].as_str().unwrap_or_default();
    match kind {
        "image" => image(&json[kind]),
        "file" | "voice" => (!request.uploaded || json[kind]["media_id"] != MEDIA_ID).then_some("40007"),
        _ => None,
    }
}

/// Base64 without line ends or a prefix, and the MD5 of what it stands for, in small letters.
fn image(content: &Value) -> Option<&'static str> {
    let of = |name: &str| content[name].as_str().unwrap_or_default();
    let Some(bytes) = STANDARD.decode(of("base64")).ok().filter(|bytes| !bytes.is_empty()) else {
        return Some("44001");
    };
    let sum: String = hex(&Md5::digest(&bytes));
    if of("md5") != sum {
        Some("301019")
    } else if bytes.len() > IMAGE {
        Some("40006")
    } else {
        (!bytes.starts_with(b"\x89PNG\r\n\x1a\n") && !bytes.starts_with(b"\xff\xd8\xff")).then_some("40005")
    }
}

fn upload(request: &ReceivedRequest<'_>) -> &'static str {
    if !matches!(request.parameter("type"), Some("file" | "voice")) {
        return "40004";
    }
    let parts = request.parts().unwrap_or_default();
    let media =
        parts.iter().find(|part| part.name == "media" && part.file.is_some_and(|name| !name.is_empty()));
    match media.map(|part| part.content.len()) {
        None => "44001",
        Some(0..=TOO_FEW) => "40006",
        Some(length) if length > FILE => "45001",
        Some(_) => "media",
    }
}

/// Whether a character is written as `\uxxxx`; behind an even number of backslashes, that is plain text.
fn has_escapes(body: &[u8]) -> bool {
    let mut escaped = false;
    body.iter().any(|byte| {
        let found = escaped && *byte == b'u';
        escaped = *byte == b'\\' && !escaped;
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SEND: &str = "/cgi-bin/webhook/send?key=k";

    fn sent(body: &Value) -> Option<&'static str> {
        refuses(&ReceivedRequest::post(SEND, &[], body.to_string().as_bytes()))
    }

    #[test]
    fn texts_are_counted_in_bytes_and_not_empty() {
        for (kind, most, fault) in
            [("text", 2048, "45002"), ("markdown", 4096, "40058"), ("markdown_v2", 4096, "40058")]
        {
            let of = |text: String| sent(&json!({"msgtype": kind, kind: {"content": text}}));
            assert_eq!(of("汉".repeat(most / 3)), None, "{kind}");
            assert_eq!(of("汉".repeat(most / 3 + 1)), Some(fault), "{kind}");
            assert_eq!(of(" \n".into()), Some("44004"), "{kind}");
        }
        assert_eq!(sent(&json!({"msgtype": "markdown", "text": {"content": "t"}})), Some("44004"));
        assert_eq!(sent(&json!({"msgtype": "card"})), Some("40008"));
        assert_eq!(sent(&json!([])), Some("47001"));
        let escaped = br#"{"msgtype":"text","text":{"content":"\u6c49"}}"#;
        assert_eq!(refuses(&ReceivedRequest::post(SEND, &[], escaped)), Some("40033"));
        assert_eq!(sent(&json!({"msgtype": "text", "text": {"content": "C:\\users"}})), None);
    }

    #[test]
    fn an_image_is_what_its_sum_says() {
        let of = |bytes: &[u8], md5: Option<&str>| {
            let sum: String = hex(&Md5::digest(bytes));
            let image = json!({"base64": STANDARD.encode(bytes), "md5": md5.unwrap_or(&sum)});
            sent(&json!({"msgtype": "image", "image": image}))
        };
        let png = b"\x89PNG\r\n\x1a\n";
        assert_eq!(of(png, Some("e9dd2797018cad79186e03e8c5aec8dc")), None);
        assert_eq!(of(png, Some("E9DD2797018CAD79186E03E8C5AEC8DC")), Some("301019"));
        assert_eq!(of(b"GIF89a", None), Some("40005"));
        let mut large = png.to_vec();
        large.resize(IMAGE, 0);
        assert_eq!(of(&large, None), None);
        large.push(0);
        assert_eq!(of(&large, None), Some("40006"));
        let prefixed =
            json!({"msgtype": "image", "image": {"base64": "data:image/png;base64,AA==", "md5": "0"}});
        assert_eq!(sent(&prefixed), Some("44001"));
    }

    #[test]
    fn a_file_is_handed_over_before_it_is_named() {
        let upload = |target: &str, field: &str, length: usize| {
            let mut body = format!("--b\r\nContent-Disposition: form-data; {field}\r\n\r\n").into_bytes();
            body.resize(body.len() + length, b'x');
            body.extend_from_slice(b"\r\n--b--\r\n");
            let headers = [("content-type".to_owned(), "multipart/form-data; boundary=b".to_owned())];
            refuses(&ReceivedRequest::post(target, &headers, &body))
        };
        let target = "/cgi-bin/webhook/upload_media?key=k&type=file";
        let field = "name=\"media\"; filename=\"run.log\"";
        assert_eq!(upload(target, field, 6), Some("media"));
        assert_eq!(upload(target, field, 5), Some("40006"));
        assert_eq!(upload(target, field, FILE), Some("media"));
        assert_eq!(upload(target, field, FILE + 1), Some("45001"));
        assert_eq!(upload(target, "name=\"media\"", 6), Some("44001"));
        assert_eq!(upload(target, "name=\"file\"; filename=\"run.log\"", 6), Some("44001"));
        assert_eq!(upload("/cgi-bin/webhook/upload_media?key=k", field, 6), Some("40004"));
        let named = json!({"msgtype": "file", "file": {"media_id": MEDIA_ID}}).to_string();
        let naming = ReceivedRequest::post(SEND, &[], named.as_bytes());
        assert_eq!(refuses(&naming), Some("40007"));
        assert_eq!(refuses(&ReceivedRequest { uploaded: true, ..naming }), None);
    }

    #[test]
    fn news_have_articles_with_titles_and_links() {
        let of = |articles: Value| sent(&json!({"msgtype": "news", "news": {"articles": articles}}));
        let article = json!({"title": "t", "url": "https://example.com/"});
        assert_eq!(of(json!([article])), None);
        assert_eq!(of(json!([])), Some("44004"));
        assert_eq!(of(json!(vec![article; 9])), Some("44004"));
        assert_eq!(of(json!([{"title": "t", "url": "example.com"}])), Some("45034"));
    }
}
