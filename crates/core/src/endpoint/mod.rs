//! Endpoints: the receivers of messages, with everything a lane needs to send to one.

mod task_url;

pub use task_url::{TaskUrls, is_task_endpoint, parse_task_url, task_endpoint_name};

use crate::farm::NodeHead;
use crate::hash::sha256_hex;
use crate::platform::{Answer, AnswerRules, Outcome, Platform, Rate, Target};
use crate::secret::{Secret, SecretUrl};
use crate::sign::Signer;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// `[endpoints.NAME]`: a receiver of messages.
#[derive(Debug)]
pub struct Endpoint {
    /// The name that hooks use.
    pub name: Arc<str>,
    /// The kind of receiver.
    pub platform: &'static dyn Platform,
    /// The address, options and mentions.
    pub target: Target,
    /// What an answer means, where the platform leaves it to the configuration.
    pub answers: AnswerRules,
    /// Additional request headers, names in lower case.
    pub headers: Vec<(String, Secret)>,
    /// The signatures of each attempt.
    pub sign: Vec<Signer>,
    /// One deadline for DNS, connect, TLS, sending, headers and body together.
    pub timeout: Duration,
    /// The part of it that DNS, connect and TLS may take.
    pub connect_timeout: Duration,
    /// When to try again, and when to give up.
    pub retry: RetryPolicy,
    /// All of these rates hold; empty for no limit.
    pub rate: Vec<Rate>,
    /// The most attempts in flight at once.
    pub concurrency: usize,
    /// Set by an explicit `concurrency = 1`: a delivery that waits for its next attempt holds back those after it,
    /// which keeps the order.
    pub ordered: bool,
    /// Certificates.
    pub tls: Tls,
    /// The proxy, if any.
    pub proxy: Proxy,
    /// What happens when more messages wait than the rate allows.
    pub overflow: Overflow,
    /// Whether a message that reports a success makes no sound.
    pub silences_successes: bool,
    /// The folders below which attachments may be read.
    pub file_roots: Arc<[PathBuf]>,
    /// The endpoint for messages that become dead letters here. It exists, and fallbacks make no cycle.
    pub fallback: Option<String>,
    /// The relays of the farm, where this stands for them: a node's events go there in batches.
    pub relays: Option<Relays>,
}

/// The name of the endpoint that a node's events go to.
pub const FARM: &str = "farm";

/// The relays of a node.
#[derive(Debug, Clone)]
pub struct Relays {
    /// Where each takes posts, the one that is tried first before the others.
    pub urls: Vec<SecretUrl>,
    /// Who posts.
    pub head: NodeHead,
}

impl Endpoint {
    /// Whether a task named its address. Such an address must be public.
    pub fn is_of_task(&self) -> bool {
        is_task_endpoint(&self.name)
    }

    /// What an answer means.
    pub fn read(&self, answer: &Answer, now_unix_ms: i64) -> Outcome {
        match self.answers.outcome(answer) {
            Some(outcome) => self.platform.finish(answer, outcome, now_unix_ms),
            None => self.platform.read(answer, now_unix_ms),
        }
    }

    /// Which receiver it is, in a form that tells nothing of its URL and keys.
    pub fn fingerprint(&self) -> String {
        let mut identity = self.target.url.expose().to_string();
        // Where all receivers share one URL, the keys identify the receiver.
        for (name, value) in &self.target.options {
            identity += &format!("\0{name}\0{}", value.expose());
        }
        sha256_hex(identity, 16)
    }
}

/// `overflow`: what happens when more messages wait than the rate allows in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// They are folded into one summary.
    Fold,
    /// Each is sent in its turn.
    Queue,
}

/// `retry`.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
    /// The waits after the first, second, … failed attempt. After the last one the delivery becomes a dead letter.
    pub schedule: Vec<Duration>,
    /// The age at which a delivery becomes a dead letter, whatever the schedule says.
    pub max_age: Duration,
}

/// The certificates of an endpoint, read when the configuration is loaded.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// PEM of `ca_file`, trusted in addition to the system's roots.
    pub ca: Option<Arc<[u8]>>,
    /// PEM of `client_cert` (the chain) and `client_key`.
    pub client: Option<(Arc<[u8]>, Secret)>,
}

/// `proxy`.
#[derive(Debug, Clone, Default)]
pub enum Proxy {
    /// A direct connection.
    #[default]
    Direct,
    /// `proxy = "env"`: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` (either case) at the
    /// time when the configuration is loaded.
    Environment,
    /// A fixed proxy URL.
    Url(SecretUrl),
}

/// Finds endpoints: those of the configuration, and those of addresses that tasks name.
pub trait EndpointDirectory {
    /// The configured endpoint of this name.
    fn endpoint(&self, name: &str) -> Option<&Arc<Endpoint>>;

    /// The endpoint of an address that a task named; `None` when the configuration does not allow it.
    fn task_endpoint(&self, url: &Url) -> Option<Arc<Endpoint>>;
}
