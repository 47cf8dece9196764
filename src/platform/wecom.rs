//! `wecom`: group bots of WeCom (企业微信), in its markdown.
//!
//! Source: developer.work.weixin.qq.com/document/path/99110. Lengths are bytes of UTF-8. Faults come as
//! `errcode` inside HTTP 200. Markdown pings members by `<@userid>` only; everybody and telephone numbers are
//! pinged by a `text` message only, so a card with such mentions is one.

use super::limits::{Unit, fit, flatten};
use super::{Answer, Outcome, Platform, event_kind, links, origin};
use crate::config::{Endpoint, Rate};
use crate::message::{Context, Notice, Tone, Wording};
use serde_json::{Value, json};
use std::time::Duration;
use url::{Position, Url};

const MARKDOWN: usize = 4096;
const TEXT: usize = 2048;
const TITLE: usize = 256;
const LINE: usize = 480;
const FREE_TEXT: usize = 1200;
const LINK: usize = 600;
const MENTIONS: usize = 500;

/// The platform names no wait; its window is a minute.
const PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct WeCom;

impl Platform for WeCom {
    fn name(&self) -> &'static str {
        "wecom"
    }

    fn recognises(&self, url: &Url) -> bool {
        url.host_str() == Some("qyapi.weixin.qq.com") && url.path() == "/cgi-bin/webhook/send"
    }

    fn pace(&self) -> (&'static [Rate], usize) {
        const PACE: &[Rate] = &[Rate { count: 20, per: Duration::from_secs(60) }];
        (PACE, 1)
    }

    fn card(&self, context: &Context, endpoint: &Endpoint) -> Value {
        let notice = Notice::from_context(event_kind(context), context);
        lay_out(&notice, context, endpoint)
    }

    fn doubt(&self, body: &Value) -> Option<String> {
        let Some(kind) = body["msgtype"].as_str() else {
            return Some(
                "WeCom takes a message with a `msgtype`, such as `markdown`, and here is none".to_owned(),
            );
        };
        let Some(part) = body.get(kind) else {
            return Some(format!(
                "a WeCom message of type `{kind}` has its content in `{kind}`, which is missing"
            ));
        };
        let most = match kind {
            "text" => TEXT,
            "markdown" | "markdown_v2" => MARKDOWN,
            _ => return None,
        };
        match part["content"].as_str().map_or(0, str::len) {
            0 => Some(format!("`{kind}.content` is missing or empty")),
            length if length > most => {
                Some(format!("WeCom takes {most} bytes in `{kind}.content`, and here are {length}"))
            }
            _ => None,
        }
    }

    fn read(&self, answer: &Answer, now_unix_ms: i64) -> Outcome {
        if answer.status != 200 {
            return answer.again(now_unix_ms, answer.plain_reason());
        }
        let Some(code) = answer.json().and_then(|json| json.get("errcode")?.as_i64()) else {
            return answer.again(now_unix_ms, "answered 200, but not as WeCom does: no errcode".to_owned());
        };
        meaning(code)
    }
}

pub(super) fn lay_out(notice: &Notice, context: &Context, endpoint: &Endpoint) -> Value {
    let mentions = Mentions::read(&endpoint.mentions);
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
    link: |label, url| format!("[{label}]({})", quiet(url)),
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

/// A URL without the characters that markdown would read; behind the host all of them may be
/// percent-encoded.
fn quiet(url: &Url) -> String {
    let mut out = url[..Position::BeforePath].to_owned();
    for character in url[Position::BeforePath..].chars() {
        match character {
            '(' => out.push_str("%28"),
            ')' => out.push_str("%29"),
            '[' => out.push_str("%5B"),
            ']' => out.push_str("%5D"),
            '*' => out.push_str("%2A"),
            '`' => out.push_str("%60"),
            _ => out.push(character),
        }
    }
    out
}

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
    let title = cut(&notice.title, TITLE);
    let title = if title.trim().is_empty() { event_kind(context).to_owned() } else { title };
    let mut tail = String::new();
    let words = Wording::of(context);
    let picture = notice.image_url.as_ref().filter(|url| notice.link.as_ref() != Some(url));
    for (label, link) in [(words.open, notice.link.as_ref()), (words.preview, picture)] {
        if let Some(url) = links::followable(link.map(String::as_str), LINK) {
            tail.push('\n');
            tail.push_str(&(style.link)(label, &url));
        }
    }
    tail.push('\n');
    tail.push_str(&(style.origin)(&cut(&origin(context), TITLE)));
    if !mentions.is_empty() {
        tail.push('\n');
        tail.push_str(mentions);
    }
    let mut lines = Vec::new();
    lines.extend(notice.text.as_deref().map(|text| fit(text, FREE_TEXT, Unit::Bytes, style.block)));
    let fact = |(label, value): &(String, String)| {
        (style.fact)(&cut(label, LINE / 4), words.colon, &cut(value, LINE))
    };
    lines.extend(notice.facts.iter().map(fact));
    if !notice.failures.is_empty() {
        lines.push((style.heading)(words.failures));
    }
    lines.extend(notice.failures.iter().map(|failure| (style.item)(&cut(failure, LINE))));
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

/// Whom the message pings.
#[derive(Default)]
struct Mentions {
    members: Vec<String>,
    mobiles: Vec<String>,
    /// Markdown could not ping all of them.
    need_text: bool,
}

impl Mentions {
    /// Reads `@all`, a mobile number, `<@userid>` or a bare user id.
    fn read(configured: &[String]) -> Mentions {
        let mut mentions = Mentions::default();
        let mut used = 0;
        for mention in configured {
            let name = mention.trim().trim_start_matches('<').trim_end_matches('>').trim_start_matches('@');
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

/// The codes, by number: the words that come with them change, and hold addresses.
fn meaning(code: i64) -> Outcome {
    let fatal = match code {
        0 => return Outcome::Delivered,
        93_000 => return Outcome::Gone("errcode 93000: this webhook key is wrong or deleted".to_owned()),
        45_009 => {
            return Outcome::RetryAfter(PAUSE, "errcode 45009: more than 20 messages a minute".to_owned());
        }
        -1 => return Outcome::Retry("errcode -1: WeCom is busy".to_owned()),
        45_033 => return Outcome::Retry("errcode 45033: too many at the same time".to_owned()),
        40_006 | 45_001 => "the file is too large or too small",
        40_007 => "the media_id is not valid",
        40_008 => "the msgtype is not valid",
        40_033 => "the body holds escaped characters",
        40_058 => "a field is too long or not valid",
        44_004 => "the content is empty",
        45_002 => "the content is too long",
        45_034 => "a URL lacks http or https",
        47_001 => "the body is not JSON that WeCom reads",
        _ => return Outcome::Retry(format!("errcode {code}")),
    };
    Outcome::Final(format!("errcode {code}: {fatal}"))
}
