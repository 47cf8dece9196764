//! Threads that the system had no room for are started when it has: what waits for one must not need another
//! event to go.

use crate::config::Config;
use crate::engine::log::Level;
use crate::engine::parts::Parts;
use std::sync::Arc;
use std::time::Duration;

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// What lacks a thread, and when it is tried again.
#[derive(Debug, Default)]
pub struct MissingThreads {
    sampler: bool,
    due: Option<Duration>,
}

impl MissingThreads {
    /// The sampler has no thread.
    pub fn note_sampler(&mut self) {
        self.sampler = true;
    }

    /// When to look again, if something lacks a thread.
    pub fn due(&mut self, parts: &Parts) -> Option<Duration> {
        let lacks = parts.lanes.reports.take_lack_of_threads() || self.sampler;
        if lacks && self.due.is_none() {
            self.due = Some(parts.clock.monotonic() + PAUSE);
            let text = "the system has no thread left for Taskbell; deliveries wait until it has one again";
            parts.log.write(Level::Warn, text);
        }
        self.due
    }

    /// Tries again when it is due.
    pub fn start(&mut self, parts: &Parts, config: &Config) {
        let now = parts.clock.monotonic();
        if self.due(parts).is_none_or(|due| due > now) {
            return;
        }
        parts.lanes.senders.start_missing_thread();
        self.sampler = self.sampler && measure(parts, config).is_err();
        let lacks = parts.lanes.reports.take_lack_of_threads() || self.sampler;
        self.due = lacks.then_some(now + PAUSE);
    }
}

/// Lets the sampler measure what the alerts of a configuration watch.
pub fn measure(parts: &Parts, config: &Config) -> std::io::Result<()> {
    let phase = Arc::clone(&parts.phase);
    let is_open = move || phase.get() == crate::engine::phase::Phase::Open;
    parts.sampler.measure(&config.alerts, &parts.clock, parts.alerts.sampled(is_open))
}
