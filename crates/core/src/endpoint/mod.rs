//! Endpoints: the receivers that hooks name, with everything that a lane needs to reach one.

mod task_url;

pub use task_url::{TaskUrls, is_task_endpoint, parse_task_url, task_endpoint_name};

use crate::platform::{Platform, Rate, Target};
use crate::secret::{Secret, SecretUrl};
use crate::sign::Signer;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// `[endpoints.NAME]`: a receiver of messages.
#[derive(Debug)]
pub struct Endpoint {
    /// The name hooks use.
    pub name: String,
    /// What the receiver is.
    pub platform: &'static dyn Platform,
    /// Where messages go.
    pub target: Target,
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
    /// What becomes of messages when more wait than the rate can carry.
    pub overflow: Overflow,
    /// The folders below which files that go with a message may be read.
    pub file_roots: Arc<[PathBuf]>,
    /// The endpoint that gets what this one can no longer be given; exists, and leads into no circle.
    pub fallback: Option<String>,
}

impl Endpoint {
    /// Whether a task named its address. Such an endpoint must be public.
    pub fn is_of_task(&self) -> bool {
        is_task_endpoint(&self.name)
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

/// Finds endpoints: those of the configuration, and those whose address a task named.
pub trait EndpointDirectory {
    /// The configured endpoint of this name.
    fn endpoint(&self, name: &str) -> Option<&Arc<Endpoint>>;

    /// The endpoint of an address that a task named; `None` when the configuration does not allow it.
    fn task_endpoint(&self, url: &Url) -> Option<Arc<Endpoint>>;
}
