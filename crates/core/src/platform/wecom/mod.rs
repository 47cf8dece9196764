//! `wecom`: group bots of WeCom (企业微信), in its markdown.
//!
//! Source: developer.work.weixin.qq.com/document/path/99110. Lengths are bytes of UTF-8. Faults come as
//! `errcode` inside HTTP 200. Markdown pings members by `<@userid>` only; everybody and telephone numbers are
//! pinged by a `text` message only, so a card with such mentions is one.

mod canned_responses;
mod request_checks;
mod rules;
mod template_markup;

pub(super) use request_checks::refuses;

use super::content::{TextForm, bar, pictures, shown_links};
use super::cut::Markup;
use super::known_address::{CUT, MORE, is_cut_uuid, parameter};
use super::limits::{Unit, fit, flatten};
use super::lines::Lines;
use super::mentions::Mentions;
use super::multipart::form_with_length;
use super::{
    Answer, Degradation, Description, Example, FollowUp, Outcome, Platform, Rate, RenderedMessage, Target,
    links, or_event_kind, origin, plain_text, trim,
};
use crate::hash::hex;
use crate::json::json;
use crate::message::{Context, Fact, Notice, Strings, Tone};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde_json::Value;
use std::borrow::Cow;
use std::ops::RangeInclusive;
use url::Url;

const MARKDOWN: usize = 4096;
const TEXT: usize = 2048;
const TITLE: usize = 256;
const LINE: usize = 480;
const FREE_TEXT: usize = 1200;
const LINK: usize = 600;
const MENTIONS: usize = 500;
const SHORT: usize = 1000;
/// The texts of a card with a picture, in characters, as WeCom advises, and its lines.
const CARD_TITLE: usize = 26;
const CARD_SOURCE: usize = 13;
const CARD_LABEL: usize = 5;
const CARD_VALUE: usize = 26;
const CARD_JUMP: usize = 13;
/// It advises nothing for a quote; this is what it advises for a text of a card.
const CARD_QUOTE: usize = 112;
const CARD_LINES: usize = 6;
/// Titles with a text below them, which take what has no line.
const CARD_PARAGRAPHS: usize = 4;
/// A file for `upload_media`, in bytes.
const DOCUMENT: RangeInclusive<u64> = 6..=20 * 1024 * 1024;

pub(super) struct WeCom;

static DESCRIPTION: Description = Description {
    name: "wecom",
    required_parameter: Some("key"),
    rates: &[Rate::new(20, 60_000)],
    mention_form: Some("user ids, mobile numbers and `@all`"),
    accepts_mention: |mention| {
        let read = WeComMentions::read(&[mention.to_owned()]);
        !read.members.is_empty() || !read.mobiles.is_empty()
    },
    markup: Some(template_markup::markup_of),
    // Before base64.
    file_limit: Some(2 * 1024 * 1024),
    pictures: &["image/png", "image/jpeg"],
    document_sizes: Some(DOCUMENT),
    responses: canned_responses::RESPONSES,
    faults: rules::faults,
    example: Example { target: "/cgi-bin/webhook/send?key=KEY", options: &[] },
    ..Description::BASE
};

impl Platform for WeCom {
    fn description(&self) -> &Description {
        &DESCRIPTION
    }

    fn recognises(&self, url: &Url) -> bool {
        url.host_str() == Some("qyapi.weixin.qq.com") && url.path() == "/cgi-bin/webhook/send"
    }

    fn odd_url(&self, url: &Url) -> Option<&'static str> {
        let is_cut = parameter(url, "key").is_some_and(|key| is_cut_uuid(&key));
        if is_cut {
            Some(CUT)
        } else {
            url.query_pairs()
                .any(|(name, key)| name == "key" && key.contains(['/', ':', '=']))
                .then_some(MORE)
        }
    }

    fn layout(&self, notice: &Notice, context: &Context, target: &Target) -> Value {
        card(notice, context, target)
    }

    fn trim(&self, body: &mut Value) {
        trim::cut(body, &["text", "content"], TEXT, Unit::Bytes);
        for name in ["markdown", "markdown_v2"] {
            trim::cut_marked(body, &[name, "content"], MARKDOWN, Unit::Bytes, Markup::Tags);
        }
        for (path, most) in [
            (["news", "articles"], 8),
            (["template_card", "horizontal_content_list"], 6),
            (["template_card", "jump_list"], 3),
        ] {
            trim::shorten(body, &path, most);
        }
    }

    /// A picture is a message of its own. Any other file is handed over first; its message names what came back.
    fn follow_up<'a>(
        &self,
        target: &Target,
        message: &RenderedMessage<'a>,
        answers: &[Answer],
    ) -> Option<FollowUp<'a>> {
        let file = message.file?;
        let mut request = self.base_request(target, message);
        match answers {
            [_] if self.is_picture(file) => {
                let image =
                    json!({"base64": STANDARD.encode(&file.bytes), "md5": hex(&Md5::digest(&file.bytes))});
                request.set_json(&json!({"msgtype": "image", "image": image}));
                return Some(Ok(("image", request)));
            }
            [_] => {
                beside_send(&mut request.url);
                let (content_type, body) = form_with_length("media", file);
                request.content_type = Cow::Owned(content_type);
                request.body = Cow::Owned(body);
            }
            [_, handed_over] if !self.is_picture(file) => {
                let json = handed_over.json().unwrap_or_default();
                match json["media_id"].as_str().filter(|id| !id.is_empty()) {
                    Some(id) => request.set_json(&json!({"msgtype": "file", "file": {"media_id": id}})),
                    None => return Some(Err("names no file")),
                }
            }
            _ => return None,
        }
        Some(Ok(("file", request)))
    }

    fn degrade(&self, body: &Value, how: Degradation) -> Option<Value> {
        if how == Degradation::NoImage {
            return None;
        }
        let markdown = body["markdown"]["content"].as_str().or(body["markdown_v2"]["content"].as_str());
        let gathered = trim::gathered(body);
        let text = markdown.or(body["text"]["content"].as_str()).or(gathered.as_deref())?;
        let max = if how == Degradation::Shorter { SHORT } else { TEXT };
        let text = plain_text::of_markdown(text);
        let links = trim::opened(body, &text, max / 2);
        let mut plain = json!({"content": fit(&text, max - links.len(), Unit::Bytes, |_| None) + &links});
        for name in ["mentioned_list", "mentioned_mobile_list"] {
            if let Some(list) = body["text"].get(name) {
                plain[name] = list.clone();
            }
        }
        // A text pings those of a list only.
        let pinged = pinged(body["markdown"]["content"].as_str().unwrap_or_default());
        if !pinged.is_empty() {
            plain["mentioned_list"] = json!(pinged);
        }
        Some(json!({"msgtype": "text", "text": plain})).filter(|plain| plain != body)
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        let is_ok = answer.status == 200 && answer.errcode() == Some(0);
        if is_ok { Ok(()) } else { Err("not as WeCom does: no errcode") }
    }

    fn code(&self, answer: &Answer) -> Option<String> {
        answer.errcode().filter(|code| *code != 0).map(|code| format!("errcode {code}"))
    }

    fn unknown(&self, answer: &Answer, is_coded: bool, reason: String) -> Outcome {
        match answer.errcode() {
            // Parameters, media and forms; 45 000 and more are limits, most of which pass.
            Some(40_000..=44_999 | 46_000..=47_999) => answer.refused(reason),
            _ if is_coded => answer.refused_or_again(reason),
            _ => Outcome::Retry(reason),
        }
    }
}

pub(super) fn card(notice: &Notice, context: &Context, target: &Target) -> Value {
    let mentions = WeComMentions::read(&target.mentions);
    if target.mentions.is_empty()
        && let Some(card) = picture_card(notice, context)
    {
        return json!({"msgtype": "template_card", "template_card": card});
    }
    if !mentions.need_text {
        let content = write(&MARKED, MARKDOWN, notice, context, mentions.inline());
        return json!({"msgtype": "markdown", "markdown": {"content": content}});
    }
    let content = write(&PLAIN, TEXT, notice, context, String::new());
    let mut text = json!({"content": content});
    for (name, list) in [("mentioned_list", mentions.members), ("mentioned_mobile_list", mentions.mobiles)] {
        if !list.is_empty() {
            text[name] = json!(list);
        }
    }
    json!({"msgtype": "text", "text": text})
}

/// A card with a picture, for good news that fits into its few short texts: they have no markup, and it pings nobody.
fn picture_card(notice: &Notice, context: &Context) -> Option<Value> {
    let (_, picture) = pictures(notice, LINK).next()?;
    let mut links = shown_links(notice, LINK);
    let (_, main) = links.next()?;
    let is_long = notice.text.is_some() || notice.details.is_some() || !notice.failures.is_empty();
    if is_long || notice.facts.len() > CARD_LINES + CARD_PARAGRAPHS || notice.tone != Tone::Good {
        return None;
    }
    let cut = |text: &str, max| fit(text, max, Unit::CodePoints, flatten);
    let is_named = |fact: &&Fact| !cut(&fact.label, CARD_LABEL).trim().is_empty();
    let facts: Vec<_> = notice.facts.iter().filter(is_named).collect();
    let (lined, further) = facts.split_at(facts.len().min(CARD_LINES));
    let line = |fact: &&Fact| json!({"keyname": cut(&fact.label, CARD_LABEL), "value": cut(&fact.value, CARD_VALUE)});
    let paragraph =
        |fact: &&Fact| json!({"title": cut(&fact.label, CARD_TITLE), "desc": cut(&fact.value, CARD_QUOTE)});
    let lines: Vec<Value> = lined.iter().map(line).collect();
    let paragraphs: Vec<Value> = further.iter().map(paragraph).collect();
    let jumps: Vec<Value> = links
        .map(|(label, url)| (cut(label, CARD_JUMP), url))
        .filter(|(label, _)| !label.trim().is_empty())
        .map(|(label, url)| json!({"type": 1, "title": label, "url": url.as_str()}))
        .collect();
    let mut title = json!({"title": or_event_kind(cut(&notice.title, CARD_TITLE), context)});
    if let Some(bar) = bar(notice) {
        title["desc"] = json!(bar);
    }
    let mut card = json!({
        "card_type": "news_notice",
        "source": {"desc": cut(origin(context), CARD_SOURCE), "desc_color": 0},
        "main_title": title,
        "card_image": {"url": picture.as_str(), "aspect_ratio": 1.78},
        "card_action": {"type": 1, "url": main.as_str()},
    });
    let quote = notice.quote.as_deref().map(|quote| cut(quote, CARD_QUOTE));
    if let Some(quote) = quote.filter(|quote| !quote.trim().is_empty()) {
        card["quote_area"] = json!({"type": 0, "quote_text": quote});
    }
    let lists =
        [("horizontal_content_list", lines), ("vertical_content_list", paragraphs), ("jump_list", jumps)];
    for (name, list) in lists {
        if !list.is_empty() {
            card[name] = json!(list);
        }
    }
    Some(card)
}

/// Turns the address of `send` into that of `upload_media`; the key is the same.
fn beside_send(url: &mut Url) {
    let parent =
        url.path().trim_end_matches('/').rsplit_once('/').map_or("", |(parent, _)| parent).to_owned();
    url.set_path(&format!("{parent}/upload_media"));
    let query = url.query().map(|query| format!("{query}&")).unwrap_or_default();
    url.set_query(Some(&format!("{query}type=file")));
}

/// The members that markdown pings. Everybody is never pinged by it, and so not by what is made of it.
fn pinged(markdown: &str) -> Vec<&str> {
    let ids = markdown.split("<@").skip(1).filter_map(|after| after.split_once('>'));
    ids.map(|(id, _)| id).filter(|id| !matches!(*id, "" | "all" | "@all")).collect()
}

/// How the parts of a card are written: as markdown, or plain.
struct Style {
    form: TextForm,
    title: fn(Tone, &str) -> String,
    origin: fn(&str) -> String,
}

static MARKED: Style = Style {
    form: TextForm {
        quote: |quote| format!("> {quote}"),
        fact: |label, colon, value| format!("> {label}{colon}<font color=\"comment\">{value}</font>"),
        heading: Some(|heading| format!("**{heading}**")),
        failure: |line| format!("> <font color=\"warning\">{line}</font>"),
        details: |lines| {
            let quoted = |line: &String| format!("> <font color=\"comment\">{line}</font>");
            lines.iter().map(quoted).collect::<Vec<_>>().join("\n")
        },
        link: |label, url| format!("[{label}]({})", links::quiet(url)),
        ..PLAIN_FORM
    },
    title: |tone, title| format!("### <font color=\"{}\">{title}</font>", colour(tone)),
    origin: |origin| format!("<font color=\"comment\">{origin}</font>"),
};

static PLAIN: Style = Style { form: PLAIN_FORM, title: |_, title| title.to_owned(), origin: str::to_owned };

const PLAIN_FORM: TextForm = TextForm {
    unit: Unit::Bytes,
    line: LINE,
    free_text: FREE_TEXT,
    link_max: LINK,
    inline: |text, max| fit(text, max, Unit::Bytes, inline),
    block: |text, max| fit(text, max, Unit::Bytes, block),
    text: str::to_owned,
    quote: |quote| format!("“{quote}”"),
    fact: |label, colon, value| format!("{label}{colon}{value}"),
    time: None,
    heading: Some(str::to_owned),
    failure: |line| format!("- {line}"),
    details: |lines| lines.join("\n"),
    picture: None,
    link: |label, url| format!("{label}: {url}"),
};

fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "info",
        Tone::Bad | Tone::Warn => "warning",
        Tone::Neutral => "comment",
    }
}

/// Title first and link, origin and mentions last, whatever happens; between them as many whole lines as
/// fit.
fn write(style: &Style, max: usize, notice: &Notice, context: &Context, mentions: String) -> String {
    let cut = |text: &str, max| fit(text, max, Unit::Bytes, inline);
    let title = or_event_kind(cut(&notice.title, TITLE), context);
    let words = Strings::of(context);
    let mut tail = style.form.links(notice);
    tail.extend([(style.origin)(&cut(origin(context), TITLE)), mentions]);
    let lines = Lines { gap: "\n", max, unit: Unit::Bytes };
    let middle = style.form.lines(notice, words);
    lines.join((style.title)(notice.tone, &title), middle, &tail)
}

#[derive(Default)]
struct WeComMentions {
    members: Vec<String>,
    mobiles: Vec<String>,
    /// Markdown could not ping all of them.
    need_text: bool,
}

impl WeComMentions {
    /// Reads `@all`, a mobile number, `<@userid>` or a bare user id.
    fn read(configured: &[String]) -> WeComMentions {
        let mut mentions = WeComMentions::default();
        let mut used = 0;
        for name in Mentions(configured).names() {
            used += name.len() + 4;
            if name.is_empty() || used > MENTIONS {
                continue;
            }
            let digits = name.strip_prefix('+').unwrap_or(name);
            if name == "all" {
                mentions.need_text = true;
                mentions.members.push("@all".to_owned());
            } else if digits.len() == 11 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                mentions.need_text = true;
                mentions.mobiles.push(name.to_owned());
            } else {
                mentions.members.push(fit(name, 64, Unit::Bytes, inline));
            }
        }
        mentions
    }

    fn inline(&self) -> String {
        self.members.iter().map(|member| format!("<@{member}>")).collect()
    }
}

/// WeCom's markdown has no escapes: what would be markup becomes the full-width twin.
fn inline(character: char) -> Option<&'static str> {
    flatten(character).or(match character {
        '<' => Some("＜"),
        '>' => Some("＞"),
        '[' => Some("［"),
        ']' => Some("］"),
        '*' => Some("＊"),
        '`' => Some("｀"),
        _ => None,
    })
}

/// On lines of its own, text can open a heading too.
fn block(character: char) -> Option<&'static str> {
    match character {
        '\n' => None,
        '#' => Some("＃"),
        _ => inline(character),
    }
}

#[cfg(test)]
pub(super) mod tests;
