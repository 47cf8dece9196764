//! What a host could use instead, at the same receiver in the same minute. None of them signs, keeps what is not sent
//! yet, or tries again.

use super::throughput;
use crate::row::Row;
use crate::setting::{Sent, Setting, Take, row, sent, words};
use crate::sink::{Mode, Sink};
use crate::{measure, processor};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const PART: &str = "peers";
const IN_FLIGHT: u64 = 4;
const CALLS: u64 = 1_000;

/// The senders, in the order of the report; the first is the yardstick.
const SENDERS: [(&str, Kind); 8] = [
    ("raw loop", Kind::Raw),
    ("Taskbell, in memory", Kind::Bell("disk=0")),
    ("Taskbell, on disk", Kind::Bell("disk=1")),
    ("reqwest (Rust)", Kind::Rust),
    ("curl --parallel", Kind::Curl),
    ("fetch (Node)", Kind::Node),
    ("requests (Python)", Kind::Python("requests_threads.py")),
    ("apprise (Python)", Kind::Python("apprise_threads.py")),
];

#[derive(Clone, Copy)]
enum Kind {
    Raw,
    /// With these words for its load.
    Bell(&'static str),
    Rust,
    Curl,
    Node,
    Python(&'static str),
}

struct Bench<'a> {
    setting: &'a Setting,
    sink: Sink,
    request: &'a Path,
    body: &'a Path,
}

pub fn run(setting: &Setting) -> Result<Vec<Row>, String> {
    let (request, body) = setting.model_request()?;
    let bench = Bench { setting, sink: Sink::start(Mode::Accept)?, request: &request, body: &body };
    let mut all: Vec<Result<Vec<Sent>, String>> = SENDERS.iter().map(|_| Ok(Vec::new())).collect();
    for _ in 0..setting.runs.div_ceil(2) {
        for ((_, kind), all) in SENDERS.iter().zip(&mut all) {
            let Ok(runs) = all else { continue };
            match bench.send(*kind) {
                Ok(sent) => runs.push(sent),
                Err(reason) => *all = Err(reason),
            }
        }
    }
    let mut rows = Vec::new();
    let takes: [(&str, &str, Take); 3] = [
        ("deliveries", "/s", |sent| sent.rate),
        ("processor time of a delivery", "µs", |sent| sent.cpu_us),
        ("call, p50", "ns", |sent| sent.call_ns.map_or(f64::NAN, |(p50, _)| p50)),
    ];
    for (what, unit, take) in takes {
        let figures = |of: &Result<Vec<Sent>, String>| -> Result<Vec<f64>, String> {
            of.as_ref().map(|sent| sent.iter().map(take).collect()).map_err(Clone::clone)
        };
        let raw = figures(&all[0])?;
        for ((name, _), all) in SENDERS.iter().zip(&all) {
            let figures = figures(all);
            if figures.iter().flatten().all(|figure| figure.is_nan()) && figures.is_ok() {
                continue;
            }
            let ratios: Vec<f64> =
                figures.iter().flatten().zip(&raw).map(|(value, raw)| value / raw).collect();
            rows.push(row(
                PART,
                format!("{name}: {what}"),
                unit,
                &figures,
                Some(("raw loop", &ratios)),
                None,
            ));
        }
    }
    Ok(rows)
}

/// p50 and p99 in nanoseconds of the vectorised check that an event is a JSON object.
pub fn check(setting: &Setting, event: &Path, calls: u64) -> Result<Vec<f64>, String> {
    let mut command = Command::new(setting.tools.join("release/taskbell-bench-peers"));
    measure::figures(command.arg("check").arg(event).arg(calls.to_string()))
}

impl Bench<'_> {
    fn send(&self, kind: Kind) -> Result<Sent, String> {
        let events = match kind {
            // A thousandth of a raw loop's pace.
            Kind::Python(_) => self.setting.pick(2_000, 300),
            _ => self.setting.pick(20_000, 3_000),
        };
        let url = self.sink.url();
        let calls = match kind {
            Kind::Curl => 0,
            _ => CALLS,
        };
        let peer = |program: &Path, script: Option<&str>| {
            let mut command = Command::new(program);
            command.args(script.map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)));
            command.args([url.clone(), events.to_string(), IN_FLIGHT.to_string(), calls.to_string()]);
            measure::figures(command.arg(self.body))
        };
        sent(&self.sink, events + calls * u64::from(!matches!(kind, Kind::Bell(_))), events, || match kind {
            Kind::Raw => throughput::raw(&self.sink, self.request, events, IN_FLIGHT, calls),
            Kind::Bell(form) => self.bell(form, events),
            Kind::Rust => peer(&self.setting.tools.join("release/taskbell-bench-peers"), None),
            Kind::Curl => self.curl(events),
            Kind::Node => peer(Path::new("node"), Some("fetch_loop.mjs")),
            Kind::Python(script) => peer(&self.setting.tools.join("venv/bin/python"), Some(script)),
        })
    }

    fn bell(&self, form: &str, events: u64) -> Result<Vec<f64>, String> {
        let other = Sink::start(Mode::Accept)?;
        let line = format!("calls url={} calls={CALLS} {form}", other.url());
        let call = measure::client(&words(&line))?;
        let line = format!("deliver url={} signed=1 events={events} {form}", self.sink.url());
        let mut figures = measure::client(&words(&line))?;
        figures.extend(&call[..2]);
        Ok(figures)
    }

    /// libcurl's multi interface, as the command drives it.
    fn curl(&self, events: u64) -> Result<Vec<f64>, String> {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--parallel", "--parallel-max", &IN_FLIGHT.to_string()]);
        command.args([
            "--output",
            "/dev/null",
            "--header",
            "content-type: application/json",
            "--data-binary",
        ]);
        command.arg(format!("@{}", self.body.display()));
        command.arg(format!("{}?n=[1-{events}]", self.sink.url()));
        let (start, used) = (Instant::now(), processor::children());
        measure::figures(&mut command)?;
        let used = processor::children() - used;
        Ok(vec![start.elapsed().as_secs_f64(), used.as_secs_f64()])
    }
}
