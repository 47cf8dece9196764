//! The processes that send: each does one thing, and prints its figures on one line.

mod backlog;
mod calls;
mod deliver;
mod latency;
mod raw;

use crate::load::Load;
use tempfile::TempDir;

type Client = fn(&Load<'_>) -> Result<Vec<f64>, String>;

const CLIENTS: [(&str, Client); 10] = [
    ("deliver", deliver::run),
    ("raw", raw::run),
    ("calls", calls::run),
    ("check", calls::check),
    ("burst", calls::burst),
    ("latency", latency::run),
    ("start", latency::start),
    ("idle", latency::idle),
    ("fill", backlog::fill),
    ("open", backlog::open),
];

/// Runs the client that the first word names.
pub fn run(words: &[String]) -> Result<(), String> {
    let (name, rest) = words.split_first().ok_or("client: no name")?;
    let client = CLIENTS.iter().find(|(known, _)| known == name);
    let (_, client) = client.ok_or_else(|| format!("client {name}: unknown"))?;
    let figures = client(&Load::new(rest))?;
    println!("{}", figures.iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
    Ok(())
}

/// Where a client keeps its spool.
fn folder() -> Result<TempDir, String> {
    tempfile::tempdir().map_err(|error| format!("a folder for the spool: {error}"))
}
