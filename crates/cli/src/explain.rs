//! `taskbell explain`: shows which hooks fire for an event, and why.

use super::failure::{Failure, bad_event};
use super::terminal::{Style, Terminal, one_line};
use super::{input, source};
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use taskbell_core::config::Config;
use taskbell_core::engine;
use taskbell_core::event::bytes_without_mark;

#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    #[command(flatten)]
    event: source::EventArgs,
}

pub fn run(arguments: &ExplainArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    let given = arguments.event.given()?;
    let config = Arc::new(source::config(&given.config)?);
    let (kind, payload) = match given.payload {
        None if is_file(&given.kind) => event_of_file(&given.kind)?,
        payload => (given.kind, payload),
    };
    let account = engine::explain(&config, &kind, payload.as_deref()).map_err(bad_event)?;
    if terminal.json() {
        terminal.object(&account)?;
        return Ok(());
    }
    let title = terminal.paint(Style::Heading, one_line(&kind));
    let sample = if payload.is_none() { "  with sample data; give your own event as JSON" } else { "" };
    terminal.line(&format!("{title}{sample}"))?;
    terminal.line("")?;
    show_hooks(&config, &account, terminal)?;
    for remark in account["remarks"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        terminal.line(&one_line(remark))?;
    }
    Ok(())
}

pub(super) const NO_HOOKS: &str = "the configuration has no hooks; add a `[[hooks]]` table";

/// Which hooks of an account fire, and why.
pub(super) fn show_hooks(config: &Config, account: &Json, terminal: &mut Terminal) -> Result<(), Failure> {
    if config.hooks.is_empty() {
        terminal.line(NO_HOOKS)?;
    }
    account["hooks"].as_array().into_iter().flatten().try_for_each(|hook| show(hook, terminal))
}

fn show(hook: &Json, terminal: &mut Terminal) -> Result<(), Failure> {
    let text = |key: &str| one_line(hook[key].as_str().unwrap_or_default());
    let to: Vec<String> =
        hook["to"].as_array().into_iter().flatten().filter_map(Json::as_str).map(one_line).collect();
    let name = terminal.paint(Style::Name, text("hook"));
    let line = if hook["fires"] == true {
        let fires = terminal.paint(Style::Success, format!("{:<13}", "fires"));
        let arrow = if to.is_empty() { String::new() } else { format!(" → {}", to.join(", ")) };
        format!("{fires} {name}{arrow}")
    } else {
        format!("{} {name}", terminal.paint(Style::Muted, "does not fire"))
    };
    terminal.line(&line)?;
    Ok(terminal.line(&format!("              {}", text("why")))?)
}

/// An event type neither ends like this nor contains a path separator.
fn is_file(name: &str) -> bool {
    name == "-" || name.ends_with(".json") || name.contains(['/', '\\'])
}

/// The type and the payload in a file: as a host passes them, as a receiver gets them with the payload in
/// `data.task`, `data.queue` and so on, or as `show --json` prints them.
fn event_of_file(path: &str) -> Result<(String, Option<String>), Failure> {
    let next = "write one JSON object: {\"type\": \"queue.end\", \"data\": {\"total\": 12}}";
    let bytes = input::bytes(path)?;
    let event: Map<String, Json> = serde_json::from_slice(bytes_without_mark(&bytes))
        .map_err(|error| Failure::new(format!("{path} does not contain an event: {error}"), next))?;
    let Some(kind) = event.get("type").and_then(Json::as_str) else {
        return Err(Failure::new(format!("{path} has no `type`"), next));
    };
    // `show --json` prints the payload as the text that the host gave.
    let text = event.get("payload").and_then(Json::as_str);
    let payload: Option<Json> = text.and_then(|text| serde_json::from_str(text).ok());
    let data = event.get("data").or(payload.as_ref()).or_else(|| event.get("payload"));
    let family = kind.split('.').next().unwrap_or_default();
    let about = data.and_then(|data| data.get(family)).filter(|about| about.is_object()).or(data);
    Ok((kind.to_owned(), Some(about.map_or_else(|| "{}".to_owned(), Json::to_string))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "[endpoints.team]\nurl = 'https://a.example.com/marker-of-the-url'\n\
        [[hooks]]\nname = 'large'\non = ['queue.end']\nto = ['team']\nwhen = 'queue.total >= 10'\n\
        [[hooks]]\nname = 'failed'\non = ['queue.end']\nto = ['team']\nonly_failures = true\n\
        [[hooks]]\nname = 'done'\non = ['task.complete']\nto = ['team']\n";

    fn explained(event: &str, payload: Option<&str>, json: bool) -> Result<String, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("taskbell.toml"), CONFIG).unwrap();
        let event = if event.starts_with('{') {
            std::fs::write(path("event.json"), event).unwrap();
            path("event.json")
        } else {
            event.to_owned()
        };
        let (mut terminal, page) = Terminal::page(json);
        let words = [Some(path("taskbell.toml")), Some(event), payload.map(str::to_owned)];
        let event = source::EventArgs { words: words.into_iter().flatten().collect() };
        run(&ExplainArgs { event }, &mut terminal)?;
        Ok(String::from_utf8(page.lock().unwrap().clone()).unwrap())
    }

    #[test]
    fn every_hook_is_listed_with_its_reason() {
        let expected = "queue.end\n\ndoes not fire large\n              \
            `when` is false: `queue.total >= 10` where queue.total is 3\nfires         failed → team\n              \
            one failed\ndoes not fire done\n              it listens to task.complete\n";
        assert_eq!(explained("queue.end", Some(r#"{"total": 3, "failed": 1}"#), false).unwrap(), expected);
        for file in [
            r#"{"type": "queue.end", "data": {"total": 3, "failed": 1}}"#,
            r#"{"type": "queue.end", "data": {"queue": {"total": 3, "failed": 1}, "host": {}}}"#,
            r#"{"id": "evt_0", "type": "queue.end", "payload": "{\"total\":3,\"failed\":1}", "deliveries": []}"#,
        ] {
            assert_eq!(explained(file, None, false).unwrap(), expected);
        }
        let json = explained("queue.end", Some("{}"), true).unwrap();
        let json: Json = serde_json::from_str(&json).unwrap();
        assert_eq!(json["hooks"][1]["fires"], false);
        assert_eq!(json["hooks"][1]["why"], "only_failures, and nothing failed");
    }

    #[test]
    fn a_file_without_an_event_is_refused_with_an_example() {
        for bad in ["{}", "{\"type\": 1}", "{broken"] {
            assert!(matches!(explained(bad, None, false), Err(Failure::Message { .. })), "{bad}");
        }
        assert!(explained("Queue End", None, false).is_err());
        assert!(explained("queue.end", None, false).unwrap().contains("with sample data"));
    }
}
