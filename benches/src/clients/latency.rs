//! Events one by one, whose age the receiver notes; and a host with nothing to do.

use super::folder;
use crate::guest::Guest;
use crate::load::{Event, Load};
use crate::processor::{self, WakeUps};
use std::thread;
use std::time::{Duration, Instant};

/// `events`, one each `gap_us`: nothing, the receiver has the figures. With `flush` all of them are tried.
pub fn run(load: &Load<'_>) -> Result<Vec<f64>, String> {
    let folder = folder()?;
    let guest = Guest::open(&load.config(folder.path())?)?;
    let emit = guest.emit()?;
    let mut event = Event::new();
    let gap = Duration::from_micros(load.number("gap_us", 2_000)?);
    for number in 0..load.number("events", 1)? {
        thread::sleep(gap);
        while !emit(c"task.complete", event.now(number)) {}
    }
    if load.yes("flush") {
        guest.wait("taskbell_flush", 60_000)?;
    }
    // The hanging endpoint's attempts do not end.
    thread::sleep(Duration::from_millis(500));
    guest.shutdown(0)?;
    Ok(Vec::new())
}

/// Milliseconds from loading the library to the first accepted event, and to its delivery.
pub fn start(load: &Load<'_>) -> Result<Vec<f64>, String> {
    let folder = folder()?;
    let config = load.config(folder.path())?;
    let start = Instant::now();
    let guest = Guest::open(&config)?;
    if !guest.on_task_complete()?(c"{}") {
        return Err("the first event was refused".to_owned());
    }
    let accepted_ms = start.elapsed().as_secs_f64() * 1000.0;
    guest.wait("taskbell_flush", 60_000)?;
    let delivered_ms = start.elapsed().as_secs_f64() * 1000.0;
    guest.shutdown(1000)?;
    Ok(vec![accepted_ms, delivered_ms])
}

/// Sits for `seconds`, with the library or without: resident and private memory in MiB, wake-ups a second in all
/// threads.
pub fn idle(load: &Load<'_>) -> Result<Vec<f64>, String> {
    let folder = folder()?;
    let mut guest = None;
    if load.yes("guest") {
        let opened = Guest::open(&load.config(folder.path())?)?;
        if !opened.on_task_complete()?(c"{}") {
            return Err("the first event was refused".to_owned());
        }
        guest = Some(opened);
    }
    thread::sleep(Duration::from_secs(3));
    let seconds = load.number("seconds", 5)?;
    let before = WakeUps::now();
    thread::sleep(Duration::from_secs(seconds));
    // This thread's own sleep is one of them.
    let woken = WakeUps::now().since(&before).saturating_sub(1) as f64;
    let figures =
        vec![processor::memory_mib("VmRSS:"), processor::memory_mib("RssAnon:"), woken / seconds as f64];
    guest.map_or(Ok(()), |guest| guest.shutdown(1000))?;
    Ok(figures)
}
