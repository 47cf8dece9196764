//! `taskbell serve`: a receiver on this machine, to see what arrives.

pub mod receiver;
pub mod wire;

use super::failure::Failure;
use super::fake_platform::FakePlatform;
use super::signature;
use super::terminal::{Ink, Terminal, harmless, one_line, pretty, screenful, time_of_day};
use receiver::{Arrival, Manner, Receiver, Verdict};
use serde_json::{Value as Json, json};
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc;
use taskbell_core::clock;
use taskbell_core::platform::Example;
use taskbell_core::sign::Verifier;

/// The most lines of a body.
const LINES: usize = 24;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    #[command(flatten)]
    signature: signature::Arguments,
    /// Answer the first N requests with a failure (503), so that retries can be watched
    #[arg(long, value_name = "N[:STATUS]", value_parser = failures)]
    fail: Option<(usize, u16)>,
    /// Answer as this platform does: `wecom`, `slack`, …
    #[arg(long = "as", value_name = "PLATFORM")]
    platform: Option<String>,
    /// Names of the platform's answers, for the first requests; an unknown name lists them all
    #[arg(long, value_name = "NAME[,NAME…]", requires = "platform")]
    answer: Option<String>,
    /// Stop after so many requests; the exit code then says whether all were genuine
    #[arg(long, value_name = "N")]
    count: Option<usize>,
}

fn failures(given: &str) -> Result<(usize, u16), String> {
    let (number, status) = given.split_once(':').unwrap_or((given, "503"));
    match (number.parse(), status.parse()) {
        (Ok(number), Ok(status)) if (200..=599).contains(&status) => Ok((number, status)),
        _ => {
            Err("give a number of requests, and a status from 200 to 599 if it is not 503: `1:429`"
                .to_owned())
        }
    }
}

/// Receives until it is stopped, or until `--count` requests have come.
pub fn run(arguments: &Arguments, mut terminal: Terminal) -> Result<(), Failure> {
    let entry = arguments.signature.entry()?;
    let verifier = entry.as_ref().map(Verifier::from_json).transpose().map_err(|fault| {
        let next = "give the secret with `--secret`; docs/signatures.md lists the schemes and their secrets";
        Failure::new(fault, next)
    })?;
    let played = arguments.platform.as_deref();
    let fake = played
        .map(|platform| FakePlatform::new(platform, arguments.answer.as_deref()))
        .transpose()
        .map_err(|fault| Failure::new(fault, "`--as` takes a platform, `--answer` names of its answers"))?;
    let example = fake.as_ref().map_or(Example { target: "/", options: &[] }, FakePlatform::example);
    let (failures, failure_status) = arguments.fail.unwrap_or((0, 503));
    let manner = Manner { verifier, failures, failure_status, fake };
    let (send, arrivals) = mpsc::sync_channel::<Arrival>(64);
    let listener = move |arrival: &Arrival| {
        let _ = send.send(arrival.clone());
    };
    let receiver = Receiver::start(&arguments.host, arguments.port, manner, Box::new(listener))
        .map_err(|error| cannot_listen(arguments, &error))?;
    welcome(receiver.address(), example, entry.as_ref(), arguments, &mut terminal)?;
    let mut refused = 0;
    for arrival in arrivals.iter().take(arguments.count.unwrap_or(usize::MAX)) {
        refused += usize::from(matches!(arrival.verdict, Verdict::Refused(_)));
        show(&arrival, &mut terminal)?;
    }
    if refused == 0 {
        return Ok(());
    }
    Err(Failure::new(
        format!("{refused} of the requests were not genuine"),
        "compare the secret here with `sign` of the endpoint",
    ))
}

fn cannot_listen(arguments: &Arguments, error: &io::Error) -> Failure {
    let next = match error.kind() {
        io::ErrorKind::AddrInUse => "another program listens there; `--port 0` picks a free port",
        io::ErrorKind::PermissionDenied => "ports under 1024 belong to the system; take a higher one",
        _ => "check `--host`; 127.0.0.1 is this machine alone",
    };
    Failure::new(format!("cannot listen at {}:{}: {error}", arguments.host, arguments.port), next)
}

/// Says where it listens, and what to write into a configuration: the path of the URL, and the keys beside it.
fn welcome(
    address: SocketAddr,
    example: Example,
    entry: Option<&Json>,
    arguments: &Arguments,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let scheme = entry.and_then(|entry| entry["scheme"].as_str());
    let url = format!("http://{address}{}", example.target);
    if terminal.json() {
        let platform = &arguments.platform;
        return Ok(terminal.object(&json!({ "listening": url, "as": platform, "checks": scheme }))?);
    }
    let title = terminal.paint(Ink::Strong, &url);
    let checks = match (scheme, &arguments.platform) {
        (Some(scheme), _) => format!("checking `{scheme}` signatures"),
        (None, Some(platform)) => format!("answering as `{platform}` does"),
        (None, None) => "checking no signatures (`--secret` does)".to_owned(),
    };
    terminal.line(&format!("Listening at {title}, {checks}. Ctrl-C ends it."))?;
    if !address.ip().is_loopback() {
        let label = terminal.paint(Ink::Doubt, "warning");
        terminal.line(&format!("{label}: other machines can reach this address."))?;
    }
    terminal.line("Point a configuration at it:\n")?;
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
        lines.push_str(&format!("sign = [{{ scheme = \"{scheme}\", secrets = [\"env:{name}\"] }}]\n"));
    }
    lines.push_str("\n[[hooks]]\non = [\"task.complete\", \"queue.end\"]\nto = [\"here\"]\n");
    terminal.indented(2, &lines)?;
    Ok(terminal.line("")?)
}

/// Whether a `--secret` names a variable, and is not itself the secret.
fn is_variable(secret: &str) -> bool {
    !["whsec_", "whsk_", "whpk_"].iter().any(|prefix| secret.starts_with(prefix))
}

fn show(arrival: &Arrival, terminal: &mut Terminal) -> Result<(), Failure> {
    if terminal.json() {
        return Ok(terminal.object(&as_json(arrival))?);
    }
    let line = headline(arrival, terminal);
    terminal.line(&line)?;
    if let Verdict::Refused(reason) = &arrival.verdict {
        let reason = terminal.paint(Ink::Bad, one_line(reason));
        terminal.line(&format!("  {reason}"))?;
    }
    let body = String::from_utf8_lossy(&arrival.request.body);
    terminal.indented(2, &screenful(&pretty(&body), LINES))?;
    Ok(terminal.line("")?)
}

/// Time, type, id, attempt, verdict and answer in one line.
fn headline(arrival: &Arrival, terminal: &Terminal) -> String {
    let mut parts = vec![terminal.paint(Ink::Quiet, time_of_day(arrival.at))];
    let kind = arrival.kind().unwrap_or_else(|| arrival.request.target.clone());
    parts.push(terminal.paint(Ink::Strong, one_line(&kind)));
    parts.extend(arrival.id().map(one_line));
    parts.extend(arrival.attempt().map(|number| format!("attempt {number}")));
    parts.push(match &arrival.verdict {
        Verdict::Verified(scheme) => terminal.paint(Ink::Good, format!("verified ({scheme})")),
        Verdict::Unchecked => terminal.paint(Ink::Quiet, "not checked"),
        Verdict::Refused(_) => terminal.paint(Ink::Bad, "NOT GENUINE"),
    });
    let ink = if arrival.status < 300 { Ink::Good } else { Ink::Doubt };
    let name = arrival.reply.map(|name| format!(" ({name})")).unwrap_or_default();
    parts.push(format!("answered {}{name}", terminal.paint(ink, arrival.status.to_string())));
    parts.join("  ")
}

fn as_json(arrival: &Arrival) -> Json {
    let body = arrival.json();
    let text = body.is_none().then(|| harmless(&String::from_utf8_lossy(&arrival.request.body)));
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
}
