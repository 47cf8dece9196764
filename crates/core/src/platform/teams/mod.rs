//! `teams`: Microsoft Teams through a workflow ("when a Teams webhook request is received"), as an
//! Adaptive Card.
//!
//! Sources: learn.microsoft.com on workflows with webhooks and on Adaptive Cards for Teams; adaptivecards.io
//! for the schema, of which Teams shows version 1.4 everywhere. The limit of 28 KB counts what Teams makes of
//! the card, which is more than what is sent. An answer only says that the workflow has started: what goes
//! wrong later stands in its run history, so the card must be right before it leaves.
//!
//! Times are texts: `{{DATE(…)}}` is documented for a TextBlock, not for the facts where times stand, and not for workflows.

mod canned_responses;
mod rules;

pub(super) use rules::refuses;

use super::content::{bar, last_lines, pictures, shown_links};
use super::cut::Markup;
use super::escape::{
    self, LinkForm, Spot, TextMarkup, begins_entity, guarded, is_inside_ascii_word, is_structure, opens_line,
};
use super::known_address::{CUT, parameter};
use super::limits::{Budget, Unit, fit, flatten};
use super::{Answer, Degradation, Description, Example, Platform, Rate, Target, or_event_kind, origin, trim};
use crate::json::{Members, json};
use crate::message::{Context, Fact, Notice, Strings, Tone};
use serde_json::{Map, Value};
use url::Url;

/// What the whole body may have, so that it stays below 28 KB when Teams has expanded it.
pub(super) const WHOLE: usize = 20_000;
const TITLE: usize = 400;
const TEXT: usize = 3000;
const FACTS: usize = 20;
const LABEL: usize = 100;
const VALUE: usize = 400;
const FAILURE: usize = 500;
const FAILURES: usize = 8;
const LINK: usize = 1500;
const MENTIONS: usize = 20;
const NAME: usize = 128;
/// The name of what a button folds out.
const FOLDED: &str = "details";

pub(super) struct Teams;

/// Where workflows listen: in the public cloud, in those of governments, and in China.
const HOSTS: &[&str] = &[
    ".logic.azure.com",
    ".environment.api.powerplatform.com",
    ".logic.azure.us",
    ".environment.api.gov.powerplatform.microsoft.us",
    ".environment.api.high.powerplatform.microsoft.us",
    ".environment.api.appsplatform.us",
    ".logic.azure.cn",
    ".environment.api.powerplatform.partner.microsoftonline.cn",
];

static DESCRIPTION: Description = Description {
    name: "teams",
    required_parameter: Some("sig"),
    rates: &[Rate::new(4, 1_000)],
    mention_form: Some("sign-in addresses as `ann@example.com`"),
    accepts_mention: |mention| {
        let mut room = Budget { left: WHOLE, unit: Unit::Json };
        mention.contains('@') && !TeamsMentions::read(&[mention.to_owned()], &mut room).text.is_empty()
    },
    markup: Some(markup_of),
    responses: canned_responses::RESPONSES,
    faults: rules::faults,
    example: Example { target: "/workflows/1/triggers/manual/paths/invoke?sig=SIG", options: &[] },
    ..Description::BASE
};

impl Platform for Teams {
    fn description(&self) -> &Description {
        &DESCRIPTION
    }

    /// The two hosts of Power Automate's triggers. Logic Apps of other makes share the first, and take the
    /// same request.
    fn recognises(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        url.path().contains("/workflows/") && HOSTS.iter().any(|suffix| host.ends_with(suffix))
    }

    fn odd_url(&self, url: &Url) -> Option<&'static str> {
        // An id of this length is a real one, so the signature has its real length too.
        let id = url.path().split('/').skip_while(|part| *part != "workflows").nth(1).unwrap_or_default();
        let is_real = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
        let length = parameter(url, "sig").map_or(0, |sig| sig.len());
        (is_real && (8..43).contains(&length)).then_some(CUT)
    }

    fn layout(&self, notice: &Notice, context: &Context, target: &Target) -> Value {
        card(notice, context, target)
    }

    /// Without pictures; title, mentions and origin alone; or, of a message that is none of ours, its texts.
    fn degrade(&self, body: &Value, how: Degradation) -> Option<Value> {
        let mut plain = body.clone();
        let is_ours = plain.pointer("/attachments/0/content/msteams/width").is_some();
        if how > Degradation::NoImage && !is_ours {
            let text = trim::gathered(body)?.replace('<', "＜");
            let text = block(&fit(&text, TEXT, Unit::Bytes, |_| None), json!({}));
            return Some(envelope(json!({"type": "AdaptiveCard", "version": "1.4", "body": [text]})));
        }
        let parts = plain.pointer_mut("/attachments/0/content/body")?.as_array_mut()?;
        let before = parts.len();
        let last = before.saturating_sub(1);
        let mut index = 0;
        parts.retain(|part| {
            let at_the_edge = index == 0 || index == last;
            index += 1;
            let pings = part["text"].as_str().is_some_and(|text| text.contains("<at>"));
            match how {
                Degradation::Pruned | Degradation::NoImage => {
                    part["type"] != "Image" && part["type"] != "ImageSet"
                }
                Degradation::NoMarkup | Degradation::Shorter => at_the_edge || pings,
            }
        });
        (parts.len() < before).then_some(plain)
    }

    /// A card that is too large is never shown, and nothing tells of it.
    fn trim(&self, body: &mut Value) {
        trim::squeeze(body, WHOLE, Markup::Tags);
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        match answer.status {
            200 | 202 if answer.is_page() => Err("with a page, not as a workflow does"),
            // The connectors before workflows wrote the true status into the text of a 200.
            200 if answer.words().contains("delivery failed") => Err("the message was not delivered"),
            200 | 202 => Ok(()),
            _ => Err("not as a workflow does"),
        }
    }
}

fn colour(tone: Tone) -> (&'static str, &'static str) {
    match tone {
        Tone::Good => ("good", "good"),
        Tone::Bad => ("attention", "attention"),
        Tone::Warn => ("warning", "warning"),
        Tone::Neutral => ("emphasis", "default"),
    }
}

/// The part of a card, if there is room for its JSON.
fn fitting(part: Value, room: &mut Budget) -> Option<Value> {
    room.spend(part.to_string().len() + 1).then_some(part)
}

pub(super) fn card(notice: &Notice, context: &Context, target: &Target) -> Value {
    let words = Strings::of(context);
    let (style, ink) = colour(notice.tone);
    let title = or_event_kind(fit(&notice.title, TITLE, Unit::Bytes, inline), context);
    let heading = json!({
        "type": "Container", "style": style, "bleed": true,
        "items": [block(&title, json!({"size": "Large", "weight": "Bolder", "color": ink}))],
    });
    let origin = fit(origin(context), TITLE, Unit::Bytes, inline);
    let foot = block(&origin, json!({"size": "Small", "isSubtle": true, "separator": true}));
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        // Shown where a card cannot be, such as in a notification.
        "fallbackText": title,
        "msteams": {"width": "Full", "entities": []},
        "body": [],
        "actions": [],
    });
    let fixed = [&heading, &foot, &block("", json!({})), &envelope(card.clone())];
    let used: usize = fixed.into_iter().map(|part| part.to_string().len() + 1).sum();
    let mut room = Budget { left: WHOLE.saturating_sub(used), unit: Unit::Json };
    let mentions = TeamsMentions::read(&target.mentions, &mut room);
    let pings = (!mentions.text.is_empty()).then(|| block(&mentions.text, json!({})));
    card["msteams"]["entities"] = json!(mentions.entities);
    let mut actions = actions(notice, words, &mut room);
    let mut body = vec![heading];
    body.extend(pings);
    body.extend(middle(notice, words, &mut room));
    if !body.iter().any(|part| part["id"] == FOLDED) {
        actions.retain(|action| action["type"] == "Action.OpenUrl");
    }
    card["actions"] = json!(actions);
    body.push(foot);
    card["body"] = json!(body);
    let is_empty = |list: &Value| list.as_array().is_some_and(Vec::is_empty);
    trim::keep(&mut card["msteams"], &mut |_, list| !is_empty(list));
    trim::keep(&mut card, &mut |_, list| !is_empty(list));
    envelope(card)
}

fn envelope(card: Value) -> Value {
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
}

/// What may be left out when it is too much, the most telling first.
fn middle(notice: &Notice, words: &Strings, room: &mut Budget) -> Vec<Value> {
    let mut parts = Vec::new();
    let text = notice.text.as_deref().map(|text| fit(&guarded(text), TEXT, Unit::Bytes, lines));
    let text = text.filter(|text| !text.trim().is_empty());
    parts.extend(text.and_then(|text| fitting(block(&text, json!({"fontType": "Monospace"})), room)));
    let quote = notice.quote.as_deref().map(|quote| fit(quote, VALUE, Unit::Bytes, inline));
    let quote = quote.filter(|quote| !quote.trim().is_empty());
    parts.extend(
        quote.and_then(|quote| fitting(block(&quote, json!({"isSubtle": true, "maxLines": 4})), room)),
    );
    parts.extend(bar(notice).and_then(|bar| fitting(block(&bar, json!({})), room)));
    let fact = |Fact { label, value, .. }: &Fact| {
        let label = fit(label, LABEL, Unit::Bytes, inline);
        json!({"title": label, "value": fit(value, VALUE, Unit::Bytes, inline)})
    };
    let facts: Vec<_> =
        notice.facts.iter().take(FACTS).map(fact).map_while(|fact| fitting(fact, room)).collect();
    if !facts.is_empty()
        && let Some(mut set) = fitting(json!({"type": "FactSet", "facts": []}), room)
    {
        set["facts"] = json!(facts);
        parts.push(set);
    }
    let mut failures = Vec::new();
    for (index, failure) in notice.failures.iter().enumerate() {
        let shown = format!("• {}", fit(&failure.line(words), FAILURE, Unit::Bytes, inline));
        let part = block(&shown, json!({"spacing": "None"}));
        let taken = if index < FAILURES { fitting(part, room) } else { None };
        let Some(part) = taken else {
            let more = words.more(notice.failures.len() - index);
            failures.extend(fitting(block(&more, json!({"spacing": "None", "isSubtle": true})), room));
            break;
        };
        failures.push(part);
    }
    if !failures.is_empty()
        && let Some(heading) = fitting(block(words.failures, json!({"weight": "Bolder"})), room)
    {
        parts.push(heading);
        parts.extend(failures);
    }
    let cut = |text: &str, max| fit(text, max, Unit::Bytes, inline);
    let details = notice.details.as_deref().map(|text| last_lines(text, TEXT / 2, Unit::Bytes, &cut));
    if let Some(lines) = details.filter(|lines| !lines.is_empty()) {
        let look = json!({"id": FOLDED, "isVisible": false, "fontType": "Monospace", "size": "Small"});
        parts.extend(fitting(block(&lines.join("\n\n"), look), room));
    }
    let mut pictures: Vec<Value> = pictures(notice, LINK)
        .map(|(caption, url)| {
            let open = json!({"type": "Action.OpenUrl", "url": url.as_str()});
            let caption = fit(caption, LABEL, Unit::Bytes, plain);
            json!({"type": "Image", "url": url.as_str(), "altText": caption, "selectAction": open})
        })
        .map_while(|picture| fitting(picture, room))
        .collect();
    if pictures.len() > 1 {
        parts.extend(fitting(json!({"type": "ImageSet", "imageSize": "Medium", "images": []}), room).map(
            |mut set| {
                set["images"] = json!(pictures);
                set
            },
        ));
    } else {
        parts.append(&mut pictures);
    }
    parts
}

/// Where no markdown is read, a tag still is.
fn plain(character: char) -> Option<&'static str> {
    if matches!(character, '<' | '>') { inline(character) } else { flatten(character) }
}

/// A text that is wrapped, without which phones cut it.
fn block(text: &str, look: Value) -> Value {
    let mut block = Map::new();
    block.put("type", json!("TextBlock"));
    block.put("text", json!(text));
    block.put("wrap", json!(true));
    block.extend(look.as_object().cloned().unwrap_or_default());
    Value::Object(block)
}

fn actions(notice: &Notice, words: &Strings, room: &mut Budget) -> Vec<Value> {
    let open = |(label, url): (&str, Url)| {
        let label = fit(label, LABEL, Unit::Bytes, flatten);
        (!label.trim().is_empty())
            .then(|| json!({"type": "Action.OpenUrl", "title": label, "url": url.as_str()}))
    };
    let has_details = notice.details.as_deref().is_some_and(|details| !details.trim().is_empty());
    let unfold =
        json!({"type": "Action.ToggleVisibility", "title": words.details, "targetElements": [FOLDED]});
    let actions = shown_links(notice, LINK).filter_map(open).chain(has_details.then_some(unfold));
    actions.filter_map(|action| fitting(action, room)).collect()
}

/// Whom the card pings: `<at>` in a text, and the person behind it among the entities.
#[derive(Default)]
struct TeamsMentions {
    text: String,
    entities: Vec<Value>,
}

impl TeamsMentions {
    /// Reads `ann@example.com`, or `Ann <ann@example.com>` to choose the name that is shown; as many as half of the room takes.
    fn read(configured: &[String], room: &mut Budget) -> TeamsMentions {
        let least = room.left / 2;
        let mut mentions = TeamsMentions::default();
        for mention in configured.iter().take(MENTIONS) {
            let (name, id) = match mention.trim().strip_suffix('>').and_then(|text| text.split_once('<')) {
                Some((name, id)) => (name.trim(), id.trim()),
                None => ("", mention.trim().trim_start_matches('@')),
            };
            let name = fit(if name.is_empty() { id } else { name }, NAME, Unit::Bytes, inline);
            if id.is_empty() || id.len() > NAME || id.contains(['<', '>']) || name.trim().is_empty() {
                continue;
            }
            let text = format!("<at>{name}</at>");
            let entity = json!({
                "type": "mention", "text": text, "mentioned": {"id": id, "name": name},
            });
            if room.left < least || !room.spend(entity.to_string().len() + 1 + Unit::Json.length(&text) + 1) {
                break;
            }
            if !mentions.text.is_empty() {
                mentions.text.push(' ');
            }
            mentions.text.push_str(&text);
            mentions.entities.push(entity);
        }
        mentions
    }
}

/// The characters of the card's markdown lose their meaning behind a backslash; those of tags, which Teams
/// reads before it, become full-width twins.
fn inline(character: char) -> Option<&'static str> {
    flatten(character).or(match character {
        '\\' => Some("\\\\"),
        '*' => Some("\\*"),
        '_' => Some("\\_"),
        '[' => Some("\\["),
        ']' => Some("\\]"),
        '`' => Some("\\`"),
        '<' => Some("＜"),
        '>' => Some("＞"),
        // Two of them begin a function, such as `{{DATE(…)}}`.
        '{' => Some("{\u{200b}"),
        _ => None,
    })
}

/// On lines of its own, text can open a list too, and a single line break is none.
fn lines(character: char) -> Option<&'static str> {
    match character {
        '\n' => Some("\n\n"),
        '\r' => Some(""),
        '#' => Some("\\#"),
        '-' => Some("\\-"),
        '+' => Some("\\+"),
        _ => inline(character),
    }
}

fn markup_of(spot: &Spot<'_>) -> Option<&'static TextMarkup> {
    let kind = spot.beside("type");
    match spot.name() {
        "title" if kind.starts_with("Action.") => None,
        name if is_structure(name) => None,
        "altText" | "fallbackText" | "summary" => Some(&PLAIN_TEXT),
        "text" if kind == "TextRun" => Some(&PLAIN_TEXT),
        // The person behind a mention.
        _ if spot.path.iter().any(|name| name == "entities") => None,
        _ => Some(&MARKDOWN_TEXT),
    }
}

/// Where no markdown is read, a tag and a function still are.
static PLAIN_TEXT: TextMarkup = TextMarkup {
    escape: |before, c, after| match c {
        '{' if !opens_function(before, after) => None,
        '<' | '>' | '{' => inline(c),
        _ => None,
    },
    in_code: None,
    links: LinkForm::Bare,
    in_url: escape::in_url,
};

/// Whether an opening brace between these may be one of two.
fn opens_function(before: Option<char>, after: Option<char>) -> bool {
    before == Some('{') || after.is_none_or(|after| after == '{')
}

static MARKDOWN_TEXT: TextMarkup = TextMarkup {
    escape: |before, c, after| match c {
        '_' if is_inside_ascii_word(before, after) => None,
        '&' if begins_entity(after) => Some("&\u{200b}"),
        '{' if !opens_function(before, after) => None,
        '~' if before == Some('~') || after == Some('~') => Some("\\~"),
        '-' | '+' | '#' if !opens_line(before) => None,
        c => lines(c),
    },
    in_code: None,
    links: LinkForm::Markdown,
    in_url: escape::in_url,
};

#[cfg(test)]
pub(super) mod tests;
