//! The public API: an open instance, which a handle of the C ABI refers to.

use super::endpoints::build_lanes;
use super::error::{Error, ErrorKind};
use super::log::{Level, NotSet, Sink};
use super::parts::{Parts, Reload};
use super::progress::WaitError;
use super::supervise::{close, open};
use crate::alerts::Gauge;
use crate::clock::{self, Clock, SystemClock};
use crate::config::Config;
use crate::event;
use crate::intake::{Accepted, Refusal};
use crate::json::{Members, json};
use crate::os;
use crate::spool::Spool;
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The time for a new configuration to come into force.
const RELOAD_LIMIT: Duration = Duration::from_secs(10);

/// An open instance. Every method may be called from any thread at any time.
pub struct Bell {
    pub(super) parts: Arc<Parts>,
    spool: crate::spool::SpoolPath,
    is_default_spool: bool,
    // Of the configuration at the start, for each log function: what it has, and what is doubtful in it.
    summary: String,
    warnings: Vec<String>,
    is_reloaded: AtomicBool,
    // Whether a refused metric was logged: a host may feed the same every second.
    was_metric_refused: AtomicBool,
}

impl Bell {
    /// Opens the spool, takes over what earlier runs left, and starts the dispatcher.
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
        Bell::open_as(Arc::new(config), |config| open::open(config, None, clock))
    }

    /// An instance of these parts.
    pub(super) fn open_as(
        config: Arc<Config>,
        open: impl FnOnce(Arc<Config>) -> Result<Arc<Parts>, Error>,
    ) -> Result<Bell, Error> {
        let _quiet = os::WriteSignals::hold();
        let spool = config.spool.path.clone();
        let is_default_spool = config.spool.configuration.is_some();
        let (summary, warnings) = (config.summary(), config.warnings.clone());
        Ok(Bell {
            parts: open(config)?,
            spool,
            is_default_spool,
            summary,
            warnings,
            is_reloaded: AtomicBool::new(false),
            was_metric_refused: AtomicBool::new(false),
        })
    }

    /// Takes an event. Never waits, and in steady state makes no system call.
    ///
    /// # Errors
    /// `Closed`; `InvalidArgument` for a type out of pattern; `InvalidJson` with line and column;
    /// `TooLarge`; `QueueFull`, or `Spool` when the reason is that the disk takes nothing.
    pub fn emit(&self, kind: &str, payload: &[u8]) -> Result<Accepted, Error> {
        let counters = &self.parts.counters;
        let Some(call) = self.parts.in_flight.enter() else {
            counters.refused_closed.one();
            return Err(closed());
        };
        let payload = event::bytes_without_mark(payload);
        self.check(kind, payload)?;
        if self.parts.spool_health.is_full() {
            counters.refused_spool.one();
            let message = "the spool has reached `spool.max_bytes` and holds only waiting deliveries; raise the \
                           limit, or drop deliveries with `taskbell drop`";
            return Err(Error::new(ErrorKind::Spool, message));
        }
        let accepted = self.parts.intake.push(kind, payload).map_err(|refusal| self.refuse(refusal))?;
        let is_asleep = call.end_with_event();
        if accepted.crowds {
            self.parts.waker.wake();
        } else if is_asleep {
            self.parts.waker.end_deep_sleep();
        }
        Ok(accepted)
    }

    /// The largest payload that an event may have, in bytes.
    pub fn max_event_bytes(&self) -> usize {
        self.parts.max_event_bytes.load(Ordering::Relaxed)
    }

    /// Takes the value of a metric for the alerts. Never waits.
    ///
    /// # Errors
    /// `InvalidArgument` for a name out of pattern, the name of a built-in metric or a value that is no
    /// number, `Closed`.
    pub fn metric(&self, name: &str, value: f64) -> Result<(), Error> {
        let Some(_call) = self.parts.in_flight.enter() else {
            self.parts.counters.refused_closed.one();
            return Err(closed());
        };
        self.measure(name, value).inspect_err(|error| {
            self.parts.counters.refused_invalid.one();
            if !self.was_metric_refused.swap(true, Ordering::Relaxed) {
                self.parts.log.write(Level::Warn, &format!("a metric is refused: {error}"));
            }
        })
    }

    fn measure(&self, name: &str, value: f64) -> Result<(), Error> {
        let fits = (1..=128).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
        let fed = if !fits {
            Err("a metric's name has 1 to 128 printable ASCII characters without spaces".to_owned())
        } else if !value.is_finite() {
            Err(format!("metric `{name}` is {value}: only finite numbers can be compared"))
        } else if Gauge::is_built_in(name) {
            Err(format!("metric `{name}` is measured by Taskbell; feed yours under another name"))
        } else {
            self.parts.alerts.feed(name, value)
        };
        fed.map_err(|message| Error::new(ErrorKind::InvalidArgument, message))
    }

    /// Waits until every delivery of an event has ended.
    ///
    /// # Errors
    /// `Timeout`, `Closed`, and `NotFound` for a ticket that was never given.
    pub fn wait(&self, ticket: u64, limit: Duration) -> Result<(), Error> {
        if ticket == 0 || ticket > self.parts.intake.newest_ticket() {
            return Err(Error::new(ErrorKind::NotFound, format!("ticket {ticket} was never given")));
        }
        self.parts.waker.wake();
        let waited = self.parts.progress.await_ended(ticket, limit);
        waited.map_err(|error| self.wait_error(error, "the deliveries of the event have not all ended"))
    }

    /// Waits until every event accepted so far is durable.
    ///
    /// # Errors
    /// `Timeout`, or `Spool` when the disk takes nothing; `Closed`.
    pub fn sync(&self, limit: Duration) -> Result<(), Error> {
        self.parts.waker.wake();
        let waited = self.parts.progress.await_spooled(self.parts.intake.newest_ticket(), limit);
        waited.map_err(|error| self.wait_error(error, "not all accepted events are in the spool"))
    }

    /// Waits until every delivery of the events accepted so far has been tried once.
    ///
    /// # Errors
    /// `Timeout`, or `Spool` when the disk takes nothing; `Closed`.
    pub fn flush(&self, limit: Duration) -> Result<(), Error> {
        self.parts.waker.wake();
        let waited = self.parts.progress.await_tried(self.parts.intake.newest_ticket(), limit);
        waited.map_err(|error| self.wait_error(error, "not all accepted events have been tried"))
    }

    /// Passes the next delivery report, as JSON, to `take`, and removes it if that returns `true`. `None` when
    /// none waits.
    pub fn poll(&self, take: impl FnOnce(&str) -> bool) -> Option<bool> {
        self.parts.reports.next(take)
    }

    /// Counters and gauges as JSON; `docs/stats.md` names each.
    pub fn stats(&self) -> Json {
        let parts = &self.parts;
        let (mut lanes, backlog) = (Map::new(), parts.backlog.left_by_endpoint());
        for (name, lane) in parts.lanes.lock().iter() {
            let state = lane.state();
            let entry = json!({
                "waiting": state.waiting as u64 + backlog.get(&**name).unwrap_or(&0),
                "in_flight": state.in_flight,
                "in_flight_since": state.in_flight_since.map(clock::rfc3339),
                "state": state.state,
                "quiet_until": state.quiet_until.map(clock::rfc3339),
            });
            lanes.insert(name.to_string(), entry);
        }
        let mut stats = parts.counters.to_json(parts.in_flight.events(), backlog.values().sum());
        if let Json::Object(stats) = &mut stats {
            stats.put("ring_used_bytes", json!(parts.intake.used()));
            stats.put("ring_capacity_bytes", json!(parts.intake.capacity()));
            stats.put("ring_damaged", json!(parts.intake.corrupt()));
            stats.put("ring_in_memory", json!(parts.intake.fallback()));
            stats.put("spool_failing", json!(parts.spool_health.is_failing()));
            stats.put("spool_full", json!(parts.spool_health.is_full()));
            stats.put("spool_mishaps", json!(parts.spool_health.incidents()));
            stats.put("alerts_firing", json!(parts.alerts.firing()));
            stats.put("lanes", Json::Object(lanes));
        }
        stats
    }

    /// Sets or removes the host's log function. It is called on a thread of Taskbell, one message at a time; it
    /// must return soon and must not call Taskbell. Once this has returned, the former function does not run
    /// any more.
    ///
    /// # Errors
    /// `Timeout` when the former function still runs after five seconds or is the caller, or when the system has
    /// no thread for the new one; `Closed`.
    pub fn set_log(&self, sink: Option<Sink>) -> Result<(), Error> {
        let is_set = sink.is_some();
        self.parts.log.set(sink, Duration::from_secs(5)).map_err(|why| match why {
            NotSet::StillRunning => Error::new(
                ErrorKind::Timeout,
                "the former log function is still running; it must return, and must not call Taskbell",
            ),
            NotSet::NoThread => Error::new(
                ErrorKind::Timeout,
                "the system has no thread for the log function; set it again when there is one",
            ),
            NotSet::Closed | NotSet::HasFunction => closed(),
        })?;
        if is_set {
            self.log_the_start();
        }
        Ok(())
    }

    /// Passes the next message of the log to `take`, and removes it if that returns `true`. Whether there was one. The
    /// first call turns the log on.
    ///
    /// # Errors
    /// `InvalidArgument` while a log function is set; `Closed`.
    pub fn poll_log(&self, take: impl FnOnce(Level, &str) -> bool) -> Result<bool, Error> {
        let begins = self.parts.log.keep().map_err(|why| match why {
            NotSet::HasFunction | NotSet::StillRunning | NotSet::NoThread => {
                Error::new(ErrorKind::InvalidArgument, "a log function is set; remove it first")
            }
            NotSet::Closed => closed(),
        })?;
        if begins {
            self.log_the_start();
        }
        Ok(self.parts.log.next(take))
    }

    /// The messages of the log that [`Bell::poll_log`] has not passed on.
    pub fn rest_of_log(&self) -> Vec<(Level, String)> {
        self.parts.log.rest()
    }

    /// What happened before the log could be set.
    fn log_the_start(&self) {
        if !self.is_reloaded.load(Ordering::Relaxed) {
            self.parts.log.write(Level::Info, &self.summary);
            let incidents = self.parts.spool_health.incidents();
            self.warnings.iter().for_each(|text| self.parts.log.write(Level::Warn, text));
            incidents.iter().for_each(|text| self.parts.log.write(Level::Error, text));
        }
    }

    /// Applies another configuration, or keeps the present one and returns why.
    ///
    /// # Errors
    /// `Config` when it cannot be used or names another spool, `Timeout`, `Closed`.
    pub fn reload(&self, config: Config) -> Result<(), Error> {
        let _call = self.parts.in_flight.enter().ok_or_else(closed)?;
        // Where no path is set, the bell keeps the spool it has.
        let keeps_default = self.is_default_spool && config.spool.configuration.is_some();
        if config.spool.path != self.spool && !keeps_default {
            let message = "`spool.path` cannot change while the bell is open; close it and open it again";
            return Err(Error::new(ErrorKind::Config, message));
        }
        let lanes = build_lanes(&config, &self.parts.lanes, None::<&Spool>)?;
        self.parts.reload.put(Reload { config: Arc::new(config), lanes });
        let deadline = Instant::now() + RELOAD_LIMIT;
        loop {
            self.parts.waker.wake();
            if self.parts.reload.is_empty() {
                self.is_reloaded.store(true, Ordering::Relaxed);
                return Ok(());
            }
            if Instant::now() > deadline && self.parts.reload.take().is_some() {
                let message = "the dispatcher waits for a disk that does not answer";
                return Err(Error::new(ErrorKind::Timeout, message));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Refuses new events, delivers what it can until `limit` has passed, stops, and leaves the rest in
    /// the spool for the next start. Returns how many deliveries are left, within `limit` + 250 ms
    /// whatever the network does.
    ///
    /// # Errors
    /// `Timeout` when it is closed and a call of the log function has not returned: this may be called again, to
    /// wait for it. `Closed` when it was closed already.
    pub fn close(&self, limit: Duration) -> Result<u64, Error> {
        let _quiet = os::WriteSignals::hold();
        let closing = close::close(&self.parts, limit).ok_or_else(closed)?;
        if closing.log_ended {
            return Ok(closing.undelivered);
        }
        let message = "the bell is closed, but a call of the log function has not returned; keep the function and \
                       its userdata, and close the bell again to wait for it";
        Err(Error::new(ErrorKind::Timeout, message))
    }

    /// How many deliveries were left when it was closed; `None` before.
    pub fn undelivered(&self) -> Option<u64> {
        self.parts.undelivered.get().copied()
    }

    /// How many messages did not arrive until it was closed, and why; `None` when none is missing, and before.
    pub fn missing(&self) -> Option<&str> {
        self.parts.missing.get().map(String::as_str)
    }

    fn check(&self, kind: &str, payload: &[u8]) -> Result<(), Error> {
        let counters = &self.parts.counters;
        let limit = self.parts.max_event_bytes.load(Ordering::Relaxed);
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
        let Ok(text) = simdutf8::basic::from_utf8(payload) else {
            let at = std::str::from_utf8(payload).map_or_else(|fault| fault.valid_up_to(), str::len);
            let message = format!("the event is not UTF-8 at byte {at}");
            return Err(refuse(ErrorKind::InvalidArgument, message));
        };
        event::check_object(text).map_err(|fault| {
            refuse(ErrorKind::InvalidJson, format!("the event is not a JSON object: {fault}"))
        })
    }

    fn refuse(&self, refusal: Refusal) -> Error {
        let counters = &self.parts.counters;
        match refusal {
            Refusal::TooLarge => {
                counters.refused_too_large.one();
                Error::new(ErrorKind::TooLarge, "the event is larger than `queue.max_bytes` can hold")
            }
            Refusal::Full if self.parts.spool_health.is_failing() => {
                counters.refused_spool.one();
                let reason = self.parts.spool_health.failure();
                Error::new(ErrorKind::Spool, format!("no more events fit before the spool: {reason}"))
            }
            Refusal::Full => {
                counters.refused_queue_full.one();
                let message = "events come faster than the spool takes them; try again in a few \
                               milliseconds or raise `queue.max_bytes`";
                Error::new(ErrorKind::QueueFull, message)
            }
        }
    }

    fn wait_error(&self, error: WaitError, what: &str) -> Error {
        match error {
            WaitError::Closed => closed(),
            WaitError::Timeout if self.parts.spool_health.is_failing() => {
                Error::new(ErrorKind::Spool, format!("{what}: {}", self.parts.spool_health.failure()))
            }
            WaitError::Timeout if self.parts.spool_health.is_full() => {
                Error::new(ErrorKind::Spool, format!("{what}: the spool has reached `spool.max_bytes`"))
            }
            WaitError::Timeout => Error::new(ErrorKind::Timeout, format!("{what} in the time given")),
        }
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.parts.in_flight.is_closed()
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        let _quiet = os::WriteSignals::hold();
        close::close(&self.parts, Duration::ZERO);
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the bell was closed")
}
