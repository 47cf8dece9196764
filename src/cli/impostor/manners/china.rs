//! What the bots of China look at.

use super::super::super::serve::wire::Request;
use super::parameter;
use serde_json::Value as Json;

pub(super) fn wecom(request: &Request, json: Option<&Json>) -> Option<&'static str> {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    if !query.split('&').any(|part| part.strip_prefix("key=").is_some_and(|key| !key.is_empty())) {
        return Some("93000");
    }
    if path.ends_with("/upload_media") {
        let is_form =
            request.header("content-type").is_some_and(|kind| kind.starts_with("multipart/form-data"));
        let head = String::from_utf8_lossy(request.body.get(..512).unwrap_or(&request.body)).into_owned();
        // The form takes some bytes beside the file.
        let fits = request.body.len() <= (20 << 20) + 4096;
        return Some(if fits && is_form && head.contains("name=\"media\"") { "media" } else { "45001" });
    }
    let Some(json) = json else { return Some("47001") };
    let content = |kind: &str| json[kind]["content"].as_str().unwrap_or_default().len();
    match json["msgtype"].as_str() {
        Some("markdown" | "markdown_v2") => {
            let length = content("markdown").max(content("markdown_v2"));
            if length == 0 { Some("44004") } else { (length > 4096).then_some("40058") }
        }
        Some("text") => match content("text") {
            0 => Some("44004"),
            length => (length > 2048).then_some("45002"),
        },
        Some("image") => {
            let encoded = json["image"]["base64"].as_str().unwrap_or_default().len();
            // Base64 has four characters for three bytes.
            (encoded / 4 * 3 > 2 << 20).then_some("40006")
        }
        Some("file") => (json["file"]["media_id"] != "media-1").then_some("40007"),
        Some("news" | "voice" | "template_card") => None,
        _ => Some("40008"),
    }
}

pub(super) fn dingtalk(request: &Request, json: Option<&Json>) -> Option<&'static str> {
    if parameter(request, "access_token").is_none_or(str::is_empty) {
        return Some("40035");
    }
    if request.body.len() > 20_000 {
        return Some("460101");
    }
    let kind = json.and_then(|json| json["msgtype"].as_str()).unwrap_or_default();
    let known = ["text", "markdown", "link", "actionCard", "feedCard"].contains(&kind);
    (!known || json.is_none_or(|json| !json[kind].is_object())).then_some("400105")
}

pub(super) fn feishu(request: &Request, json: Option<&Json>) -> Option<&'static str> {
    let Some(json) = json.filter(|_| request.body.len() <= 20_480) else { return Some("9499") };
    let content = match json["msg_type"].as_str() {
        Some("interactive") => &json["card"],
        Some(_) => &json["content"],
        None => &Json::Null,
    };
    (!content.is_object()).then_some("19002")
}
