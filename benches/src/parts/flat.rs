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
    let base = cost("warm=100", events, runs);
    let base_us = base.as_ref().map_or(f64::NAN, |base| measure::median(base));
    let mut rows = vec![row(
        PART,
        format!("{} events, 1 endpoint, 1 hook", short(events as f64)),
        "µs",
        &base,
        None,
        None,
    )];
    let (request, _) = setting.model_request()?;
    let raw = |connections: u64, runs: usize| -> Result<Vec<f64>, String> {
        let of = |_| Ok(throughput::raw(&sink, &request, events, connections, 0)?[1] * 1e6 / events as f64);
        (0..runs).map(of).collect()
    };
    let raw_base = raw(1, runs);
    let raw_base_us = raw_base.as_ref().map_or(f64::NAN, |base| measure::median(base));
    let add = |rows: &mut Vec<Row>, what: String, figures: Result<Vec<f64>, String>, goal: Option<Goal>| {
        let ratios: Vec<f64> = figures.iter().flatten().map(|figure| figure / base_us).collect();
        rows.push(row(PART, what, "µs", &figures, Some(("the first row of this part", &ratios)), goal));
    };
    let counts: &[u64] = if setting.quick { &[10, 1_000] } else { &[10, 1_000, 100_000, 1_000_000] };
    for &events in counts {
        let runs = if events >= 100_000 { 1 } else { setting.runs };
        add(
            &mut rows,
            format!("{} events", short(events as f64)),
            cost("warm=100", events, runs),
            Some(GOAL),
        );
    }
    for endpoints in [10, 100, 1_000] {
        let line = format!("endpoints={endpoints} in_flight=1 warm={endpoints}");
        let endpoints_named = short(endpoints as f64);
        add(&mut rows, format!("{endpoints_named} endpoints"), cost(&line, events, runs), Some(GOAL));
        let figures = raw(endpoints, runs);
        let ratios: Vec<f64> = figures.iter().flatten().map(|figure| figure / raw_base_us).collect();
        let what = format!("raw loop, {endpoints_named} connections");
        rows.push(row(PART, what, "µs", &figures, Some(("one connection", &ratios)), None));
    }
    for hooks in [10, 100, 1_000] {
        let line = format!("hooks={hooks} warm=100");
        add(
            &mut rows,
            format!("{} hooks of other types", short(hooks as f64)),
            cost(&line, events, runs),
            Some(GOAL),
        );
    }
    let line = "conditions=20 warm=100";
    add(&mut rows, "20 hooks whose condition is false".to_owned(), cost(line, events, runs), None);
    Ok(rows)
}
