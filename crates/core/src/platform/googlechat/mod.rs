//! `googlechat`: incoming webhooks of Google Chat, as a card of the second kind.
//!
//! Sources: developers.google.com/workspace/chat on webhooks, `spaces.messages.create` and cards v2. The whole
//! message has 32 000 bytes. A card does not ping; only the `text` next to it does.

mod canned_responses;
mod rules;

pub(super) use rules::refuses;

use super::content::{bar, last_lines, pictures, shown_links};
use super::cut::Markup;
use super::escape::{self, LinkForm, Spot, TextMarkup, is_inside_word, is_structure};
use super::known_address::{CUT, EXAMPLE, parameter};
use super::limits::{Unit, fit, flatten};
use super::mentions::Mentions;
use super::{
    Answer, Degradation, Description, Example, Platform, Rate, RenderedMessage, Request, Target,
    or_event_kind, origin, plain_text, trim,
};
use crate::json::json;
use crate::message::{Context, Fact, Notice, Strings, Tone};
use serde_json::Value;
use url::Url;

/// What the whole body may have; Google counts 32 000 bytes of the message it makes of it.
pub(super) const WHOLE: usize = 30_000;
const TITLE: usize = 400;
const FACTS: usize = 30;
const LABEL: usize = 100;
const VALUE: usize = 500;
const TEXT: usize = 4000;
const FAILURE: usize = 500;
const FAILURES: usize = 10;
const LINK: usize = 2000;
const MENTIONS: usize = 1000;

pub(super) struct GoogleChat;

static DESCRIPTION: Description = Description {
    name: "googlechat",
    required_parameter: Some("token"),
    rates: &[Rate::new(1, 1_000), Rate::new(50, 60_000)],
    mention_form: Some("`all` and numbers of users"),
    accepts_mention: |mention| mentions(&[mention.to_owned()]).starts_with("<users/"),
    markup: Some(markup_of),
    responses: canned_responses::RESPONSES,
    faults: rules::faults,
    example: Example { target: "/v1/spaces/AAAA/messages?key=KEY&token=TOKEN", options: &[] },
    edits: true,
    ..Description::BASE
};

impl Platform for GoogleChat {
    fn description(&self) -> &Description {
        &DESCRIPTION
    }

    fn recognises(&self, url: &Url) -> bool {
        let path = url.path();
        url.host_str() == Some("chat.googleapis.com")
            && path.starts_with("/v1/spaces/")
            && path.trim_end_matches('/').ends_with("/messages")
    }

    fn odd_url(&self, url: &Url) -> Option<&'static str> {
        let key = parameter(url, "key").unwrap_or_default();
        let token = parameter(url, "token").unwrap_or_default();
        if key.is_empty() {
            return Some("`key=` and its value are missing: copy the URL again");
        }
        // All keys of Google begin so, and are of one length.
        let is_google = key.starts_with("AIza");
        let is_cut = is_google && (key.len() < 39 || (token.len() < 43 && token != EXAMPLE));
        is_cut.then_some(CUT)
    }

    fn layout(&self, notice: &Notice, context: &Context, target: &Target) -> Value {
        card(notice, context, target)
    }

    /// Without pictures; or a line of text instead of the card.
    fn degrade(&self, body: &Value, how: Degradation) -> Option<Value> {
        let mut plain = body.clone();
        if how != Degradation::NoImage {
            let parts = [&body["text"], &body["fallbackText"]];
            let line: Vec<&str> = parts.into_iter().filter_map(Value::as_str).collect();
            let text = match line.is_empty() {
                false => line.join(" "),
                // A card does not ping, and no more does what is made of it.
                true => {
                    let gathered = trim::gathered(body.get("cardsV2").or(body.get("cards")).unwrap_or(body))?;
                    let escape = |c| if c == '\n' { None } else { text_markup(c) };
                    fit(&plain_text::of_html(&gathered), TEXT, Unit::Bytes, escape)
                }
            };
            let links = trim::opened(body, &text, TEXT / 2);
            let plain = json!({"text": fit(&text, TEXT - links.len(), Unit::Bytes, |_| None) + &links});
            return (plain != *body).then_some(plain);
        }
        let card = plain.pointer_mut("/cardsV2/0/card/sections")?.as_array_mut()?;
        let mut dropped = false;
        for widgets in card.iter_mut().filter_map(|section| section["widgets"].as_array_mut()) {
            let before = widgets.len();
            widgets.retain(|widget| widget.get("image").or(widget.get("grid")).is_none());
            dropped |= widgets.len() < before;
        }
        // An empty section is refused.
        card.retain(|section| section["widgets"].as_array().is_none_or(|widgets| !widgets.is_empty()));
        (dropped && !card.is_empty()).then_some(plain)
    }

    fn trim(&self, body: &mut Value) {
        trim::squeeze(body, WHOLE, Markup::Tags);
    }

    /// The states of a living message are one thread: `threadKey`, which begins it where there is none.
    /// developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create
    fn request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        let mut request = self.base_request(target, message);
        if let Some(live) = message.live.filter(|_| parameter(&request.url, "threadKey").is_none()) {
            request.url.query_pairs_mut().extend_pairs([
                ("threadKey", live.first),
                ("messageReplyOption", "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"),
            ]);
        }
        request
    }

    fn message_id(&self, _answer: &Answer, first: &str) -> Option<String> {
        Some(first.to_owned())
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        // A long message goes on after what was read, and is still no other page.
        let is_cut = answer.truncated && answer.body.starts_with(b"{");
        let is_message = || answer.json().is_some_and(|json| json["name"].is_string());
        if answer.status == 200 && (is_cut || is_message()) {
            Ok(())
        } else {
            Err("without the message it stored")
        }
    }
}

/// Cards have no colour of their own, so the title's sign has it.
fn sign(tone: Tone) -> (&'static str, &'static str) {
    match tone {
        Tone::Good => ("🟢", "#188038"),
        Tone::Bad => ("🔴", "#d93025"),
        Tone::Warn => ("🟡", "#e37400"),
        Tone::Neutral => ("🔵", "#1a73e8"),
    }
}

pub(super) fn card(notice: &Notice, context: &Context, target: &Target) -> Value {
    let words = Strings::of(context);
    let (sign, colour) = sign(notice.tone);
    // A header is plain text.
    let title = or_event_kind(fit(&notice.title, TITLE, Unit::Bytes, flatten), context);
    let header = json!({
        "title": format!("{sign} {title}"),
        "subtitle": fit(origin(context), TITLE, Unit::Bytes, flatten),
    });
    let mut message = json!({
        // What notifications show, and older apps; the card shows it all.
        "fallbackText": fit(&notice.title, TITLE, Unit::Bytes, text_markup),
        "cardsV2": [{"cardId": "taskbell", "card": {"header": header, "sections": []}}],
    });
    let mentions = mentions(&target.mentions);
    if !mentions.is_empty() {
        message["text"] = json!(mentions);
    }
    let mut room = WHOLE.saturating_sub(message.to_string().len());
    let mut sections: Vec<Value> = sections(notice, words, colour)
        .into_iter()
        .filter_map(|widgets| {
            let fitting: Vec<Value> = widgets
                .into_iter()
                .filter(|widget| {
                    // In addition to the widget itself, what the list and its section need.
                    let size = widget.to_string().len() + 20;
                    let fits = size <= room;
                    room -= if fits { size } else { 0 };
                    fits
                })
                .collect();
            (!fitting.is_empty()).then(|| json!({"widgets": fitting}))
        })
        .collect();
    let folded = folded(notice, words).filter(|section| section.to_string().len() < room);
    sections.extend(folded);
    message["cardsV2"][0]["card"]["sections"] = json!(sections);
    if sections.is_empty() {
        // A card without a section is refused.
        let origin = fit(origin(context), TITLE, Unit::Bytes, html);
        message["cardsV2"][0]["card"]["sections"] = json!([{"widgets": [paragraph(&origin)]}]);
    }
    message
}

fn paragraph(text: &str) -> Value {
    json!({"textParagraph": {"text": text}})
}

/// What a card shows, part by part: why, the failures, the facts, the end of a traceback folded, the pictures, the links.
fn sections(notice: &Notice, words: &Strings, colour: &str) -> Vec<Vec<Value>> {
    let text = notice.text.as_deref().map(|text| fit(text, TEXT, Unit::Bytes, html_lines));
    let text = text.filter(|text| !text.trim().is_empty());
    let text = text.map(|text| paragraph(&format!("<font color=\"{colour}\">{text}</font>")));
    let quote = notice.quote.as_deref().map(|quote| fit(quote, VALUE, Unit::Bytes, html));
    let quote = quote.filter(|quote| !quote.trim().is_empty());
    let quote = quote.map(|quote| paragraph(&format!("<i>“{quote}”</i>")));
    let fact = |Fact { label, value, .. }: &Fact| {
        let label = fit(label, LABEL, Unit::Bytes, flatten);
        let value = fit(value, VALUE, Unit::Bytes, html);
        let value = if value.trim().is_empty() { "–".to_owned() } else { value };
        json!({"decoratedText": {"topLabel": label, "text": value, "wrapText": true}})
    };
    let facts: Vec<Value> = notice.facts.iter().take(FACTS).map(fact).collect();
    let mut failures: Vec<String> = notice
        .failures
        .iter()
        .take(FAILURES)
        .map(|failure| format!("• {}", fit(&failure.line(words), FAILURE, Unit::Bytes, html)))
        .collect();
    if notice.failures.len() > FAILURES {
        failures.push(words.more(notice.failures.len() - FAILURES));
    }
    let failures = (!failures.is_empty())
        .then(|| paragraph(&format!("<b>{}</b><br>{}", words.failures, failures.join("<br>"))));
    let button = |(label, url): (&str, Url)| {
        let label = fit(label, LABEL, Unit::Bytes, flatten);
        let open = json!({"openLink": {"url": url.as_str()}});
        (!label.trim().is_empty()).then(|| json!({"text": label, "onClick": open}))
    };
    let buttons: Vec<Value> = shown_links(notice, LINK).filter_map(button).collect();
    let buttons = (!buttons.is_empty()).then(|| json!({"buttonList": {"buttons": buttons}}));
    vec![
        text.into_iter().chain(quote).chain(bar(notice).map(|bar| paragraph(&bar))).collect(),
        failures.into_iter().collect(),
        facts.chunks(2).map(row).collect(),
        gallery(notice).into_iter().chain(buttons).collect(),
    ]
}

/// Two facts side by side, as far as the screen has room.
fn row(facts: &[Value]) -> Value {
    let column = |fact: &Value| json!({"horizontalSizeStyle": "FILL_AVAILABLE_SPACE", "widgets": [fact]});
    match facts {
        [fact] => fact.clone(),
        facts => json!({"columns": {"columnItems": facts.iter().map(column).collect::<Vec<_>>()}}),
    }
}

/// One picture, which opens, or a grid of several.
fn gallery(notice: &Notice) -> Option<Value> {
    let caption = |text: &str| fit(text, LABEL, Unit::Bytes, flatten);
    let mut pictures: Vec<(&str, Url)> = pictures(notice, LINK).collect();
    if pictures.len() > 1 {
        let item = |(text, url): &(&str, Url)| json!({"image": {"imageUri": url.as_str(), "altText": caption(text)}});
        return Some(
            json!({"grid": {"columnCount": 2, "items": pictures.iter().map(item).collect::<Vec<_>>()}}),
        );
    }
    let (text, url) = pictures.pop()?;
    let open = json!({"openLink": {"url": url.as_str()}});
    Some(json!({"image": {"imageUrl": url.as_str(), "altText": caption(text), "onClick": open}}))
}

/// A section that is folded at first.
fn folded(notice: &Notice, words: &Strings) -> Option<Value> {
    let cut = |text: &str, max| fit(text, max, Unit::Bytes, html);
    let lines = last_lines(notice.details.as_deref()?, TEXT / 2, Unit::Bytes, &cut);
    let widgets = json!([paragraph(&lines.join("<br>"))]);
    let section = json!({
        "header": words.details, "collapsible": true, "uncollapsibleWidgetsCount": 0, "widgets": widgets,
    });
    (!lines.is_empty()).then_some(section)
}

/// Configured mentions as Chat reads them: `all`, an id of a user, or what stands in brackets already.
fn mentions(configured: &[String]) -> String {
    Mentions(configured).joined(" ", MENTIONS, &|mention| {
        let inner = mention.trim_start_matches('<').trim_end_matches('>').trim_start_matches('@');
        let id = inner.strip_prefix("users/").unwrap_or(inner);
        let is_id = id == "all" || (id.len() >= 6 && id.bytes().all(|byte| byte.is_ascii_digit()));
        Some(if is_id { format!("<users/{id}>") } else { fit(inner, LABEL, Unit::Bytes, text_markup) })
    })
}

/// The texts of a card read a few tags, and entities.
fn html(character: char) -> Option<&'static str> {
    flatten(character).or(match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    })
}

fn html_lines(character: char) -> Option<&'static str> {
    match character {
        '\n' => Some("<br>"),
        '\r' => Some(""),
        _ => html(character),
    }
}

/// The text next to a card has a markup without escapes: what would be markup becomes its full-width twin.
fn text_markup(character: char) -> Option<&'static str> {
    flatten(character).or(match character {
        '<' => Some("＜"),
        '>' => Some("＞"),
        '*' => Some("＊"),
        '_' => Some("＿"),
        '~' => Some("～"),
        '`' => Some("｀"),
        _ => None,
    })
}

fn markup_of(spot: &Spot<'_>) -> Option<&'static TextMarkup> {
    let is_below = |outer: &[&str]| spot.path.iter().any(|name| outer.contains(&name.as_str()));
    match spot.name() {
        name if is_structure(name) => None,
        "text" if spot.beside("textSyntax") == "MARKDOWN" => Some(&escape::COMMON_MARK),
        _ if !is_below(&["cards", "cardsV2"]) => Some(&PLAIN_TEXT),
        "text" | "content" if !is_below(&["button", "buttons", "textButton", "chips"]) => Some(&HTML_TEXT),
        // Headers, labels and buttons are shown as they are.
        _ => None,
    }
}

/// The text next to a card.
static PLAIN_TEXT: TextMarkup = TextMarkup {
    escape: |before, c, after| match c {
        '\n' => None,
        '_' if is_inside_word(before, after) => None,
        '-' if after == Some(' ') && before.is_none_or(|before| before == '\n') => Some("\u{200b}-"),
        c => text_markup(c),
    },
    in_code: Some(|_, c, _| if matches!(c, '`' | '<' | '>') { text_markup(c) } else { None }),
    links: LinkForm::Angled,
    in_url: escape::in_url,
};

static HTML_TEXT: TextMarkup = TextMarkup {
    // An attribute may have quotes of either kind.
    escape: |_, c, _| match c {
        '\n' => None,
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        c => html(c),
    },
    in_code: None,
    links: LinkForm::Bare,
    in_url: escape::in_url_with_entities,
};

#[cfg(test)]
pub(super) mod tests;
