//! `taskbell list`: lists the deliveries in a spool.

use super::failure::{Failure, shown};
use super::source;
use super::terminal::{Style, Terminal, date_and_time, one_line, span, time_to_second};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use taskbell_core::clock;
use taskbell_core::engine::{self, InFlightDelivery};
use taskbell_core::spool::{Counts, DeliveryState, Filter, ListRow};
use unicode_width::UnicodeWidthStr;

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("state").args(["dead", "pending", "delivered"]))]
pub struct ListArgs {
    /// A configuration (`.toml`, `.json`), or a spool (`.db`); `taskbell.toml` by default
    #[arg(value_name = "CONFIG|SPOOL.db")]
    source: Option<String>,
    /// Only dead letters
    #[arg(long)]
    dead: bool,
    /// Only pending deliveries
    #[arg(long)]
    pending: bool,
    /// Only delivered deliveries
    #[arg(long)]
    delivered: bool,
    /// Only deliveries to this endpoint
    #[arg(long, value_name = "NAME")]
    endpoint: Option<String>,
    /// Only deliveries of events of this type
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only deliveries of events that this node of a farm posted
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Show at most this many deliveries
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: usize,
}

pub fn run(arguments: &ListArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    let path = source::config_path(arguments.source.as_deref())?;
    let reader = source::open(&path)?.reader;
    let unreadable = |error: taskbell_core::spool::SpoolError| {
        Failure::new(error.to_string(), "try again; `taskbell list` changes nothing")
    };
    let rows = reader.list(&filter(arguments)).map_err(unreadable)?;
    let counts = reader.counts().map_err(unreadable)?;
    let quiet = engine::quiet_endpoints(&*reader, clock::unix_ms()).map_err(unreadable)?;
    let in_flight = engine::deliveries_in_flight(&*reader).map_err(unreadable)?;
    if terminal.json() {
        let row = |row: &ListRow| with_in_flight(json!(row), in_flight.get(&row.delivery));
        let rows: Vec<_> = rows.iter().map(row).collect();
        let quiet: BTreeMap<_, _> =
            quiet.into_iter().map(|(name, until)| (name, clock::rfc3339(until))).collect();
        terminal.object(&json!({ "deliveries": rows, "counts": counts, "quiet_until": quiet }))?;
    } else {
        let waits = |row: &ListRow| Waits {
            in_flight: in_flight.get(&row.delivery).copied().filter(|seen| seen.attempt > row.attempts),
            quiet: quiet.get(&row.endpoint).copied(),
        };
        let rows: Vec<_> = rows.iter().map(|row| (row, waits(row))).collect();
        show(&rows, &counts, shown(&path), terminal)?;
    }
    Ok(())
}

/// A delivery as JSON, with the attempt that a living host is making.
pub fn with_in_flight(mut delivery: Json, in_flight: Option<&InFlightDelivery>) -> Json {
    let is_new = |seen: &&InFlightDelivery| {
        delivery["state"] == "pending" && tried(&delivery["attempts"]) < u64::from(seen.attempt)
    };
    delivery["in_flight"] = json!(in_flight.filter(is_new));
    delivery
}

/// Of the number of attempts in a list, or the attempts themselves.
fn tried(attempts: &Json) -> u64 {
    let last = attempts.as_array().and_then(|attempts| attempts.last()).map(|attempt| &attempt["number"]);
    last.unwrap_or(attempts).as_u64().unwrap_or_default()
}

/// Why a delivery is not sent now.
#[derive(Default, Clone, Copy)]
struct Waits {
    /// It is being sent.
    in_flight: Option<InFlightDelivery>,
    /// Its receiver asked for quiet until then, in Unix milliseconds.
    quiet: Option<i64>,
}

fn filter(arguments: &ListArgs) -> Filter {
    let state = [
        (arguments.dead, DeliveryState::Dead),
        (arguments.pending, DeliveryState::Pending),
        (arguments.delivered, DeliveryState::Delivered),
    ];
    Filter {
        state: state.into_iter().find(|(asked, _)| *asked).map(|(_, state)| state),
        endpoint: arguments.endpoint.clone(),
        kind: arguments.kind.clone(),
        node: arguments.node.clone(),
        limit: arguments.limit,
        ..Filter::default()
    }
}

fn show(
    rows: &[(&ListRow, Waits)],
    counts: &Counts,
    source: &str,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    if !rows.is_empty() {
        table(rows, terminal)?;
        terminal.line("")?;
    }
    let Counts { pending, delivered, dead, bytes } = counts;
    let size = bytes.div_ceil(1024);
    terminal.line(&format!("{pending} pending, {delivered} delivered, {dead} dead; {size} KiB"))?;
    match rows.first() {
        Some((row, _)) => {
            let hint =
                format!("`taskbell show {source} {}` shows a delivery with its attempts.", row.delivery);
            let hint = terminal.paint(Style::Muted, hint);
            terminal.line(&hint)?;
        }
        None if pending + delivered + dead > 0 => terminal.line("None of them matches the options.")?,
        None => terminal.line("There are no deliveries yet.")?,
    }
    Ok(())
}

const HEADINGS: [&str; 8] =
    ["no", "accepted (UTC)", "type", NODE, "endpoint", "state", "tries", "last answer"];

/// The column that only a farm has.
const NODE: &str = "node";

/// One line a delivery, where the terminal is wide enough; the last answer below it, where only that does not fit.
fn table(rows: &[(&ListRow, Waits)], terminal: &mut Terminal) -> Result<(), Failure> {
    let now = clock::unix_ms();
    let is_farm = rows.iter().any(|(row, _)| row.node.is_some());
    let is_shown = |column: &usize| is_farm || HEADINGS[*column] != NODE;
    let picked: Vec<usize> = (0..HEADINGS.len()).filter(is_shown).collect();
    let pick = |row: [String; 8]| picked.iter().map(|column| row[*column].clone()).collect::<Vec<_>>();
    let cells: Vec<Vec<String>> = rows.iter().map(|(row, waits)| pick(cells(row, *waits, now))).collect();
    let headings = pick(HEADINGS.map(str::to_owned));
    let all = || cells.iter().chain([&headings]);
    let widths: Vec<usize> = (0..picked.len())
        .map(|column| all().map(|row| row[column].width()).max().unwrap_or_default())
        .collect();
    let room = terminal.width().unwrap_or(usize::MAX / 2);
    let fitting = |columns: usize| widths[..columns].iter().map(|width| width + 2).sum::<usize>() <= room + 2;
    let most = picked.len();
    let columns = match (fitting(most), fitting(most - 1)) {
        (true, _) => most,
        (false, true) => most - 1,
        (false, false) => 0,
    };
    let aligned =
        |row: &[String], state: &dyn Fn(&str) -> String| aligned(&row[..columns], &widths, &headings, state);
    if columns > 0 {
        let heading = terminal.paint(Style::Muted, aligned(&headings, &str::to_owned));
        terminal.line(&heading)?;
    }
    for ((row, waits), cells) in rows.iter().zip(&cells) {
        let paint = |state: &str| terminal.paint(style_of(row.state), state);
        let line =
            if columns > 0 { aligned(cells, &paint) } else { sentence(row, &paint(row.state.as_str())) };
        terminal.line(&line)?;
        if columns < most {
            terminal.indented(4, &last_answer(row, *waits, now))?;
        }
    }
    Ok(())
}

/// A delivery where no column has room.
fn sentence(row: &ListRow, state: &str) -> String {
    let node = row.node.as_ref().map(|node| format!(" on {}", one_line(node))).unwrap_or_default();
    format!(
        "{}  {state}  {} to {}, accepted {} UTC{node}, tries: {}",
        row.delivery,
        one_line(&row.kind),
        one_line(&row.endpoint),
        date_and_time(row.accepted_at),
        row.attempts
    )
}

fn aligned(
    cells: &[String],
    widths: &[usize],
    headings: &[String],
    paint: &dyn Fn(&str) -> String,
) -> String {
    let columns = cells.iter().zip(widths).zip(headings).map(|((cell, width), heading)| {
        let shown = if heading == "state" { paint(cell) } else { cell.clone() };
        shown + &" ".repeat(width - cell.width())
    });
    columns.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

fn cells(row: &ListRow, waits: Waits, now: i64) -> [String; 8] {
    [
        row.delivery.to_string(),
        date_and_time(row.accepted_at),
        one_line(&row.kind),
        row.node.as_deref().map(one_line).unwrap_or_default(),
        one_line(&row.endpoint),
        row.state.as_str().to_owned(),
        row.attempts.to_string(),
        last_answer(row, waits, now),
    ]
}

fn last_answer(row: &ListRow, waits: Waits, now: i64) -> String {
    let answer = match (&row.reason, &row.last_error, row.last_status) {
        (Some(reason), _, _) => one_line(reason),
        (None, Some(error), _) => one_line(error),
        (None, None, Some(status)) => status.to_string(),
        (None, None, None) => "not tried yet".to_owned(),
    };
    match (row.due_at, waits.in_flight) {
        (Some(_), Some(seen)) if row.attempts == 0 => being_sent(seen),
        (Some(_), Some(seen)) => format!("{answer}; {}", being_sent(seen)),
        (Some(due), None) => format!("{answer}; {}", next_attempt(due, waits.quiet, now)),
        (None, _) => answer,
    }
}

/// What a living host is doing now.
pub fn being_sent(seen: InFlightDelivery) -> String {
    format!("being sent since {} UTC (attempt {})", time_to_second(seen.since), seen.attempt)
}

/// When a pending delivery is tried next, and why it waits although it is due.
pub fn next_attempt(due: i64, quiet: Option<i64>, now: i64) -> String {
    match quiet {
        Some(until) if until > now && until >= due => {
            format!("quiet until {} UTC, asked for by the receiver", date_and_time(until))
        }
        _ if due > now => format!("next attempt in {}", span(due - now)),
        _ => "due now".to_owned(),
    }
}

pub fn style_of(state: DeliveryState) -> Style {
    match state {
        DeliveryState::Pending => Style::Warning,
        DeliveryState::Delivered => Style::Success,
        DeliveryState::Dead => Style::Error,
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::tests::output;
    use std::path::Path;
    use taskbell_core::event::EventId;
    use taskbell_core::spool::{AttemptRow, DeliveryEnd, NewDelivery, NewEvent, Spool, SpoolPath};
    use taskbell_core::transport::Phases;

    /// A spool with one delivered delivery, one that is pending after a 503, and one dead letter.
    pub fn fill(path: &Path) -> EventId {
        let mut spool = Spool::open(&SpoolPath::File(path.to_owned()), "test").unwrap();
        let mut batch = spool.begin().unwrap();
        let id = EventId::new(1_800_000_000_000, 7);
        let event = NewEvent {
            id,
            kind: "task.complete",
            accepted_at: 1_800_000_000_000,
            node: None,
            payload: br#"{"id":"f-1"}"#,
        };
        let event = batch.event(&event).unwrap().unwrap();
        let ends = [
            ("ci", Some(DeliveryEnd::Delivered)),
            ("team", None),
            ("ops", Some(DeliveryEnd::Dead("answered \x1b[2J".into()))),
        ];
        for (endpoint, end) in ends {
            let delivery = NewDelivery {
                event,
                endpoint,
                hook: "hooks[0]",
                content_type: "application/json",
                body: br#"{"text":"it's done"}"#,
                extras: None,
                created_at: 1_800_000_000_001,
                due_at: 1_800_000_000_001,
                dead: None,
                why: Some("it listens to task.complete"),
                expires_at: None,
                thing: None,
                live: None,
            };
            let seq = batch.delivery(&delivery).unwrap();
            let delivered = end == Some(DeliveryEnd::Delivered);
            batch
                .attempt(&AttemptRow {
                    delivery: seq,
                    number: 1,
                    started_at: 1_800_000_000_002,
                    phases: Phases {
                        resolve_us: 10,
                        connect_us: 20,
                        tls_us: 0,
                        first_byte_us: 900,
                        total_us: 1500,
                    },
                    status: Some(if delivered { 200 } else { 503 }),
                    outcome: if delivered { "delivered" } else { "retry" },
                    error: (!delivered).then(|| "answered 503".to_owned()),
                    response: Some("busy".to_owned()),
                    next_at: end.is_none().then_some(4_000_000_000_000),
                })
                .unwrap();
            match end {
                Some(end) => batch.end(seq, &end, 1_800_000_000_003).unwrap(),
                None => drop(batch.postpone(seq, 4_000_000_000_000).unwrap()),
            }
        }
        batch.commit().unwrap();
        id
    }

    fn listed(path: &Path, options: &[&str]) -> String {
        output(&[&["list", path.to_str().unwrap()], options].concat()).unwrap()
    }

    #[test]
    fn each_state_is_listed_with_its_last_answer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool.db");
        fill(&path);
        let all = listed(&path, &[]);
        assert!(all.contains("1 pending, 1 delivered, 1 dead"), "{all}");
        assert!(all.contains("answered 503; next attempt in"), "{all}");
        assert!(!all.contains('\x1b'), "the text of a receiver cannot steer the terminal: {all}");
        let dead = listed(&path, &["--dead"]);
        assert!(dead.contains("ops") && !dead.contains("team"), "{dead}");
        let none = listed(&path, &["--endpoint", "nobody"]);
        assert!(none.contains("None of them matches"), "{none}");
        assert_eq!(listed(&path, &["--type", "task.complete", "--limit", "1"]).lines().count(), 5);
    }

    #[test]
    fn a_missing_spool_is_a_failure_with_advice() {
        let Failure::Message { what, next } = source::open("/missing/spool.db").err().unwrap() else {
            panic!("it has no message")
        };
        assert!(what.contains("/missing/spool.db") && next.contains(".db"), "{what} {next}");
    }
}
