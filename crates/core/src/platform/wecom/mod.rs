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

use super::cut::Markup;
use super::known_address::{CUT, MORE, is_cut_uuid, parameter};
use super::limits::{Unit, fit, flatten};
use super::mentions::Mentions;
use super::multipart::form_with_length;
use super::{
    Answer, Degradation, Description, Example, Outcome, Platform, Rate, RenderedMessage, Request, Target,
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

    /// A file that is no picture is handed over first; its message names what came back.
    fn upload<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Option<Request<'a>> {
        let file = message.file.filter(|file| !self.is_picture(file))?;
        let mut request = self.base_request(target, message);
        beside_send(&mut request.url);
        let (content_type, body) = form_with_length("media", file);
        request.content_type = Cow::Owned(content_type);
        request.body = Cow::Owned(body);
        Some(request)
    }

    fn uploaded<'a>(
        &self,
        target: &Target,
        message: &RenderedMessage<'a>,
        answer: &Answer,
    ) -> Option<Request<'a>> {
        let json = answer.json()?;
        let id = json["media_id"].as_str().filter(|id| !id.is_empty())?;
        let mut request = self.base_request(target, message);
        request.set_json(&json!({"msgtype": "file", "file": {"media_id": id}}));
        Some(request)
    }

    /// A picture is a message of its own.
    fn follow_up<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Option<Request<'a>> {
        let file = message.file.filter(|file| self.is_picture(file))?;
        let mut request = self.base_request(target, message);
        let image = json!({"base64": STANDARD.encode(&file.bytes), "md5": hex(&Md5::digest(&file.bytes))});
        request.set_json(&json!({"msgtype": "image", "image": image}));
        Some(request)
    }

    fn degrade(&self, body: &Value, how: Degradation) -> Option<Value> {
        if how == Degradation::NoImage {
            return None;
        }
        let markdown = body["markdown"]["content"].as_str().or(body["markdown_v2"]["content"].as_str());
        let gathered = trim::gathered(body);
        let text = markdown.or(body["text"]["content"].as_str()).or(gathered.as_deref())?;
        let max = if how == Degradation::Shorter { SHORT } else { TEXT };
        let mut plain = json!({"content": fit(&plain_text::of_markdown(text), max, Unit::Bytes, |_| None)});
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
    if !mentions.need_text {
        let content = write(&MARKED, MARKDOWN, notice, context, &mentions.inline());
        return json!({"msgtype": "markdown", "markdown": {"content": content}});
    }
    let content = write(&PLAIN, TEXT, notice, context, "");
    let mut text = json!({"content": content});
    for (name, list) in [("mentioned_list", mentions.members), ("mentioned_mobile_list", mentions.mobiles)] {
        if !list.is_empty() {
            text[name] = json!(list);
        }
    }
    json!({"msgtype": "text", "text": text})
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
    title: fn(Tone, &str) -> String,
    fact: fn(&str, &str, &str) -> String,
    heading: fn(&str) -> String,
    item: fn(&str) -> String,
    link: fn(&str, &Url) -> String,
    origin: fn(&str) -> String,
    inline: fn(char) -> Option<&'static str>,
    block: fn(char) -> Option<&'static str>,
}

static MARKED: Style = Style {
    title: |tone, title| format!("### <font color=\"{}\">{title}</font>", colour(tone)),
    fact: |label, colon, value| format!("> {label}{colon}<font color=\"comment\">{value}</font>"),
    heading: |heading| format!("**{heading}**"),
    item: |line| format!("> <font color=\"warning\">{line}</font>"),
    link: |label, url| format!("[{label}]({})", links::quiet(url)),
    origin: |origin| format!("<font color=\"comment\">{origin}</font>"),
    inline,
    block,
};

static PLAIN: Style = Style {
    title: |_, title| title.to_owned(),
    fact: |label, colon, value| format!("{label}{colon}{value}"),
    heading: str::to_owned,
    item: |line| format!("- {line}"),
    link: |label, url| format!("{label}: {url}"),
    origin: |origin| origin.to_owned(),
    inline,
    block,
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
fn write(style: &Style, max: usize, notice: &Notice, context: &Context, mentions: &str) -> String {
    let cut = |text: &str, max| fit(text, max, Unit::Bytes, style.inline);
    let title = or_event_kind(cut(&notice.title, TITLE), context);
    let mut tail = String::new();
    let words = Strings::of(context);
    let picture = notice.image().filter(|url| notice.link() != Some(url));
    for (label, link) in [(words.open, notice.link()), (words.preview, picture)] {
        if let Some(url) = links::followable(link, LINK) {
            tail.push('\n');
            tail.push_str(&(style.link)(label, &url));
        }
    }
    tail.push('\n');
    tail.push_str(&(style.origin)(&cut(origin(context), TITLE)));
    if !mentions.is_empty() {
        tail.push('\n');
        tail.push_str(mentions);
    }
    let mut lines = Vec::new();
    lines.extend(notice.text.as_deref().map(|text| fit(text, FREE_TEXT, Unit::Bytes, style.block)));
    let fact = |Fact { label, value, .. }: &Fact| {
        (style.fact)(&cut(label, LINE / 4), words.colon, &cut(value, LINE))
    };
    lines.extend(notice.facts.iter().map(fact));
    if !notice.failures.is_empty() {
        lines.push((style.heading)(words.failures));
    }
    lines.extend(notice.failures.iter().map(|failure| (style.item)(&cut(&failure.line(words), LINE))));
    let mut out = (style.title)(notice.tone, &title);
    for line in lines.iter().filter(|line| !line.trim().is_empty()) {
        if out.len() + 1 + line.len() + tail.len() <= max {
            out.push('\n');
            out.push_str(line);
        }
    }
    out.push_str(&tail);
    out
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
