//! Reads a card from the body of a platform that data describes: a title, lines, a link and a picture at known places.

use super::lines::{self, Marks};
use super::markup::{unbold, unentity, unslash, untag};
use super::{CardPreview, PartKind, text};
use serde_json::Value as Json;
use url::form_urlencoded;

/// How the text of a platform is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Markup {
    Plain,
    Markdown,
    Html,
}

/// Where the parts of a message stand, as JSON pointers; an empty one for what the platform has no place for.
struct Places {
    platform: &'static str,
    title: &'static str,
    text: &'static str,
    markup: Markup,
    link: &'static str,
    label: &'static str,
    picture: &'static str,
}

const fn push(platform: &'static str, text: &'static str) -> Places {
    Places { platform, title: "/title", text, markup: Markup::Plain, link: "", label: "", picture: "" }
}

#[rustfmt::skip]
const PLACES: [Places; 10] = [
    push("apprise", "/body"),
    Places { link: "/url", picture: "/image", ..push("bark", "/body") },
    Places {
        link: "/extras/client::notification/click/url",
        picture: "/extras/client::notification/bigImageUrl",
        ..push("gotify", "/message")
    },
    Places { link: "/data/url", picture: "/data/image", ..push("home-assistant", "/message") },
    Places { title: "", markup: Markup::Html, ..push("matrix", "/formatted_body") },
    Places { link: "/url", label: "/url_title", ..push("pushover", "/message") },
    Places { markup: Markup::Html, ..push("pushplus", "/content") },
    Places {
        title: "/text",
        link: "/attachments/0/title_link",
        label: "/attachments/0/title",
        picture: "/attachments/0/image_url",
        ..push("rocketchat", "/attachments/0/text")
    },
    Places { markup: Markup::Markdown, ..push("serverchan", "/desp") },
    Places { title: "", markup: Markup::Markdown, ..push("zulip", "/content") },
];

/// The card of one of these platforms; `None` for a body without its text, such as a template's.
pub(super) fn read(platform: &str, body: &Json) -> Option<CardPreview> {
    let places = PLACES.iter().find(|places| places.platform == platform)?;
    let form = body.as_str().map(|form| form_urlencoded::parse(form.as_bytes()).into_owned());
    let form: Option<Json> =
        form.map(|pairs| pairs.map(|(name, value)| (name, Json::String(value))).collect());
    let body = form.as_ref().unwrap_or(body);
    let at = |pointer: &str| body.pointer(pointer).filter(|_| !pointer.is_empty()).map(text);
    let said = at(places.text)?;
    let said = if places.markup == Markup::Html { lines::from_html(said) } else { said.to_owned() };
    let shown = match places.markup {
        Markup::Plain => str::to_owned,
        Markup::Markdown => |text: &str| unbold(&unslash(text)),
        Markup::Html => |text: &str| unbold(&unentity(&untag(text))),
    };
    let marks = Marks { fact: "", item: "• ", shown };
    let text = match at(places.title) {
        Some(title) => format!("{title}\n{said}"),
        None => said,
    };
    let mut card = lines::marked(&text, &marks);
    if let Some(url) = at(places.link) {
        card.add_labelled(PartKind::Link, at(places.label).unwrap_or("↗"), url);
    }
    card.add(PartKind::Picture, at(places.picture).unwrap_or_default());
    Some(card)
}
