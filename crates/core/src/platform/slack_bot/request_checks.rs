//! What only the whole request shows: the method, the token, the channel, which message is edited, and a file that is
//! uploaded before it is named.

use super::super::platform_options::is_token;
use super::super::{ReceivedRequest, refusal, slack};
use super::{METHOD, UPDATE, is_channel};
use url::form_urlencoded;

/// The id of a file in the response named `upload_url`.
const FILE_ID: &str = "F0123ABCD";

pub(in crate::platform) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let token = request.header("authorization");
    if request.path().starts_with("/upload/v1/") {
        let is_whole = token.is_none() && !request.body.is_empty();
        return Some(if is_whole { "stored" } else { "502" });
    }
    if !token.and_then(|token| token.strip_prefix("Bearer ")).is_some_and(is_token) {
        return Some("invalid_auth");
    }
    match request.path().strip_prefix("/api/") {
        Some("files.getUploadURLExternal") => Some(uploads(request)),
        Some("files.completeUploadExternal") => Some(completes(request)),
        Some(METHOD | UPDATE) => message(request),
        _ => Some("unknown_method"),
    }
}

fn message(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let Some(mut body) = request.json() else { return Some("invalid_json") };
    if !body["channel"].as_str().is_some_and(is_channel) {
        return Some("channel_not_found");
    }
    if request.path().ends_with(UPDATE) {
        if !request.edits_known_message() {
            return Some("message_not_found");
        }
        body["ts"].take();
    }
    let refusal = refusal(slack::faults(&body, request.target));
    // What a webhook calls the payload, the Web API calls the arguments.
    refusal.map(|name| if name == "invalid_payload" { "invalid_arguments" } else { name })
}

/// Where the bytes go of a file that has a name and a length.
fn uploads(request: &ReceivedRequest<'_>) -> &'static str {
    let field = |name: &str| form_urlencoded::parse(request.body).find(|(key, _)| key == name);
    let is_named = field("filename").is_some_and(|(_, name)| !name.is_empty());
    let length = field("length").and_then(|(_, length)| length.parse::<u64>().ok());
    if is_named && length.is_some_and(|length| length > 0) { "upload_url" } else { "missing_argument" }
}

fn completes(request: &ReceivedRequest<'_>) -> &'static str {
    let Some(body) = request.json() else { return "invalid_json" };
    let is_id = |channel: &str| !channel.starts_with('#') && is_channel(channel);
    match () {
        () if !request.uploaded || body["files"][0]["id"] != FILE_ID => "file_not_found",
        () if !body["channel_id"].as_str().is_some_and(is_id) => "invalid_channel",
        () => "completed",
    }
}
