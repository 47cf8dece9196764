//! `taskbell deliver`: sends what waits in a spool, and ends.

use super::failure::{Failure, bad_event, shown};
use super::input;
use super::send::{EndedDeliveries, next_report, print_report};
use super::source;
use super::terminal::{Terminal, count};
use serde_json::json;
use std::thread;
use std::time::Duration;
use taskbell_core::engine::Bell;
use taskbell_core::spool::{Reader, SpoolPath, SpoolReader};

/// The exit code when something is left.
const LEFT: i32 = 3;

const POLL_INTERVAL: Duration = Duration::from_millis(20);

#[derive(Debug, clap::Args)]
pub struct DeliverArgs {
    /// A `.toml` or `.json` file, or a URL; `taskbell.toml` by default
    config: Option<String>,
    /// How long to send; what is due later than that is left at once
    #[arg(long, default_value = "30s", value_parser = input::timeout, value_name = "TIME")]
    timeout: Duration,
}

pub fn run(arguments: &DeliverArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    let given = source::config_path(arguments.config.as_deref())?;
    let mut config = source::config(&given)?;
    // Alerts are for a host: this process lives for what waits.
    config.alerts.clear();
    let SpoolPath::File(spool) = config.spool.path.clone() else {
        let what = format!("{given} keeps its spool in memory, so nothing can wait there");
        return Err(Failure::new(what, "set `[spool] path` to a file"));
    };
    let mut totals = EndedDeliveries::default();
    let mut left = 0;
    if spool.exists() {
        let bell = Bell::open(config).map_err(bad_event)?;
        deliver(&bell, arguments.timeout, &mut totals, terminal)?;
        let counts = SpoolReader::open(&spool).and_then(|reader| reader.counts());
        let known =
            |error: taskbell_core::spool::SpoolError| Failure::new(error.to_string(), "check the disk");
        left = counts.map_err(known)?.pending;
    }
    finish(&totals, left, shown(&given), terminal)
}

/// Takes over what ended processes left, and closes when nothing more is due within the limit.
fn deliver(
    bell: &Bell,
    limit: Duration,
    totals: &mut EndedDeliveries,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    thread::scope(|scope| {
        let closing = scope.spawn(|| bell.close(limit));
        loop {
            let is_over = closing.is_finished();
            while let Some(report) = next_report(bell) {
                print_report(&report, totals, terminal)?;
            }
            if is_over {
                return match closing.join() {
                    Ok(closed) => closed.map(drop).map_err(bad_event),
                    Err(_) => Err(Failure::new("a defect of Taskbell occurred", "please report it")),
                };
            }
            thread::sleep(POLL_INTERVAL);
        }
    })
}

fn finish(totals: &EndedDeliveries, left: u64, config: &str, terminal: &mut Terminal) -> Result<(), Failure> {
    let (delivered, dead) = (totals.delivered, totals.dead);
    if terminal.json() {
        let ok = dead == 0 && left == 0;
        terminal.object(&json!({ "ok": ok, "delivered": delivered, "dead": dead, "left": left }))?;
    } else if left > 0 {
        let left = count(
            usize::try_from(left).unwrap_or(usize::MAX),
            "delivery still waits",
            "deliveries still wait",
        );
        let next = format!("`taskbell list {config} --pending` shows why, and when each is tried again");
        Failure::new(left, next).print(terminal);
    } else if delivered + dead == 0 {
        terminal.line("nothing waits")?;
    }
    match (left, dead) {
        (0, 0) => Ok(()),
        (0, _) if terminal.json() => Err(Failure::Reported),
        (0, _) => {
            let dead = count(dead, "delivery became a dead letter", "deliveries became dead letters");
            let next = format!("correct what the reason names; `taskbell list {config} --dead` lists them");
            Err(Failure::new(dead, next))
        }
        _ => Err(Failure::Ended(LEFT)),
    }
}
