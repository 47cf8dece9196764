//! How many instructions a delivery takes, counted by valgrind: what no other load on the machine changes. The
//! difference of two runs takes the start and the end out of it.

use crate::guest::library;
use crate::measure::program;
use crate::sink::{Mode, Sink};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Deliveries of the two runs.
const SHORT: u64 = 500;
const LONG: u64 = 3_000;

/// Events that a host hands over at once. Under valgrind time stands almost still: a longer row would be written before
/// it is delivered.
const GROUP: u64 = 16;

/// How much a figure may be above the recorded one.
const ALLOWED: f64 = 1.10;

/// Counts, prints, and holds the figure to the recorded one; `--record` records it.
pub fn run(words: &[String]) -> Result<(), String> {
    let record = record();
    let counted = count()?;
    if words.iter().any(|word| word == "--record") {
        println!("{counted:.0} instructions per delivery, recorded in {}", record.display());
        return fs::write(&record, format!("{counted:.0}\n")).map_err(|error| error.to_string());
    }
    let text = fs::read_to_string(&record).map_err(|error| format!("{}: {error}", record.display()))?;
    let last: f64 = text.trim().parse().map_err(|_| format!("{} holds no number", record.display()))?;
    let change = (counted / last - 1.0) * 100.0;
    println!("{counted:.0} instructions per delivery, {change:+.1} % against the recorded {last:.0}");
    if counted > last * ALLOWED {
        return Err(format!(
            "a delivery takes {change:.0} % more instructions than recorded; `cargo xtask instructions --record` \
             records the new figure"
        ));
    }
    Ok(())
}

/// The file with the figure.
pub fn record() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.txt")
}

/// Instructions per unsigned delivery of a task, spool in memory.
pub fn count() -> Result<f64, String> {
    let sink = Sink::start(Mode::Accept)?;
    let (short, long) = (under_valgrind(&sink, SHORT)?, under_valgrind(&sink, LONG)?);
    Ok((long - short) / (LONG - SHORT) as f64)
}

fn under_valgrind(sink: &Sink, events: u64) -> Result<f64, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (out, log) = (folder.path().join("counts"), folder.path().join("log"));
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--fair-sched=try", "--read-inline-info=no"]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(format!("--log-file={}", log.display()));
    command.arg(program()?).args(["client", "deliver", "warm=20"]);
    command.args([format!("url={}", sink.url()), format!("events={events}"), format!("group={GROUP}")]);
    command.env("TASKBELL_LIBRARY", library()).stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.status().map_err(|error| format!("valgrind: {error}"))?;
    if !status.success() {
        return Err(format!("valgrind: {status}; {}", fs::read_to_string(&log).unwrap_or_default()));
    }
    let counts = fs::read_to_string(&out).map_err(|error| format!("valgrind's counts: {error}"))?;
    let total = counts.lines().find_map(|line| line.strip_prefix("totals: "));
    total
        .and_then(|text| text.trim().parse().ok())
        .ok_or_else(|| "valgrind's counts have no total".to_owned())
}
