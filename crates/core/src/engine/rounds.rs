//! The watchman's rounds: a thread that measures built-in metrics. It exists only while an alert watches
//! one, sleeps for the shortest interval of them, and holds nothing of the bell while it measures: a
//! file system that never answers holds up this thread and nobody else.

use super::log::Level;
use super::shared::{Phase, Shared, lock};
use crate::alerts::{Alert, Metric};
use crate::alerts::{Gauge, Meter};
use crate::clock::Clock;
use crate::os;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

/// The rounds of a bell.
#[derive(Debug, Default)]
pub struct Rounds {
    plan: Mutex<Plan>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Plan {
    stations: Vec<Station>,
    /// Grows with each other plan.
    version: u64,
    /// Whether the thread runs.
    walking: bool,
    over: bool,
}

/// A built-in metric that is measured.
#[derive(Debug, Clone, PartialEq)]
struct Station {
    metric: String,
    gauge: Gauge,
    every: Duration,
    due: Duration,
    /// Whether the last measurement failed: that is logged once.
    failing: bool,
}

impl Rounds {
    /// Measures what these alerts watch from now on, each metric at the shortest of its intervals.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn put_in_force(self: &Arc<Self>, alerts: &[Arc<Alert>], shared: &Arc<Shared>) -> io::Result<()> {
        let mut plan = lock(&self.plan);
        plan.stations = stations(alerts, shared.clock.monotonic());
        plan.version += 1;
        self.changed.notify_all();
        if plan.stations.is_empty() || plan.walking || plan.over {
            return Ok(());
        }
        let walker = Walker {
            rounds: Arc::clone(self),
            shared: Arc::downgrade(shared),
            clock: Arc::clone(&shared.clock),
            meter: Meter::default(),
        };
        os::spawn("taskbell-watch", move || walker.walk())?;
        plan.walking = true;
        Ok(())
    }

    /// Ends them; the thread goes as soon as the system lets it.
    pub fn end(&self) {
        lock(&self.plan).over = true;
        self.changed.notify_all();
    }
}

fn stations(alerts: &[Arc<Alert>], now: Duration) -> Vec<Station> {
    let mut stations: Vec<Station> = Vec::new();
    for alert in alerts {
        let Metric::BuiltIn(metric, gauge) = &alert.metric else { continue };
        match stations.iter_mut().find(|station| station.metric == *metric) {
            Some(station) => station.every = station.every.min(alert.sample),
            None => stations.push(Station {
                metric: metric.clone(),
                gauge: gauge.clone(),
                every: alert.sample,
                due: now,
                failing: false,
            }),
        }
    }
    stations
}

/// The thread.
struct Walker {
    rounds: Arc<Rounds>,
    shared: Weak<Shared>,
    clock: Arc<dyn Clock>,
    meter: Meter,
}

impl Walker {
    fn walk(mut self) {
        let (mut version, mut stations) = (0, Vec::new());
        loop {
            if !self.await_next(&mut version, &mut stations) {
                return;
            }
            let now = self.clock.monotonic();
            for station in stations.iter_mut().filter(|station| station.due <= now) {
                station.due = now + station.every;
                self.measure(station);
            }
        }
    }

    /// Waits until something is due. `false` when the rounds are over, or there is nothing to measure.
    fn await_next(&self, version: &mut u64, stations: &mut Vec<Station>) -> bool {
        let mut plan = lock(&self.rounds.plan);
        loop {
            if plan.version != *version {
                *version = plan.version;
                stations.clone_from(&plan.stations);
            }
            let next = stations.iter().map(|station| station.due).min();
            let Some(next) = next.filter(|_| !plan.over) else {
                plan.walking = false;
                return false;
            };
            let wait = next.saturating_sub(self.clock.monotonic());
            if wait.is_zero() {
                return true;
            }
            let waited = self.rounds.changed.wait_timeout(plan, wait);
            plan = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn measure(&mut self, station: &mut Station) {
        let measured = self.meter.read(&station.gauge);
        let Some(shared) = self.shared.upgrade() else { return };
        match measured {
            Ok(value) => {
                station.failing = false;
                if let (Some(value), Phase::Open) = (value, shared.phase()) {
                    shared.watchman.observe(&shared, &station.metric, value);
                }
            }
            Err(reason) => {
                if !std::mem::replace(&mut station.failing, true) {
                    let text = format!("{} has no value: {reason}", station.metric);
                    shared.log.write(Level::Warn, &text);
                }
            }
        }
    }
}
