//! `taskbell preview`: shows the requests that an event would cause.

use super::card_preview::{self, CardPreview};
use super::explain;
use super::failure::{Failure, bad_event};
use super::source::{self, GivenEvent};
use super::terminal::{Style, Terminal, harmless, one_line};
use serde_json::Value as Json;
use std::sync::Arc;
use taskbell_core::engine;

#[derive(Debug, clap::Args)]
pub struct PreviewArgs {
    #[command(flatten)]
    event: source::EventArgs,
    /// Draw the cards only, without the requests
    #[arg(long)]
    card: bool,
}

pub fn run(arguments: &PreviewArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    let GivenEvent { config, kind, payload } = arguments.event.typed()?;
    let config = Arc::new(source::config(&config)?);
    let mut preview = engine::preview(&config, &kind, payload.as_deref()).map_err(bad_event)?;
    for request in preview["requests"].as_array_mut().into_iter().flatten() {
        if let Some(card) = card(request) {
            request["card"] = card.to_json();
        }
    }
    let requests = preview["requests"].as_array().map(Vec::as_slice).unwrap_or_default();
    let broken = requests.iter().any(|request| request.get("error").is_some());
    if terminal.json() {
        terminal.object(&preview)?;
    } else {
        let sample = payload.is_none();
        let sample = sample.then_some("With sample data; give your own event as JSON after the type.");
        show(&preview, requests, sample, arguments.card, terminal)?;
        if requests.is_empty() {
            terminal.line(&format!("No hook fires for this `{kind}`."))?;
            let account = engine::explain(&config, &kind, payload.as_deref()).map_err(bad_event)?;
            explain::show_hooks(&config, &account, terminal)?;
        }
    }
    if broken { Err(Failure::Reported) } else { Ok(()) }
}

fn show(
    preview: &Json,
    requests: &[Json],
    note: Option<&str>,
    card_only: bool,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    if let Some(note) = note {
        let note = terminal.paint(Style::Muted, note);
        terminal.line(&note)?;
        terminal.line("")?;
    }
    for request in requests {
        show_request(request, card_only, terminal)?;
    }
    for remark in preview["remarks"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        let label = terminal.paint(Style::Warning, "remark");
        terminal.line(&format!("{label}: {}", one_line(remark)))?;
    }
    Ok(())
}

fn show_request(request: &Json, card_only: bool, terminal: &mut Terminal) -> Result<(), Failure> {
    let text = |key: &str| harmless(request[key].as_str().unwrap_or_default());
    let title = format!("{} ({})", text("endpoint"), text("platform"));
    let title = terminal.paint(Style::Heading, title);
    terminal.line(&format!("{title}, fired by {}", text("hook")))?;
    if let Some(error) = request["error"].as_str() {
        let label = terminal.paint(Style::Error, "no message");
        terminal.line(&format!("  {label}: {}", harmless(error)))?;
        terminal.line("  This would be a dead letter: correct the template of the hook.")?;
        return Ok(terminal.line("")?);
    }
    if let Some(card) = card(request) {
        terminal.line("")?;
        card.draw(2, terminal)?;
        terminal.line("")?;
        if card_only {
            return Ok(());
        }
    }
    for (key, style) in [("file", Style::Name), ("remark", Style::Warning)] {
        if let Some(text) = request[key].as_str() {
            let label = terminal.paint(style, key);
            terminal.line(&format!("  {label}: {}", one_line(text)))?;
        }
    }
    show_sent(request, terminal)?;
    for next in request["then"].as_array().into_iter().flatten() {
        let label = terminal.paint(Style::Muted, "then, once that is delivered:");
        terminal.line(&format!("  {label}"))?;
        show_sent(next, terminal)?;
    }
    Ok(())
}

fn show_sent(sent: &Json, terminal: &mut Terminal) -> Result<(), Failure> {
    let text = |key: &str| harmless(sent[key].as_str().unwrap_or_default());
    let method = terminal.paint(Style::Name, text("method"));
    terminal.line(&format!("  {method} {}", text("url")))?;
    for (name, value) in sent["headers"].as_object().into_iter().flatten() {
        let name = terminal.paint(Style::Muted, format!("{name}:"));
        terminal.line(&format!("  {name} {}", one_line(value.as_str().unwrap_or_default())))?;
    }
    terminal.line("")?;
    let pretty = |value: &Json| match value {
        Json::String(text) => harmless(text),
        json => harmless(&serde_json::to_string_pretty(json).unwrap_or_default()),
    };
    if let Some(form) = sent["form"].as_object() {
        for (name, value) in form {
            let name = terminal.paint(Style::Name, one_line(name));
            let value = file_field(value).unwrap_or_else(|| pretty(value));
            if value.contains('\n') {
                terminal.line(&format!("  {name}:"))?;
                terminal.indented(4, &value)?;
            } else {
                terminal.line(&format!("  {name}: {value}"))?;
            }
        }
    } else {
        terminal.indented(2, &pretty(&sent["body"]))?;
    }
    Ok(terminal.line("")?)
}

fn file_field(field: &Json) -> Option<String> {
    let (name, media, bytes) = (field["file"].as_str()?, field["type"].as_str()?, field["bytes"].as_u64()?);
    Some(one_line(&format!("{name} ({media}, {bytes} bytes)")))
}

/// The card of a request, where its platform has one.
pub fn card(request: &Json) -> Option<CardPreview> {
    let form = &request["form"];
    // A form has the card in a field of its own, or the text among its fields.
    let body = if form.is_null() { &request["body"] } else { form.get("payload_json").unwrap_or(form) };
    card_preview::read(request["platform"].as_str()?, body)
}
