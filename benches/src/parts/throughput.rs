//! How fast a backlog goes out, and at which processor time, against a raw loop in the same run.

use crate::measure;
use crate::row::{Goal, Row};
use crate::setting::{Sent, Setting, Take, row, sent, words};
use crate::sink::{Mode, Sink};
use std::path::Path;

/// Attempts in flight at each endpoint, endpoints.
const FORMS: [(u64, u64); 3] = [(4, 1), (16, 1), (1, 64)];

/// Where the spool is, and the part of the raw loop that it is to reach.
const SPOOLS: [(&str, u8, f64); 2] = [("in memory", 0, 0.50), ("on disk", 1, 0.45)];

/// The most processor time, over that of the raw loop.
const CPU_GOAL: f64 = 2.0;

pub fn run(setting: &Setting) -> Result<Vec<Row>, String> {
    let (request, _) = setting.model_request()?;
    let mut rows = Vec::new();
    let sizes = if setting.quick { vec![5_000] } else { vec![20_000, 200_000] };
    for (place, events) in sizes.into_iter().enumerate() {
        // The long runs are ten times as long.
        let runs = if place == 0 { setting.runs } else { setting.runs.div_ceil(4) };
        for (in_flight, endpoints) in FORMS {
            rows.extend(form(&request, runs, events, in_flight, endpoints)?);
        }
    }
    Ok(rows)
}

fn form(
    request: &Path,
    runs: usize,
    events: u64,
    in_flight: u64,
    endpoints: u64,
) -> Result<Vec<Row>, String> {
    let sink = Sink::start(Mode::Accept)?;
    let mut bare = Vec::new();
    let mut bells: [Result<Vec<Sent>, String>; 2] = [Ok(Vec::new()), Ok(Vec::new())];
    for _ in 0..runs {
        bare.push(sent(&sink, events, events, || raw(&sink, request, events, in_flight * endpoints, 0))?);
        for ((_, disk, _), bell) in SPOOLS.iter().zip(&mut bells) {
            let line = format!(
                "deliver url={} signed=1 disk={disk} in_flight={in_flight} endpoints={endpoints} events={events} \
                 warm={endpoints}",
                sink.url()
            );
            let result = sent(&sink, events + endpoints, events, || measure::client(&words(&line)));
            match (result, bell.as_mut()) {
                (Ok(figures), Ok(all)) => all.push(figures),
                (Err(reason), Ok(_)) => *bell = Err(reason),
                (_, Err(_)) => {}
            }
        }
    }
    let shape = match endpoints {
        1 => format!("{in_flight} in flight"),
        _ => format!("{endpoints} endpoints of {in_flight} in flight"),
    };
    let title = format!("{shape}, {} events", crate::row::short(events as f64));
    let figures = |of: &[Sent], take: Take| of.iter().map(take).collect::<Vec<f64>>();
    let mut rows = vec![row(
        "throughput",
        format!("raw loop, {title}"),
        "/s",
        &Ok(figures(&bare, |sent| sent.rate)),
        None,
        None,
    )];
    for ((place, _, goal), bell) in SPOOLS.iter().zip(&bells) {
        let takes: [(_, _, Take, _); 2] = [
            ("signed deliveries", "/s", |sent| sent.rate, Goal::AtLeast(*goal)),
            ("processor time of a delivery", "µs", |sent| sent.cpu_us, Goal::AtMost(CPU_GOAL)),
        ];
        for (what, unit, take, goal) in takes {
            let values = bell.as_ref().map(|bell| figures(bell, take)).map_err(Clone::clone);
            let of_bare = figures(&bare, take);
            let ratios: Vec<f64> =
                values.iter().flatten().zip(&of_bare).map(|(value, bare)| value / bare).collect();
            let what = format!("{what} {place}, {title}");
            rows.push(row("throughput", what, unit, &values, Some(("raw loop", &ratios)), Some(goal)));
        }
    }
    Ok(rows)
}

/// The raw loop's figures.
pub fn raw(sink: &Sink, request: &Path, events: u64, in_flight: u64, calls: u64) -> Result<Vec<f64>, String> {
    let line = format!("raw port={} in_flight={in_flight} events={events} calls={calls}", sink.port());
    let mut words = words(&line);
    words.push(format!("request={}", request.display()));
    measure::client(&words)
}
