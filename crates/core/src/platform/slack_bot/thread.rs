//! What goes into the thread of a message: replies, and its file, in three requests.
//!
//! Source: docs.slack.dev on files.getUploadURLExternal and files.completeUploadExternal. The first names an address for
//! the bytes, which is a secret: no token goes there, and no other host than Slack's, or the receiver's own, is believed.

use super::super::{Answer, FollowUp, Platform, RenderedMessage, Request, Target, slack};
use super::{METHOD, SlackBot};
use crate::json::json;
use serde_json::Value;
use std::borrow::Cow;
use url::Url;
use url::form_urlencoded::Serializer;

const UPLOAD: &str = "files.getUploadURLExternal";
const COMPLETE: &str = "files.completeUploadExternal";

/// The hosts of Slack; the second is the one for government.
const HOSTS: [&str; 2] = ["slack.com", "slack-gov.com"];

/// The next request: the replies of the message, then its file. Progress is told by the message alone.
pub(super) fn next<'a>(
    bot: &SlackBot,
    target: &Target,
    message: &RenderedMessage<'a>,
    answers: &[Answer],
) -> Option<FollowUp<'a>> {
    let body = message.json()?;
    let is_progress = message.edited().is_some() && message.kind.ends_with(".progress");
    let replies = body["thread"].as_array().filter(|_| !is_progress).map(Vec::as_slice).unwrap_or_default();
    let (posted, followed) = answers.split_first()?;
    if replies.len() <= followed.len() && message.file.is_none() {
        return None;
    }
    let posted = read(posted).unwrap_or_default();
    let (Some(channel), Some(ts)) = (posted["channel"].as_str(), posted["ts"].as_str()) else {
        return Some(Err("names no message"));
    };
    // A thread is named by its first message, never by a reply.
    let thread = body["thread_ts"].as_str().unwrap_or(ts);
    if let Some(reply) = replies.get(followed.len()) {
        let mut reply = reply.clone();
        slack::drop_unreachable(&mut reply);
        let fields = reply.as_object_mut()?;
        fields.insert("channel".to_owned(), json!(channel));
        fields.insert("thread_ts".to_owned(), json!(thread));
        let mut request = call(bot, target, message, METHOD);
        request.set_json(&reply);
        return Some(Ok(("reply", request)));
    }
    let file = message.file?;
    let request = match followed.get(replies.len()..)? {
        [] => {
            let mut form = Serializer::new(String::new());
            form.append_pair("filename", &file.name).append_pair("length", &file.bytes.len().to_string());
            Request {
                content_type: "application/x-www-form-urlencoded".into(),
                body: Cow::Owned(form.finish().into_bytes()),
                ..call(bot, target, message, UPLOAD)
            }
        }
        [named] => match named.json().as_ref().and_then(|json| storage(&json["upload_url"], target)) {
            Some(url) => Request {
                url,
                content_type: file.media.into(),
                headers: Vec::new(),
                body: Cow::Borrowed(&file.bytes),
                is_storage: true,
                ..message.request_to(target.url.expose().clone(), false)
            },
            None => return Some(Err("names no address of Slack's for the file")),
        },
        [named, _] => {
            let id = named.json().map(|mut json| json["file_id"].take()).filter(Value::is_string);
            let Some(id) = id else { return Some(Err("names no file")) };
            let mut request = call(bot, target, message, COMPLETE);
            let files = json!([{"id": id, "title": file.name}]);
            request.set_json(&json!({"files": files, "channel_id": channel, "thread_ts": thread}));
            request
        }
        _ => return None,
    };
    Some(Ok((if bot.is_picture(file) { "image" } else { "file" }, request)))
}

/// The message as a request to this method, with the token.
pub(super) fn call<'a>(
    bot: &SlackBot,
    target: &Target,
    message: &RenderedMessage<'a>,
    method: &str,
) -> Request<'a> {
    let mut request = bot.base_request(target, message);
    let path = request.url.path().replace(METHOD, method);
    request.url.set_path(&path);
    if let Some(token) = target.option("token") {
        request.headers.push(("authorization".to_owned(), format!("Bearer {token}")));
    }
    request
}

/// The answer; of one that goes on after what was read, all that is before the message, which Slack repeats.
pub(super) fn read(answer: &Answer) -> Option<Value> {
    let of_head = || {
        let text = String::from_utf8_lossy(&answer.body);
        let (head, _) = text.split_once(",\"message\":").filter(|_| answer.truncated)?;
        serde_json::from_str(&format!("{head}}}")).ok()
    };
    answer.json().or_else(of_head)
}

/// The address that Slack named, if it is one of Slack's, or on the host that named it.
fn storage(named: &Value, target: &Target) -> Option<Url> {
    let url = Url::parse(named.as_str()?).ok()?;
    let is_below = |host: &str, own: &str| {
        host.strip_suffix(own).is_some_and(|below| below.is_empty() || below.ends_with('.'))
    };
    let is_slack = |host: &str| HOSTS.iter().any(|own| is_below(host, own));
    let is_known = url.scheme() == "https" && url.port().is_none() && url.host_str().is_some_and(is_slack)
        || url.origin() == target.url.expose().origin();
    (is_known && url.username().is_empty() && url.password().is_none()).then_some(url)
}
