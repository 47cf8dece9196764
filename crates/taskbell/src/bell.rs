//! The Rust API: what the C ABI has, with the types of Rust.

use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use taskbell_core::config::Config;
use taskbell_core::engine::{self, Error, ErrorKind, Sink};
use taskbell_core::{clock, sign};

fn load(config: &str) -> Result<Config, Error> {
    Config::load(config).map_err(|errors| Error::new(ErrorKind::Config, errors.to_string()))
}

/// An event that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The number that [`Bell::wait`] takes; it grows with each event of a bell.
    pub ticket: u64,
    /// The id that receivers see, as in `webhook-id`.
    pub id: String,
}

/// An open bell: a spool, and the threads that decide and deliver. Every method may be called from any thread at any
/// time. Dropped, it closes without waiting for deliveries; what is left goes out with the next start.
pub struct Bell(engine::Bell);

impl Bell {
    /// Opens a bell. `config` is the path of a configuration, its text, or the URL of one receiver.
    ///
    /// # Errors
    /// `Config` with every fault of the configuration, `Spool` when the spool cannot be opened.
    pub fn open(config: &str) -> Result<Bell, Error> {
        Ok(Bell(engine::Bell::open(load(config)?)?))
    }

    /// Reports a completed task: an object with the fields of a task, each of which is optional. Never waits.
    ///
    /// # Errors
    /// As [`Bell::emit`].
    pub fn on_task_complete(&self, task: &impl Serialize) -> Result<Event, Error> {
        self.emit("task.complete", task)
    }

    /// Reports that the queue is empty. Taskbell counts it itself, so an empty object will do. Never waits.
    ///
    /// # Errors
    /// As [`Bell::emit`].
    pub fn on_queue_end(&self, queue: &impl Serialize) -> Result<Event, Error> {
        self.emit("queue.end", queue)
    }

    /// Reports an event of any type. Never waits.
    ///
    /// # Errors
    /// `InvalidArgument` for a type out of pattern; `InvalidJson` for data that is no object; `TooLarge`; `QueueFull` when
    /// events wait for the spool and there is no room for another, `Spool` when the disk takes nothing; `Closed`.
    pub fn emit(&self, kind: &str, data: &impl Serialize) -> Result<Event, Error> {
        let data = serde_json::to_vec(data).map_err(|fault| {
            Error::new(ErrorKind::InvalidJson, format!("the data cannot be written as JSON: {fault}"))
        })?;
        let accepted = self.0.emit(kind, &data)?;
        Ok(Event { ticket: accepted.ticket, id: accepted.id.to_string() })
    }

    /// Reports the current value of a metric, for `[[alerts]]`. Never waits.
    ///
    /// # Errors
    /// `InvalidArgument` for a name out of pattern, the name of a built-in metric or a value that is no number; `Closed`.
    pub fn metric(&self, name: &str, value: f64) -> Result<(), Error> {
        self.0.metric(name, value)
    }

    /// Waits until every delivery of an event has ended.
    ///
    /// # Errors
    /// `Timeout`, `Closed`, and `NotFound` for a ticket that was never given.
    pub fn wait(&self, ticket: u64, limit: Duration) -> Result<(), Error> {
        self.0.wait(ticket, limit)
    }

    /// Waits until all accepted events are on the disk.
    ///
    /// # Errors
    /// `Timeout`, or `Spool` when the disk takes nothing; `Closed`.
    pub fn sync(&self, limit: Duration) -> Result<(), Error> {
        self.0.sync(limit)
    }

    /// Waits until all accepted events have been tried once. The end of a queue is tried after `queue.end_delay`.
    ///
    /// # Errors
    /// `Timeout`, or `Spool` when the disk takes nothing; `Closed`.
    pub fn flush(&self, limit: Duration) -> Result<(), Error> {
        self.0.flush(limit)
    }

    /// The next report of an ended delivery: `event`, `type`, `endpoint`, `hook`, `state` (`delivered` or `dead`),
    /// `attempts`, `status`, `reason`, `ticket`. `None` when none is available.
    pub fn poll(&self) -> Option<Value> {
        let mut report = None;
        self.0.poll(|text| {
            report = serde_json::from_str(text).ok();
            true
        })?;
        report
    }

    /// Counters and gauges.
    pub fn stats(&self) -> Value {
        self.0.stats()
    }

    /// Sets the log function, or removes it. It runs on a thread of Taskbell, one message at a time; it must return soon and
    /// must not call Taskbell.
    ///
    /// # Errors
    /// `Timeout` when the former function still runs after five seconds; `Closed`.
    pub fn set_log(&self, sink: Option<Sink>) -> Result<(), Error> {
        self.0.set_log(sink)
    }

    /// Applies another configuration, or keeps the present one and returns why.
    ///
    /// # Errors
    /// `Config` when it has a fault or names another spool; `Timeout`, `Closed`.
    pub fn reload(&self, config: &str) -> Result<(), Error> {
        self.0.reload(load(config)?)
    }

    /// Refuses new events, delivers what it can until `limit` has passed, and leaves the rest in the spool for the next
    /// start. Returns how many deliveries are left, within `limit` and a quarter of a second whatever the network does.
    ///
    /// # Errors
    /// `Timeout` when it is closed and a call of the log function has not returned; `Closed` when it was closed already.
    pub fn close(&self, limit: Duration) -> Result<u64, Error> {
        self.0.close(limit)
    }
}

/// Checks a configuration, and tries its templates and conditions on sample events: a report with `ok`, `errors` and
/// `warnings`, each with `file`, `line`, `column`, `key` and `message`. Sends nothing.
pub fn check(config: &str) -> Value {
    engine::check(config).to_json()
}

/// The requests that an event would cause, with every secret removed. Sends and writes nothing. Without `data`, of a sample
/// event of that type.
///
/// # Errors
/// `Config`; `InvalidArgument` for a type out of pattern, `InvalidJson` for data that is no object.
pub fn preview(config: &str, kind: &str, data: Option<&Value>) -> Result<Value, Error> {
    engine::preview(&Arc::new(load(config)?), kind, data.map(Value::to_string).as_deref())
}

/// Verifies a signed request, for receivers. `scheme` is an object like one of `sign` in the configuration, with an optional
/// `tolerance` (default 5 minutes); `headers` is an object of header names and values.
///
/// # Errors
/// `Signature` when the signature is not valid or not fresh; `InvalidArgument` for a scheme or headers of another form.
pub fn verify(scheme: &Value, headers: &Value, body: &[u8]) -> Result<(), Error> {
    let now = clock::unix_ms() / 1000;
    sign::verify(&scheme.to_string(), &headers.to_string(), body, now).map(drop).map_err(|error| {
        let kind = if error.is_usage() { ErrorKind::InvalidArgument } else { ErrorKind::Signature };
        Error::new(kind, error.to_string())
    })
}
