//! Measures built-in metrics on a thread of its own, which exists only while an alert watches one. The thread
//! holds nothing of the instance while it measures: a file system that never answers delays only this thread.

use crate::alerts::{Alert, Gauge, Meter, Metric};
use crate::clock::Clock;
use crate::engine::lock::lock;
use crate::os;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Takes a metric's value, or the reason why it could not be measured.
pub type Measured = Box<dyn Fn(&str, Result<f64, String>) + Send>;

/// Controls the thread.
#[derive(Debug, Default)]
pub struct Sampler {
    schedule: Mutex<Schedule>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Schedule {
    probes: Vec<Probe>,
    // Grows with each change of the probes.
    version: u64,
    is_running: bool,
    is_over: bool,
}

/// A built-in metric that is measured.
#[derive(Debug, Clone, PartialEq)]
struct Probe {
    metric: String,
    gauge: Gauge,
    every: Duration,
    due: Duration,
    // The first failure in a row is reported.
    is_failing: bool,
}

impl Sampler {
    /// Measures what these alerts watch from now on, each metric at the shortest of its intervals.
    pub fn measure(
        self: &Arc<Self>,
        alerts: &[Arc<Alert>],
        clock: &Arc<dyn Clock>,
        measured: Measured,
    ) -> io::Result<()> {
        let mut schedule = lock(&self.schedule);
        schedule.probes = probes(alerts, clock.monotonic());
        schedule.version += 1;
        self.changed.notify_all();
        if schedule.probes.is_empty() || schedule.is_running || schedule.is_over {
            return Ok(());
        }
        let thread = SamplerThread {
            sampler: Arc::clone(self),
            clock: Arc::clone(clock),
            meter: Meter::default(),
            measured,
        };
        os::spawn("taskbell-watch", move || thread.run())?;
        schedule.is_running = true;
        Ok(())
    }

    /// Ends the thread as soon as the system lets it.
    pub fn end(&self) {
        lock(&self.schedule).is_over = true;
        self.changed.notify_all();
    }
}

fn probes(alerts: &[Arc<Alert>], now: Duration) -> Vec<Probe> {
    let mut probes: Vec<Probe> = Vec::new();
    for alert in alerts {
        let Metric::BuiltIn(metric, gauge) = &alert.metric else { continue };
        match probes.iter_mut().find(|probe| probe.metric == *metric) {
            Some(probe) => probe.every = probe.every.min(alert.sample),
            None => probes.push(Probe {
                metric: metric.clone(),
                gauge: gauge.clone(),
                every: alert.sample,
                due: now,
                is_failing: false,
            }),
        }
    }
    probes
}

struct SamplerThread {
    sampler: Arc<Sampler>,
    clock: Arc<dyn Clock>,
    meter: Meter,
    measured: Measured,
}

impl SamplerThread {
    fn run(mut self) {
        let (mut version, mut probes) = (0, Vec::new());
        while self.await_next(&mut version, &mut probes) {
            let now = self.clock.monotonic();
            for probe in probes.iter_mut().filter(|probe| probe.due <= now) {
                probe.due = now + probe.every;
                self.measure(probe);
            }
        }
    }

    /// Waits until a probe is due. `false` when there is nothing to measure any more.
    fn await_next(&self, version: &mut u64, probes: &mut Vec<Probe>) -> bool {
        let mut schedule = lock(&self.sampler.schedule);
        loop {
            if schedule.version != *version {
                *version = schedule.version;
                probes.clone_from(&schedule.probes);
            }
            let next = probes.iter().map(|probe| probe.due).min();
            let Some(next) = next.filter(|_| !schedule.is_over) else {
                schedule.is_running = false;
                return false;
            };
            let wait = next.saturating_sub(self.clock.monotonic());
            if wait.is_zero() {
                return true;
            }
            let waited = self.sampler.changed.wait_timeout(schedule, wait);
            schedule = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn measure(&mut self, probe: &mut Probe) {
        match self.meter.read(&probe.gauge) {
            Ok(value) => {
                probe.is_failing = false;
                if let Some(value) = value {
                    (self.measured)(&probe.metric, Ok(value));
                }
            }
            Err(reason) => {
                if !std::mem::replace(&mut probe.is_failing, true) {
                    (self.measured)(&probe.metric, Err(reason));
                }
            }
        }
    }
}
