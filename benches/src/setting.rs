//! What the parts of the report share: their setting, and how a figure becomes a row.

use crate::row::{Figure, Goal, Row};
use crate::sink::{Mode, Sink};
use crate::{measure, processor};
use std::path::PathBuf;

/// What every part needs.
pub struct Setting {
    /// How often what takes seconds is measured.
    pub runs: usize,
    pub quick: bool,
    /// A folder for what senders read.
    pub folder: PathBuf,
    /// Where `xtask` has prepared the tools of others.
    pub tools: PathBuf,
}

impl Setting {
    /// The full number, or the one of a quick run.
    pub fn pick(&self, full: u64, quick: u64) -> u64 {
        if self.quick { quick } else { full }
    }

    /// The request of one delivery of a task, for those who send the same bytes without the library: the file, and the
    /// file with its body.
    pub fn model_request(&self) -> Result<(PathBuf, PathBuf), String> {
        let sink = Sink::start(Mode::Keep)?;
        measure::client(&words(&format!("deliver url={} signed=1", sink.url())))?;
        let request = sink.request();
        let head = request.windows(4).position(|four| four == b"\r\n\r\n").ok_or("no request came")?;
        let (whole, body) = (self.folder.join("request"), self.folder.join("body.json"));
        for (path, bytes) in [(&whole, request.as_slice()), (&body, &request[head + 4..])] {
            std::fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok((whole, body))
    }
}

/// A row whose figures are medians: of the values, and of the comparisons within each run.
pub fn row(
    part: &'static str,
    what: impl Into<String>,
    unit: &'static str,
    figures: &Result<Vec<f64>, String>,
    against: Option<(&'static str, &[f64])>,
    goal: Option<Goal>,
) -> Row {
    let figure = figures.as_ref().map_err(Clone::clone).map(|figures| Figure {
        value: measure::median(figures),
        unit,
        against: against.map(|(name, compared)| (name, measure::median(compared))),
        runs: figures.len(),
    });
    Row { part, what: what.into(), figure, goal }
}

/// The words of a command line.
pub fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// What sending cost: events a second, and microseconds of processor time for each, with the receiver's.
#[derive(Clone, Copy)]
pub struct Sent {
    pub rate: f64,
    pub cpu_us: f64,
    /// What a call costs the caller, p50 and p99, where the sender measures it.
    pub call_ns: Option<(f64, f64)>,
}

/// One figure of them.
pub type Take = fn(&Sent) -> f64;

/// Has `send` send events to the sink and give its seconds, its processor seconds and what a call costs; checks that
/// they arrived.
pub fn sent(
    sink: &Sink,
    expected: u64,
    events: u64,
    send: impl FnOnce() -> Result<Vec<f64>, String>,
) -> Result<Sent, String> {
    let (before, used) = (sink.requests(), processor::own());
    let figures = send()?;
    let arrived = sink.requests() - before;
    if arrived != expected {
        return Err(format!("{arrived} of {expected} requests arrived"));
    }
    let cpu = figures[1] + (processor::own() - used).as_secs_f64();
    let call_ns = figures.get(2).copied().zip(figures.get(3).copied());
    Ok(Sent { rate: events as f64 / figures[0], cpu_us: cpu * 1e6 / events as f64, call_ns })
}
