//! `slack-bot`: the card of `slack`, posted by an app of the workspace with its bot token.
//!
//! Sources: docs.slack.dev on chat.postMessage, its errors and rate limits. The Web API answers 200 with `ok` and
//! `error`; only a limit of rate has a status of its own. What a message holds is what a webhook's does, and `thread`:
//! replies in the thread of the message, where its file goes too.

mod canned_responses;
mod request_checks;
mod thread;

pub(super) use request_checks::refuses;

use super::platform_options::is_token;
use super::slack::{self, REPLIES, Slack};
use super::{
    Answer, Degradation, Description, EditAnswer, Example, FollowUp, MissingValue, Platform, PlatformOption,
    RenderedMessage, Request, Target, trim,
};
use crate::json::json;
use crate::message::{Context, Notice};
use serde_json::Value;
use url::Url;

const METHOD: &str = "chat.postMessage";
const UPDATE: &str = "chat.update";
const FILE: u64 = 64 * 1024 * 1024;
/// What an edit takes of a message: docs.slack.dev/reference/methods/chat.update.
const EDITED: [&str; 6] = ["text", "blocks", "attachments", "metadata", "link_names", "parse"];

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
            meaning: "The bot that posts; it needs the scope `chat:write`, and `files:write` for files.",
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
    // Slack takes up to 1 GB; no larger one is read.
    file_limit: Some(FILE),
    document_sizes: Some(1..=FILE),
    responses: canned_responses::RESPONSES,
    edits: true,
    faults: slack::faults_with_thread,
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
        let mut card = slack::card(notice, context, target);
        if let Some(rest) = slack::rest(notice) {
            card["thread"] = json!([rest]);
        }
        card
    }

    /// A template may name another channel.
    fn request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        let Some(Value::Object(mut body)) = message.json() else {
            return thread::call(self, target, message, METHOD);
        };
        body.remove("thread");
        let edited = message.edited().and_then(|edited| edited.split_once(':'));
        if let Some((channel, ts)) = edited {
            body.retain(|name, _| EDITED.contains(&name.as_str()));
            body.insert("channel".to_owned(), json!(channel));
            body.insert("ts".to_owned(), json!(ts));
            // Slack keeps what is not named.
            for name in ["blocks", "attachments"] {
                body.entry(name).or_insert(json!([]));
            }
        } else if let Some(channel) = target.option("channel") {
            body.entry("channel").or_insert(json!(channel));
        }
        let mut body = Value::Object(body);
        slack::drop_unreachable(&mut body);
        let mut request = thread::call(self, target, message, if edited.is_some() { UPDATE } else { METHOD });
        request.set_json(&body);
        request
    }

    fn follow_up<'a>(
        &self,
        target: &Target,
        message: &RenderedMessage<'a>,
        answers: &[Answer],
    ) -> Option<FollowUp<'a>> {
        thread::next(self, target, message, answers)
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
        let mut thread = body.as_object_mut().and_then(|body| body.remove("thread"));
        Slack.trim(body);
        if let Some(thread) = &mut thread {
            trim::shorten(thread, &[], REPLIES);
            trim::each(thread, &["*"], &mut |reply| Slack.trim(reply));
            body["thread"] = thread.take();
        }
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        let is_posted = answer.status == 200 && thread::read(answer).is_some_and(|json| json["ok"] == true);
        if is_posted { Ok(()) } else { Err("not as Slack does: no `ok`") }
    }

    /// The channel's id, which an edit needs whatever the message was posted to, and the time that names it.
    fn message_id(&self, answer: &Answer, _first: &str) -> Option<String> {
        let json = thread::read(answer)?;
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

fn is_channel(value: &str) -> bool {
    let is_id = |id: &str| id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let is_known = value.len() >= 8 && value.starts_with(['C', 'G', 'D', 'U']) && is_id(value);
    is_known
        || value.strip_prefix('#').is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace))
}

#[cfg(test)]
pub(super) mod tests;
