//! Whether an event costs the same however many there are: of events, of endpoints, of hooks that do not match; and how
//! much of what many endpoints add is that of many connections, which the raw loop has as well.

use super::throughput;
use crate::measure;
use crate::row::{Goal, Row, short};
use crate::setting::{Setting, row, words};
use crate::sink::{Mode, Sink};

const PART: &str = "flat";

/// The most that the largest number may cost over the base.
const GOAL: Goal = Goal::AtMost(1.2);

pub fn run(setting: &Setting) -> Result<Vec<Row>, String> {
    let sink = Sink::start(Mode::Accept)?;
    let events = setting.pick(20_000, 4_000);
    let runs = setting.runs.div_ceil(3);
    // Microseconds of this process's processor time for each event.
    let cost = |line: &str, events: u64, runs: usize| -> Result<Vec<f64>, String> {
        let line = words(&format!("deliver url={} events={events} {line}", sink.url()));
        (0..runs).map(|_| Ok(measure::client(&line)?[1] * 1e6 / events as f64)).collect()
    };
    let (request, _) = setting.model_request()?;
    let raw = |connections: u64, runs: usize| -> Result<Vec<f64>, String> {
        let sent = |_| throughput::raw(&sink, &request, events, connections, 0);
        (0..runs).map(|run| Ok(sent(run)?[1] * 1e6 / events as f64)).collect()
    };
    // What all are compared with is measured most often. An endpoint has 4 connections unless it says otherwise.
    let (base, raw_base) = (cost("warm=100", events, setting.runs), raw(4, setting.runs));
    let first = |what: &str, figures| row(PART, what, "µs", figures, None, None);
    let mut rows = vec![
        first(&format!("{} events, 1 endpoint, 1 hook", short(events as f64)), &base),
        first("raw loop, 4 connections", &raw_base),
    ];
    let over = |what: String, figures: Result<Vec<f64>, String>, base, goal: Option<Goal>| {
        let (of, base): (_, &Result<Vec<f64>, String>) = base;
        let base = base.as_ref().map_or(f64::NAN, |base| measure::median(base));
        let ratios: Vec<f64> = figures.iter().flatten().map(|figure| figure / base).collect();
        row(PART, what, "µs", &figures, Some((of, &ratios)), goal)
    };
    let (of_base, of_raw) = (("the first row of this part", &base), ("4 connections", &raw_base));
    let mut add = |what: String, figures| rows.push(over(what, figures, of_base, Some(GOAL)));
    let counts: &[u64] = if setting.quick { &[10, 1_000] } else { &[10, 1_000, 100_000, 1_000_000] };
    for &events in counts {
        let runs = if events >= 100_000 { 1 } else { setting.runs };
        add(format!("{} events", short(events as f64)), cost("warm=100", events, runs));
    }
    for hooks in [10, 100, 1_000] {
        let line = format!("hooks={hooks} warm=100");
        add(format!("{} hooks of other types", short(hooks as f64)), cost(&line, events, runs));
    }
    for endpoints in [10, 100, 1_000] {
        let line = format!("endpoints={endpoints} in_flight=1 warm={endpoints}");
        add(format!("{} endpoints", short(endpoints as f64)), cost(&line, events, runs));
    }
    for connections in [10, 100, 1_000] {
        let what = format!("raw loop, {} connections", short(connections as f64));
        rows.push(over(what, raw(connections, runs), of_raw, None));
    }
    let conditions = cost("conditions=20 warm=100", events, runs);
    rows.push(over("20 hooks whose condition is false".to_owned(), conditions, of_base, None));
    Ok(rows)
}
