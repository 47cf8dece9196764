//! The checked values of a configuration.

use super::task_urls::TaskUrls;
use crate::alerts::Gauge;
use crate::message::{Condition, Key, Language, Template};
use crate::platform::Platform;
use crate::secret::{Scrubber, Secret, SecretUrl};
use crate::shape::QuietHours;
use crate::sign::Signer;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A whole configuration.
#[derive(Debug)]
pub struct Config {
    /// The file it came from; `None` when the text itself was given.
    pub file: Option<PathBuf>,
    /// `[host]`.
    pub host: HostInfo,
    /// `[spool]`.
    pub spool: SpoolSettings,
    /// `[queue]`.
    pub queue: Queue,
    /// `[files]`.
    pub files: Files,
    /// `[network] task_urls`.
    pub task_urls: TaskUrls,
    /// `[endpoints.*]`, in the order of the file.
    pub endpoints: Vec<Arc<Endpoint>>,
    /// `[[hooks]]`, in the order of the file.
    pub hooks: Vec<Hook>,
    /// `[[alerts]]`, in the order of the file.
    pub alerts: Vec<Arc<Alert>>,
    /// Knows every secret value of this configuration.
    pub scrubber: Scrubber,
    /// What is allowed but hardly meant, a line each.
    pub warnings: Vec<String>,
}

/// `[host]`: what templates see as `host`.
#[derive(Debug, Clone, Default)]
pub struct HostInfo {
    /// The machine's name for people; the system's host name when left out.
    pub name: String,
    /// Prefix of relative output URLs, without a trailing slash.
    pub base_url: Option<String>,
    /// What the cards are written in.
    pub language: Language,
}

/// Where the spool lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpoolPath {
    /// A SQLite file.
    File(PathBuf),
    /// `":memory:"`: nothing survives the process.
    Memory,
}

/// `[spool]`.
#[derive(Debug, Clone)]
pub struct SpoolSettings {
    /// The database.
    pub path: SpoolPath,
    /// How long ended deliveries stay for the log.
    pub retain: Duration,
    /// The most bytes of the database, beyond which what has ended goes before its time.
    pub max_bytes: u64,
}

/// `[queue]`.
#[derive(Debug, Clone)]
pub struct Queue {
    /// The largest payload of one event, in bytes.
    pub max_event_bytes: usize,
    /// The most bytes that wait between the host's call and the spool.
    pub max_bytes: usize,
    /// How long a queue must stay empty before `queue.end` is believed.
    pub end_delay: Duration,
    /// How long nothing must be heard of a queue before Taskbell ends it; never when left out.
    pub idle_end: Option<Duration>,
    /// How long a batch may stand still before it is told of; never when left out.
    pub batch_stall: Option<Duration>,
    /// Whether the ring must be a file beside the spool even where it could be in memory.
    pub ring_beside_spool: bool,
}

/// `[files]`.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// The folders below which files named in `outputs[].path` may be read.
    pub roots: Vec<PathBuf>,
}

/// `[endpoints.NAME]`: somebody who can hear.
#[derive(Debug)]
pub struct Endpoint {
    /// The name hooks use.
    pub name: String,
    /// What the receiver is.
    pub platform: &'static dyn Platform,
    /// Where it listens.
    pub url: SecretUrl,
    /// Further request headers, names in lower case.
    pub headers: Vec<(String, Secret)>,
    /// The signatures put on each attempt.
    pub sign: Vec<Signer>,
    /// One deadline for DNS, connect, TLS, sending, headers and body together.
    pub timeout: Duration,
    /// The part of it that DNS, connect and TLS may take.
    pub connect_timeout: Duration,
    /// When to try again, and when to give up.
    pub retry: RetryPolicy,
    /// Rates that all are kept; empty for no limit.
    pub rate: Vec<Rate>,
    /// The most attempts in flight at once.
    pub concurrency: usize,
    /// Whether `concurrency = 1` was asked for: a delivery that waits for its next attempt then holds
    /// back those after it, so that the order is kept whatever happens.
    pub ordered: bool,
    /// Certificates.
    pub tls: Tls,
    /// The way out.
    pub proxy: Proxy,
    /// Whom a chat message pings, in the platform's own form.
    pub mentions: Vec<String>,
    /// What becomes of messages when more wait than the rate can carry.
    pub overflow: Overflow,
    /// The folders below which files that go with a message may be read.
    pub file_roots: Arc<[PathBuf]>,
    /// What its platform has beside the URL, by name.
    pub keys: Vec<(&'static str, Secret)>,
    /// The endpoint that gets what this one can no longer be given; exists, and leads into no circle.
    pub fallback: Option<String>,
}

impl Endpoint {
    /// The value of a key of the platform's own.
    pub fn key(&self, name: &str) -> Option<&str> {
        self.keys.iter().find(|(key, _)| *key == name).map(|(_, value)| value.expose())
    }
}

/// `overflow`: what becomes of messages when more wait than the rate can carry in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// They are folded into one summary.
    Fold,
    /// Each waits for its turn.
    Queue,
}

/// `retry`.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
    /// The waits after the first, second, … failed attempt. After the last one the delivery is dead.
    pub schedule: Vec<Duration>,
    /// The age at which a delivery is dead, whatever the schedule says.
    pub max_age: Duration,
}

/// At most `count` messages in any `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Messages.
    pub count: u32,
    /// In this time.
    pub per: Duration,
}

/// Certificates of an endpoint, read when the configuration is.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// PEM of `ca_file`: trusted beside the platform's roots.
    pub ca: Option<Arc<[u8]>>,
    /// PEM of `client_cert` (the chain) and `client_key`.
    pub client: Option<(Arc<[u8]>, Secret)>,
}

/// `proxy`.
#[derive(Debug, Clone, Default)]
pub enum Proxy {
    /// Dial directly.
    #[default]
    Direct,
    /// `proxy = "env"`: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` (either case) as they
    /// stand when the configuration is read.
    Environment,
    /// A fixed proxy URL.
    Url(SecretUrl),
}

/// `[[hooks]]`: which events ring at which endpoints.
#[derive(Debug)]
pub struct Hook {
    /// For logs and reports: `name`, or `hooks[2]`.
    pub name: String,
    /// The event types it listens to.
    pub on: Vec<String>,
    /// The names of the endpoints it rings at; all exist.
    pub to: Vec<String>,
    /// Fires only when this is true.
    pub when: Option<Condition>,
    /// Fires only for a queue or batch with at least so many tasks.
    pub min_tasks: Option<u64>,
    /// Fires only when the task, queue or batch took at least so long.
    pub min_duration: Option<Duration>,
    /// Fires only when it took more than so many times as long as is usual.
    pub relative: Option<f64>,
    /// Fires only when something failed.
    pub only_failures: bool,
    /// Fires only on 10 tasks or more, 60 s or more, or any failure.
    pub smart: bool,
    /// Fires only for tasks that ask for it.
    pub manual: bool,
    /// The body; the platform's own card when left out.
    pub template: Option<Template>,
    /// When what it says is held back, gathered, replaced or said louder.
    pub shaping: Shaping,
}

/// What shapes the messages of a hook.
#[derive(Debug, Default)]
pub struct Shaping {
    /// After it fired it stays silent for so long, for the same key.
    pub cooldown: Option<Duration>,
    /// What the silence is kept by; everything is one thing when left out.
    pub cooldown_by: Option<Key>,
    /// Firings are gathered into one message.
    pub digest: Option<Digest>,
    /// Of this key's messages only the newest waits.
    pub supersede: Option<Key>,
    /// A message that waits longer is not sent any more.
    pub ttl: Option<Duration>,
    /// When firings are held.
    pub quiet: Option<Quiet>,
    /// Who else is told when a message does not arrive.
    pub escalate: Option<Escalate>,
}

/// `digest`: what ends a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// So long after its first item.
    Window(Duration),
    /// The end of the queue.
    Queue,
}

/// `quiet_hours`, `quiet_zone` and `quiet_except`.
#[derive(Debug)]
pub struct Quiet {
    /// The hours.
    pub hours: QuietHours,
    /// What is said even then.
    pub except: Option<Condition>,
}

/// `escalate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalate {
    /// So long after the message was made.
    pub after: Duration,
    /// The names of further endpoints; all exist, and none of them is rung by the hook itself.
    pub to: Vec<String>,
}

/// `[[alerts]]`: a metric that makes events when it crosses a threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Its name in events; no other alert has it.
    pub name: String,
    /// What is watched.
    pub metric: Metric,
    /// When it fires.
    pub bound: Bound,
    /// Where it is resolved; the threshold unless there is hysteresis.
    pub clear: f64,
    /// `for`: how long the value has to stay on the bad side.
    pub hold: Duration,
    /// How often it is told again while it is not resolved.
    pub every: Option<Duration>,
    /// How often a built-in metric is measured.
    pub sample: Duration,
}

/// Where the values of an alert come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Metric {
    /// The host feeds it under this name.
    Fed(String),
    /// Taskbell measures it: the name as it is written, and what it means.
    BuiltIn(String, Gauge),
}

/// The bad side of a threshold. The threshold itself is on the good side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Values above it.
    Above(f64),
    /// Values below it.
    Below(f64),
}

impl Metric {
    /// The name as it is written.
    pub fn name(&self) -> &str {
        match self {
            Metric::Fed(name) | Metric::BuiltIn(name, _) => name,
        }
    }
}

impl Bound {
    /// The threshold.
    pub fn threshold(self) -> f64 {
        match self {
            Bound::Above(threshold) | Bound::Below(threshold) => threshold,
        }
    }

    /// `above` or `below`.
    pub fn direction(self) -> &'static str {
        match self {
            Bound::Above(_) => "above",
            Bound::Below(_) => "below",
        }
    }
}

impl Alert {
    /// Whether a value is on the bad side.
    pub fn is_bad(&self, value: f64) -> bool {
        match self.bound {
            Bound::Above(threshold) => value > threshold,
            Bound::Below(threshold) => value < threshold,
        }
    }

    /// Whether a value resolves it.
    pub fn is_clear(&self, value: f64) -> bool {
        match self.bound {
            Bound::Above(_) => value <= self.clear,
            Bound::Below(_) => value >= self.clear,
        }
    }
}

impl Config {
    /// The endpoint of this name.
    pub fn endpoint(&self, name: &str) -> Option<&Arc<Endpoint>> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }
}
