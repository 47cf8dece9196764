//! `dingtalk`: custom robots of DingTalk (钉钉), in its markdown.
//!
//! Source: open.dingtalk.com on custom robots. Lengths are bytes of UTF-8. Faults come as `errcode` inside HTTP
//! 200. Who is to be pinged stands in `at` and, once more, in the text. Pictures are shown from public
//! addresses only. A robot that sends more than 20 messages a minute is silenced for ten.

mod canned_responses;
mod request_checks;
mod rules;

pub(super) use request_checks::refuses;

use super::content::{TextForm, shown_links};
use super::cut::Markup;
use super::escape::{
    self, LinkForm, Spot, TextMarkup, begins_entity, guarded, is_inside_word, is_structure, opens_line,
};
use super::known_address::{MORE, parameter};
use super::limits::{Unit, fit, fit_above_last, flatten};
use super::lines::Lines;
use super::platform_options::is_token;
use super::{
    Answer, Degradation, Description, Example, Outcome, Platform, PlatformOption, Rate, RenderedMessage,
    Request, Target, links, or_event_kind, origin, plain_text, trim,
};
use crate::json::{Members, json};
use crate::message::{Context, Notice, Strings};
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// The whole body may have 20 000; people read less.
const TEXT: usize = 6000;
const TITLE: usize = 256;
const LINE: usize = 480;
const FREE_TEXT: usize = 2000;
const LINK: usize = 600;
const BUTTON: usize = 60;
const MENTIONS: usize = 600;
const SHORT: usize = 1000;
/// In the place of a text that says nothing.
const NOTHING: &str = "…";
/// The whole body.
const WHOLE: usize = 20_000;

/// So long a robot is silenced.
const SILENCE: Duration = Duration::from_secs(600);

pub(super) struct DingTalk;

static DESCRIPTION: Description = Description {
    name: "dingtalk",
    required_parameter: Some("access_token"),
    options: &[PlatformOption {
        name: "secret",
        form: "the robot's signing secret, which starts with `SEC`",
        accepts: is_token,
        required: false,
        secret: true,
        meaning: "Signs each attempt, for a robot whose security setting is the signature.",
    }],
    // No burst: a robot that goes beyond 20 in any minute is silenced for ten.
    rates: &[Rate::new(1, 3_200)],
    penalty: SILENCE,
    mention_form: Some("mobile numbers, user ids and `@all`"),
    accepts_mention: |mention| DingTalkMentions::read(&[mention.to_owned()]).at().is_some(),
    markup: Some(markup_of),
    responses: canned_responses::RESPONSES,
    faults: rules::faults,
    example: Example { target: "/robot/send?access_token=TOKEN", options: &[] },
    ..Description::BASE
};

impl Platform for DingTalk {
    fn description(&self) -> &Description {
        &DESCRIPTION
    }

    fn recognises(&self, url: &Url) -> bool {
        matches!(url.host_str(), Some("oapi.dingtalk.com" | "api.dingtalk.com"))
            && url.path() == "/robot/send"
    }

    fn missing_end(&self, url: &Url) -> Option<String> {
        let mut tokens = url.query_pairs().filter(|(name, _)| name == "access_token").map(|(_, token)| token);
        let Some(token) = tokens.find(|token| !token.is_empty()) else {
            return Some("`access_token=` with its value".to_owned());
        };
        // A token of hexadecimal digits is a real one. A shorter one is that of an example.
        let is_cut = (20..64).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_hexdigit());
        is_cut.then(|| "`access_token=` has 64 characters behind it".to_owned())
    }

    fn odd_url(&self, url: &Url) -> Option<&'static str> {
        let token = parameter(url, "access_token").unwrap_or_default();
        if token.starts_with("SEC") {
            return Some("`access_token` has the signing secret, which belongs into the key `secret`");
        }
        url.query_pairs()
            .any(|(name, token)| name == "access_token" && token.contains(['/', ':', '=']))
            .then_some(MORE)
    }

    fn layout(&self, notice: &Notice, context: &Context, target: &Target) -> Value {
        card(notice, context, target)
    }

    fn request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        let mut request = self.base_request(target, message);
        if let Some(secret) = target.option("secret") {
            super::signature::sign_dingtalk(&mut request.url, secret, message.now);
        }
        request
    }

    fn degrade(&self, body: &Value, how: Degradation) -> Option<Value> {
        let marked = ["markdown", "actionCard"].into_iter().find(|kind| body[*kind].is_object());
        let text = marked.and_then(|kind| body[kind]["text"].as_str()).or(body["text"]["content"].as_str());
        let gathered = trim::gathered(body).filter(|_| how > Degradation::NoImage);
        let text = text.or(gathered.as_deref())?;
        let words: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("![")).collect();
        let mut plain = body.clone();
        if how == Degradation::NoImage
            && let Some(kind) = marked
        {
            plain[kind]["text"] = json!(words.join("\n"));
            return (plain != *body).then_some(plain);
        }
        let max = if how == Degradation::Shorter { SHORT } else { TEXT };
        let fields = plain.as_object_mut()?;
        for name in ["markdown", "link", "actionCard", "feedCard"] {
            fields.remove(name);
        }
        fields.put("msgtype", json!("text"));
        let words = words.join("\n");
        let words = if marked.is_some() { plain_text::of_markdown(&words) } else { words };
        let links = trim::opened(body, &words, max / 2);
        let content = fit_above_last(&words, max - links.len(), Unit::Bytes) + &links;
        fields.put("text", json!({"content": content}));
        (plain != *body).then_some(plain)
    }

    fn trim(&self, body: &mut Value) {
        trim::cut(body, &["markdown", "title"], TITLE, Unit::Bytes);
        trim::squeeze(body, WHOLE, Markup::Fences);
        complete(body);
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        let is_ok = answer.status == 200 && answer.errcode() == Some(0);
        if is_ok { Ok(()) } else { Err("not as DingTalk does: no errcode") }
    }

    fn code(&self, answer: &Answer) -> Option<String> {
        // Its gateway has a form of its own when it throttles, with or without an errcode.
        let json = answer.json()?;
        if json["punish"].is_string() || json["status"].as_i64() == Some(1111) {
            return Some("throttled".to_owned());
        }
        answer.errcode().filter(|code| *code != 0).map(|code| format!("errcode {code}"))
    }

    fn unknown(&self, answer: &Answer, is_coded: bool, reason: String) -> Outcome {
        let is_of_form =
            matches!(answer.errcode(), Some(40_000..=44_999)) || answer.words().contains("is null");
        match is_coded {
            true if is_of_form => answer.refused(reason),
            true => answer.refused_or_again(reason),
            false => Outcome::Retry(reason),
        }
    }
}

/// Fills in a text that is blank, for which DingTalk refuses the message: with the title, and the title with the text.
fn complete(body: &mut Value) {
    let shown =
        |text: &Value| text.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let is_text = |text: &Value| text.as_str().is_some_and(|text| text.trim().is_empty());
    if is_text(&body["text"]["content"]) {
        body["text"]["content"] = json!(NOTHING);
    }
    for kind in ["markdown", "actionCard", "link"] {
        let part = &body[kind];
        if !part.is_object() {
            continue;
        }
        let title = shown(&part["title"]);
        let first = shown(&part["text"])
            .and_then(|text| Some(text.lines().next()?.trim_start_matches(['#', ' ']).to_owned()));
        if part["title"].is_null() || is_text(&part["title"]) {
            let title = first.filter(|line| !line.is_empty()).unwrap_or(NOTHING.to_owned());
            body[kind]["title"] = json!(fit(&title, TITLE, Unit::Bytes, flatten));
        }
        if is_text(&body[kind]["text"]) {
            body[kind]["text"] = json!(title.unwrap_or(NOTHING.to_owned()));
        }
    }
}

pub(super) fn card(notice: &Notice, context: &Context, target: &Target) -> Value {
    let cut = |text: &str, max| fit(text, max, Unit::Bytes, inline);
    let title = or_event_kind(cut(&notice.title, TITLE), context);
    let mentions = DingTalkMentions::read(&target.mentions);
    let at = mentions.at();
    let buttons: Vec<Value> = shown_links(notice, LINK)
        .map(|(label, url)| (cut(label, BUTTON), url))
        .filter(|(label, _)| !label.trim().is_empty())
        .map(|(label, url)| json!({"title": label, "actionURL": url.as_str()}))
        .collect();
    // A message with buttons pings nobody.
    let has_buttons = at.is_none() && !buttons.is_empty();
    let mut tail = if has_buttons { Vec::new() } else { FORM.links(notice) };
    tail.extend([cut(origin(context), TITLE), mentions.live()]);
    let lines = Lines { gap: "\n\n", max: TEXT, unit: Unit::Bytes };
    let text = lines.join(
        format!("### {} {title}", notice.tone.sign()),
        FORM.lines(notice, Strings::of(context)),
        &tail,
    );
    if has_buttons {
        let card = json!({"title": title, "text": text, "btnOrientation": "0", "btns": buttons});
        return json!({"msgtype": "actionCard", "actionCard": card});
    }
    let mut card = json!({"msgtype": "markdown", "markdown": {"title": title, "text": text}});
    if let Some(at) = at {
        card["at"] = at;
    }
    card
}

static FORM: TextForm = TextForm {
    unit: Unit::Bytes,
    line: LINE,
    free_text: FREE_TEXT,
    link_max: LINK,
    inline: |text, max| fit(text, max, Unit::Bytes, inline),
    block: |text, max| fit(&guarded(text), max, Unit::Bytes, block),
    text: str::to_owned,
    quote: |quote| format!("> {quote}"),
    fact: |label, colon, value| format!("- {label}{colon}{value}"),
    time: None,
    heading: None,
    failure: |line| format!("> {line}"),
    details: |lines| lines.iter().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n\n"),
    picture: Some(|caption, url| format!("![{caption}]({})", links::quiet(url))),
    link: |label, url| format!("[{label}]({})", links::quiet(url)),
};

#[derive(Default)]
struct DingTalkMentions {
    all: bool,
    mobiles: Vec<String>,
    members: Vec<String>,
}

impl DingTalkMentions {
    /// Reads `@all`, a mobile number or a user id, each with or without its `@`.
    fn read(configured: &[String]) -> DingTalkMentions {
        let mut mentions = DingTalkMentions::default();
        let mut used = 0;
        for mention in configured {
            let name = mention.trim().trim_start_matches('@');
            let sound =
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && !b"<>[]()*`#".contains(&b));
            used += name.len() + 2;
            if !sound || used > MENTIONS {
                continue;
            }
            let digits = name.strip_prefix('+').unwrap_or(name).replace('-', "");
            if name == "all" {
                mentions.all = true;
            } else if digits.len() >= 11 && digits.bytes().all(|b| b.is_ascii_digit()) {
                mentions.mobiles.push(name.to_owned());
            } else {
                mentions.members.push(name.to_owned());
            }
        }
        mentions
    }

    /// As they must stand in the text.
    fn live(&self) -> String {
        let names = self.mobiles.iter().chain(&self.members).map(String::as_str);
        let all = self.all.then_some("all");
        all.into_iter().chain(names).map(|name| format!("@{name}")).collect::<Vec<_>>().join(" ")
    }

    fn at(&self) -> Option<Value> {
        let any = self.all || !self.mobiles.is_empty() || !self.members.is_empty();
        any.then(|| json!({"atMobiles": self.mobiles, "atUserIds": self.members, "isAtAll": self.all}))
    }
}

/// DingTalk's markdown has no escapes it names: what would be markup becomes the full-width twin.
fn inline(character: char) -> Option<&'static str> {
    flatten(character).or(match character {
        '<' => Some("＜"),
        '>' => Some("＞"),
        '[' => Some("［"),
        ']' => Some("］"),
        '*' => Some("＊"),
        '`' => Some("｀"),
        '@' => Some("＠"),
        _ => None,
    })
}

/// On lines of its own, text can open a heading or a list too, and a single line break is none.
fn block(character: char) -> Option<&'static str> {
    match character {
        '\n' => Some("\n\n"),
        '\r' => Some(""),
        '#' => Some("＃"),
        '-' => Some("－"),
        '!' => Some("！"),
        _ => inline(character),
    }
}

fn markup_of(spot: &Spot<'_>) -> Option<&'static TextMarkup> {
    if spot.is_at(&["markdown", "text"]) || spot.is_at(&["actionCard", "text"]) {
        return Some(&MARKDOWN_TEXT);
    }
    (!is_structure(spot.name())).then_some(&PLAIN_TEXT)
}

static PLAIN_TEXT: TextMarkup = TextMarkup {
    escape: |_, c, _| (c == '@').then_some("＠"),
    in_code: None,
    links: LinkForm::Bare,
    in_url: |_, c, _| (c == '@').then_some("%40"),
};

static MARKDOWN_TEXT: TextMarkup = TextMarkup {
    escape: |before, c, after| match c {
        '_' if !is_inside_word(before, after) => Some("＿"),
        '~' if before == Some('~') || after == Some('~') => Some("～"),
        '&' if begins_entity(after) => Some("&\u{200b}"),
        '-' | '#' | '!' if !opens_line(before) => None,
        c => block(c),
    },
    in_code: Some(|_, c, _| matches!(c, '`' | '@').then(|| inline(c)).flatten()),
    links: LinkForm::Markdown,
    in_url: escape::in_url,
};

#[cfg(test)]
pub(super) mod tests;
