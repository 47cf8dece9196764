//! Whether the spool takes events, and incidents of its file.

use super::lock::lock;
use super::log::{Level, Log};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Incidents that `stats` reports; later ones only go to the log.
const MAX_INCIDENTS: usize = 16;

/// Written by the dispatcher, read by host threads.
pub struct SpoolHealth {
    log: Arc<Log>,
    failing: AtomicBool,
    full: AtomicBool,
    failure: Mutex<String>,
    incidents: Mutex<Vec<String>>,
}

impl SpoolHealth {
    pub fn new(log: Arc<Log>) -> SpoolHealth {
        SpoolHealth {
            log,
            failing: AtomicBool::new(false),
            full: AtomicBool::new(false),
            failure: Mutex::default(),
            incidents: Mutex::default(),
        }
    }

    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Acquire)
    }

    /// Why the last transaction that failed did so.
    pub fn failure(&self) -> String {
        lock(&self.failure).clone()
    }

    /// Whether the spool has reached `spool.max_bytes` and holds only waiting deliveries.
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }

    /// Records that a transaction failed, and logs the first failure in a row.
    pub fn failed(&self, error: &dyn std::fmt::Display) {
        let error = error.to_string();
        lock(&self.failure).clone_from(&error);
        if !self.failing.swap(true, Ordering::AcqRel) {
            self.log.write(Level::Error, &format!("the spool cannot be written: {error}"));
        }
    }

    /// Records that a transaction succeeded, and logs the first success after failures.
    pub fn succeeded(&self) {
        if self.failing.swap(false, Ordering::AcqRel) {
            self.log.write(Level::Info, "the spool can be written again");
        }
    }

    /// Records whether the spool is full, and logs changes.
    pub fn set_full(&self, full: bool) {
        if self.full.swap(full, Ordering::AcqRel) == full {
            return;
        }
        let text = "the spool has reached `spool.max_bytes` and holds only waiting deliveries: new events are \
                    refused until some have ended; see `taskbell list --pending`, or raise the limit";
        match full {
            true => self.log.write(Level::Error, text),
            false => self.log.write(Level::Info, "the spool has room for events again"),
        }
    }

    /// Keeps an incident of the spool's file for `stats`, and logs it.
    pub fn add_incident(&self, text: &str) {
        let mut incidents = lock(&self.incidents);
        if incidents.len() < MAX_INCIDENTS {
            incidents.push(text.to_owned());
        }
        drop(incidents);
        self.log.write(Level::Error, text);
    }

    pub fn incidents(&self) -> Vec<String> {
        lock(&self.incidents).clone()
    }
}
