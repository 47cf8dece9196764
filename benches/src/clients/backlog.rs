//! A spool with many deliveries that wait, and the process that opens it.

use crate::guest::Guest;
use crate::load::{Event, Load};
use crate::processor;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Leaves `events` in the spool below `folder`; the endpoint hangs.
pub fn fill(load: &Load<'_>) -> Result<Vec<f64>, String> {
    let guest = open_in_folder(load)?;
    let emit = guest.emit()?;
    let mut event = Event::new();
    for number in 0..load.number("events", 1)? {
        while !emit(c"task.complete", event.numbered(number)) {
            thread::sleep(Duration::from_micros(200));
        }
    }
    guest.wait("taskbell_sync", 600_000)?;
    // Undelivered is what they are to be.
    let _ = guest.shutdown(0);
    Ok(Vec::new())
}

/// Seconds since 1970 at the start of the opening, seconds that it took, and memory in MiB: resident a second later,
/// and at its peak.
pub fn open(load: &Load<'_>) -> Result<Vec<f64>, String> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let start = Instant::now();
    let guest = open_in_folder(load)?;
    let took = start.elapsed();
    thread::sleep(Duration::from_secs(1));
    let memory = ["VmRSS:", "VmHWM:"].map(processor::memory_mib);
    let _ = guest.shutdown(0);
    Ok(vec![since_1970.as_secs_f64(), took.as_secs_f64(), memory[0], memory[1]])
}

fn open_in_folder(load: &Load<'_>) -> Result<Guest, String> {
    let folder = load.text("folder").ok_or("folder= is missing")?;
    Guest::open(&load.config(Path::new(folder))?)
}
