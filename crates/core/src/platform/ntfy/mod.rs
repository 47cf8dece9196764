//! `ntfy`: a push message to the subscribers of a topic.
//!
//! Source: docs.ntfy.sh/publish, "Publish as JSON". A message has 4096 bytes; a longer one would silently become a
//! file. It is plain text, so there is nothing to escape. JSON goes to the root of the server with the
//! topic inside; at the topic's own URL it would be shown as it is.

mod canned_responses;
mod rules;

pub(super) use rules::refuses;

use super::content::{TextForm, pictures, shown_links};
use super::escape::COMMON_MARK;
use super::limits::{Unit, fit, flatten};
use super::lines::Lines;
use super::platform_options::is_token;
use super::{
    Answer, Degradation, Description, Example, MissingValue, Platform, PlatformOption, Rate, RenderedMessage,
    Request, Target, or_event_kind, origin, trim,
};
use crate::json::{Members, json};
use crate::message::{Context, Notice, Strings, Tone};
use serde_json::Value;
use url::Url;

const MESSAGE: usize = 4000;
const TITLE: usize = 240;
const LINE: usize = 400;
const FREE_TEXT: usize = 1500;
const LINK: usize = 1000;
const LABEL: usize = 60;
const SHORT: usize = 1000;
/// The longest message that stays one.
const LONGEST: usize = 4096;

pub(super) struct Ntfy;

static DESCRIPTION: Description = Description {
    name: "ntfy",
    default_url: Some("https://ntfy.sh/"),
    options: &[
        PlatformOption {
            name: "topic",
            form: "1 to 64 letters, digits, `-` or `_`",
            accepts: is_topic,
            required: false,
            secret: true,
            meaning: "The topic, unless `url` has it. Everybody who knows it can read it.",
        },
        PlatformOption {
            name: "token",
            form: "an access token",
            accepts: is_token,
            required: false,
            secret: true,
            meaning: "The token for a topic that is not open to all.",
        },
    ],
    rates: &[Rate::new(60, 300_000)],
    // A message is plain text unless it says otherwise.
    markup: Some(|spot| {
        let is_markdown = spot.holder.get("markdown") == Some(&Value::Bool(true));
        (spot.is_at(&["message"]) && is_markdown).then_some(&COMMON_MARK)
    }),
    // "low": no sound and no vibration.
    silent: Some(r#"{"priority":2}"#),
    responses: canned_responses::RESPONSES,
    faults: rules::faults,
    example: Example { target: "/", options: &[("topic", "renders")] },
    edits: true,
    ..Description::BASE
};

impl Platform for Ntfy {
    fn description(&self) -> &Description {
        &DESCRIPTION
    }

    fn recognises(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        // A server of one's own by its usual name; what is not one topic is left to the other rules.
        host == "ntfy.sh" || (host.starts_with("ntfy.") && is_topic(url.path().trim_matches('/')))
    }

    fn missing_value(&self, target: &Target) -> Option<MissingValue> {
        let words = "this key is missing: `ntfy` needs the topic, here or as the path of `url`";
        topic(target).is_none().then(|| ("topic", words.to_owned()))
    }

    fn layout(&self, notice: &Notice, context: &Context, _target: &Target) -> Value {
        card(notice, context)
    }

    fn request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        let mut request = self.base_request(target, message);
        if target.option("topic").is_none() {
            request.url.set_path("/");
        }
        if let (Some(topic), Some(Value::Object(mut body))) = (topic(target), message.json()) {
            body.entry("topic").or_insert(json!(topic));
            if let Some(live) = message.live {
                body.entry("sequence_id").or_insert(json!(live.first));
            }
            request.set_json(&Value::Object(body));
        }
        if let Some(token) = target.option("token") {
            request.headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
        request
    }

    /// docs.ntfy.sh/publish, "Updating notifications": messages of one `sequence_id` are one notification.
    fn message_id(&self, _answer: &Answer, first: &str) -> Option<String> {
        Some(first.to_owned())
    }

    fn degrade(&self, body: &Value, how: Degradation) -> Option<Value> {
        let mut plain = body.clone();
        let fields = plain.as_object_mut()?;
        for name in ["attach", "filename", "icon"] {
            fields.remove(name);
        }
        if how > Degradation::NoImage {
            const PLAIN: [&str; 7] =
                ["topic", "title", "message", "markdown", "tags", "priority", "sequence_id"];
            fields.retain(|name, value| PLAIN.contains(&name.as_str()) && !value.is_object());
            let message = fields.get("message").and_then(Value::as_str).map(str::to_owned);
            let message = match message {
                None if !fields.contains_key("title") => trim::gathered(body)?,
                message => message.unwrap_or_default(),
            };
            let max = if how == Degradation::Shorter { SHORT } else { LONGEST };
            let links = trim::opened(body, &message, max / 2);
            let message = fit(&message, max - links.len(), Unit::Bytes, |_| None) + &links;
            if !message.is_empty() {
                fields.put("message", json!(message.trim_start()));
            }
        }
        (plain != *body).then_some(plain)
    }

    fn trim(&self, body: &mut Value) {
        trim::cut(body, &["message"], LONGEST, Unit::Bytes);
        trim::cut(body, &["title"], TITLE, Unit::CodePoints);
        complete(body);
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        let is_message = || answer.json().is_some_and(|json| json["id"].is_string());
        if answer.status == 200 && is_message() { Ok(()) } else { Err("not as ntfy does: no id") }
    }
}

/// Reads what other interfaces of ntfy take as a text and its JSON does not: tags and a priority.
fn complete(body: &mut Value) {
    if let Some(tags) = body["tags"].as_str() {
        let tags: Vec<_> = tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect();
        body["tags"] = json!(tags);
    }
    if let Some(priority) = body["priority"].as_str() {
        let number = match priority.trim() {
            "min" | "1" => 1,
            "low" | "2" => 2,
            "default" | "3" => 3,
            "high" | "4" => 4,
            "max" | "urgent" | "5" => 5,
            _ => return,
        };
        body["priority"] = json!(number);
    }
}

fn is_topic(value: &str) -> bool {
    (1..=64).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// The topic of the configuration: its key, else the one part of the URL's path.
fn topic(target: &Target) -> Option<&str> {
    let path = target.url.expose().path().trim_matches('/');
    target.option("topic").or(Some(path).filter(|path| is_topic(path)))
}

pub(super) fn card(notice: &Notice, context: &Context) -> Value {
    let title = or_event_kind(fit(&notice.title, TITLE, Unit::CodePoints, flatten), context);
    let lines = Lines { gap: "\n", max: MESSAGE, unit: Unit::Bytes };
    let words = Strings::of(context);
    // The first lines are all that a telephone shows at once.
    let first = FORM.head(notice).into_iter().chain(FORM.failures(notice, words));
    let mut all = first.chain(FORM.facts(notice, words)).chain(FORM.details(notice));
    let first = all.next().unwrap_or_default();
    let message = lines.join(first, all, &[fit(origin(context), TITLE, Unit::Bytes, flatten)]);
    let (tag, priority) = urgency(notice.tone);
    let mut card = json!({
        "title": title, "message": message.trim_start_matches('\n'), "tags": [tag], "priority": priority,
    });
    let view = |(label, url): (&str, Url)| {
        let label = fit(label, LABEL, Unit::CodePoints, flatten);
        (!label.trim().is_empty()).then(|| json!({"action": "view", "label": label, "url": url.as_str()}))
    };
    if let Some((_, url)) = shown_links(notice, LINK).next() {
        card["click"] = json!(url.as_str());
    }
    let actions: Vec<Value> = shown_links(notice, LINK).filter_map(view).collect();
    if !actions.is_empty() {
        card["actions"] = json!(actions);
    }
    if let Some((_, url)) = pictures(notice, LINK).next() {
        card["attach"] = json!(url.as_str());
    }
    card
}

static FORM: TextForm = TextForm {
    unit: Unit::Bytes,
    line: LINE,
    free_text: FREE_TEXT,
    link_max: LINK,
    inline: |text, max| fit(text, max, Unit::Bytes, flatten),
    block: |text, max| fit(text, max, Unit::Bytes, |_| None),
    text: str::to_owned,
    quote: |quote| format!("“{quote}”"),
    fact: |label, colon, value| format!("{label}{colon}{value}"),
    time: None,
    heading: None,
    failure: |line| format!("• {line}"),
    details: |lines| lines.join("\n"),
    // It is attached.
    picture: Some(|_, _| String::new()),
    link: |label, url| format!("{label}: {url}"),
};

/// The name of an emoji, and how loudly a telephone rings.
fn urgency(tone: Tone) -> (&'static str, u8) {
    match tone {
        Tone::Good => ("white_check_mark", 3),
        Tone::Bad => ("x", 4),
        Tone::Warn => ("warning", 4),
        Tone::Neutral => ("bell", 3),
    }
}

#[cfg(test)]
pub(super) mod tests;
