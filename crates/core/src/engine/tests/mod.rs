//! Trials of a whole bell: a receiver on loopback, a spool in a folder of its own, and what a host, an
//! operator or the machine does to them.

mod accounts;
mod bounds;
pub(crate) mod clocks;
mod delivery;
mod gathering;
mod mishaps;
mod operator;
mod other_store;
mod receiver;
mod restart;
mod sending;
mod shaping;
mod shutdown;

use super::Bell;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use receiver::{Receiver, Reply};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What a condition is waited for at most.
const PATIENCE: Duration = Duration::from_secs(30);

fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "not in time: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

struct Place {
    folder: TempDir,
    config: Json,
}

impl Place {
    /// One endpoint `e0` that hears of `test.event`.
    fn ringing(receiver: &Receiver) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let config = json!({
            "host": {"name": "trial"},
            "spool": {"path": folder.path().join("bell.db")},
            "queue": {"end_delay": "50ms"},
            "endpoints": {"e0": {
                "platform": "json",
                "url": receiver.url(),
                "timeout": "60s",
                "concurrency": 2,
                "retry": {"schedule": ["50ms", "100ms", "200ms"]},
            }},
            "hooks": [{"on": ["test.event"], "to": ["e0"]}, {"on": ["queue.end"], "to": ["e0"]}],
        });
        Place { folder, config }
    }

    /// The same, with other waits between attempts.
    fn retrying(receiver: &Receiver, schedule: &[&str]) -> Place {
        let mut place = Place::ringing(receiver);
        place.config["endpoints"]["e0"]["retry"]["schedule"] = json!(schedule);
        place
    }

    fn spool(&self) -> PathBuf {
        self.folder.path().join("bell.db")
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self) -> Bell {
        self.open_by(Arc::new(SystemClock))
    }

    fn open_by(&self, clock: Arc<dyn Clock>) -> Bell {
        Bell::open_with_clock(self.read(), clock).unwrap()
    }

    fn read(&self) -> Config {
        Config::load(&self.config.to_string()).unwrap()
    }
}

/// Emits events with these numbers and waits until they are in the spool.
fn emit(bell: &Bell, numbers: std::ops::Range<u64>) {
    numbers.for_each(|number| {
        bell.emit("test.event", json!({"n": number}).to_string().as_bytes()).unwrap();
    });
    bell.sync(PATIENCE).unwrap();
}

fn stat(bell: &Bell, name: &str) -> Json {
    bell.stats()[name].clone()
}

fn lane_state(bell: &Bell) -> String {
    bell.stats()["lanes"]["e0"]["state"].as_str().unwrap().to_owned()
}

/// Ends a bell as a crash would leave it: nothing is handed back, released or delivered any more. The
/// process goes on, so the lock of its ring is let go of by hand, in a copy of the folder.
fn crash(place: &Place) -> Place {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(place.folder.path()).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() && !entry.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
    }
    let mut config = place.config.clone();
    config["spool"]["path"] = json!(folder.path().join("bell.db"));
    Place { folder, config }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
