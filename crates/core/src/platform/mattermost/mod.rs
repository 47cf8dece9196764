//! `mattermost`: incoming webhooks of a Mattermost server, as a message attachment.
//!
//! Sources: developers.mattermost.com on incoming webhooks and message attachments; the server's `model/post.go`
//! for the limits, of which older servers have smaller ones. Every server has an address of its own, so only
//! `platform = "mattermost"` says that it is one, unless its host is named so.

mod canned_responses;
mod rules;

pub(super) use rules::refuses;

use super::content::{bar, last_lines, pictures, shown_links};
use super::cut::Markup;
use super::escape::{
    self, LinkForm, Spot, TextMarkup, begins_entity, guarded, is_inside_ascii_word, is_structure, opens_line,
};
use super::limits::{Budget, Unit, fit, fit_between, flatten};
use super::links::is_public;
use super::mentions::Mentions;
use super::path_parts;
use super::{
    Answer, Degradation, Description, Example, Platform, Rate, Target, links, or_event_kind, origin, trim,
};
use crate::json::{Members, json};
use crate::message::{Context, Fact, Notice, Strings, Tone};
use serde_json::{Map, Value};
use url::Url;

/// The code points of an attachment in all, which servers from before 5.0 also take.
pub(super) const WHOLE: usize = 7000;
/// The code points of a template's text; older servers make several posts of so much.
const POST: usize = 16_383;
/// The whole body of a template. The attachments may have 800 000 code points, but a server takes no request
/// of more than 300 000 bytes by default.
const REQUEST: usize = 290_000;
const TITLE: usize = 300;
const TEXT: usize = 2500;
const DETAILS: usize = 700;
const FACTS: usize = 20;
const LABEL: usize = 100;
const VALUE: usize = 300;
const FAILURE: usize = 300;
const FOOTER: usize = 200;
const LINK: usize = 1500;
const MENTIONS: usize = 1000;
/// What older servers take in a text, which is 4000.
const SHORT: usize = 3500;

pub(super) struct Mattermost;

static DESCRIPTION: Description = Description {
    name: "mattermost",
    // The server's own default is 10 requests a second.
    rates: &[Rate::new(5, 1_000)],
    mention_form: Some("`channel`, `all`, `here` and names of users"),
    accepts_mention: |mention| !mentions(&[mention.to_owned()]).is_empty(),
    markup: Some(markup_of),
    responses: canned_responses::RESPONSES,
    faults: rules::faults,
    example: Example { target: "/hooks/KEY", options: &[] },
    ..Description::BASE
};

impl Platform for Mattermost {
    fn description(&self) -> &Description {
        &DESCRIPTION
    }

    fn recognises(&self, url: &Url) -> bool {
        let named = url.host_str().is_some_and(|host| host.split('.').any(|part| part == "mattermost"));
        let key = url.path().rsplit_once("/hooks/").map(|(_, key)| key.trim_end_matches('/'));
        named && key.is_some_and(|key| key.len() == 26 && key.bytes().all(|b| b.is_ascii_alphanumeric()))
    }

    fn odd_value(&self, target: &Target) -> Option<(&'static str, &'static str)> {
        let url = target.url.expose();
        let parts = path_parts(url);
        let mut after = parts.iter().skip_while(|part| **part != "hooks").skip(1);
        let words = match (after.next(), after.next()) {
            _ if !is_public(url) => return None,
            (None, _) => {
                "a webhook of Mattermost has `/hooks/` and a key of 26 letters and digits in its path"
            }
            (Some(key), None) if key.len() != 26 => {
                "the key behind `/hooks/` has 26 letters and digits: copy the URL again"
            }
            _ => return None,
        };
        Some(("url", words))
    }

    fn layout(&self, notice: &Notice, context: &Context, target: &Target) -> Value {
        card(notice, context, target)
    }

    /// Without the picture; its texts; or title, link and footer alone.
    fn degrade(&self, body: &Value, how: Degradation) -> Option<Value> {
        let mut plain = body.clone();
        let has_card = body.pointer("/attachments/0").is_some_and(Value::is_object);
        if how > Degradation::NoImage && (how == Degradation::NoMarkup || !has_card) {
            let text = trim::gathered(body)?;
            let links = trim::opened(body, &text, SHORT / 2);
            let text = fit(&text, SHORT - links.len(), Unit::CodePoints, |_| None) + &links;
            let plain = json!({"text": text});
            return (plain != *body).then_some(plain);
        }
        let attachments = plain.get_mut("attachments")?.as_array_mut()?;
        let dropped: &[&str] = match how {
            Degradation::Pruned | Degradation::NoImage => &["image_url"],
            Degradation::NoMarkup | Degradation::Shorter => &["image_url", "text", "fields"],
        };
        for attachment in attachments.iter_mut() {
            trim::keep(attachment, &mut |name, _| !dropped.contains(&name));
        }
        // Further pictures of a gallery.
        let says = |attachment: &Value| attachment["fallback"] != "" || !attachment["text"].is_null();
        attachments.retain(says);
        (plain != *body).then_some(plain)
    }

    fn trim(&self, body: &mut Value) {
        trim::cut(body, &["text"], POST, Unit::CodePoints);
        trim::squeeze(body, REQUEST, Markup::Fences);
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        // Rocket.Chat takes the same messages, and answers in JSON.
        let is_ok = || answer.json().is_some_and(|json| json["success"] == true);
        let is_taken = answer.status == 200 && (answer.body.trim_ascii() == b"ok" || is_ok());
        if is_taken { Ok(()) } else { Err("not as Mattermost does: no `ok`") }
    }
}

fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "#3db887",
        Tone::Bad => "#d24b4e",
        Tone::Warn => "#ffbc1f",
        Tone::Neutral => "#5d89ea",
    }
}

pub(super) fn card(notice: &Notice, context: &Context, target: &Target) -> Value {
    let words = Strings::of(context);
    let mut room = Budget { left: WHOLE, unit: Unit::CodePoints };
    // Titles and footers read no markdown; still, nothing in them may ping.
    let title = or_event_kind(room.take(&notice.title, TITLE, |_, c, _| titled(c)), context);
    let fallback = room.take(&notice.title, TITLE, |_, c, _| quiet(c));
    let footer = room.take(origin(context), FOOTER, |_, c, _| quiet(c));
    let mut attachment = Map::new();
    let mut put = |name: &str, value: Value| attachment.insert(name.to_owned(), value);
    put("fallback", json!(fallback));
    put("color", json!(colour(notice.tone)));
    put("title", json!(title));
    if let Some(url) = shown_links(notice, LINK).next().map(|(_, url)| url) {
        put("title_link", json!(url.as_str()));
    }
    let text = text(notice, words, &mut room);
    if !text.is_empty() {
        put("text", json!(text));
    }
    let fact = |Fact { label, value, .. }: &Fact| {
        (room.left > LABEL + VALUE).then(|| {
            let title = room.take(label, LABEL, |_, c, _| titled(c));
            let value = room.take(&guarded(value), VALUE, one_line);
            let short = value.chars().count() <= 40;
            json!({"title": title, "value": value, "short": short})
        })
    };
    let fields: Vec<_> = notice.facts.iter().take(FACTS).map_while(fact).collect();
    if !fields.is_empty() {
        put("fields", json!(fields));
    }
    let mut shown = pictures(notice, LINK).map(|(_, url)| url);
    if let Some(url) = shown.next() {
        put("image_url", json!(url.as_str()));
    }
    put("footer", json!(footer));
    let mut message = Map::new();
    let mentions = mentions(&target.mentions);
    if !mentions.is_empty() {
        message.put("text", json!(mentions));
    }
    let more = shown.map(|url| json!({"fallback": "", "image_url": url.as_str()}));
    let attachments: Vec<Value> = [Value::Object(attachment)].into_iter().chain(more).collect();
    message.put("attachments", json!(attachments));
    Value::Object(message)
}

/// Why it failed, and what failed.
fn text(notice: &Notice, words: &Strings, room: &mut Budget) -> String {
    let mut text =
        notice.text.as_deref().map(|text| room.take(&guarded(text), TEXT, several_lines)).unwrap_or_default();
    let mut add = |part: String| {
        let gap = if text.is_empty() { "" } else { "\n\n" };
        text.push_str(&format!("{gap}{part}"));
    };
    let quote = notice.quote.as_deref().map(|quote| room.take(quote, VALUE, one_line));
    quote
        .filter(|quote| !quote.trim().is_empty())
        .map(|quote| format!("> {quote}"))
        .into_iter()
        .for_each(&mut add);
    bar(notice).into_iter().for_each(&mut add);
    let cut = |text: &str, max| fit_between(text, max, Unit::CodePoints, one_line);
    let lines = notice.details.as_deref().map(|text| last_lines(text, DETAILS, Unit::CodePoints, &cut));
    let lines = lines.filter(|lines| !lines.is_empty());
    lines.map(|lines| format!("> {}", lines.join("\n> "))).into_iter().for_each(&mut add);
    // A button would call a program; the first link is that of the title.
    let links: Vec<String> = shown_links(notice, LINK)
        .skip(1)
        .map(|(label, url)| format!("[{}]({})", room.take(label, LABEL, one_line), links::quiet(&url)))
        .collect();
    if !links.is_empty() {
        add(links.join(" · "));
    }
    room.left = room.left.saturating_sub(DETAILS);
    let most = room.left / 2;
    let mut used = 0;
    for (index, failure) in notice.failures.iter().enumerate() {
        let left = most.saturating_sub(used);
        if index == 0 {
            let gap = if text.is_empty() { "" } else { "\n\n" };
            text.push_str(&format!("{gap}**{}**", words.failures));
        }
        if left < FAILURE {
            text.push_str(&format!("\n{}", words.more(notice.failures.len() - index)));
            break;
        }
        let line = fit_between(&failure.line(words), FAILURE, Unit::CodePoints, one_line);
        used += Unit::CodePoints.length(&line) + 3;
        text.push_str(&format!("\n- {line}"));
    }
    room.left -= used;
    text
}

/// Configured mentions as Mattermost reads them: `@name`, `@channel`, `@all`, `@here`.
fn mentions(configured: &[String]) -> String {
    Mentions(configured).joined(" ", MENTIONS, &|name| {
        let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        (!name.is_empty() && name.bytes().all(is_part)).then(|| format!("@{name}"))
    })
}

/// Without an at sign that a name could follow, nobody is pinged, whatever the server's settings.
fn quiet(character: char) -> Option<&'static str> {
    flatten(character).or((character == '@').then_some("@\u{200b}"))
}

/// A title reads no markdown but links.
fn titled(character: char) -> Option<&'static str> {
    if character == ']' { Some("]\u{200b}") } else { quiet(character) }
}

/// A text of a card on one line.
fn one_line(_: Option<char>, character: char, after: Option<char>) -> Option<&'static str> {
    beside(character, after).unwrap_or_else(|| inline(character))
}

fn several_lines(_: Option<char>, character: char, after: Option<char>) -> Option<&'static str> {
    beside(character, after).unwrap_or_else(|| lines(character))
}

/// What depends on the character that follows.
fn beside(character: char, after: Option<char>) -> Option<Option<&'static str>> {
    match character {
        // Before a letter it is no escape, and two would be shown.
        '\\' if after.is_some_and(|after| after.is_ascii_alphanumeric()) => Some(None),
        '&' if begins_entity(after) => Some(Some("&\u{200b}")),
        _ => None,
    }
}

/// What the server's markdown would read; `<` is nothing to it, and a backslash before it would be shown.
fn inline(character: char) -> Option<&'static str> {
    quiet(character).or(match character {
        '\\' => Some("\\\\"),
        '*' => Some("\\*"),
        '_' => Some("\\_"),
        '~' => Some("\\~"),
        '`' => Some("\\`"),
        '|' => Some("\\|"),
        '#' => Some("\\#"),
        '[' => Some("\\["),
        ']' => Some("\\]"),
        '!' => Some("\\!"),
        '>' => Some("\\>"),
        _ => None,
    })
}

/// On lines of its own, text can open a list too.
fn lines(character: char) -> Option<&'static str> {
    match character {
        '\n' => None,
        '-' => Some("\\-"),
        '+' => Some("\\+"),
        _ => inline(character),
    }
}

fn markup_of(spot: &Spot<'_>) -> Option<&'static TextMarkup> {
    match spot.name() {
        name if is_structure(name) => None,
        "title" | "fallback" | "footer" | "author_name" => Some(&PLAIN_TEXT),
        _ => Some(&MARKDOWN_TEXT),
    }
}

/// Titles, names and footers read no markdown.
static PLAIN_TEXT: TextMarkup = TextMarkup {
    escape: |_, c, _| titled(c),
    in_code: None,
    links: LinkForm::Bare,
    in_url: |_, c, _| (c == '@').then_some("%40"),
};

static MARKDOWN_TEXT: TextMarkup = TextMarkup {
    escape: |before, c, after| match c {
        '_' if is_inside_ascii_word(before, after) => None,
        '-' | '+' | '#' | '>' if !opens_line(before) => None,
        c => several_lines(before, c, after),
    },
    in_code: Some(escape::in_code),
    links: LinkForm::Markdown,
    in_url: escape::in_url,
};

#[cfg(test)]
pub(super) mod tests;
