//! What an event call costs the host's thread.

use super::folder;
use crate::guest::Guest;
use crate::load::{Event, Load};
use crate::measure::{at, calls};
use crate::processor;
use serde::de::IgnoredAny;
use std::fs;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Between two calls.
const GAP: Duration = Duration::from_micros(40);

/// Bursts until the ring has been filled once.
const NEW_PAGES: u64 = 3;

/// `calls` of `on_task_complete` while events flow, `disturbed` by a disk that is busy: p50, p99, p99.9 and the longest
/// in nanoseconds.
pub fn run(load: &Load<'_>) -> Result<Vec<f64>, String> {
    let folder = folder()?;
    let guest = Guest::open(&load.config(folder.path())?)?;
    let call = guest.on_task_complete()?;
    let event = Event::new().c_string();
    let stop = AtomicBool::new(false);
    let busy = load.yes("disturbed").then(|| folder.path().join("busy"));
    let taken = thread::scope(|scope| {
        if let Some(path) = &busy {
            scope.spawn(|| keep_busy(path, &stop));
        }
        let taken = calls(load.number("calls", 1)?, GAP, |_| while !call(&event) {});
        stop.store(true, Ordering::Relaxed);
        Ok::<_, String>(taken)
    })?;
    guest.shutdown(0)?;
    Ok(figures(&taken))
}

/// The same for a check that the bytes are a JSON object, by serde_json without building a tree.
pub fn check(load: &Load<'_>) -> Result<Vec<f64>, String> {
    let mut event = Event::new();
    let json = event.numbered(1);
    let taken = calls(load.number("calls", 1)?, GAP, |_| {
        let text = std::str::from_utf8(black_box(json));
        let object =
            text.map(|text| text.starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok());
        assert!(object.is_ok_and(|object| object), "the event is an object");
    });
    Ok(figures(&taken))
}

fn figures(taken: &[f64]) -> Vec<f64> {
    [0.5, 0.99, 0.999, 1.0].map(|part| at(taken, part)).to_vec()
}

fn keep_busy(path: &Path, stop: &AtomicBool) {
    let block = vec![7; 4 << 20];
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut file) = fs::File::create(path) else { return };
        for _ in 0..8 {
            let _ = file.write_all(&block);
        }
        let _ = file.sync_all();
    }
}

/// `bursts` of `events` that fit into the ring, from `threads` at once: events in a second of processor time of each thread,
/// summed over the threads; the median of the bursts. So it says how much the threads hinder each other, and not how many
/// processors the dispatcher leaves them. The first bursts, in which the pages of the ring are new, do not count.
pub fn burst(load: &Load<'_>) -> Result<Vec<f64>, String> {
    let folder = folder()?;
    let guest = Guest::open(&load.config(folder.path())?)?;
    let call = guest.on_task_complete()?;
    let event = Event::new().c_string();
    let (threads, events) = (load.number("threads", 1)?, load.number("events", 1)?);
    let mut rates = Vec::new();
    for _ in 0..NEW_PAGES + load.number("bursts", 1)? {
        let together = Barrier::new(threads as usize);
        let share = events / threads;
        let rate = thread::scope(|scope| {
            let work = || {
                together.wait();
                let start = processor::of_thread();
                for _ in 0..share {
                    while !call(&event) {}
                }
                share as f64 / (processor::of_thread() - start).as_secs_f64()
            };
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            running.into_iter().filter_map(|thread| thread.join().ok()).sum()
        });
        rates.push(rate);
        guest.wait("taskbell_sync", 60_000)?;
    }
    guest.shutdown(0)?;
    Ok(vec![at(&rates[NEW_PAGES as usize..], 0.5)])
}
