//! Hands over events as fast as they are taken, until each has been tried.

use super::folder;
use crate::guest::Guest;
use crate::load::{Event, Load, kind};
use crate::processor;
use std::ffi::CString;
use std::thread;
use std::time::{Duration, Instant};

/// The longest that the deliveries may take, in milliseconds.
const LIMIT_MS: u32 = 1_800_000;

/// `events` after `warm` ones that are not counted: seconds, and seconds of processor time. With `group`, waits after so
/// many until they are tried.
pub fn run(load: &Load<'_>) -> Result<Vec<f64>, String> {
    let folder = folder()?;
    let guest = Guest::open(&load.config(folder.path())?)?;
    let endpoints = load.number("endpoints", 1)?;
    let kinds: Result<Vec<CString>, _> =
        (0..endpoints).map(|number| CString::new(kind(number, endpoints))).collect();
    let kinds = kinds.map_err(|error| error.to_string())?;
    let group = load.number("group", u64::MAX)?;
    let emit = guest.emit()?;
    let mut event = Event::new();
    let mut hand_over = |from: u64, to: u64| {
        for number in from..to {
            let kind = &kinds[(number % endpoints) as usize];
            while !emit(kind, event.numbered(number)) {
                thread::sleep(Duration::from_micros(200));
            }
            if (number + 1) % group == 0 {
                guest.wait("taskbell_flush", LIMIT_MS)?;
            }
        }
        guest.wait("taskbell_flush", LIMIT_MS)
    };
    let warm = load.number("warm", 0)?;
    hand_over(0, warm)?;
    let (start, used) = (Instant::now(), processor::own());
    hand_over(warm, warm + load.number("events", 1)?)?;
    let figures = vec![start.elapsed().as_secs_f64(), (processor::own() - used).as_secs_f64()];
    guest.shutdown(10_000)?;
    Ok(figures)
}
