//! `feishu`: custom bots of Feishu (飞书) and of Lark, as a card of schema 2.0.
//!
//! Source: open.feishu.cn and open.larksuite.com on custom bots and cards. The body may have 20 KB. Faults come as
//! `code` inside HTTP 200. The signature stands in the body, and its time must be within an hour. A custom
//! bot shows no picture that was not uploaded by an app, so a picture is a link.

mod canned_responses;
mod request_checks;
mod rules;

pub(super) use request_checks::refuses;

use super::content::{TextForm, shown_links};
use super::cut::Markup;
use super::escape::{
    self, LinkForm, Spot, TextMarkup, guarded, is_inside_ascii_word, is_structure, opens_line,
};
use super::known_address::{CUT, MORE, is_cut_uuid};
use super::limits::{Budget, Unit, fit, flatten};
use super::mentions::Mentions;
use super::platform_options::is_token;
use super::{
    Answer, Degradation, Description, Example, Outcome, Platform, PlatformOption, Rate, RenderedMessage,
    Request, Target, links, or_event_kind, origin, path_parts, plain_text, trim,
};
use crate::json::{Members, json};
use crate::message::{Context, Notice, Strings, Tone};
use serde_json::Value;
use url::Url;

/// The text of the card; escapes included, so that the body stays below 20 KB.
const TEXT: usize = 12_000;
const TITLE: usize = 300;
const LINE: usize = 900;
const FREE_TEXT: usize = 3000;
const LINK: usize = 600;
const BUTTON: usize = 60;
/// Failures of one element.
const FAILURES: usize = 5;
/// The elements of a card as JSON, so that the body stays below 20 KB.
const CARD: usize = 17_500;
const MENTIONS: usize = 800;
const SHORT: usize = 1000;
/// The whole body, with room for the signature.
const WHOLE: usize = 19_800;

pub(super) struct Feishu;

static DESCRIPTION: Description = Description {
    name: "feishu",
    aliases: &["lark"],
    options: &[PlatformOption {
        name: "secret",
        form: "the bot's signing secret",
        accepts: is_token,
        required: false,
        secret: true,
        meaning: "Signs each attempt, for a bot whose security setting is the signature.",
    }],
    rates: &[Rate::new(5, 1_000), Rate::new(100, 60_000)],
    mention_form: Some("`all` and open ids"),
    accepts_mention: |mention| !mentions(&[mention.to_owned()]).is_empty(),
    markup: Some(markup_of),
    responses: canned_responses::RESPONSES,
    faults: rules::faults,
    example: Example { target: "/open-apis/bot/v2/hook/TOKEN", options: &[] },
    ..Description::BASE
};

impl Platform for Feishu {
    fn description(&self) -> &Description {
        &DESCRIPTION
    }

    fn recognises(&self, url: &Url) -> bool {
        matches!(url.host_str(), Some("open.feishu.cn" | "open.larksuite.com" | "open.larkoffice.com"))
            && url.path().starts_with("/open-apis/bot/")
    }

    fn missing_end(&self, url: &Url) -> Option<String> {
        let key = path_parts(url).iter().skip_while(|part| **part != "hook").nth(1).copied();
        key.is_none().then(|| "after `/hook/` comes the key of the bot".to_owned())
    }

    fn odd_url(&self, url: &Url) -> Option<&'static str> {
        let key = path_parts(url).iter().skip_while(|part| **part != "hook").nth(1).copied();
        let is_new = url.path().starts_with("/open-apis/bot/v2/");
        let is_cut = is_new && key.is_some_and(is_cut_uuid);
        if is_cut {
            Some(CUT)
        } else {
            (path_parts(url).iter().skip_while(|part| **part != "hook").count() > 2).then_some(MORE)
        }
    }

    fn layout(&self, notice: &Notice, context: &Context, target: &Target) -> Value {
        card(notice, context, target)
    }

    fn request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        let mut request = self.base_request(target, message);
        if let Some(secret) = target.option("secret")
            && let Some(Value::Object(mut body)) = message.json()
        {
            let (timestamp, sign) = super::signature::sign_feishu(secret, message.now.div_euclid(1000));
            body.put("timestamp", json!(timestamp));
            body.put("sign", json!(sign));
            request.set_json(&Value::Object(body));
        }
        request
    }

    fn degrade(&self, body: &Value, how: Degradation) -> Option<Value> {
        if how == Degradation::NoImage || body["msg_type"] == "text" && how == Degradation::NoMarkup {
            return None;
        }
        let (mut words, mut pings) = (Vec::new(), String::new());
        let card = &body["card"];
        for part in [&card["header"]["title"], &card["body"], &card["elements"], &body["content"]] {
            gather(part, &mut words, &mut pings);
        }
        let words = match words.is_empty() {
            true => trim::gathered(body)?,
            false => words.join("\n"),
        };
        let max = if how == Degradation::Shorter { SHORT } else { TEXT };
        let links = trim::opened(body, &words, max / 2);
        let mut text = fit(&words, max - links.len(), Unit::Bytes, |character| match character {
            '<' => Some("＜"),
            _ => None,
        });
        text.push_str(&links);
        text.push_str(&pings);
        Some(json!({"msg_type": "text", "content": {"text": text}})).filter(|plain| plain != body)
    }

    fn trim(&self, body: &mut Value) {
        trim::squeeze(body, WHOLE, Markup::Tags);
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        let is_ok = answer.status == 200 && code(answer) == Some(0);
        if is_ok { Ok(()) } else { Err("not as Feishu does: no code") }
    }

    fn code(&self, answer: &Answer) -> Option<String> {
        code(answer).filter(|code| *code != 0).map(|code| format!("code {code}"))
    }

    fn unknown(&self, answer: &Answer, is_coded: bool, reason: String) -> Outcome {
        // What is wrong with a card has many codes, one around another; the others are those of bots and messages.
        let is_of_form = matches!(code(answer), Some(19_000..=19_999 | 230_000..=230_999));
        match is_coded {
            true if is_of_form || answer.text().contains("card") => answer.refused(reason),
            true => answer.refused_or_again(reason),
            false => Outcome::Retry(reason),
        }
    }
}

/// Older answers have `StatusCode` in the place of `code`, or both.
fn code(answer: &Answer) -> Option<i64> {
    let json = answer.json()?;
    json["code"].as_i64().or_else(|| json["StatusCode"].as_i64().filter(|_| json["code"].is_null()))
}

pub(super) fn card(notice: &Notice, context: &Context, target: &Target) -> Value {
    let words = Strings::of(context);
    // The head of a card is no markdown.
    let title = or_event_kind(fit(&notice.title, TITLE, Unit::Bytes, flatten), context);
    let foot = [
        // A bot of a group shows no picture that no app uploaded.
        FORM.pictures(notice).join("  "),
        format!("<font color='grey'>{}</font>", fit(origin(context), TITLE, Unit::Bytes, inline)),
        mentions(&target.mentions),
    ];
    let foot: Vec<String> = foot.into_iter().filter(|line| !line.is_empty()).collect();
    let foot = markdown(&foot.join("\n"));
    let mut room = Budget { left: CARD.saturating_sub(foot.to_string().len()), unit: Unit::Json };
    let mut parts = Vec::new();
    parts.extend(FORM.head(notice).into_iter().map(|line| markdown(&line)));
    // Two in a row, also on a telephone.
    let facts: Vec<Value> = FORM.facts(notice, words).iter().map(|fact| column(markdown(fact))).collect();
    parts.extend(facts.chunks(2).map(|pair| columns("bisect", pair)));
    let failures = FORM.failures(notice, words);
    parts.extend(failures.chunks(FAILURES).map(|lines| markdown(&lines.join("\n"))));
    if let Some(details) = FORM.details(notice) {
        parts.push(panel(words.details, &details));
    }
    let buttons: Vec<Value> = shown_links(notice, LINK).filter_map(button).map(column).collect();
    let buttons = (!buttons.is_empty()).then(|| columns("flow", &buttons));
    // Rather a button than the last of many facts.
    let buttons = buttons.filter(|buttons| room.spend(buttons.to_string().len() + 1));
    let mut elements: Vec<Value> =
        parts.into_iter().filter(|part| room.spend(part.to_string().len() + 1)).collect();
    elements.extend(buttons);
    elements.push(foot);
    json!({
        "msg_type": "interactive",
        "card": {
            "schema": "2.0",
            // A card of this schema with a member that is not its own is refused as a whole.
            "config": {"width_mode": "fill"},
            "header": {"title": {"tag": "plain_text", "content": title}, "template": colour(notice.tone)},
            "body": {"elements": elements},
        },
    })
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
    fact: |label, _, value| format!("**{label}**\n{value}"),
    time: None,
    heading: Some(|heading| format!("**{heading}**")),
    failure: |line| format!("- {line}"),
    details: |lines| lines.join("\n"),
    picture: None,
    link: |label, url| format!("[{label}]({})", links::quiet(url)),
};

fn markdown(content: &str) -> Value {
    json!({"tag": "markdown", "content": content})
}

/// Folded until somebody opens it. Without an icon nothing shows that it can be opened; it turns over when it is open.
fn panel(title: &str, content: &str) -> Value {
    let icon = json!({"tag": "standard_icon", "token": "down-small-ccm_outlined", "size": "16px 16px"});
    let header = json!({
        "title": {"tag": "plain_text", "content": title},
        "icon": icon, "icon_position": "right", "icon_expanded_angle": -180,
    });
    json!({"tag": "collapsible_panel", "expanded": false, "header": header, "elements": [markdown(content)]})
}

fn column(element: Value) -> Value {
    json!({"tag": "column", "width": "weighted", "weight": 1, "elements": [element]})
}

/// Columns of one row, and what becomes of them where the row is narrow.
fn columns(narrow: &str, columns: &[Value]) -> Value {
    json!({"tag": "column_set", "flex_mode": narrow, "columns": columns})
}

fn button((label, url): (&str, Url)) -> Option<Value> {
    let label = fit(label, BUTTON, Unit::Bytes, flatten);
    let open = json!([{"type": "open_url", "default_url": url.as_str()}]);
    let text = json!({"tag": "plain_text", "content": label});
    (!label.trim().is_empty())
        .then(|| json!({"tag": "button", "text": text, "type": "default", "behaviors": open}))
}

fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "green",
        Tone::Bad => "red",
        Tone::Warn => "orange",
        Tone::Neutral => "blue",
    }
}

/// Configured mentions as a card reads them: `@all`, or the id of a member.
fn mentions(configured: &[String]) -> String {
    Mentions(configured).joined("", MENTIONS, &|id| is_id(id).then(|| format!("<at id={id}></at>")))
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// Every text of a card, in its order, without markup, and whom it pings, as a text does it.
fn gather(node: &Value, words: &mut Vec<String>, pings: &mut String) {
    match node {
        Value::Object(fields) => {
            let text = ["content", "text"].iter().find_map(|name| fields.get(*name)?.as_str());
            words.extend(text.map(plain));
            let tags = match fields.get("tag").and_then(Value::as_str) {
                None | Some("markdown" | "lark_md") => text.unwrap_or_default(),
                _ => "",
            };
            let ids = tags.split("<at ").skip(1).filter_map(|tag| tag.split_once('>')?.0.split_once('='));
            let ids = ids.map(|(_, id)| id.trim_matches(['"', '\'', ' ']));
            for id in ids.chain(fields.get("user_id").and_then(Value::as_str)).filter(|id| is_id(id)) {
                if pings.len() + id.len() < MENTIONS {
                    pings.push_str(&format!("<at user_id=\"{id}\"></at>"));
                }
            }
            fields
                .values()
                .filter(|value| value.is_object() || value.is_array())
                .for_each(|v| gather(v, words, pings));
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, words, pings)),
        _ => {}
    }
}

/// Markdown as text, with its entities read.
fn plain(markdown: &str) -> String {
    let mut out = plain_text::of_markdown(markdown);
    for (character, entity) in ENTITIES {
        out = out.replace(entity, character.encode_utf8(&mut [0; 4]));
    }
    out
}

/// The characters of Feishu's markdown, as entities; the ampersand is the last to be read back.
const ENTITIES: [(char, &str); 13] = [
    ('<', "&#60;"),
    ('>', "&#62;"),
    ('*', "&#42;"),
    ('_', "&#95;"),
    ('~', "&#126;"),
    ('`', "&#96;"),
    ('[', "&#91;"),
    (']', "&#93;"),
    ('#', "&#35;"),
    ('-', "&#45;"),
    ('!', "&#33;"),
    ('|', "&#124;"),
    ('&', "&#38;"),
];

fn inline(character: char) -> Option<&'static str> {
    if matches!(character, '-' | '!' | '#' | '|') {
        return None;
    }
    flatten(character).or_else(|| block(character))
}

/// On lines of its own, text can open a heading or a list too.
fn block(character: char) -> Option<&'static str> {
    ENTITIES.iter().find(|(plain, _)| *plain == character).map(|(_, entity)| *entity)
}

fn markup_of(spot: &Spot<'_>) -> Option<&'static TextMarkup> {
    match (spot.name(), spot.beside("tag")) {
        ("content", "plain_text") => None,
        ("content", "markdown" | "lark_md") | ("text", "md") => Some(&MARKDOWN_TEXT),
        (name, _) if is_structure(name) => None,
        _ => Some(&PLAIN_TEXT),
    }
}

/// A text reads the tag of a mention, and knows no entities.
static PLAIN_TEXT: TextMarkup = TextMarkup {
    escape: |_, c, _| (c == '<').then_some("＜"),
    in_code: None,
    links: LinkForm::Bare,
    in_url: |_, c, _| (c == '<').then_some("%3C"),
};

static MARKDOWN_TEXT: TextMarkup = TextMarkup {
    escape: |before, c, after| match c {
        '_' if is_inside_ascii_word(before, after) => None,
        '-' | '#' if !opens_line(before) => None,
        c => block(c),
    },
    in_code: Some(|_, c, _| match c {
        '`' => Some("ˋ"),
        '<' => Some("＜"),
        _ => None,
    }),
    links: LinkForm::Markdown,
    in_url: escape::in_url,
};

#[cfg(test)]
pub(super) mod tests;
