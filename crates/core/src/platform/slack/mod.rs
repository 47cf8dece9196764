//! `slack`: incoming webhooks, a coloured attachment of Block Kit blocks.
//!
//! Sources: docs.slack.dev on incoming webhooks, Block Kit, rate limits and escaping. Slack does not state
//! the unit of its limits, and receivers have refused text that fits in characters but not in bytes:
//! bytes are the safe reading. Slack fetches a picture while it takes the message, and refuses the whole of it
//! when that fails: only what lies at a public address is shown, and a refused message goes without it.

mod canned_responses;
mod plainer;
mod responses;
mod rules;
mod template_markup;

pub(super) use responses::code;
pub(super) use rules::{REPLIES, faults, faults_with_thread, refuses};

use responses::word;
pub(super) use template_markup::PLAIN_TEXT;

use plainer::{drop_buttons, drop_pictures};

use super::content::{bar, last_lines, pictures, shown_links, time_of};
use super::cut::{self, Markup};
use super::known_address::MORE;
use super::limits::{Unit, fit, flatten};
use super::mentions::Mentions;
use super::{
    Answer, Degradation, Description, Example, Outcome, Platform, Rate, RenderedMessage, Request, Target,
    links, or_event_kind, origin, path_parts, trim,
};
use crate::json::json;
use crate::message::{Context, Fact, Notice, Strings, Tone};
use serde_json::Value;
use url::Url;

/// Slack's own limits, and within them what keeps a whole message below the 13 000 it takes in all.
const HEADER: usize = 150;
const TITLE: usize = 500;
const FIELDS: usize = 10;
const FIELD_LABEL: usize = 100;
const FIELD_VALUE: usize = 300;
const TEXT: usize = 1800;
const QUOTE: usize = 300;
const DETAILS: usize = 700;
const REST: usize = 6000;
const CAPTION: usize = 60;
const BUTTON: usize = 75;
const FAILURE: usize = 300;
const FAILURE_SECTION: usize = 2000;
const FAILURE_SECTIONS: usize = 2;
const ORIGIN: usize = 300;
const LINK: usize = 3000;
const MENTIONS: usize = 1000;
const PLAIN: usize = 3000;
const SECTION: usize = 3000;
const WHOLE_TEXT: usize = 4000;
/// All texts of a template together: Slack takes some 13 000 characters.
const WHOLE: usize = 12_800;
const BLOCKS: usize = 50;

pub(super) struct Slack;

pub(super) const DESCRIPTION: Description = Description {
    name: "slack",
    rates: PACE,
    mention_form: Some("`@here`, `@channel`, `@everyone`, and ids as `U012AB3CD`"),
    accepts_mention: |mention| mentions(&[mention.to_owned()]).starts_with('<'),
    markup: Some(template_markup::markup_of),
    responses: canned_responses::RESPONSES,
    faults: rules::faults,
    example: Example { target: "/services/T000/B000/KEY", options: &[] },
    ..Description::BASE
};

impl Platform for Slack {
    fn description(&self) -> &Description {
        static OWN: Description = DESCRIPTION;
        &OWN
    }

    fn recognises(&self, url: &Url) -> bool {
        is_slack(url) && path_parts(url).first() == Some(&"services")
    }

    fn missing_end(&self, url: &Url) -> Option<String> {
        let words = "after `/services/` come the workspace, the webhook and its key of 24 characters";
        match path_parts(url).as_slice() {
            // Ids of this length are real ones, so the key has its real length too.
            [_, team, hook, key] if team.len() > 8 && hook.len() > 8 && key.len() < 24 => {
                Some(words.to_owned())
            }
            [_, _, _, _, ..] => None,
            _ => Some(words.to_owned()),
        }
    }

    fn odd_url(&self, url: &Url) -> Option<&'static str> {
        (path_parts(url).len() > 4).then_some(MORE)
    }

    fn layout(&self, notice: &Notice, context: &Context, target: &Target) -> Value {
        card(notice, context, target)
    }

    /// A long section is split rather than cut: nothing of it is lost while the whole has room for it.
    fn trim(&self, body: &mut Value) {
        trim::cut(body, &["text"], WHOLE_TEXT, Unit::Bytes);
        trim::shorten(body, &["attachments"], 100);
        each_blocks(body, &mut trim_blocks);
        trim::squeeze_in(body, WHOLE, Unit::Bytes, Markup::Fences);
        each_blocks(body, &mut split_sections);
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        let is_ok = answer.status == 200 && word(answer).as_deref() == Some("ok");
        if is_ok { Ok(()) } else { Err("not as Slack does: no `ok`") }
    }

    fn code(&self, answer: &Answer) -> Option<String> {
        code(answer)
    }

    fn unknown(&self, answer: &Answer, is_coded: bool, reason: String) -> Outcome {
        match answer.status {
            400 => answer.refused(reason),
            401..=499 if is_coded => Outcome::Final(reason),
            _ => Outcome::Retry(reason),
        }
    }

    /// Slack fetches a picture while it takes the message: one that it cannot reach costs the whole of it.
    fn request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        let mut request = self.base_request(target, message);
        if message.body.windows(IMAGE_URL.len()).any(|bytes| bytes == IMAGE_URL.as_bytes())
            && let Some(mut body) = message.json()
            && drop_unreachable(&mut body)
        {
            request.set_json(&body);
        }
        request
    }

    fn degrade(&self, body: &Value, how: Degradation) -> Option<Value> {
        let mut plain = body.clone();
        if how == Degradation::NoImage && drop_pictures(&mut plain, &|_| true) {
            return Some(plain);
        }
        if how == Degradation::NoImage && drop_buttons(&mut plain) {
            return Some(plain);
        }
        // What Slack shows where it shows no blocks.
        let text = body["text"].as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
        let text = text.or_else(|| {
            plainer::escape_unread(&mut plain);
            trim::gathered(&plain)
        })?;
        let links = trim::opened(body, &text, PLAIN / 2).replace('&', "&amp;");
        let plain = json!({"text": fit(&text, PLAIN, Unit::Bytes, |_| None) + &links});
        (plain != *body).then_some(plain)
    }
}

/// Takes the pictures out that Slack cannot fetch. Whether there were any.
pub(super) fn drop_unreachable(body: &mut Value) -> bool {
    drop_pictures(body, &|url| links::fetchable(url, LINK).is_none())
}

const IMAGE_URL: &str = "\"image_url\"";

/// The blocks of the message and of its attachments; where none is left, there is no list of them either.
fn each_blocks(body: &mut Value, act: &mut dyn FnMut(&mut Vec<Value>)) {
    let mut holder = |node: &mut Value| {
        if let Some(blocks) = node.get_mut("blocks").and_then(Value::as_array_mut) {
            act(blocks);
            blocks.truncate(BLOCKS);
            if blocks.is_empty() {
                node.as_object_mut().and_then(|fields| fields.remove("blocks"));
            }
        }
    };
    holder(body);
    trim::each(body, &["attachments", "*"], &mut holder);
}

/// The texts that are cut, by where they stand in a block.
const TEXTS: [&str; 8] = [
    "fields.*.text",
    "elements.*.text",
    "elements.*.text.text",
    "elements.*.alt_text",
    "accessory.text.text",
    "accessory.alt_text",
    "alt_text",
    "title.text",
];

fn trim_blocks(blocks: &mut Vec<Value>) {
    blocks.truncate(BLOCKS);
    blocks.retain_mut(|block| {
        for path in [&[][..], &["elements", "*"], &["accessory"]] {
            trim::each(block, path, &mut complete);
        }
        trim::cut_by(&rules::BLOCK, block, &TEXTS, Unit::Bytes);
        trim::shorten_by(&rules::BLOCK, block, &["fields"]);
        for path in [&[][..], &["elements", "*"], &["accessory"]] {
            for (name, place) in
                [("block_id", "block_id"), ("action_id", "accessory.action_id"), ("value", "accessory.value")]
            {
                let place: Vec<&str> = place.split('.').collect();
                trim::drop_long(block, path, name, rules::BLOCK.limit(&place).unwrap_or(usize::MAX));
            }
        }
        let kind = block["type"].as_str().unwrap_or_default().to_owned();
        let rule = rules::block(&kind);
        match kind.as_str() {
            "header" => trim::cut_by(&rule, block, &["text.text"], Unit::Bytes),
            "markdown" => trim::cut_by(&rule, block, &["text"], Unit::Bytes),
            "context" | "actions" => trim::shorten_by(&rule, block, &["elements"]),
            "section" => {}
            _ => return true,
        }
        trim::keep(block, &mut |name, part| {
            let Some(members) = part.as_array_mut() else { return name == "type" || stands(part) };
            members.retain(stands);
            !members.is_empty()
        });
        ["text", "fields", "elements"].iter().any(|name| block.get(name).is_some())
    });
}

/// Fills in what Slack needs and a template may leave blank: what a picture shows, and what a button says.
fn complete(part: &mut Value) {
    let is_blank = |text: &Value| text.is_null() || trim::is_blank(text);
    if part["type"] == "image" && is_blank(&part["alt_text"]) {
        part["alt_text"] = json!("image");
    }
    if part["type"] == "button" && part["text"].is_object() && is_blank(&part["text"]["text"]) {
        let host = part["url"].as_str().and_then(|url| Url::parse(url).ok()?.host_str().map(str::to_owned));
        if let Some(host) = host {
            part["text"]["text"] = json!(host);
        }
    }
}

/// Whether a part of a block can stay: Slack refuses a blank text, and an address that is too long.
fn stands(part: &Value) -> bool {
    let is_long = |name: &str| part[name].as_str().is_some_and(|url| url.len() > LINK);
    !(trim::is_blank(part) || trim::is_blank(&part["text"]) || is_long("url") || is_long("image_url"))
}

fn split_sections(blocks: &mut Vec<Value>) {
    let mut at = 0;
    while let Some(block) = blocks.get_mut(at) {
        at += 1;
        if block["type"] == "section"
            && let Some(Value::String(text)) = block.pointer_mut("/text/text")
            && let Some(rest) = cut::part(text, SECTION)
        {
            // The members next to the first part, and its name, may be there once only.
            let mut next = json!({"type": "section", "text": block["text"]});
            next["text"]["text"] = Value::String(rest);
            blocks.insert(at, next);
        }
    }
    blocks.retain(|block| stands(&block["text"]));
}

pub(super) const PACE: &[Rate] = &[Rate::new(1, 1_000)];

/// Slack's hosts for webhooks; the second is the one for government.
pub(super) fn is_slack(url: &Url) -> bool {
    matches!(url.host_str(), Some("hooks.slack.com" | "hooks.slack-gov.com"))
}

fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "#2eb67d",
        Tone::Bad => "#e01e5a",
        Tone::Warn => "#ecb22e",
        Tone::Neutral => "#36c5f0",
    }
}

pub(super) fn card(notice: &Notice, context: &Context, target: &Target) -> Value {
    let words = Strings::of(context);
    let titled = |title: &str, max| or_event_kind(fit(title, max, Unit::Bytes, inline), context);
    let mut blocks = vec![
        json!({"type": "header", "text": {"type": "plain_text", "text": titled(&notice.title, HEADER), "emoji": false}}),
    ];
    blocks
        .extend(notice.text.as_deref().and_then(|text| section(fit(&quiet(text), TEXT, Unit::Bytes, block))));
    let quote = notice.quote.as_deref().map(|quote| fit(quote, QUOTE, Unit::Bytes, flatten));
    blocks.extend(quote.and_then(|quote| literal("rich_text_quote", quote)));
    blocks.extend(bar(notice).and_then(section));
    blocks.extend(facts(&notice.facts));
    blocks.extend(failures(notice, words).into_iter().filter_map(section));
    let cut = |text: &str, max| fit(text, max, Unit::Bytes, |_| None);
    let details = notice.details.as_deref().map(|text| last_lines(text, DETAILS, Unit::Bytes, &cut));
    blocks.extend(details.and_then(|lines| literal("rich_text_preformatted", lines.join("\n"))));
    blocks.extend(pictures(notice, LINK).map(|(caption, url)| {
        let caption = Some(fit(caption, CAPTION, Unit::Bytes, inline)).filter(|text| !text.trim().is_empty());
        let caption = caption.unwrap_or_else(|| words.preview.to_owned());
        json!({"type": "image", "image_url": url.as_str(), "alt_text": caption})
    }));
    blocks.extend(buttons(notice));
    let origin = fit(&quiet(origin(context)), ORIGIN, Unit::Bytes, inline);
    let origin = Some(origin).filter(|name| !name.trim().is_empty()).unwrap_or("taskbell".to_owned());
    blocks.push(json!({"type": "context", "elements": [mrkdwn(origin)]}));
    let text = format!("{}{}", mentions(&target.mentions), titled(&quiet(&notice.title), TITLE));
    json!({"text": text, "attachments": [{"color": colour(notice.tone), "blocks": blocks}]})
}

/// Text in Slack's markup. `verbatim`: Slack shall not look for names of channels and members in it.
fn mrkdwn(text: String) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

/// What a card has no room for, in the thread below it: the whole text, further facts, and the whole traceback.
pub(super) fn rest(notice: &Notice) -> Option<Value> {
    let literally = |text: &String| fit(text, REST, Unit::Bytes, |_| None);
    let text = notice.text.as_ref().filter(|text| text.len() > TEXT);
    let text = text.map(|text| fit(&quiet(text), SECTION, Unit::Bytes, block)).and_then(section);
    let details = notice.details.as_ref().filter(|details| details.len() > DETAILS).map(literally);
    let facts = facts(notice.facts.get(FIELDS..).unwrap_or_default());
    let details = details.and_then(|details| literal("rich_text_preformatted", details));
    let blocks: Vec<Value> = text.into_iter().chain(facts).chain(details).collect();
    let title = fit(&quiet(&notice.title), TITLE, Unit::Bytes, inline);
    (!blocks.is_empty()).then(|| json!({"text": title, "blocks": blocks}))
}

fn facts(facts: &[Fact]) -> Option<Value> {
    let field = |fact: &Fact| {
        let label = fit(&quiet(&fact.label), FIELD_LABEL, Unit::Bytes, inline);
        let value = fit(&quiet(&fact.value), FIELD_VALUE, Unit::Bytes, inline);
        let value = match time_of(fact) {
            Some(at) => format!("<!date^{at}^{{date_short_pretty}} {{time}}|{value}>"),
            None => value,
        };
        mrkdwn(format!("*{label}*\n{value}"))
    };
    let fields: Vec<_> = facts.iter().take(FIELDS).map(field).collect();
    (!fields.is_empty()).then(|| json!({"type": "section", "fields": fields}))
}

fn section(text: String) -> Option<Value> {
    (!text.trim().is_empty()).then(|| json!({"type": "section", "text": mrkdwn(text)}))
}

/// The failures, line by line, in as many sections as they need; the last line tells of those left out.
fn failures(notice: &Notice, words: &Strings) -> Vec<String> {
    let mut sections: Vec<String> = Vec::new();
    for (index, failure) in notice.failures.iter().enumerate() {
        let line = format!("• {}", fit(&quiet(&failure.line(words)), FAILURE, Unit::Bytes, inline));
        let more = format!("… {}", words.more(notice.failures.len() - index));
        let count = sections.len();
        match sections.last_mut() {
            None => sections.push(format!("*{}*\n{line}", words.failures)),
            Some(open) if open.len() + line.len() + more.len() + 2 <= FAILURE_SECTION => {
                open.push('\n');
                open.push_str(&line);
            }
            Some(open) if count == FAILURE_SECTIONS => {
                open.push('\n');
                open.push_str(&more);
                break;
            }
            Some(_) => sections.push(line),
        }
    }
    sections
}

/// A text that is shown as it is, in a quote or a block of code.
fn literal(kind: &str, text: String) -> Option<Value> {
    let part = json!({"type": kind, "elements": [{"type": "text", "text": text}]});
    (!text.trim().is_empty()).then(|| json!({"type": "rich_text", "elements": [part]}))
}

fn buttons(notice: &Notice) -> Option<Value> {
    let button = |(index, (label, url)): (usize, (&str, Url))| {
        let label = fit(label, BUTTON, Unit::Bytes, inline);
        let id = format!("open-{index}");
        let text = json!({"type": "plain_text", "text": label});
        (!label.trim().is_empty())
            .then(|| json!({"type": "button", "text": text, "url": url.as_str(), "action_id": id}))
    };
    let buttons: Vec<_> = shown_links(notice, LINK).enumerate().filter_map(button).collect();
    (!buttons.is_empty()).then(|| json!({"type": "actions", "elements": buttons}))
}

/// Configured mentions as Slack reads them. `@channel`, `@here`, `@everyone` and bare ids of members and
/// groups are put in Slack's brackets, and what stands in brackets is left as it is.
fn mentions(configured: &[String]) -> String {
    let joined = Mentions(configured).joined(" ", MENTIONS, &|mention| {
        Some(match mention {
            name @ ("channel" | "here" | "everyone") => format!("<!{name}>"),
            id if is_id(id, &['U', 'W']) => format!("<@{id}>"),
            id if is_id(id, &['S']) => format!("<!subteam^{id}>"),
            raw if raw.starts_with('<') && raw.ends_with('>') => raw.to_owned(),
            name => fit(name, FIELD_LABEL, Unit::Bytes, inline),
        })
    });
    if joined.is_empty() { joined } else { joined + " " }
}

fn is_id(text: &str, first: &[char]) -> bool {
    text.len() >= 6
        && text.starts_with(first)
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Text whose stars, underscores, tildes and backticks toggle nothing. Slack has no escape for them, but a
/// mark with a space of no width on both sides is none; one within a word, as in `frame_07`, is none either.
fn quiet(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let is_letter = |neighbour: Option<char>| neighbour.is_some_and(char::is_alphanumeric);
        let is_mark = matches!(character, '*' | '_' | '~' | '`');
        if is_mark && !(is_letter(before) && is_letter(rest.peek().copied())) {
            out.extend(['\u{200b}', character, '\u{200b}']);
        } else {
            out.push(character);
        }
        before = Some(character);
    }
    out
}

/// The three characters of Slack's control sequences; without them `<!channel>` in a prompt pings nobody.
pub(super) fn block(character: char) -> Option<&'static str> {
    match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}

fn inline(character: char) -> Option<&'static str> {
    flatten(character).or_else(|| block(character))
}

#[cfg(test)]
pub(super) mod tests;
