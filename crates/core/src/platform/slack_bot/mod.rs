//! `slack-bot`: the card of `slack`, posted by an app of the workspace with its bot token.
//!
//! Sources: docs.slack.dev on chat.postMessage, its errors and rate limits. The Web API answers 200 with `ok` and
//! `error`; only a limit of rate has a status of its own. What a message holds is what a webhook's does.

mod canned_responses;

use super::platform_options::is_token;
use super::slack::{self, Slack};
use super::{
    Answer, Degradation, Description, EditAnswer, Example, MissingValue, Platform, PlatformOption,
    ReceivedRequest, RenderedMessage, Request, Target,
};
use crate::json::json;
use crate::message::{Context, Notice};
use serde_json::Value;
use url::Url;

const METHOD: &str = "chat.postMessage";
const UPDATE: &str = "chat.update";

pub(super) struct SlackBot;

static DESCRIPTION: Description = Description {
    name: "slack-bot",
    default_url: Some("https://slack.com/api/"),
    options: &[
        PlatformOption {
            name: "token",
            form: "the bot's token, as `xoxb-…`",
            accepts: is_token,
            required: true,
            secret: true,
            meaning: "The bot that posts; it needs the scope `chat:write`.",
        },
        PlatformOption {
            name: "channel",
            form: "the id of a channel, as `C0123ABCD`, or its `#name`",
            accepts: is_channel,
            required: true,
            secret: false,
            meaning: "The channel; the bot must be its member.",
        },
    ],
    responses: canned_responses::RESPONSES,
    edits: true,
    example: Example { target: "/api/", options: &[("token", "xoxb-1-2-abc"), ("channel", "C0123ABCD")] },
    ..slack::DESCRIPTION
};

impl Platform for SlackBot {
    fn description(&self) -> &Description {
        &DESCRIPTION
    }

    fn recognises(&self, url: &Url) -> bool {
        matches!(url.host_str(), Some("slack.com" | "slack-gov.com")) && url.path().starts_with("/api/")
    }

    fn missing_value(&self, target: &Target) -> Option<MissingValue> {
        let is_app = target.option("token").is_some_and(|token| token.starts_with("xapp-"));
        let words = "this token is for sockets (`xapp-…`): `slack-bot` needs the bot's, as `xoxb-…`";
        is_app.then(|| ("token", words.to_owned()))
    }

    fn dial_url(&self, configured: &Url) -> Url {
        let mut url = configured.clone();
        let base = url.path().trim_end_matches(METHOD).trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{METHOD}"));
        url
    }

    fn layout(&self, notice: &Notice, context: &Context, target: &Target) -> Value {
        slack::card(notice, context, target)
    }

    /// A template may name another channel.
    fn request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        let mut request = Slack.request(target, message);
        request.url = self.dial_url(target.url.expose());
        let body = serde_json::from_slice::<Value>(&request.body);
        if let (Ok(Value::Object(mut body)), Some(channel)) = (body, target.option("channel")) {
            body.entry("channel").or_insert(json!(channel));
            if let Some((channel, ts)) = message.edited().and_then(|edited| edited.split_once(':')) {
                body.insert("channel".to_owned(), json!(channel));
                body.insert("ts".to_owned(), json!(ts));
                let path = request.url.path().replace(METHOD, UPDATE);
                request.url.set_path(&path);
            }
            request.set_json(&Value::Object(body));
        }
        if let Some(token) = target.option("token") {
            request.headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
        request
    }

    fn degrade(&self, body: &Value, how: Degradation) -> Option<Value> {
        let mut plain = Slack.degrade(body, how)?;
        // It stays in its channel and its thread.
        for name in ["channel", "thread_ts"] {
            if let Some(place) = body.get(name).filter(|place| place.is_string()) {
                plain[name] = place.clone();
            }
        }
        (plain != *body).then_some(plain)
    }

    fn trim(&self, body: &mut Value) {
        Slack.trim(body);
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        let is_posted = answer.status == 200 && answer.json().is_some_and(|json| json["ok"] == true);
        if is_posted { Ok(()) } else { Err("not as Slack does: no `ok`") }
    }

    /// The channel's id, which an edit needs whatever the message was posted to, and the time that names it.
    fn message_id(&self, answer: &Answer, _first: &str) -> Option<String> {
        let json = answer.json()?;
        Some(format!("{}:{}", json["channel"].as_str()?, json["ts"].as_str()?))
    }

    fn edit_answer(&self, answer: &Answer) -> Option<EditAnswer> {
        const LOST: [&str; 3] = ["message_not_found", "cant_update_message", "edit_window_closed"];
        let json = answer.json()?;
        LOST.contains(&json["error"].as_str()?).then_some(EditAnswer::Lost)
    }

    fn code(&self, answer: &Answer) -> Option<String> {
        slack::code(answer)
    }
}

/// What only the whole request shows: the method, the token and the channel.
pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    if ![METHOD, UPDATE].map(|method| format!("/api/{method}")).contains(&request.path().to_owned()) {
        return Some("unknown_method");
    }
    let is_known = |token: &str| token.strip_prefix("Bearer ").is_some_and(is_token);
    if !request.header("authorization").is_some_and(is_known) {
        return Some("invalid_auth");
    }
    let Some(body) = request.json() else { return Some("invalid_json") };
    if !body["channel"].as_str().is_some_and(is_channel) {
        return Some("channel_not_found");
    }
    let refusal = super::refusal((DESCRIPTION.faults)(&body, request.target));
    // What a webhook calls the payload, the Web API calls the arguments.
    refusal.map(|name| if name == "invalid_payload" { "invalid_arguments" } else { name })
}

fn is_channel(value: &str) -> bool {
    let is_id = |id: &str| id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let is_known = value.len() >= 8 && value.starts_with(['C', 'G', 'D', 'U']) && is_id(value);
    is_known
        || value.strip_prefix('#').is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace))
}

#[cfg(test)]
pub(super) mod tests;
