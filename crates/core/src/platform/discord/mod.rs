//! `discord`: webhooks with one embed.
//!
//! Sources: docs.discord.com on webhooks, messages and rate limits. Lengths are code points, as Discord's
//! staff state. `wait=true` makes Discord answer after it has stored the message, with the message.

mod canned_responses;
mod edits;
mod mentions;
mod responses;
mod rules;
mod template_markup;

pub(super) use rules::refuses;

use super::content::{bar, last_lines, pictures, shown_links, time_of};
use super::escape::guarded;
use super::known_address::CUT;
use super::limits::{Budget, Escape, Unit, fit, flatten};
use super::multipart::{Field, form};
use super::{
    Answer, Degradation, Description, EditAnswer, Example, Outcome, Platform, Rate, RenderedMessage, Request,
    Target, event_kind, origin, path_parts, trim,
};
use crate::clock;
use crate::json::{Members, json};
use crate::message::{Context, Notice, Strings, Tone};
use mentions::DiscordMentions;
use responses::unknown;
use serde_json::{Map, Value};
use std::borrow::Cow;
use url::Url;

const CONTENT: usize = 2000;
const TITLE: usize = 256;
/// It may have 4096, but the fields shall fit next to it.
const FREE_TEXT: usize = 2000;
const QUOTE: usize = 300;
const DETAILS: usize = 700;
/// The marks of a quote and of a block of code, a bar, and line ends.
const OVERHEAD: usize = 80;
const FIELDS: usize = 25;
const FIELD_NAME: usize = 256;
const FIELD_VALUE: usize = 1024;
const FOOTER: usize = 256;
/// Title, description, fields and footer together.
const EMBED: usize = 6000;
const LINK: usize = 2048;
const BUTTON: usize = 80;
const BUTTON_LINK: usize = 512;
/// What a server without boosts takes, in bytes.
/// The most embeds of a message, and how many pictures of embeds with one address stand together.
const EMBEDS: usize = 10;
const GALLERY: usize = 4;
const FILE: u64 = 10 * 1024 * 1024;
const SHORT: usize = 500;
/// A field is left out rather than cut to less than this.
const LEAST_FIELD: usize = 64;
/// Users and roles that `allowed_mentions` may name, each.
const NAMED: usize = 100;

/// `SUPPRESS_NOTIFICATIONS`, 4096.
const SILENT: u64 = 1 << 12;

pub(super) struct Discord;

static DESCRIPTION: Description = Description {
    name: "discord",
    rates: &[
        Rate::new(5, 2_000),
        // The hidden limit of a channel.
        Rate::new(30, 60_000),
    ],
    mention_form: Some("`@everyone`, `@here`, `<@USER>`, `<@&ROLE>` and bare ids of users"),
    accepts_mention: |mention| DiscordMentions::read(&[mention.to_owned()]).allowed() != json!({"parse": []}),
    markup: Some(template_markup::markup_of),
    silent: Some(r#"{"flags":4096}"#),
    file_limit: Some(FILE),
    document_sizes: Some(1..=FILE),
    reads_forms: true,
    responses: canned_responses::RESPONSES,
    faults: rules::faults,
    example: Example { target: "/api/webhooks/1/TOKEN", options: &[] },
    edits: true,
    ..Description::BASE
};

impl Platform for Discord {
    fn description(&self) -> &Description {
        &DESCRIPTION
    }

    fn recognises(&self, url: &Url) -> bool {
        const HOSTS: [&str; 6] = [
            "discord.com",
            "discordapp.com",
            "ptb.discord.com",
            "canary.discord.com",
            "ptb.discordapp.com",
            "canary.discordapp.com",
        ];
        let is_webhook = webhook_parts(&path_parts(url)).is_some_and(|parts| parts.len() <= 2);
        is_webhook && url.host_str().is_some_and(|host| HOSTS.contains(&host))
    }

    fn missing_end(&self, url: &Url) -> Option<String> {
        let parts = path_parts(url);
        let words = "after `/webhooks/` come the number of the webhook and its token of 68 characters";
        match webhook_parts(&parts)? {
            // A number of this length is a real one. A shorter token is that of an example.
            [number, token] if number.len() >= 17 && (20..60).contains(&token.len()) => {
                Some(words.to_owned())
            }
            [_, _] => None,
            _ => Some(words.to_owned()),
        }
    }

    fn odd_url(&self, url: &Url) -> Option<&'static str> {
        let parts = path_parts(url);
        let [number, token] = webhook_parts(&parts)? else { return None };
        if number.len() > 20 && token.bytes().all(|b| b.is_ascii_digit()) {
            return Some("the number of the webhook is after its token: swap the two");
        }
        (number.len() >= 17 && (60..68).contains(&token.len())).then_some(CUT)
    }

    /// What stands in the query already stays as it is, byte for byte.
    fn dial_url(&self, configured: &Url) -> Url {
        let mut url = configured.clone();
        let others = configured.query().unwrap_or_default().split('&');
        let others = others.filter(|part| !part.is_empty() && part.split('=').next() != Some("wait"));
        let parts: Vec<&str> = others.chain(["wait=true"]).collect();
        url.set_query(Some(&parts.join("&")));
        url
    }

    /// What a template writes into `content` pings whom it names, so nobody is named for it.
    fn add_defaults(&self, body: &mut Value) {
        if let Some(fields) = body.as_object_mut() {
            fields.entry("allowed_mentions").or_insert_with(|| json!({"parse": []}));
        }
    }

    fn layout(&self, notice: &Notice, context: &Context, target: &Target) -> Value {
        card(notice, context, target)
    }

    fn trim(&self, body: &mut Value) {
        let texts = [
            "content",
            "username",
            "embeds.*.title",
            "embeds.*.description",
            "embeds.*.author.name",
            "embeds.*.footer.text",
            "embeds.*.fields.*.name",
            "embeds.*.fields.*.value",
            "attachments.*.description",
        ];
        trim::cut_by(&rules::BODY, body, &texts, Unit::CodePoints);
        trim::shorten_by(&rules::BODY, body, &["embeds", "embeds.*.fields"]);
        let mut room = EMBED;
        let embeds = body.get_mut("embeds").and_then(Value::as_array_mut);
        embeds.into_iter().flatten().for_each(|embed| share(embed, &mut room));
    }

    /// The file is uploaded with the message; a picture is shown in its first embed. Discord leaves components out
    /// unless the URL asks for them.
    fn request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        let mut request = self.base_request(target, message);
        let mut json = message.json().filter(Value::is_object);
        let asks = request.url.query().is_some_and(|query| query.contains("with_components="));
        if !asks && json.as_ref().is_some_and(|body| body["components"].is_array()) {
            request.url.query_pairs_mut().append_pair("with_components", "true");
        }
        if let (Some(body), Some(_)) = (&mut json, message.edited())
            && edits::drop_silence(body)
        {
            request.set_json(body);
        }
        let own_form = message.file.filter(|_| !message.form);
        if let (Some(file), Some(mut body)) = (own_form, json) {
            let address = json!({"url": format!("attachment://{}", file.name)});
            let embed = body["embeds"].get_mut(0).and_then(Value::as_object_mut);
            if let Some(embed) = embed.filter(|_| self.is_picture(file)) {
                embed.put("image", address);
            }
            body["attachments"] = json!([{"id": 0, "filename": file.name}]);
            let text = body.to_string();
            let field = Field { name: "payload_json", media: Some("application/json"), value: &text };
            let (content_type, form) = form(&[field], "files[0]", &file.name, file);
            request.content_type = Cow::Owned(content_type);
            request.body = Cow::Owned(form);
        }
        if message.live.is_some() {
            edits::address(&mut request, message.edited());
        }
        request
    }

    fn message_id(&self, answer: &Answer, _first: &str) -> Option<String> {
        let id = answer.json()?["id"].as_str().map(str::to_owned);
        id.filter(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()))
    }

    /// 10008: Unknown Message. Anything else of the webhook's own message can be edited.
    fn edit_answer(&self, answer: &Answer) -> Option<EditAnswer> {
        (answer.status == 404 && answer.json()?["code"] == 10008).then_some(EditAnswer::Lost)
    }

    fn mentions_somebody(&self, body: &Map<String, Value>) -> bool {
        let allowed = body.get("allowed_mentions").and_then(Value::as_object);
        let names = |list: &Value| list.as_array().is_some_and(|names| !names.is_empty());
        allowed.is_some_and(|lists| lists.values().any(names))
    }

    fn degrade(&self, body: &Value, how: Degradation) -> Option<Value> {
        let mut plain = body.clone();
        if how > Degradation::NoImage && !body["embeds"].is_array() && !body["content"].is_string() {
            let text = fit(&trim::gathered(body)?, CONTENT, Unit::CodePoints, |_| None);
            return Some(json!({"content": text, "allowed_mentions": {"parse": []}}));
        }
        let embeds = plain.get_mut("embeds").and_then(Value::as_array_mut);
        for embed in embeds.into_iter().flatten().filter_map(Value::as_object_mut) {
            let is_picture = embed.keys().all(|name| matches!(name.as_str(), "url" | "image"));
            for name in ["image", "thumbnail"] {
                embed.remove(name);
            }
            if is_picture {
                embed.remove("url");
            }
            if how > Degradation::NoImage {
                for name in ["fields", "footer", "author", "url", "timestamp"] {
                    embed.remove(name);
                }
                for (name, max) in [("title", TITLE), ("description", SHORT)] {
                    if let Some(text) = embed.get(name).and_then(Value::as_str) {
                        let text = fit(text, max, Unit::CodePoints, |_| None);
                        embed.insert(name.to_owned(), json!(text));
                    }
                }
            }
        }
        // Further pictures of a gallery.
        let mut index = 0;
        if let Some(embeds) = plain.get_mut("embeds").and_then(Value::as_array_mut) {
            embeds.retain(|embed| {
                let was_picture = body["embeds"][index].get("image").is_some();
                index += 1;
                !(was_picture && embed.as_object().is_some_and(Map::is_empty))
            });
        }
        if how > Degradation::NoImage
            && let Some(fields) = plain.as_object_mut()
        {
            if let Some(text) = body["content"].as_str() {
                fields.put("content", json!(fit(text, CONTENT, Unit::CodePoints, |_| None)));
            }
            if let Some(embeds) = fields.get_mut("embeds").and_then(Value::as_array_mut) {
                embeds.truncate(1);
            }
            for name in ["components", "flags", "poll", "username", "avatar_url", "applied_tags"] {
                fields.remove(name);
            }
            if let Some(text) = body["content"].as_str() {
                fields.put("content", json!(fit(text, CONTENT, Unit::CodePoints, |_| None)));
            }
            trim::shorten(&mut plain, &["embeds"], 1);
            trim::each(&mut plain, &["embeds", "*"], &mut |embed| {
                let text = embed["description"].as_str().unwrap_or_default();
                let text = format!("{text}{}", trim::opened(body, text, SHORT));
                if embed.is_object() && !text.is_empty() {
                    embed["description"] = json!(text.trim_start());
                }
            });
        }
        (plain != *body).then_some(plain)
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        match answer.status {
            204 => Ok(()),
            200 if is_message(answer) => Ok(()),
            _ => Err("without the message it stored"),
        }
    }

    fn code(&self, answer: &Answer) -> Option<String> {
        Some(format!("code {}", answer.json()?.get("code")?.as_i64()?))
    }

    fn unknown(&self, answer: &Answer, is_coded: bool, reason: String) -> Outcome {
        unknown(answer, is_coded, reason)
    }
}

/// Takes what an embed of a template has out of the room that all embeds share, and cuts it where there is
/// no more.
fn share(embed: &mut Value, room: &mut usize) {
    let mut take = |node: &mut Value| {
        trim::cut(node, &[], *room, Unit::CodePoints);
        *room -= node.as_str().map_or(0, |text| Unit::CodePoints.length(text).min(*room));
    };
    trim::keep(embed, &mut |name, part| {
        let url = if name == "url" { &*part } else { &part["url"] };
        url.as_str().is_none_or(|url| url.len() <= LINK)
    });
    for path in ["/title", "/author/name", "/footer/text", "/description"] {
        embed.pointer_mut(path).into_iter().for_each(&mut take);
    }
    if let Some(fields) = embed.get_mut("fields").and_then(Value::as_array_mut) {
        for field in fields.iter_mut() {
            for name in ["name", "value"] {
                field.get_mut(name).into_iter().for_each(&mut take);
            }
        }
        fields.retain(|field| !trim::is_blank(&field["name"]) && !trim::is_blank(&field["value"]));
    }
}

/// The stored message; a long one goes on after what was read, and is still no other page.
fn is_message(answer: &Answer) -> bool {
    let cut = answer.truncated && answer.body.starts_with(b"{");
    cut || answer.json().is_some_and(|json| json["id"].is_string())
}

fn colour(tone: Tone) -> u32 {
    match tone {
        Tone::Good => 0x2e_b6_7d,
        Tone::Bad => 0xe0_1e_5a,
        Tone::Warn => 0xec_b2_2e,
        Tone::Neutral => 0x58_65_f2,
    }
}

/// What stands behind `/api/webhooks/`, with or without a version.
fn webhook_parts<'p, 'u>(parts: &'p [&'u str]) -> Option<&'p [&'u str]> {
    match parts {
        ["api", "webhooks", rest @ ..] => Some(rest),
        ["api", version, "webhooks", rest @ ..] if version.starts_with('v') => Some(rest),
        _ => None,
    }
}

pub(super) fn card(notice: &Notice, context: &Context, target: &Target) -> Value {
    let mentions = DiscordMentions::read(&target.mentions);
    let mut card = Map::new();
    if !mentions.content.is_empty() {
        card.put("content", json!(mentions.content));
    }
    let mut first = embed(notice, context);
    let pictures: Vec<Url> = pictures(notice, LINK).map(|(_, url)| url).take(EMBEDS).collect();
    if first["url"].is_null() && pictures.len() > 1 {
        first["url"] = json!(pictures[0].as_str());
    }
    let mut embeds = vec![first];
    for (index, url) in pictures.iter().enumerate().skip(1) {
        let begin = index - index % GALLERY;
        let address = if begin == 0 { embeds[0]["url"].clone() } else { json!(pictures[begin].as_str()) };
        embeds.push(json!({"url": address, "image": {"url": url.as_str()}}));
    }
    card.put("embeds", json!(embeds));
    let buttons: Vec<Value> = shown_links(notice, BUTTON_LINK).filter_map(button).collect();
    if !buttons.is_empty() {
        card.put("components", json!([{"type": 1, "components": buttons}]));
    }
    card.put("allowed_mentions", mentions.allowed());
    Value::Object(card)
}

/// A button that opens an address, which webhooks of anybody may have.
fn button((label, url): (&str, Url)) -> Option<Value> {
    let label = fit(label, BUTTON, Unit::CodePoints, flatten).trim().to_owned();
    (!label.is_empty()).then(|| json!({"type": 2, "style": 5, "label": label, "url": url.as_str()}))
}

/// An embed in the making, within [`EMBED`] in all.
struct EmbedTexts(Budget);

impl EmbedTexts {
    fn take(&mut self, text: &str, max: usize, escape: Escape) -> String {
        let text = fit(text, max.min(self.0.left), self.0.unit, escape).trim().to_owned();
        self.0.spend(self.0.unit.length(&text));
        text
    }

    /// Like `take`, but never empty: Discord refuses an empty field.
    fn take_some(&mut self, text: &str, max: usize, escape: Escape) -> String {
        let text = self.take(text, max, escape);
        if text.is_empty() { self.take("–", 1, flatten) } else { text }
    }

    fn field(&mut self, label: &str, value: &str, escape: Escape, short: bool) -> Option<Value> {
        if self.0.left < LEAST_FIELD {
            return None;
        }
        let name = self.take_some(label, FIELD_NAME.min(self.0.left / 2), inline);
        let value = self.take_some(&guarded(value), FIELD_VALUE, escape);
        Some(json!({"name": name, "value": value, "inline": short}))
    }
}

fn embed(notice: &Notice, context: &Context) -> Value {
    let words = Strings::of(context);
    let mut room = EmbedTexts(Budget { left: EMBED, unit: Unit::CodePoints });
    let mut title = room.take(&notice.title, TITLE, inline);
    if title.is_empty() {
        title = room.take_some(event_kind(context), TITLE, inline);
    }
    // A footer is shown as it is, without markdown.
    let footer = room.take(origin(context), FOOTER, flatten);
    let description = description(notice, &mut room);
    let failures: Vec<_> =
        notice.failures.iter().map(|failure| format!("• {}", failure.line(words))).collect();
    let failures = if failures.is_empty() {
        None
    } else {
        room.field(words.failures, &failures.join("\n"), block, false)
    };
    let most = FIELDS - usize::from(failures.is_some());
    let facts = notice.facts.iter().take(most).map_while(|fact| {
        let mut field = room.field(&fact.label, &fact.value, inline, true)?;
        if let Some(at) = time_of(fact) {
            field["value"] = json!(format!("<t:{at}:R>"));
        }
        Some(field)
    });
    let fields: Vec<_> = facts.collect::<Vec<_>>().into_iter().chain(failures).collect();
    let mut embed = json!({"title": title, "color": colour(notice.tone)});
    if !description.is_empty() {
        embed["description"] = json!(description);
    }
    if let Some((_, url)) = shown_links(notice, LINK).next() {
        embed["url"] = json!(url.as_str());
    }
    if let Some((_, url)) = pictures(notice, LINK).next() {
        embed["image"] = json!({"url": url.as_str()});
    }
    embed["fields"] = json!(fields);
    embed["footer"] = json!({"text": footer});
    if let Some(at) = context.text_at(&["event", "timestamp"]).and_then(clock::parse_rfc3339) {
        embed["timestamp"] = json!(clock::rfc3339(at));
    }
    embed
}

/// Why, what was asked for, how much is done, and the end of a traceback as a block of code.
fn description(notice: &Notice, room: &mut EmbedTexts) -> String {
    let mut parts = Vec::new();
    parts.extend(notice.text.as_deref().map(|text| room.take(&guarded(text), FREE_TEXT, block)));
    let quote = notice.quote.as_deref().map(|quote| room.take(quote, QUOTE, inline));
    parts.extend(quote.filter(|quote| !quote.is_empty()).map(|quote| format!("> {quote}")));
    parts.extend(bar(notice));
    let cut = |text: &str, max| fit(text, max, Unit::CodePoints, in_fence);
    let lines = notice.details.as_deref().map(|text| last_lines(text, DETAILS, Unit::CodePoints, &cut));
    parts.extend(
        lines.filter(|lines| !lines.is_empty()).map(|lines| format!("```\n{}\n```", lines.join("\n"))),
    );
    parts.retain(|part| !part.is_empty());
    let description = parts.join("\n");
    room.0.left = room.0.left.saturating_sub(OVERHEAD + DETAILS);
    description
}

/// In a block of code, only its end is live.
fn in_fence(character: char) -> Option<&'static str> {
    if character == '`' { Some("ˋ") } else { None }
}

/// Markdown and live sequences such as `<@id>` lose their meaning behind a backslash.
fn inline(character: char) -> Option<&'static str> {
    flatten(character).or(match character {
        '\\' => Some("\\\\"),
        '*' => Some("\\*"),
        '_' => Some("\\_"),
        '~' => Some("\\~"),
        '`' => Some("\\`"),
        '|' => Some("\\|"),
        '<' => Some("\\<"),
        '>' => Some("\\>"),
        '#' => Some("\\#"),
        '[' => Some("\\["),
        ']' => Some("\\]"),
        '(' => Some("\\("),
        ')' => Some("\\)"),
        _ => None,
    })
}

/// On lines of its own, text can open a list too.
fn block(character: char) -> Option<&'static str> {
    match character {
        '\n' => None,
        '-' => Some("\\-"),
        _ => inline(character),
    }
}

#[cfg(test)]
pub(super) mod tests;
