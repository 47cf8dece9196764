//! What the library weighs: its file, its start, its memory, its wake-ups, a full spool, and instructions.

use crate::guest::library;
use crate::row::{Goal, Row};
use crate::setting::{Setting, row, words};
use crate::sink::{Mode, Sink};
use crate::{instructions as counter, measure};
use std::fs;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

const PART: &str = "footprint";
const MIB: f64 = 1_048_576.0;

pub fn run(setting: &Setting) -> Result<Vec<Row>, String> {
    let size =
        fs::metadata(library()).map(|file| vec![file.len() as f64 / MIB]).map_err(|error| error.to_string());
    // One that answers: a retry would be work.
    let sink = Sink::start(Mode::Accept)?;
    let line = format!("idle url={} disk=1 usual_queue=1 seconds={}", sink.url(), setting.pick(20, 5));
    let bare = measure::client(&words(&line));
    let guest = measure::client(&words(&format!("{line} guest=1")));
    let of = |place: usize| guest.as_ref().map(|figures| vec![figures[place]]).map_err(Clone::clone);
    // Each start is a process of its own.
    let starts: Vec<_> = (0..setting.runs)
        .map(|_| measure::client(&words(&format!("start url={} disk=1 usual_queue=1", sink.url()))))
        .collect();
    let started = |place: usize| -> Result<Vec<f64>, String> {
        starts.iter().map(|start| start.as_ref().map(|start| start[place]).map_err(Clone::clone)).collect()
    };
    let over = |place: usize| match (&guest, &bare) {
        (Ok(guest), Ok(bare)) => vec![guest[place] - bare[place]],
        _ => Vec::new(),
    };
    let mut rows = vec![
        row(PART, "library file", "MiB", &size, None, Some(Goal::AtMost(10.0))),
        row(PART, "start, until the first accepted event", "ms", &started(0), None, Some(Goal::AtMost(20.0))),
        row(PART, "start, until the first event is delivered", "ms", &started(1), None, None),
        row(PART, "resident memory, idle", "MiB", &of(0), Some(("over the bare host", &over(0))), None),
        row(
            PART,
            "private memory, idle",
            "MiB",
            &of(1),
            Some(("over the bare host", &over(1))),
            Some(Goal::AtMost(10.0)),
        ),
        row(PART, "wake-ups a second, idle", "/s", &of(2), None, Some(Goal::AtMost(1.0))),
    ];
    rows.extend(backlog(setting.pick(1_000_000, 20_000))?);
    Ok(rows)
}

fn backlog(pending: u64) -> Result<Vec<Row>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let sink = Sink::start(Mode::Hang)?;
    let line = format!("url={} folder={} disk=1", sink.url(), folder.path().display());
    measure::client(&words(&format!("fill {line} events={pending}")))?;
    sink.set(Mode::Refuse);
    let zero = Instant::now();
    let zero_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let opened = measure::client(&words(&format!("open {line}")));
    let first = sink.first_refused().ok_or("nothing was sent");
    let of = |place: usize| opened.as_ref().map(|figures| vec![figures[place]]).map_err(Clone::clone);
    let first = match (&opened, first) {
        (Ok(opened), Ok(first)) => {
            let since_start = first.duration_since(zero).as_secs_f64() - (opened[0] - zero_1970);
            // It may be sent while the call that opens has not returned.
            Ok(vec![(since_start - opened[1]).max(0.0)])
        }
        (Err(reason), _) => Err(reason.clone()),
        (_, Err(reason)) => Err(reason.to_owned()),
    };
    let title = format!("{} pending", crate::row::short(pending as f64));
    let rows = [
        ("open", "s", of(1), 1.0),
        ("from the end of opening to the first request", "s", first, 0.1),
        ("resident memory", "MiB", of(2), 40.0),
        ("resident memory at its peak", "MiB", of(3), 40.0),
    ];
    let row = |(what, unit, figures, bound): (&str, &'static str, Result<Vec<f64>, String>, f64)| {
        row(PART, format!("{title}: {what}"), unit, &figures, None, Some(Goal::AtMost(bound)))
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Counted by valgrind.
pub fn instructions(_: &Setting) -> Result<Vec<Row>, String> {
    let counted = counter::count().map(|counted| vec![counted]);
    let what = "instructions of a delivery, unsigned, in memory";
    Ok(vec![row("instructions", what, "", &counted, None, Some(Goal::AtMost(70_000.0)))])
}
