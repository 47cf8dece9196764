//! `taskbell serve`: a receiver on this machine, to see what arrives.

pub mod http;
mod mail;
mod mail_message;
mod page;
pub mod receiver;
mod smtp;

use super::failure::Failure;
use super::fake_platform::FakePlatform;
use super::signature;
use super::source;
use super::terminal::{Style, Terminal, count, harmless, one_line, pretty, screenful, time_of_day};
use mail::MailReceiver;
use page::ArrivalLog;
use receiver::{Arrival, Receiver, ReceiverOptions, Verdict};
use serde_json::{Value as Json, json};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use taskbell_core::clock;
use taskbell_core::platform::Example;
use taskbell_core::sign::Verifier;

const MAX_LINES: usize = 24;

#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// The port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    #[command(flatten)]
    signature: signature::SignatureArgs,
    /// Answer the first N requests with a failure, 503 or STATUS, to watch retries
    #[arg(long, value_name = "N[:STATUS]", value_parser = failures)]
    fail: Option<(usize, u16)>,
    /// Answer like this platform: `wecom`, `slack`, …
    #[arg(long = "as", value_name = "PLATFORM")]
    platform: Option<String>,
    /// A configuration whose `[platforms.NAME]` are played too
    #[arg(long, value_name = "CONFIG", requires = "platform")]
    config: Option<String>,
    /// Give the first requests these answers of the platform; `help` lists their names
    #[arg(long, value_name = "NAME[,NAME…]", requires = "platform")]
    answer: Option<String>,
    /// Show what arrives on a page of this machine, too
    #[arg(long)]
    page: bool,
    /// Stop after N requests, with exit code 0 if no signature was refused
    #[arg(long, value_name = "N")]
    count: Option<usize>,
}

fn failures(given: &str) -> Result<(usize, u16), String> {
    let (number, status) = given.split_once(':').unwrap_or((given, "503"));
    match (number.parse(), status.parse()) {
        (Ok(number), Ok(status)) if (200..=599).contains(&status) => Ok((number, status)),
        _ => {
            Err("give a number of requests, and a status from 200 to 599 other than 503: `1:429`".to_owned())
        }
    }
}

pub fn run(arguments: &ServeArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    let entry = arguments.signature.entry()?;
    let verifier = entry.as_ref().map(Verifier::from_json).transpose().map_err(|fault| {
        let next = "give the secret with `--secret`; docs/signatures.md lists the schemes and their secrets";
        Failure::new(fault, next)
    })?;
    let played = arguments.platform.as_deref();
    let config = arguments.config.as_deref().map(source::config).transpose()?;
    let own = config.map(|config| config.platforms).unwrap_or_default();
    let platform = played
        .map(|name| {
            let script = arguments.answer.as_deref();
            match own.iter().map(|own| own.played()).find(|own| own.platform.name() == name) {
                Some(own) => FakePlatform::of(own, script),
                None => FakePlatform::new(name, script),
            }
        })
        .transpose()
        .map_err(|fault| Failure::new(fault, "`--as` takes a platform, `--answer` names of its answers"))?;
    let example = platform.as_ref().map_or(Example { target: "/", options: &[] }, FakePlatform::example);
    let scheme = platform.as_ref().map_or("http", FakePlatform::scheme);
    let (fail_first, fail_status) = arguments.fail.unwrap_or((0, 503));
    let options = ReceiverOptions { verifier, fail_first, fail_status, platform };
    let (send, arrivals) = mpsc::sync_channel::<Arrival>(64);
    let listener = move |arrival| send.send(arrival).unwrap_or_default();
    let (host, port, listener) = (&arguments.host, arguments.port, Arc::new(listener));
    // They run until the end.
    let (mut http, mut smtp) = (None, None);
    let started = if scheme == "smtp" {
        MailReceiver::start(host, port, options, listener).map(|server| smtp.insert(server).address)
    } else {
        Receiver::start(host, port, options, listener).map(|receiver| http.insert(receiver).address())
    };
    let address = started.map_err(|error| cannot_listen(arguments, &error))?;
    let url = format!("{scheme}://{address}{}", example.target);
    introduce(address, &url, example, entry.as_ref(), arguments, terminal)?;
    let log = arguments.page.then(|| ArrivalLog::new(played.unwrap_or("json")));
    // It runs until the end.
    let _page = log.as_ref().map(|log| show_page(log, terminal)).transpose()?;
    let mut refused = 0;
    for arrival in arrivals.iter().take(arguments.count.unwrap_or(usize::MAX)) {
        refused += usize::from(matches!(arrival.verdict, Verdict::Refused(_)));
        show(&arrival, played.unwrap_or("json"), terminal)?;
        if let Some(log) = &log {
            log.add(arrival);
        }
    }
    if refused == 0 {
        return Ok(());
    }
    Err(Failure::new(
        format!("the signature of {} was not valid", count(refused, "request", "requests")),
        "compare the secret here with `sign` of the endpoint",
    ))
}

fn show_page(log: &Arc<ArrivalLog>, terminal: &mut Terminal) -> Result<http::Server, Failure> {
    let server = page::start(Arc::clone(log)).map_err(|error| {
        let what = format!("the page cannot listen on 127.0.0.1: {error}");
        Failure::new(what, "allow this command to listen on the loopback address")
    })?;
    let url = format!("http://{}/", server.address);
    if terminal.json() {
        terminal.object(&json!({ "page": url }))?;
    } else {
        let title = terminal.paint(Style::Heading, &url);
        terminal.line(&format!("What arrives is shown at {title}"))?;
    }
    Ok(server)
}

fn cannot_listen(arguments: &ServeArgs, error: &io::Error) -> Failure {
    let next = match error.kind() {
        io::ErrorKind::AddrInUse => "another program uses this port; `--port 0` picks a free one",
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 are reserved for the system; choose a higher one"
        }
        _ => "check `--host`; 127.0.0.1 is for this machine only",
    };
    Failure::new(format!("cannot listen on {}:{}: {error}", arguments.host, arguments.port), next)
}

fn introduce(
    address: SocketAddr,
    url: &str,
    example: Example,
    entry: Option<&Json>,
    arguments: &ServeArgs,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let scheme = entry.and_then(|entry| entry["scheme"].as_str());
    if terminal.json() {
        let platform = &arguments.platform;
        return Ok(terminal.object(&json!({ "listening": url, "as": platform, "checks": scheme }))?);
    }
    let title = terminal.paint(Style::Heading, url);
    let checks = match (scheme, &arguments.platform) {
        (Some(scheme), _) => format!("verifying `{scheme}` signatures"),
        (None, Some(platform)) => format!("answering like `{platform}`"),
        (None, None) => "not verifying signatures (`--secret` does)".to_owned(),
    };
    terminal.line(&format!("Listening on {title}, {checks}. Ctrl-C stops it."))?;
    if !address.ip().is_loopback() {
        let label = terminal.paint(Style::Warning, "warning");
        terminal.line(&format!("{label}: other machines can reach this address."))?;
    }
    terminal.line("A configuration for it:\n")?;
    let mut lines = String::from("[endpoints.here]\n");
    if let Some(platform) = &arguments.platform {
        lines.push_str(&format!("platform = \"{platform}\"\n"));
    }
    lines.push_str(&format!("url = \"{url}\"\n"));
    for (name, value) in example.options {
        lines.push_str(&format!("{name} = \"{value}\"\n"));
    }
    if let Some(scheme) = scheme {
        let given = arguments.signature.secret.as_deref().filter(|secret| is_variable(secret));
        let name = given.map_or("NAME_OF_THE_VARIABLE", |name| name.strip_prefix("env:").unwrap_or(name));
        lines.push_str(&format!(
            "\n[[endpoints.here.sign]]\nscheme = \"{scheme}\"\nsecrets = [\"env:{name}\"]\n"
        ));
    }
    lines.push_str("\n[[hooks]]\non = [\"task.complete\", \"queue.end\"]\nto = [\"here\"]\n");
    // To be copied.
    terminal.exact(&textwrap::indent(&lines, "  ")).map_err(Failure::from)
}

/// Whether `--secret` is the name of a variable, and not the secret itself.
fn is_variable(secret: &str) -> bool {
    !["whsec_", "whsk_", "whpk_"].iter().any(|prefix| secret.starts_with(prefix))
}

fn show(arrival: &Arrival, platform: &str, terminal: &mut Terminal) -> Result<(), Failure> {
    if terminal.json() {
        return Ok(terminal.object(&as_json(arrival, platform))?);
    }
    let line = headline(arrival, terminal);
    terminal.line(&line)?;
    if let Verdict::Refused(reason) = &arrival.verdict {
        let reason = terminal.paint(Style::Error, one_line(reason));
        terminal.line(&format!("  {reason}"))?;
    }
    let form = arrival.form();
    match arrival.card(platform) {
        Some(card) => {
            card.draw(2, terminal)?;
            for (name, file) in form.iter().filter_map(Json::as_object).flatten() {
                if let (Some(file), Some(bytes)) = (file["file"].as_str(), file["bytes"].as_u64()) {
                    terminal.line(&format!("  {}: {} ({bytes} bytes)", one_line(name), one_line(file)))?;
                }
            }
        }
        None => {
            let body = form.map_or_else(|| text_of(arrival), |form| form.to_string());
            terminal.indented(2, &screenful(&pretty(&body), MAX_LINES))?;
        }
    }
    Ok(terminal.line("")?)
}

/// Time, type, id, attempt, verdict and answer on one line.
pub fn headline(arrival: &Arrival, terminal: &Terminal) -> String {
    let mut parts = vec![terminal.paint(Style::Muted, time_of_day(arrival.at))];
    let kind = arrival.kind().unwrap_or_else(|| arrival.request.target.clone());
    parts.push(terminal.paint(Style::Heading, one_line(&kind)));
    parts.extend(arrival.id().map(one_line));
    parts.extend(arrival.attempt().map(|number| format!("attempt {number}")));
    parts.extend(arrival.edited_message().map(|id| format!("edits message {}", one_line(&id))));
    parts.push(match &arrival.verdict {
        Verdict::Verified(scheme) => terminal.paint(Style::Success, format!("verified ({scheme})")),
        Verdict::Unchecked => terminal.paint(Style::Muted, "not verified"),
        Verdict::Refused(_) => terminal.paint(Style::Error, "INVALID SIGNATURE"),
    });
    let style = if arrival.status < 300 { Style::Success } else { Style::Warning };
    let name = arrival.reply.map(|name| format!(" ({name})")).unwrap_or_default();
    parts.push(format!("answered {}{name}", terminal.paint(style, arrival.status.to_string())));
    parts.join("  ")
}

/// The body, or how many bytes a file has.
fn text_of(arrival: &Arrival) -> String {
    let body = &arrival.request.body;
    std::str::from_utf8(body).map_or_else(|_| format!("{} bytes", body.len()), str::to_owned)
}

fn as_json(arrival: &Arrival, platform: &str) -> Json {
    let body = arrival.form().or_else(|| arrival.json());
    let text = body.is_none().then(|| harmless(&text_of(arrival)));
    let (verified, reason) = match &arrival.verdict {
        Verdict::Verified(_) => (Some(true), None),
        Verdict::Unchecked => (None, None),
        Verdict::Refused(reason) => (Some(false), Some(reason)),
    };
    let headers: serde_json::Map<String, Json> =
        arrival.request.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "number": arrival.number,
        "at": clock::rfc3339(arrival.at),
        "target": arrival.request.target,
        "id": arrival.id(),
        "type": arrival.kind(),
        "attempt": arrival.attempt(),
        "verified": verified,
        "reason": reason,
        "status": arrival.status,
        "answer": arrival.reply,
        "headers": headers,
        "body": body.or(text.map(Json::String)),
        "card": arrival.card(platform).map(|card| card.to_json()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_a_number_and_a_status() {
        assert_eq!(failures("1"), Ok((1, 503)));
        assert_eq!(failures("3:429"), Ok((3, 429)));
        for bad in ["", "x", "1:", "1:99", "1:600", "-1:500", "1:500:1"] {
            assert!(failures(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_card_in_a_form_without_parts_is_read() {
        let body = "content=**%E2%9C%85+Task+done%3A+f7**%0AShot%3A+12&type=stream";
        let mut arrival = super::receiver::tests::arrival("evt_1", 1, 200, 0, body);
        assert_eq!(arrival.card("zulip"), None);
        arrival.request.headers.push(("content-type".into(), "application/x-www-form-urlencoded".into()));
        let card = arrival.card("zulip").unwrap().to_json();
        assert_eq!(card["ink"], "good");
        assert_eq!(card["parts"][0], serde_json::json!({"kind": "title", "text": "✅ Task done: f7"}));
        assert_eq!(card["parts"][1], serde_json::json!({"kind": "fact", "label": "Shot", "text": "12"}));
    }
}
