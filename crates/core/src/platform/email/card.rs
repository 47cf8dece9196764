//! The card as text and as HTML. Mail programs read little of HTML: a table, and styles at each element.

use super::{SUBJECT, TEXT};
use crate::json::json;
use crate::message::{Context, Notice, Strings, Tone};
use crate::platform::content::bar;
use crate::platform::escape::html_entity;
use crate::platform::limits::{Budget, Unit, fit, flatten};
use crate::platform::{links, or_event_kind, origin};
use serde_json::Value;

const TITLE: usize = SUBJECT - 10;
const FREE_TEXT: usize = 8_000;
const LINE: usize = 600;
const LINK: usize = 2_000;
/// All texts of the HTML together, escaped.
const TEXTS: usize = 60_000;
/// The most pictures at addresses.
const PICTURES: usize = 4;

/// Where the picture of a message goes.
pub(super) const PLACE: &str = "<!--picture-->";

const LABEL: &str = "padding:2px 16px 2px 0;color:#666;white-space:nowrap;vertical-align:top";

pub(super) fn card(notice: &Notice, context: &Context) -> Value {
    let title = or_event_kind(fit(&notice.title, TITLE, Unit::CodePoints, flatten), context);
    let subject = format!("{} {}", notice.tone.sign(), title.trim());
    json!({"subject": subject, "text": text(notice, context), "html": html(notice, context, &title)})
}

/// Paragraphs of plain text.
fn text(notice: &Notice, context: &Context) -> String {
    let words = Strings::of(context);
    let line = |text: &str| fit(text, LINE, Unit::Bytes, flatten);
    let block =
        |text: &Option<String>| text.as_deref().map(|text| fit(text, FREE_TEXT, Unit::Bytes, |_| None));
    let quote =
        block(&notice.quote).map(|text| text.lines().map(|line| format!("> {line}\n")).collect::<String>());
    let colon = words.colon;
    let facts =
        notice.facts.iter().map(|fact| format!("{}{colon}{}\n", line(&fact.label), line(&fact.value)));
    let failures = notice.failures.iter().map(|group| format!("• {}\n", line(&group.line(words))));
    let follow = |url: &str| links::followable(Some(url), LINK);
    let links = notice
        .links
        .iter()
        .filter_map(|link| Some(format!("{}{colon}{}\n", line(&link.label), follow(&link.url)?)));
    let parts = [
        block(&notice.text),
        quote,
        bar(notice),
        Some(failures.collect()),
        Some(facts.collect()),
        Some(links.collect()),
        block(&notice.details),
        Some(line(origin(context))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.trim().is_empty()).collect();
    let parts: Vec<&str> = parts.iter().map(|part| part.trim_end()).collect();
    fit(&(parts.join("\n\n") + "\n"), TEXT, Unit::Bytes, |_| None)
}

fn html(notice: &Notice, context: &Context, title: &str) -> String {
    let words = Strings::of(context);
    let mut budget = Budget { left: TEXTS, unit: Unit::Bytes };
    let mut take = |text: &str, max| budget.take(text, max, |_, c, _| inline(c));
    let colour = colour(notice.tone);
    let mut out = format!(
        "<!doctype html><html><body style=\"margin:0;padding:8px;font:15px/1.5 sans-serif;color:#222\">\
         <div style=\"max-width:640px;border-left:4px solid {colour};padding:4px 16px\">\
         <h2 style=\"margin:0 0 8px;font-size:18px\">{}</h2>",
        take(title, LINE * 2)
    );
    if let Some(text) = &notice.text {
        out += &format!("<p style=\"white-space:pre-wrap\">{}</p>", take(text, FREE_TEXT));
    }
    if let Some(quote) = &notice.quote {
        let style =
            "margin:8px 0;padding:4px 12px;border-left:3px solid #ccc;color:#555;white-space:pre-wrap";
        out += &format!("<blockquote style=\"{style}\">{}</blockquote>", take(quote, FREE_TEXT));
    }
    if let Some(bar) = bar(notice) {
        out += &format!("<p>{bar}</p>");
    }
    if !notice.failures.is_empty() {
        out += &format!("<p style=\"margin:8px 0 0\"><b>{}</b></p><ul style=\"margin:0\">", words.failures);
        for group in &notice.failures {
            out += &format!("<li>{}</li>", take(&group.line(words), LINE));
        }
        out += "</ul>";
    }
    if !notice.facts.is_empty() {
        out += "<table style=\"margin:8px 0;border-collapse:collapse\">";
        for fact in &notice.facts {
            let (label, value) = (take(&fact.label, LINE), take(&fact.value, LINE));
            out += &format!("<tr><td style=\"{LABEL}\">{label}</td><td>{value}</td></tr>");
        }
        out += "</table>";
    }
    out += PLACE;
    let address = |url: &str| {
        Some(fit(links::followable(Some(url), LINK)?.as_str(), LINK * 6, Unit::Bytes, html_entity))
    };
    for image in notice.images.iter().take(PICTURES) {
        if let Some(url) = address(&image.url) {
            let caption = take(&image.caption, LINE);
            out += &format!("<p><img src=\"{url}\" alt=\"{caption}\" style=\"max-width:100%\"></p>");
        }
    }
    let links = notice.links.iter().filter_map(|link| Some((address(&link.url)?, take(&link.label, LINE))));
    let links: Vec<String> = links.map(|(url, label)| format!("<a href=\"{url}\">{label}</a>")).collect();
    if !links.is_empty() {
        out += &format!("<p>{}</p>", links.join(" · "));
    }
    if let Some(details) = &notice.details {
        let style = "white-space:pre-wrap;background:#f6f6f6;padding:8px;font-size:12px";
        out += &format!("<pre style=\"{style}\">{}</pre>", take(details, FREE_TEXT));
    }
    let origin = take(origin(context), LINE);
    out + &format!("<p style=\"margin:8px 0 0;color:#888;font-size:12px\">{origin}</p></div></body></html>\n")
}

/// A bar at the left.
fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "#2eb67d",
        Tone::Bad => "#e01e5a",
        Tone::Warn => "#ecb22e",
        Tone::Neutral => "#36c5f0",
    }
}

fn inline(character: char) -> Option<&'static str> {
    html_entity(character)
}
