//! A bell: what a handle of the C ABI stands for.

use super::close;
use super::endpoints::build_lanes;
use super::error::{Error, ErrorKind};
use super::log::{Level, Sink};
use super::open;
use super::progress::Cut;
use super::shared::{Phase, Reload, Shared, lock};
use crate::alerts::Gauge;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::event;
use crate::intake::{Accepted, Refusal};
use serde_json::{Map, Value as Json, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The most metrics a host may feed; a name beyond is refused.
const MAX_METRICS: usize = 1024;

/// How long a new configuration may take to come into force.
const RELOAD_LIMIT: Duration = Duration::from_secs(10);

/// An open bell. Every method may be called from any thread at any time.
#[derive(Debug)]
pub struct Bell {
    shared: Arc<Shared>,
    spool: crate::spool::SpoolPath,
}

impl Bell {
    /// Opens the spool, takes over what earlier runs left, and starts the clerk.
    ///
    /// # Errors
    /// `Config` when certificates or a proxy cannot be used, `Spool` when the spool cannot be opened.
    pub fn open(config: Config) -> Result<Bell, Error> {
        Bell::open_with_clock(config, Arc::new(SystemClock))
    }

    /// As [`Bell::open`], with other clocks.
    ///
    /// # Errors
    /// As [`Bell::open`].
    pub fn open_with_clock(config: Config, clock: Arc<dyn Clock>) -> Result<Bell, Error> {
        let spool = config.spool.path.clone();
        Ok(Bell { shared: open::open(config, clock)?, spool })
    }

    /// Takes an event. Never waits, and in steady state makes no system call.
    ///
    /// # Errors
    /// `Closed`; `InvalidArgument` for a type out of pattern; `InvalidJson` with line and column;
    /// `TooLarge`; `QueueFull`, or `Spool` when the reason is that the disk takes nothing.
    pub fn emit(&self, kind: &str, payload: &[u8]) -> Result<Accepted, Error> {
        let counters = &self.shared.counters;
        let Some(_pass) = self.shared.gate.enter() else {
            counters.refused_closed.one();
            return Err(closed());
        };
        self.check(kind, payload)?;
        if self.shared.spool_full.load(Ordering::Relaxed) {
            counters.refused_spool.one();
            let message = "the spool has grown to `spool.max_bytes` and holds nothing but what waits to be \
                           delivered; raise the bound, or drop what nobody wants with `taskbell drop`";
            return Err(Error::new(ErrorKind::Spool, message));
        }
        let accepted = self.shared.intake.push(kind, payload).map_err(|refusal| self.refuse(refusal))?;
        counters.accepted.one();
        if self.shared.intake.used() * 2 > self.shared.intake.capacity() {
            self.shared.bed.wake();
        } else {
            self.shared.bed.rouse();
        }
        Ok(accepted)
    }

    /// Takes the value of a metric, for the alerts. Never waits.
    ///
    /// # Errors
    /// `InvalidArgument` for a name out of pattern, the name of a built-in metric or a value that is no
    /// number, `Closed`.
    pub fn metric(&self, name: &str, value: f64) -> Result<(), Error> {
        let Some(_pass) = self.shared.gate.enter() else {
            self.shared.counters.refused_closed.one();
            return Err(closed());
        };
        self.measure(name, value).inspect_err(|error| {
            self.shared.counters.refused_invalid.one();
            // Once for each run of the process: a host may feed the same every second.
            if !self.shared.refused_metric.swap(true, Ordering::Relaxed) {
                self.shared.log.write(Level::Warn, &format!("a metric is refused: {error}"));
            }
        })
    }

    fn measure(&self, name: &str, value: f64) -> Result<(), Error> {
        let fits = !name.is_empty() && name.len() <= 128 && name.bytes().all(|byte| byte.is_ascii_graphic());
        if !fits {
            let message = "a metric's name has 1 to 128 printable ASCII characters without spaces";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        if !value.is_finite() {
            let message = format!("metric `{name}` is {value}: only finite numbers can be compared");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        if Gauge::is_built_in(name) {
            let message = format!("metric `{name}` is measured by Taskbell; feed yours under another name");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let mut metrics = lock(&self.shared.metrics);
        if metrics.len() >= MAX_METRICS && !metrics.contains_key(name) {
            let message = format!("there are {MAX_METRICS} metrics already; `{name}` is refused");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        match metrics.get_mut(name) {
            Some(last) => *last = value,
            None => drop(metrics.insert(name.to_owned(), value)),
        }
        drop(metrics);
        self.shared.watchman.observe(&self.shared, name, value);
        Ok(())
    }

    /// Waits until every delivery of an event has ended.
    ///
    /// # Errors
    /// `Timeout`, `Closed`, and `NotFound` for a ticket that was never given.
    pub fn wait(&self, ticket: u64, limit: Duration) -> Result<(), Error> {
        if ticket == 0 || ticket > self.shared.intake.newest_ticket() {
            return Err(Error::new(ErrorKind::NotFound, format!("ticket {ticket} was never given")));
        }
        self.shared.bed.wake();
        let waited = self.shared.progress.await_ended(ticket, limit);
        waited.map_err(|cut| self.cut_short(cut, "the deliveries of the event have not all ended"))
    }

    /// Waits until all accepted so far is durable.
    ///
    /// # Errors
    /// `Timeout`, or `Spool` when the disk takes nothing; `Closed`.
    pub fn sync(&self, limit: Duration) -> Result<(), Error> {
        self.shared.bed.wake();
        let waited = self.shared.progress.await_spooled(self.shared.intake.newest_ticket(), limit);
        waited.map_err(|cut| self.cut_short(cut, "not all accepted events are in the spool"))
    }

    /// Waits until all accepted so far has been tried once.
    ///
    /// # Errors
    /// `Timeout`, or `Spool` when the disk takes nothing; `Closed`.
    pub fn flush(&self, limit: Duration) -> Result<(), Error> {
        self.shared.bed.wake();
        let waited = self.shared.progress.await_tried(self.shared.intake.newest_ticket(), limit);
        waited.map_err(|cut| self.cut_short(cut, "not all accepted events have been tried"))
    }

    /// Hands the next delivery report, as JSON, to `take`; it is gone when `take` returns `true`. `None`
    /// when none waits.
    pub fn poll(&self, take: impl FnOnce(&str) -> bool) -> Option<bool> {
        self.shared.reports.next(take)
    }

    /// Counters and gauges as JSON; `docs/stats.md` names each.
    pub fn stats(&self) -> Json {
        let shared = &self.shared;
        let mut lanes = Map::new();
        for (name, lane) in shared.lanes().iter() {
            let state = lane.state();
            let entry = json!({"waiting": state.waiting, "in_flight": state.in_flight, "state": state.state});
            lanes.insert(name.clone(), entry);
        }
        let mut stats = shared.counters.to_json();
        if let Json::Object(stats) = &mut stats {
            stats.insert("ring_used_bytes".into(), json!(shared.intake.used()));
            stats.insert("ring_capacity_bytes".into(), json!(shared.intake.capacity()));
            stats.insert("ring_damaged".into(), json!(shared.intake.corrupt()));
            stats.insert("ring_in_memory".into(), json!(shared.intake.fallback()));
            stats.insert("spool_failing".into(), json!(shared.spool_failing.load(Ordering::Relaxed)));
            stats.insert("spool_full".into(), json!(shared.spool_full.load(Ordering::Relaxed)));
            stats.insert("spool_mishaps".into(), json!(shared.mishaps()));
            stats.insert("alerts_firing".into(), json!(shared.watchman.firing()));
            stats.insert("lanes".into(), Json::Object(lanes));
        }
        stats
    }

    /// Sets the host's log, or takes it away. The sink is called from Taskbell's threads, one message at
    /// a time; it must return soon and must not call Taskbell. Once this has returned, the former sink
    /// does not run any more.
    ///
    /// # Errors
    /// `Timeout` when the former sink still runs after five seconds, or calls this itself.
    pub fn set_log(&self, sink: Option<Sink>) -> Result<(), Error> {
        let listens = sink.is_some();
        if self.shared.log.set(sink, Duration::from_secs(5)) {
            // What happened at the start, when nobody could listen yet.
            if listens && !self.shared.mishaps_told.swap(true, Ordering::Relaxed) {
                self.shared.warnings.iter().for_each(|text| self.shared.log.write(Level::Warn, text));
                self.shared.mishaps().iter().for_each(|text| self.shared.log.write(Level::Error, text));
            }
            Ok(())
        } else {
            let message =
                "the former log function is still running; it must return, and must not call Taskbell";
            Err(Error::new(ErrorKind::Timeout, message))
        }
    }

    /// Puts another configuration in force, or keeps the present one and says why.
    ///
    /// # Errors
    /// `Config` when it cannot be used or names another spool, `Timeout`, `Closed`.
    pub fn reload(&self, config: Config) -> Result<(), Error> {
        let _pass = self.shared.gate.enter().ok_or_else(closed)?;
        if config.spool.path != self.spool {
            let message = "`spool.path` cannot change while the bell is open; close it and open it anew";
            return Err(Error::new(ErrorKind::Config, message));
        }
        let lanes = build_lanes(&config, &self.shared, None)?;
        *lock(&self.shared.reload) = Some(Reload { config: Arc::new(config), lanes });
        let deadline = Instant::now() + RELOAD_LIMIT;
        loop {
            self.shared.bed.wake();
            if lock(&self.shared.reload).is_none() {
                return Ok(());
            }
            if Instant::now() > deadline && lock(&self.shared.reload).take().is_some() {
                return Err(Error::new(
                    ErrorKind::Timeout,
                    "the clerk is busy with a disk that does not answer",
                ));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Refuses new events, delivers what it can until `limit` has passed, stops, and leaves the rest in
    /// the spool for the next start. Returns how many deliveries are left, within `limit` + 250 ms
    /// whatever the network does.
    ///
    /// # Errors
    /// `Closed` when it was closed already.
    pub fn close(&self, limit: Duration) -> Result<u64, Error> {
        close::close(&self.shared, limit).ok_or_else(closed)
    }

    fn check(&self, kind: &str, payload: &[u8]) -> Result<(), Error> {
        let counters = &self.shared.counters;
        let limit = self.shared.max_event_bytes.load(Ordering::Relaxed);
        if payload.len() > limit {
            counters.refused_too_large.one();
            let message =
                format!("the event has {} bytes; `queue.max_event_bytes` allows {limit}", payload.len());
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        let refuse = |kind: ErrorKind, message: String| {
            counters.refused_invalid.one();
            Error::new(kind, message)
        };
        event::check_type(kind).map_err(|fault| refuse(ErrorKind::InvalidArgument, fault))?;
        let text = std::str::from_utf8(payload).map_err(|fault| {
            let message = format!("the event is not UTF-8 at byte {}", fault.valid_up_to());
            refuse(ErrorKind::InvalidArgument, message)
        })?;
        event::check_object(text).map_err(|fault| {
            refuse(ErrorKind::InvalidJson, format!("the event is not a JSON object: {fault}"))
        })
    }

    fn refuse(&self, refusal: Refusal) -> Error {
        let counters = &self.shared.counters;
        match refusal {
            Refusal::TooLarge => {
                counters.refused_too_large.one();
                Error::new(ErrorKind::TooLarge, "the event is larger than `queue.max_bytes` can hold")
            }
            Refusal::Full if self.shared.spool_failing.load(Ordering::Relaxed) => {
                counters.refused_spool.one();
                let message = "the spool cannot be written, and no more events fit before it; \
                               free disk space or mend its permissions";
                Error::new(ErrorKind::Spool, message)
            }
            Refusal::Full => {
                counters.refused_queue_full.one();
                let message = "events come faster than the spool takes them; try again in a few \
                               milliseconds or raise `queue.max_bytes`";
                Error::new(ErrorKind::QueueFull, message)
            }
        }
    }

    fn cut_short(&self, cut: Cut, what: &str) -> Error {
        match cut {
            Cut::Closed => closed(),
            Cut::Timeout
                if self.shared.spool_failing.load(Ordering::Relaxed)
                    || self.shared.spool_full.load(Ordering::Relaxed) =>
            {
                Error::new(ErrorKind::Spool, format!("{what}: the spool cannot be written"))
            }
            Cut::Timeout => Error::new(ErrorKind::Timeout, format!("{what} in the time given")),
        }
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.shared.phase() != Phase::Open
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        close::close(&self.shared, Duration::ZERO);
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the bell was closed")
}
