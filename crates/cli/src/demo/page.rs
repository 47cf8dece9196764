//! The page of the demo: the messages with their cards, and next to them the picture, as a file that any browser shows.

use super::CHAT;
use super::summary::Summary;
use crate::card_preview::{CardPart, CardPreview, PartKind};
use crate::serve::receiver::Arrival;
use crate::terminal::{Style, time_of_day};
use std::io;
use std::path::{Path, PathBuf};

/// Its name in the folder of the demo, in which the picture is too.
pub const FILE: &str = "messages.html";

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;margin:2rem;background:#f6f6f4;color:#1d1c1d}\
main{display:flex;flex-wrap:wrap;gap:2rem;align-items:flex-start}section{flex:1 1 26rem;min-width:0}\
article{background:#fff;border-left:4px solid #888;border-radius:4px;padding:.7rem 1rem;margin:0 0 1rem;overflow-wrap:anywhere}\
.good{border-color:#2eb67d}.bad{border-color:#e01e5a}.warn{border-color:#ecb22e}h2{font-size:1rem;margin:0}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:0 1rem;margin:.5rem 0}dt,.muted{color:#666}dd{margin:0}\
p{margin:.3rem 0}img{max-width:100%;border-radius:4px}";

pub fn write(folder: &Path, picture: &str, summary: &Summary) -> io::Result<PathBuf> {
    let path = folder.join(FILE);
    std::fs::write(&path, html(picture, summary))?;
    Ok(path)
}

fn html(picture: &str, summary: &Summary) -> String {
    let chat: String = summary.chat.iter().map(|arrival| article(arrival, CHAT)).collect();
    let team: String = summary.arrivals.iter().map(|arrival| article(arrival, "json")).collect();
    let picture = escaped(picture);
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Taskbell: the messages of the demo</title>\n\
         <style>{STYLE}</style>\n<main>\n<section><h1>In the chat</h1>\n{chat}</section>\n\
         <section><h1>The picture</h1>\n<img src=\"{picture}\" alt=\"The last frame\">\n<p class=\"muted\">{picture}</p></section>\n\
         <section><h1>To the team's receiver</h1>\n{team}</section>\n</main></html>\n"
    )
}

fn article(arrival: &Arrival, platform: &str) -> String {
    let card = arrival.card(platform).unwrap_or_default();
    let class = match card.style {
        Some(Style::Success) => " class=\"good\"",
        Some(Style::Error) => " class=\"bad\"",
        Some(Style::Warning) => " class=\"warn\"",
        _ => "",
    };
    let attempt = arrival.attempt().map(|number| format!(", attempt {number}")).unwrap_or_default();
    let (time, status, body) = (time_of_day(arrival.at), arrival.status, parts(&card));
    format!(
        "<article{class}><p class=\"muted\">{time} UTC{attempt}, answered {status}</p>\n{body}</article>\n"
    )
}

fn parts(card: &CardPreview) -> String {
    let html = |CardPart { kind, label, text }: &CardPart| {
        let (label, text) = (escaped(label), escaped(text));
        match kind {
            PartKind::Title | PartKind::Heading => format!("<h2>{text}</h2>\n"),
            PartKind::Fact => format!("<dl><dt>{label}</dt><dd>{text}</dd></dl>\n"),
            PartKind::Link => format!("<p>{label}: {text}</p>\n"),
            // The picture is next to the cards.
            PartKind::Picture => String::new(),
            PartKind::Foot => format!("<p class=\"muted\">{text}</p>\n"),
            PartKind::Ping | PartKind::Text | PartKind::Item => format!("<p>{text}</p>\n"),
        }
    };
    card.parts.iter().map(html).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::receiver::tests::arrival;

    #[test]
    fn the_page_shows_every_message_beside_the_picture_and_no_markup_of_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let card = r#"{"embeds":[{"title":"Task finished: <b>Frame 24</b>","color":3066993}]}"#;
        let summary = Summary {
            chat: vec![arrival("", 1, 200, 1_000, card)],
            arrivals: vec![arrival("evt_a", 2, 503, 2_000, r#"{"type":"queue.end","data":{"total":24}}"#)],
            ..Summary::default()
        };
        let path = write(folder.path(), "frame-024.png", &summary).unwrap();
        let html = std::fs::read_to_string(path).unwrap();
        for words in [
            "<img src=\"frame-024.png\"",
            "Task finished: &lt;b&gt;Frame 24&lt;/b&gt;",
            "attempt 2, answered 503",
            "<dt>total</dt><dd>24</dd>",
        ] {
            assert!(html.contains(words), "{words} in {html}");
        }
    }
}
