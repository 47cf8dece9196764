//! `taskbell send`: reports an event as a host would.

use super::explain;
use super::failure::{Failure, bad_event, shown};
use super::input;
use super::list::being_sent;
use super::source::{self, GivenEvent};
use super::terminal::{Style, Terminal, count, date_and_time, one_line, span, time_to_second};
use serde_json::{Value as Json, json};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use taskbell_core::clock;
use taskbell_core::config::Config;
use taskbell_core::engine::{self, Bell, ErrorKind, InFlightDelivery, Level};
use taskbell_core::event::EventId;
use taskbell_core::spool::SpoolPath;
use taskbell_core::spool::{AttemptDetail, DeliveryDetail, DeliveryState, EventDetail, Reader, SpoolReader};

const POLL_INTERVAL: Duration = Duration::from_millis(50);

const LOOK_INTERVAL: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
pub struct SendArgs {
    #[command(flatten)]
    event: source::EventArgs,
    /// How long to wait for the deliveries
    #[arg(long, default_value = "30s", value_parser = input::timeout, value_name = "TIME")]
    timeout: Duration,
    /// Print Taskbell's log on standard error
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Debug, Default)]
pub struct EndedDeliveries {
    pub delivered: usize,
    pub dead: usize,
    /// Of earlier events in the spool.
    earlier: usize,
    /// Why nothing was sent, a line for each reason.
    silence: Vec<String>,
}

pub fn run(arguments: &SendArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    let given = arguments.event.typed()?;
    let mut config = source::config(&given.config)?;
    // Alerts are for a host: this process lives for one event.
    config.alerts.clear();
    let payload = given.payload.as_deref().unwrap_or("{}");
    let spool = config.spool.path.clone();
    let bell = Bell::open(config).map_err(bad_event)?;
    let failed: FailedInMemory = Arc::default();
    let (sink, verbose) = (Arc::clone(&failed), arguments.verbose);
    let in_memory = spool == SpoolPath::Memory && !terminal.json();
    if verbose || in_memory {
        let keep = move |level, text: &str| {
            if in_memory && text.contains(FAILED) {
                sink.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
            }
            if verbose {
                log(level, text);
            }
        };
        bell.set_log(Some(Box::new(keep))).map_err(bad_event)?;
    }
    let accepted = bell.emit(&given.kind, payload.as_bytes()).map_err(bad_event)?;
    if !terminal.json() {
        let id = terminal.paint(Style::Heading, accepted.id.to_string());
        terminal.line(&format!("accepted {} as {id}", given.kind))?;
    }
    let mut totals = EndedDeliveries::default();
    let mut failures = Failures::new(&spool, accepted.id, failed, terminal);
    let ended = wait(&bell, accepted.ticket, arguments.timeout, &mut failures, &mut totals, terminal)?;
    let waiting = if ended { Vec::new() } else { pending(&spool, accepted.id) };
    let closed = bell.close(Duration::from_secs(1));
    drop(bell);
    // A delivery may have ended while the bell was closing.
    let ended = ended || (waiting.is_empty() && closed == Ok(0) && spool != SpoolPath::Memory);
    if ended && totals.delivered + totals.dead == 0 {
        totals.silence = silence(&given, stored(&spool, accepted.id));
    }
    finish(arguments, &given, &totals, ended, &waiting, &spool, terminal)
}

fn wait(
    bell: &Bell,
    ticket: u64,
    limit: Duration,
    failures: &mut Failures,
    totals: &mut EndedDeliveries,
    terminal: &mut Terminal,
) -> Result<bool, Failure> {
    let deadline = Instant::now() + limit;
    let id = failures.event.to_string();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let waited = bell.wait(ticket, left.min(POLL_INTERVAL));
        while let Some(report) = next_report(bell) {
            if report["event"] == id.as_str() {
                print_report(&report, totals, terminal)?;
            } else {
                totals.earlier += 1;
            }
        }
        failures.print_new(terminal)?;
        match waited {
            Ok(()) => return Ok(true),
            Err(error) if error.kind == ErrorKind::Timeout && !left.is_zero() => {}
            Err(error) if error.kind == ErrorKind::Timeout => return Ok(false),
            Err(error) => return Err(bad_event(error)),
        }
    }
}

/// What the log says of failed attempts.
type FailedInMemory = Arc<Mutex<Vec<String>>>;

/// What is in each such line.
const FAILED: &str = " failed and is due again";

/// The failed attempts of an event, as its host records them: in the spool, and in the log without one.
struct Failures {
    event: EventId,
    in_memory: FailedInMemory,
    reader: Option<SpoolReader>,
    looked: Instant,
    printed: HashSet<(i64, u32)>,
}

impl Failures {
    /// Scripts get what became of each delivery, and nothing before.
    fn new(spool: &SpoolPath, event: EventId, in_memory: FailedInMemory, terminal: &Terminal) -> Failures {
        let reader = match spool {
            SpoolPath::File(path) if !terminal.json() => SpoolReader::open(path).ok(),
            _ => None,
        };
        Failures { event, in_memory, reader, looked: Instant::now(), printed: HashSet::new() }
    }

    fn print_new(&mut self, terminal: &mut Terminal) -> Result<(), Failure> {
        let lines = std::mem::take(&mut *self.in_memory.lock().unwrap_or_else(PoisonError::into_inner));
        for line in lines.iter().filter_map(|line| line.strip_prefix(&format!("{} to ", self.event))) {
            let state = terminal.paint(Style::Warning, "retrying");
            terminal.line(&format!("{state}   {}", one_line(line)))?;
        }
        let Some(reader) = self.reader.as_ref().filter(|_| self.looked.elapsed() >= LOOK_INTERVAL) else {
            return Ok(());
        };
        self.looked = Instant::now();
        let event = reader.show(&self.event.to_string()).ok().flatten();
        for delivery in event.iter().flat_map(|event| &event.deliveries) {
            for attempt in &delivery.attempts {
                let Some(next) = attempt.next_at.filter(|_| delivery.state == DeliveryState::Pending) else {
                    continue;
                };
                if self.printed.insert((delivery.delivery, attempt.number)) {
                    let state = terminal.paint(Style::Warning, "retrying");
                    let (endpoint, hook) = (one_line(&delivery.endpoint), one_line(&delivery.hook));
                    let (number, reason, next) =
                        (attempt.number, why(attempt), at_time(next, clock::unix_ms()));
                    terminal.line(&format!(
                        "{state}   {endpoint} ({hook})  attempt {number}  {reason}; next attempt {next}"
                    ))?;
                }
            }
        }
        Ok(())
    }
}

fn why(attempt: &AttemptDetail) -> String {
    attempt.error.as_deref().map_or_else(|| attempt.outcome.clone(), one_line)
}

fn at_time(due: i64, now: i64) -> String {
    match due - now {
        ..=0 => "now".to_owned(),
        wait if wait < 86_400_000 => format!("at {} UTC, in {}", time_to_second(due), span(wait)),
        wait => format!("at {} UTC, in {}", date_and_time(due), span(wait)),
    }
}

pub fn next_report(bell: &Bell) -> Option<Json> {
    let mut found = None;
    bell.poll(|text| {
        found = serde_json::from_str(text).ok();
        true
    })?;
    found
}

/// Counts and prints a delivery report, as `taskbell_poll` returns it.
pub fn print_report(
    report: &Json,
    totals: &mut EndedDeliveries,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let delivered = report["state"] == "delivered";
    if delivered {
        totals.delivered += 1;
    } else {
        totals.dead += 1;
    }
    if terminal.json() {
        return Ok(terminal.object(report)?);
    }
    let text = |key: &str| one_line(report[key].as_str().unwrap_or_default());
    let number = |key: &str| report[key].as_u64().and_then(|number| usize::try_from(number).ok());
    let state = terminal.paint(if delivered { Style::Success } else { Style::Error }, text("state"));
    let status = number("status").map(|status| format!("  status {status}")).unwrap_or_default();
    let attempts = count(number("attempts").unwrap_or_default(), "attempt", "attempts");
    let reason = if report["reason"].is_string() { format!("  {}", text("reason")) } else { String::new() };
    let (endpoint, hook) = (text("endpoint"), text("hook"));
    Ok(terminal.line(&format!("{state}  {endpoint} ({hook}){status}  {attempts}{reason}"))?)
}

fn pending(spool: &SpoolPath, id: EventId) -> Vec<(DeliveryDetail, Option<InFlightDelivery>)> {
    let deliveries = stored(spool, id).map(|event| event.deliveries).unwrap_or_default();
    let reader = match spool {
        SpoolPath::File(path) => SpoolReader::open(path).ok(),
        SpoolPath::Memory => None,
    };
    let in_flight = reader.and_then(|reader| engine::deliveries_in_flight(&reader).ok()).unwrap_or_default();
    let pending = deliveries.into_iter().filter(|delivery| delivery.state == DeliveryState::Pending);
    pending
        .map(|delivery| {
            let seen = in_flight.get(&delivery.delivery).copied();
            (delivery, seen)
        })
        .collect()
}

fn stored(spool: &SpoolPath, id: EventId) -> Option<EventDetail> {
    let SpoolPath::File(path) = spool else { return None };
    SpoolReader::open(path).ok()?.show(&id.to_string()).ok().flatten()
}

fn finish(
    arguments: &SendArgs,
    given: &GivenEvent,
    totals: &EndedDeliveries,
    ended: bool,
    waiting: &[(DeliveryDetail, Option<InFlightDelivery>)],
    spool: &SpoolPath,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    for (delivery, in_flight) in waiting {
        print_pending(delivery, in_flight.as_ref(), terminal)?;
    }
    if totals.earlier > 0 && !terminal.json() {
        let earlier = count(totals.earlier, "delivery", "deliveries");
        let note = format!("{earlier} of earlier events ended too");
        let note = terminal.paint(Style::Muted, note);
        terminal.line(&note)?;
    }
    let config = shown(&given.config);
    if !ended {
        let limit = span(i64::try_from(arguments.timeout.as_millis()).unwrap_or(i64::MAX));
        let held = waiting.is_empty() && given.kind == "queue.end";
        let what = match Config::load(&given.config) {
            Ok(config) if held && config.queue.end_delay >= arguments.timeout => format!(
                "`[queue] end_delay` ({}) still holds the end of the queue after {limit}",
                span(i64::try_from(config.queue.end_delay.as_millis()).unwrap_or(i64::MAX))
            ),
            _ => format!("not every delivery has ended after {limit}"),
        };
        return Err(Failure::new(what, where_pending_stay(spool, config)));
    }
    if totals.dead > 0 {
        let next = match spool {
            SpoolPath::Memory => "correct what the reason names, then send the event again".to_owned(),
            SpoolPath::File(_) => {
                format!(
                    "correct what the reason names; `taskbell list {config} --dead` lists the dead letters"
                )
            }
        };
        let what = match totals.dead {
            1 => "1 delivery became a dead letter".to_owned(),
            dead => format!("{dead} deliveries became dead letters"),
        };
        return Err(Failure::new(what, next));
    }
    if totals.delivered == 0 && !terminal.json() {
        explain_silence(&totals.silence, terminal)?;
    }
    if terminal.json() {
        let mut end = json!({ "ok": true, "delivered": totals.delivered, "dead": totals.dead });
        if !totals.silence.is_empty() {
            end["explanation"] = json!(totals.silence.join("\n"));
        }
        terminal.object(&end)?;
    }
    Ok(())
}

fn print_pending(
    delivery: &DeliveryDetail,
    in_flight: Option<&InFlightDelivery>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let last = delivery.attempts.last();
    if terminal.json() {
        let status = last.and_then(|attempt| attempt.status);
        let error = last.and_then(|attempt| attempt.error.clone());
        return Ok(terminal.object(&json!({
            "endpoint": delivery.endpoint,
            "hook": delivery.hook,
            "state": "pending",
            "attempts": delivery.attempts.len(),
            "status": status,
            "error": error,
            "due_at": delivery.due_at,
            "in_flight": in_flight,
        }))?);
    }
    let state = terminal.paint(Style::Warning, "pending");
    let why = last.map_or_else(|| "not tried yet".to_owned(), why);
    let now = clock::unix_ms();
    let next = match in_flight {
        Some(seen) => being_sent(*seen),
        None => format!("next attempt {}", at_time(delivery.due_at.unwrap_or(now), now)),
    };
    let attempts = count(delivery.attempts.len(), "attempt", "attempts");
    let endpoint = one_line(&delivery.endpoint);
    let hook = one_line(&delivery.hook);
    terminal.line(&format!("{state}  {endpoint} ({hook})  {attempts}  {why}; {next}"))?;
    Ok(())
}

fn where_pending_stay(spool: &SpoolPath, config: &str) -> String {
    match spool {
        SpoolPath::Memory => {
            "the spool is in memory, so the pending deliveries are lost; raise `--timeout`, or set `[spool] path`".to_owned()
        }
        SpoolPath::File(_) => format!(
            "nothing is lost: the next host or `send` with this spool continues; `taskbell list {config} --pending` \
             lists the pending deliveries, and a longer `--timeout` waits for them"
        ),
    }
}

/// Why an event caused no message: as its decision was recorded; for a task, whose is not, as `taskbell explain` says.
fn silence(given: &GivenEvent, event: Option<EventDetail>) -> Vec<String> {
    if let Some(said) = event.and_then(|event| event.said).filter(|said| !said.is_empty()) {
        return said.lines().map(one_line).collect();
    }
    let Ok(config) = Config::load(&given.config) else { return Vec::new() };
    if config.hooks.is_empty() {
        return vec![explain::NO_HOOKS.to_owned()];
    }
    let Ok(account) =
        engine::explain(&Arc::new(config), &given.kind, given.payload.as_deref().or(Some("{}")))
    else {
        return Vec::new();
    };
    let hooks = account["hooks"].as_array().into_iter().flatten().filter(|hook| hook["fires"] == false);
    let text = |hook: &Json, key: &str| one_line(hook[key].as_str().unwrap_or_default());
    hooks.map(|hook| format!("`{}` did not match: {}", text(hook, "hook"), text(hook, "why"))).collect()
}

fn explain_silence(reasons: &[String], terminal: &mut Terminal) -> Result<(), Failure> {
    if let [reason] = reasons {
        return Ok(terminal.line(&format!("Nothing to deliver: {reason}."))?);
    }
    terminal.line(if reasons.is_empty() {
        "Nothing to deliver: no hook fired."
    } else {
        "Nothing to deliver:"
    })?;
    Ok(reasons.iter().try_for_each(|reason| terminal.line(&format!("  {reason}")))?)
}

fn log(level: Level, message: &str) {
    let mut stderr = Terminal::stderr();
    let ink = match level {
        Level::Error => Style::Error,
        Level::Warn => Style::Warning,
        Level::Info => Style::Name,
        Level::Debug => Style::Muted,
    };
    let label = stderr.paint(ink, format!("{level:?}").to_lowercase());
    let _ = stderr.line(&format!("{label}: {}", one_line(message)));
}
