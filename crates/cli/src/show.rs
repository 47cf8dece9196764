//! `taskbell show`: shows an event with its deliveries and attempts.

use super::explain;
use super::failure::{Failure, shown};
use super::list::{being_sent, next_attempt, style_of, with_in_flight};
use super::source::{self, Source};
use super::terminal::{
    Style, Terminal, date_and_time, harmless, one_line, pretty, screenful, span, time_of_day,
};
use std::sync::Arc;
use taskbell_core::clock;
use taskbell_core::config::Config;
use taskbell_core::endpoint::Endpoint;
use taskbell_core::engine::{self, InFlightDelivery};
use taskbell_core::event::EventId;
use taskbell_core::lanes::{self, Body, Job};
use taskbell_core::message::Extras;
use taskbell_core::secret::REDACTED;
use taskbell_core::spool::{AttemptDetail, DeliveryDetail, EventDetail, LiveMessage};

/// Lines of a payload or a body, without `--full`.
const LINES: usize = 40;

/// Bytes of a body that still fit into a command line.
const MAX_INLINE: usize = 8 * 1024;

#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// A configuration (`.toml`, `.json`), or a spool (`.db`); `taskbell.toml` by default
    #[arg(value_name = "CONFIG|SPOOL.db")]
    source: Option<String>,
    /// An event's id (`evt_…` with its first eight digits or more), or a delivery's number
    id: Option<String>,
    /// Show whole payloads and bodies
    #[arg(long)]
    full: bool,
}

pub fn run(arguments: &ShowArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    let (given, id) = source::source_and_id(arguments.source.as_deref(), arguments.id.as_deref())?;
    let source = shown(&given);
    let id = id.ok_or_else(|| {
        let next = format!("give one after {source}; `taskbell list {source}` lists the numbers");
        Failure::new("the number of a delivery or the id of an event is missing", next)
    })?;
    let Source { reader, spool, config, .. } = source::open(&given)?;
    let config = config.map(Arc::new);
    let found = reader.show(&id).map_err(|error| {
        Failure::new(error.to_string(), format!("`taskbell list {source}` lists the ids"))
    })?;
    let Some(event) = found else {
        return Err(Failure::new(
            format!("`{}` is not in {}", id.escape_debug(), spool.display()),
            format!(
                "`taskbell list {source}` lists the deliveries; ended ones are removed after `[spool] retain`"
            ),
        ));
    };
    let in_flight = engine::deliveries_in_flight(&*reader).unwrap_or_default();
    if terminal.json() {
        let mut json = serde_json::to_value(&event).unwrap_or_default();
        for delivery in json["deliveries"].as_array_mut().into_iter().flatten() {
            let seen = delivery["delivery"].as_i64().and_then(|number| in_flight.get(&number));
            *delivery = with_in_flight(delivery.take(), seen);
        }
        return Ok(terminal.object(&json)?);
    }
    let max_lines = if arguments.full { usize::MAX } else { LINES };
    show_event(&event, max_lines, terminal)?;
    let quiet = engine::quiet_endpoints(&*reader, clock::unix_ms()).unwrap_or_default();
    for delivery in &event.deliveries {
        let when = when(
            delivery,
            in_flight.get(&delivery.delivery).copied(),
            quiet.get(&delivery.endpoint).copied(),
        );
        show_delivery(&event, delivery, &when, config.as_deref(), max_lines, terminal)?;
    }
    show_unfired(&event, config.as_ref(), terminal)
}

/// Why other hooks did not fire: as it was recorded; otherwise, for an event without a delivery, as the
/// configuration would decide now.
fn show_unfired(
    event: &EventDetail,
    config: Option<&Arc<Config>>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    if let Some(said) = &event.said {
        for line in said.lines() {
            terminal.line(&one_line(line))?;
        }
        return Ok(());
    }
    if !event.deliveries.is_empty() {
        return Ok(());
    }
    let account = |config| Some((config, engine::explain(config, &event.kind, Some(&event.payload)).ok()?));
    let Some((config, account)) = config.and_then(account) else {
        return Ok(terminal.line(
            "No hook fired. `taskbell show` with the configuration in place of the spool says why.",
        )?);
    };
    terminal.line("No hook fired. With the current configuration, and only this event counted:")?;
    explain::show_hooks(config, &account, terminal)
}

fn show_event(event: &EventDetail, max_lines: usize, terminal: &mut Terminal) -> Result<(), Failure> {
    let title = terminal.paint(Style::Heading, one_line(&event.kind));
    let accepted = date_and_time(event.accepted_at);
    let node = event.node.as_ref().map(|node| format!(" by node {}", one_line(node))).unwrap_or_default();
    terminal.line(&format!("{title}  {}  accepted {accepted} UTC{node}", event.id))?;
    terminal.indented(2, &screenful(&pretty(&event.payload), max_lines))?;
    Ok(terminal.line("")?)
}

fn when(delivery: &DeliveryDetail, in_flight: Option<InFlightDelivery>, quiet: Option<i64>) -> String {
    let now = clock::unix_ms();
    let tried = delivery.attempts.last().map_or(0, |attempt| attempt.number);
    match (delivery.due_at, delivery.ended_at, in_flight.filter(|seen| seen.attempt > tried)) {
        (Some(_), _, Some(seen)) => format!(", {}", being_sent(seen)),
        (Some(due), _, None) if due > now && quiet.is_none_or(|until| until < due) => {
            format!(", next attempt {} UTC, in {}", date_and_time(due), span(due - now))
        }
        (Some(due), _, None) => format!(", {}", next_attempt(due, quiet, now)),
        (None, Some(ended), _) => format!(" at {} UTC", date_and_time(ended)),
        (None, None, _) => String::new(),
    }
}

fn show_delivery(
    event: &EventDetail,
    delivery: &DeliveryDetail,
    when: &str,
    config: Option<&Config>,
    max_lines: usize,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let endpoint = terminal.paint(Style::Heading, one_line(&delivery.endpoint));
    let state = terminal.paint(style_of(delivery.state), delivery.state.as_str());
    let hook = one_line(&delivery.hook);
    terminal.line(&format!("delivery {} to {endpoint} by {hook}: {state}{when}", delivery.delivery))?;
    if let Some(why) = &delivery.why {
        terminal.line(&format!("  fired: {}", one_line(why)))?;
    }
    if let Some(reason) = &delivery.reason {
        let reason = terminal.paint(Style::Error, one_line(reason));
        terminal.line(&format!("  because {reason}"))?;
    }
    if let Some(live) = &delivery.live {
        terminal.line(&format!("  {}", one_line(&life(live))))?;
    }
    for attempt in &delivery.attempts {
        show_attempt(attempt, terminal)?;
    }
    if !delivery.body.is_empty() {
        terminal.line("")?;
        terminal.indented(2, &screenful(&pretty(&delivery.body), max_lines))?;
        terminal.line("")?;
        let command = harmless(&curl(event, delivery, config));
        let command = terminal.paint(Style::Muted, command);
        terminal.exact(&textwrap::indent(&command, "  "))?;
    }
    Ok(terminal.line("")?)
}

/// The life of a living message, with its key.
pub fn life(live: &LiveMessage) -> String {
    let times = |count: u32, what: &str| match count {
        0 => String::new(),
        1 => format!(", {what} once"),
        count => format!(", {what} {count} times"),
    };
    let posted = live.posted_at.map(|at| format!("posted at {} UTC", date_and_time(at)));
    let closed = live.closed_at.map(|at| format!(", closed at {} UTC", date_and_time(at)));
    format!(
        "living message `{}`: {}{}{}{}",
        live.key,
        posted.unwrap_or_else(|| "not posted yet".to_owned()),
        times(live.edits, "edited"),
        times(live.reposts, "posted again"),
        closed.unwrap_or_default()
    )
}

fn show_attempt(attempt: &AttemptDetail, terminal: &mut Terminal) -> Result<(), Failure> {
    let good = attempt.outcome == "delivered";
    let answer = match (attempt.status, &attempt.error) {
        (_, Some(error)) => one_line(error),
        (Some(status), None) => format!("answered {status}"),
        (None, None) => one_line(&attempt.outcome),
    };
    let answer = terminal.paint(if good { Style::Success } else { Style::Error }, answer);
    let next = attempt.next_at.map(|at| format!("; next attempt {} later", span(at - attempt.started_at)));
    let started = time_of_day(attempt.started_at);
    let next = next.unwrap_or_default();
    terminal.line(&format!("  attempt {}  {started}  {answer}{next}", attempt.number))?;
    let phases = terminal.paint(Style::Muted, phases(attempt));
    terminal.line(&format!("             {phases}"))?;
    if let Some(response) = attempt.response.as_deref().filter(|response| !response.trim().is_empty()) {
        let response = screenful(&harmless(response), 5);
        let response = terminal.paint(Style::Muted, response.trim_end());
        terminal.indented(13, &response)?;
    }
    Ok(())
}

fn phases(attempt: &AttemptDetail) -> String {
    let ms = |us: u32| format!("{:.1} ms", f64::from(us) / 1000.0);
    let mut parts = vec![ms(attempt.phases.total_us) + " in total"];
    for (name, us) in [
        ("DNS", attempt.phases.resolve_us),
        ("connect", attempt.phases.connect_us),
        ("TLS", attempt.phases.tls_us),
        ("first byte after", attempt.phases.first_byte_us),
    ] {
        if us > 0 {
            parts.push(format!("{name} {}", ms(us)));
        }
    }
    parts.join(", ")
}

/// The request as a command for a shell, which runs as it is printed. In place of each secret of the configuration
/// stands a variable, and the shell says what to set it to.
pub fn curl(event: &EventDetail, delivery: &DeliveryDetail, config: Option<&Config>) -> String {
    let endpoint = config.and_then(|config| config.endpoint(&delivery.endpoint));
    let url = match endpoint.map(|endpoint| &endpoint.target.url) {
        // A URL that is shown whole has no secret in it.
        Some(url) if url.to_string() == url.expose().as_str() => quoted(&url.to_string()),
        Some(url) => variable("WEBHOOK_URL", &format!("the URL of {}, {url}", delivery.endpoint)),
        None => variable("WEBHOOK_URL", &format!("the URL of {}", delivery.endpoint)),
    };
    let mut command = format!("curl -X POST {url}");
    for (name, value) in headers(event, delivery, endpoint.map(|endpoint| &**endpoint)) {
        let header = if value == REDACTED {
            let variable_name = name.to_ascii_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            // The quotes end before the variable, so that nothing of the name is expanded.
            format!(
                "{}{}",
                quoted(&format!("{name}: ")),
                variable(&variable_name, &format!("the header {name}"))
            )
        } else {
            quoted(&format!("{name}: {value}"))
        };
        command.push_str(&format!(" \\\n  -H {header}"));
    }
    if delivery.body.len() > MAX_INLINE {
        // One argument of a program may have 128 KiB; what a shell prints by itself may be longer.
        format!("printf '%s' {} |\n  {command} \\\n  --data-binary @-", quoted(&delivery.body))
    } else {
        format!("{command} \\\n  --data-binary {}", quoted(&delivery.body))
    }
}

/// A variable of the shell, which stops the command with these words while it is not set.
fn variable(name: &str, meaning: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || " ,.:/-_…".contains(c);
    let meaning: String = meaning.chars().filter(|c| plain(*c)).collect();
    format!("\"${{{name}:?set it to {meaning}}}\"")
}

/// The headers of one more attempt, signed now. A configured header is shown only by its name.
fn headers(
    event: &EventDetail,
    delivery: &DeliveryDetail,
    endpoint: Option<&Endpoint>,
) -> Vec<(String, String)> {
    let (Some(endpoint), Some(event_id)) = (endpoint, EventId::parse(&event.id)) else {
        return vec![
            ("content-type".to_owned(), delivery.content_type.clone()),
            ("webhook-id".to_owned(), event.id.clone()),
        ];
    };
    let job = Job::new(delivery.delivery, event_id, &event.kind, &delivery.hook, delivery.created_at);
    let body = Body {
        content_type: delivery.content_type.clone(),
        bytes: delivery.body.clone().into_bytes(),
        extras: Extras::default(),
    };
    let number = u32::try_from(delivery.attempts.len() + 1).unwrap_or(u32::MAX);
    let configured = |name: &str| endpoint.headers.iter().any(|(key, _)| key == name);
    lanes::headers(endpoint, &job, &body, number, clock::unix_ms() / 1000)
        .into_iter()
        .map(|(name, value)| if configured(&name) { (name, REDACTED.to_owned()) } else { (name, value) })
        .collect()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use taskbell_core::spool::SpoolPath;
    use taskbell_core::spool::{NewEvent, Spool};

    fn shown_of(source: &Path, id: &str) -> Result<String, Failure> {
        let (mut terminal, page) = Terminal::page(false);
        let source = source.to_str().unwrap().to_owned();
        run(&ShowArgs { source: Some(source), id: Some(id.to_owned()), full: false }, &mut terminal)?;
        Ok(String::from_utf8(page.lock().unwrap().clone()).unwrap())
    }

    #[test]
    fn an_event_is_shown_with_every_delivery_and_attempt() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool.db");
        let id = crate::list::tests::fill(&path).to_string();
        let text = shown_of(&path, &id).unwrap();
        for expected in [
            "\"id\": \"f-1\"",
            "to ci by hooks[0]: delivered",
            "to team by hooks[0]: pending",
            "  fired: it listens to task.complete",
            "answered 503; next",
            "1.5 ms in total, DNS 0.0 ms, connect 0.0 ms, first byte after 0.9 ms",
            "because answered \\u{1b}[2J",
            r#"--data-binary '{"text":"it'\''s done"}'"#,
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        assert_eq!(text, shown_of(&path, &id[..16]).unwrap(), "the start of the id is enough");
        assert!(shown_of(&path, "2").unwrap().contains(&id), "so is the number of a delivery");
        assert!(matches!(shown_of(&path, "99"), Err(Failure::Message { .. })));
    }

    #[test]
    fn an_event_without_a_delivery_is_explained_from_the_record_or_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let (path, config) = (folder.path().join("spool.db"), folder.path().join("taskbell.toml"));
        let mut spool = Spool::open(&SpoolPath::File(path.clone()), "test").unwrap();
        let mut batch = spool.begin().unwrap();
        let ids = [1, 2].map(|number| EventId::new(1_800_000_000_000, number << 16));
        for id in ids {
            let (accepted_at, payload) = (1_800_000_000_000, br#"{"status":"error"}"#);
            let event = NewEvent { id, kind: "task.complete", accepted_at, node: None, payload };
            let event = batch.event(&event).unwrap().unwrap();
            if id == ids[0] {
                batch.account(event, "`a` fired, and \u{1b}[2J\n`b` stayed quiet").unwrap();
            }
        }
        batch.commit().unwrap();
        spool.close();
        let text = "[spool]\npath = \"spool.db\"\n[endpoints.ci]\nurl = \"https://ci.example.com/\"\n\
                    [[hooks]]\nname = \"late\"\non = [\"task.complete\"]\nto = [\"ci\"]\nmin_duration = \"1m\"\n";
        std::fs::write(&config, text).unwrap();
        let kept = shown_of(&config, &ids[0].to_string()).unwrap();
        assert!(kept.ends_with("`a` fired, and \\u{1b}[2J\n`b` stayed quiet\n"), "{kept}");
        let decided = shown_of(&config, &ids[1].to_string()).unwrap();
        for words in
            ["No hook fired. With the current configuration", "does not fire late", "min_duration is 60 s"]
        {
            assert!(decided.contains(words), "{words} in {decided}");
        }
        assert!(
            shown_of(&path, &ids[1].to_string())
                .unwrap()
                .contains("with the configuration in place of the spool")
        );
    }

    #[test]
    fn the_command_line_holds_no_secret_of_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool.db");
        crate::list::tests::fill(&path);
        let config = folder.path().join("taskbell.toml");
        let text = "[spool]\npath = \"spool.db\"\n[endpoints.ci]\nurl = \"https://ci.example.com/hook/marker-of-the-url\"\n\
                    headers = { authorization = \"Bearer marker-of-the-token\" }\n\
                    sign = [{ scheme = \"github\", secrets = [\"marker-of-the-secret\"] }]\n\
                    [[hooks]]\non = [\"task.complete\"]\nto = [\"ci\"]\n";
        std::fs::write(&config, text).unwrap();
        let text = shown_of(&config, "1").unwrap();
        let url = "curl -X POST \"${WEBHOOK_URL:?set it to the URL of ci, https://ci.example.com/…}\"";
        assert!(text.contains(url), "{text}");
        assert!(
            text.contains("'authorization: '\"${AUTHORIZATION:?set it to the header authorization}\"")
                && text.contains("x-hub-signature-256: sha256="),
            "{text}"
        );
        assert!(!text.contains("marker"), "{text}");
    }
}
