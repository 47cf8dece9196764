//! `telegram`: a bot's message in Telegram's HTML, with a picture where there is one.
//!
//! Source: core.telegram.org/bots/api. A text has 4096 characters and a caption 1024, counted behind the markup;
//! whether as code points or as units of UTF-16 is told differently, so the longer count, of all that is
//! written, is kept. HTML rather than MarkdownV2: three characters to escape, and nothing else to go wrong.
//! Success is `ok: true`.

mod canned_responses;
mod mentions;
mod option_forms;
mod parse_modes;
mod request_checks;
mod rules;
mod template_markup;

pub(super) use request_checks::refuses;

use super::content::{TextForm, pictures, shown_links};
use super::cut::Markup;
use super::dimensions::dimensions;
use super::known_address::CUT;
use super::limits::{Unit, fit, fit_above_last, flatten};
use super::lines::Lines;
use super::multipart::{Field, form};
use super::{
    Answer, Attachment, Degradation, Description, EditAnswer, Example, FollowUp, MissingValue, Platform,
    PlatformOption, Rate, RenderedMessage, Request, Target, or_event_kind, origin, plain_text, trim,
};
use crate::json::{Members, json};
use crate::message::{Context, Notice, Strings};
use mentions::{mentions, pings};
use option_forms::{is_bot_token, is_chat};
use serde_json::Value;
use std::borrow::Cow;
use std::ops::RangeInclusive;
use url::Url;

const TEXT: usize = 4096;
const CAPTION: usize = 1024;
const PHOTO: u64 = 10 * 1024 * 1024;
/// Width and height of a photo together, in pixels, and how many times one is the other at most.
const PHOTO_SIDES: u64 = 10_000;
const PHOTO_RATIO: u64 = 20;
const DOCUMENT: RangeInclusive<u64> = 1..=50 * 1024 * 1024;
const TITLE: usize = 256;
const LINE: usize = 300;
const FREE_TEXT: usize = 1500;
const LINK: usize = 500;
const BUTTON: usize = 60;
const SHORT: usize = 800;
/// Marks the number of a message that is a file.
const MEDIA: &str = "m";

pub(super) struct Telegram;

static DESCRIPTION: Description = Description {
    name: "telegram",
    default_url: Some("https://api.telegram.org/"),
    options: &[
        PlatformOption {
            name: "chat_id",
            form: "a chat's number, or `@channel`",
            accepts: is_chat,
            required: true,
            secret: false,
            meaning: "The chat that receives the messages.",
        },
        PlatformOption {
            name: "token",
            form: "the bot's token, as `123456:ABC-DEF`",
            accepts: is_bot_token,
            required: false,
            secret: true,
            meaning: "The bot that sends the messages, unless `url` has its token.",
        },
        PlatformOption {
            name: "thread_id",
            form: "the number of a topic",
            accepts: |value| value.parse::<u64>().is_ok_and(|number| number > 0),
            required: false,
            secret: false,
            meaning: "The topic of a forum chat.",
        },
    ],
    // The second is the limit of a group.
    rates: &[Rate::new(1, 1_000), Rate::new(20, 60_000)],
    mention_form: Some("`@name` and numbers of users"),
    accepts_mention: |mention| !mentions(&[mention.to_owned()]).is_empty(),
    markup: Some(template_markup::markup_of),
    silent: Some(r#"{"disable_notification":true}"#),
    file_limit: Some(PHOTO),
    // A GIF that moves would stand still as a photo; as a document it moves.
    pictures: &["image/png", "image/jpeg", "image/webp"],
    document_sizes: Some(DOCUMENT),
    responses: canned_responses::RESPONSES,
    faults: rules::faults,
    example: Example { target: "/", options: &[("token", "123456:ABC-DEF"), ("chat_id", "-1001234567890")] },
    edits: true,
    ..Description::BASE
};

impl Platform for Telegram {
    fn description(&self) -> &Description {
        &DESCRIPTION
    }

    fn recognises(&self, url: &Url) -> bool {
        url.host_str() == Some("api.telegram.org") && url.path().starts_with("/bot")
    }

    fn missing_value(&self, target: &Target) -> Option<MissingValue> {
        let url = target.url.expose();
        let token = url.path().split('/').find_map(|part| part.strip_prefix("bot"));
        let whole = |token: &str| is_bot_token(&token.replace("%3A", ":"));
        if self.recognises(url) && !token.is_some_and(whole) {
            let words = "the bot's token is not whole: after `/bot` come digits, a colon and letters";
            return Some(("url", words.to_owned()));
        }
        let words = "this key is missing: `telegram` needs the bot's token, here or in `url`";
        let has_token = url.path().contains("/bot") || target.option("token").is_some();
        (!has_token).then(|| ("token", words.to_owned()))
    }

    fn odd_value(&self, target: &Target) -> Option<(&'static str, &'static str)> {
        let path = target.url.expose().path().replace("%3A", ":");
        let in_url = path.split('/').find_map(|part| part.strip_prefix("bot"));
        let (key, token) = match target.option("token") {
            Some(token) => ("token", token),
            None => ("url", in_url?),
        };
        let length = token.split_once(':').map_or(0, |(_, secret)| secret.len());
        (20..35).contains(&length).then_some((key, CUT))
    }

    fn layout(&self, notice: &Notice, context: &Context, target: &Target) -> Value {
        card(notice, context, target)
    }

    fn request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        let mut request = self.base_request(target, message);
        let Some(Value::Object(mut body)) = message.json() else { return request };
        address(&mut body, target);
        body.remove("media");
        if let Some(edited) = message.edited() {
            return self.edit(target, (request, body), edited, message.file);
        }
        if let Some(file) = message.file.filter(|_| fits_caption(&body)) {
            to_caption(&mut body);
            return with_file(target, request, &body, file, self.is_picture(file));
        }
        request.url = method(target, "sendMessage");
        request.set_json(&Value::Object(body));
        request
    }

    /// The number of the message, with an `m` behind it where it is a file with a caption: that is edited in another way
    /// than a text.
    fn message_id(&self, answer: &Answer, _first: &str) -> Option<String> {
        let json = answer.json()?;
        let result = if json["result"].is_array() { &json["result"][0] } else { &json["result"] };
        let id = result["message_id"].as_i64()?;
        let is_media = result["photo"].is_array() || result["document"].is_object();
        Some(format!("{id}{}", if is_media { MEDIA } else { "" }))
    }

    fn edit_answer(&self, answer: &Answer) -> Option<EditAnswer> {
        if answer.status != 400 {
            return None;
        }
        let text = answer.text();
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
        match () {
            () if says(&["message is not modified"]) => Some(EditAnswer::Unchanged),
            () if says(&["message to edit not found", "message can't be edited", "message_id_invalid"]) => {
                Some(EditAnswer::Lost)
            }
            () => None,
        }
    }

    fn is_picture(&self, file: &Attachment) -> bool {
        DESCRIPTION.shows(file.media)
            && file.bytes.len() as u64 <= PHOTO
            && dimensions(&file.bytes).is_none_or(fits_photo)
    }

    /// Below the message, without a sound: the file where the text is too long for a caption, else several pictures
    /// that Telegram fetches itself. An edit has its file in it, or none.
    fn follow_up<'a>(
        &self,
        target: &Target,
        message: &RenderedMessage<'a>,
        answers: &[Answer],
    ) -> Option<FollowUp<'a>> {
        let is_due = answers.len() == 1 && message.edited().is_none();
        let Some(Value::Object(body)) = message.json().filter(|_| is_due) else { return None };
        let file = message.file.filter(|_| !fits_caption(&body));
        let media = body.get("media").filter(|_| message.file.is_none());
        let mut fields = serde_json::Map::new();
        for name in ["chat_id", "message_thread_id"] {
            fields.extend(body.get(name).map(|value| (name.to_owned(), value.clone())));
        }
        address(&mut fields, target);
        fields.put("disable_notification", json!(true));
        let mut request = self.base_request(target, message);
        if let Some(file) = file {
            let what = if self.is_picture(file) { "image" } else { "file" };
            return Some(Ok((what, with_file(target, request, &fields, file, what == "image"))));
        }
        fields.put("media", media?.clone());
        request.url = method(target, "sendMediaGroup");
        request.set_json(&Value::Object(fields));
        Some(Ok(("image", request)))
    }

    fn mentions_somebody(&self, body: &serde_json::Map<String, Value>) -> bool {
        mentions::are_in(body)
    }

    fn degrade(&self, body: &Value, how: Degradation) -> Option<Value> {
        let mut plain = body.clone();
        let fields = plain.as_object_mut()?;
        fields.put("link_preview_options", json!({"is_disabled": true}));
        fields.remove("media");
        if how > Degradation::NoImage {
            let given = body["text"].as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
            let html = &given.or_else(|| trim::gathered(body))?;
            let is_html = markup(body) == Markup::Html;
            let text = shown(html, body["parse_mode"].as_str().unwrap_or_default());
            let max = if how == Degradation::Shorter { SHORT } else { TEXT };
            // A button may be what is refused, so its address is written.
            let links = trim::opened(body, &text, max / 2);
            let text = fit_above_last(&text, max - links.len(), Unit::Utf16);
            let pings = if is_html { pings(html, &text) } else { Vec::new() };
            if !pings.is_empty() {
                fields.put("entities", json!(pings));
            }
            fields.put("text", json!(text + &links));
            for name in ["parse_mode", "reply_markup", "reply_parameters"] {
                fields.remove(name);
            }
        }
        (plain != *body).then_some(plain)
    }

    fn trim(&self, body: &mut Value) {
        let markup = markup(body);
        trim::cut_marked(body, &["text"], TEXT, Unit::Utf16, markup);
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        let is_ok = answer.status == 200 && answer.json().is_some_and(|json| json["ok"] == true);
        if is_ok { Ok(()) } else { Err("not as Telegram does: no `ok`") }
    }
}

impl Telegram {
    /// core.telegram.org/bots/api: `editMessageText`, `editMessageCaption` and `editMessageMedia`, which also adds a file to
    /// a text. Each takes only some of the fields of a message.
    fn edit<'a>(
        &self,
        target: &Target,
        (mut request, mut body): (Request<'a>, serde_json::Map<String, Value>),
        edited: &str,
        file: Option<&Attachment>,
    ) -> Request<'a> {
        let (number, is_media) = match edited.strip_suffix(MEDIA) {
            Some(number) => (number, true),
            None => (edited, false),
        };
        let file = file.filter(|_| fits_caption(&body));
        body.insert("message_id".to_owned(), number.parse::<i64>().map_or(Value::Null, |id| json!(id)));
        if is_media || file.is_some() {
            to_caption(&mut body);
        }
        const KEPT: [&str; 9] = [
            "chat_id",
            "message_id",
            "text",
            "caption",
            "parse_mode",
            "entities",
            "caption_entities",
            "link_preview_options",
            "reply_markup",
        ];
        body.retain(|name, _| KEPT.contains(&name.as_str()));
        if let Some(file) = file {
            let name = if self.is_picture(file) { "photo" } else { "document" };
            let mut media = serde_json::Map::new();
            media.insert("type".to_owned(), json!(name));
            media.insert("media".to_owned(), json!(format!("attach://{name}")));
            for part in ["caption", "parse_mode", "caption_entities"] {
                media.extend(body.remove(part).map(|value| (part.to_owned(), value)));
            }
            body.insert("media".to_owned(), Value::Object(media));
            return upload(request, method(target, "editMessageMedia"), &body, name, file);
        }
        request.url = method(target, if is_media { "editMessageCaption" } else { "editMessageText" });
        request.set_json(&Value::Object(body));
        request
    }
}

/// The text stands below a file.
fn to_caption(body: &mut serde_json::Map<String, Value>) {
    body.remove("link_preview_options");
    for (text, caption) in [("text", "caption"), ("entities", "caption_entities")] {
        if let Some(value) = body.remove(text) {
            body.insert(caption.to_owned(), value);
        }
    }
}

/// Whether a picture of this width and height can be a photo.
fn fits_photo((width, height): (u32, u32)) -> bool {
    let (long, short) = (u64::from(width.max(height)), u64::from(width.min(height)));
    long + short <= PHOTO_SIDES && long <= short * PHOTO_RATIO
}

/// How its text is measured: of HTML, what is shown.
fn markup(body: &Value) -> Markup {
    let is_html = body["parse_mode"].as_str().is_some_and(|mode| mode.eq_ignore_ascii_case("html"));
    if is_html { Markup::Html } else { Markup::Fences }
}

/// Puts the chat in, unless a template names its own.
fn address(body: &mut serde_json::Map<String, Value>, target: &Target) {
    for (name, key) in [("chat_id", "chat_id"), ("message_thread_id", "thread_id")] {
        if let Some(value) = target.option(key).filter(|_| !body.contains_key(name)) {
            let value = value.parse::<i64>().map_or_else(|_| json!(value), |number| json!(number));
            body.insert(name.to_owned(), value);
        }
    }
}

/// The URL of a method: what stands behind the bot's token in the configured one is left out.
fn method(target: &Target, method: &str) -> Url {
    let mut url = target.url.expose().clone();
    let path = url.path().trim_end_matches('/').to_owned();
    let base = match path.find("/bot") {
        Some(at) => {
            let end = path[at + 1..].find('/').map_or(path.len(), |length| at + 1 + length);
            path[..end].to_owned()
        }
        None => format!("{path}/bot{}", target.option("token").unwrap_or_default()),
    };
    url.set_path(&format!("{base}/{method}"));
    url
}

fn fits_caption(body: &serde_json::Map<String, Value>) -> bool {
    body.get("text").and_then(Value::as_str).is_some_and(|text| Unit::Utf16.length(text) <= CAPTION)
}

/// A `sendPhoto` or, for what is none, a `sendDocument` with these fields.
fn with_file<'a>(
    target: &Target,
    request: Request<'a>,
    fields: &serde_json::Map<String, Value>,
    file: &Attachment,
    is_photo: bool,
) -> Request<'a> {
    let (name, field) = if is_photo { ("sendPhoto", "photo") } else { ("sendDocument", "document") };
    upload(request, method(target, name), fields, field, file)
}

/// A form of these fields and the file.
fn upload<'a>(
    mut request: Request<'a>,
    url: Url,
    fields: &serde_json::Map<String, Value>,
    field: &str,
    file: &Attachment,
) -> Request<'a> {
    let texts: Vec<(&String, String)> = fields
        .iter()
        .map(|(name, value)| (name, value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    let fields: Vec<Field<'_>> =
        texts.iter().map(|(name, value)| Field { name, media: None, value }).collect();
    let (content_type, body) = form(&fields, field, &file.name, file);
    request.url = url;
    request.content_type = Cow::Owned(content_type);
    request.body = Cow::Owned(body);
    request
}

pub(super) fn card(notice: &Notice, context: &Context, target: &Target) -> Value {
    let cut = |text: &str, max| fit(text, max, Unit::Utf16, inline);
    let title = or_event_kind(cut(&notice.title, TITLE), context);
    let buttons: Vec<Value> = shown_links(notice, LINK).filter_map(button).collect();
    let has_all = buttons.len() == shown_links(notice, LINK).count();
    let mut tail = if has_all { Vec::new() } else { FORM.links(notice) };
    tail.extend([format!("<i>{}</i>", cut(origin(context), TITLE)), mentions(&target.mentions)]);
    let lines = Lines { gap: "\n", max: TEXT, unit: Unit::Utf16 };
    let text = lines.join(
        format!("{} <b>{title}</b>", notice.tone.sign()),
        FORM.lines(notice, Strings::of(context)),
        &tail,
    );
    // Pictures at public addresses, which Telegram fetches itself: one is shown above the text, several follow it.
    let pictures: Vec<Url> = pictures(notice, LINK).map(|(_, url)| url).collect();
    let preview = match pictures.as_slice() {
        [url] => json!({"url": url.as_str(), "prefer_large_media": true, "show_above_text": true}),
        _ => json!({"is_disabled": true}),
    };
    let mut card = json!({"text": text, "parse_mode": "HTML", "link_preview_options": preview});
    if has_all && !buttons.is_empty() {
        card["reply_markup"] = json!({"inline_keyboard": [buttons]});
    }
    if pictures.len() > 1 {
        let photo = |url: &Url| json!({"type": "photo", "media": url.as_str()});
        card["media"] = pictures.iter().map(photo).collect();
    }
    card
}

static FORM: TextForm = TextForm {
    unit: Unit::Utf16,
    line: LINE,
    free_text: FREE_TEXT,
    link_max: LINK,
    inline: |text, max| fit(text, max, Unit::Utf16, inline),
    block: |text, max| fit(text, max, Unit::Utf16, block),
    text: |text| format!("<pre>{text}</pre>"),
    quote: |quote| format!("<blockquote>{quote}</blockquote>"),
    fact: |label, colon, value| format!("<b>{label}</b>{colon}{value}"),
    time: Some(|at, value| format!("<tg-time unix=\"{at}\" format=\"dt\">{value}</tg-time>")),
    heading: None,
    failure: |line| format!("• {line}"),
    details: |lines| format!("<blockquote expandable>{}</blockquote>", lines.join("\n")),
    // A text shows none.
    picture: Some(|_, _| String::new()),
    link: |label, url| format!("<a href=\"{}\">{label}</a>", attribute(url.as_str())),
};

/// A button that opens an address; `None` for what Telegram takes in no button: a blank one, and hosts of one word.
fn button((label, url): (&str, Url)) -> Option<Value> {
    let label = fit(label, BUTTON, Unit::Utf16, flatten);
    let is_taken = !label.trim().is_empty() && url.domain().is_none_or(|name| name.contains('.'));
    is_taken.then(|| json!({"text": label, "url": url.as_str()}))
}

/// The three characters of Telegram's HTML; an at sign that a name could follow would ping it.
fn block(character: char) -> Option<&'static str> {
    match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '@' => Some("@\u{200b}"),
        _ => None,
    }
}

fn inline(character: char) -> Option<&'static str> {
    flatten(character).or_else(|| block(character))
}

fn attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What is shown of a text in this mode.
fn shown(text: &str, mode: &str) -> String {
    let read = match mode.to_ascii_lowercase().as_str() {
        "html" => parse_modes::html(text).or_else(|_| Ok(plain_text::of_html(text))),
        "markdownv2" => parse_modes::markdown_v2(text),
        "markdown" => parse_modes::markdown(text),
        _ => Ok(text.to_owned()),
    };
    // What could not be read is shown with its signs.
    read.unwrap_or_else(|_: parse_modes::Unparsed| text.to_owned())
}

#[cfg(test)]
pub(super) mod tests;
