//! The typed values of a configuration.

use crate::alerts::Alert;
use crate::endpoint::{Endpoint, TaskUrls};
use crate::hooks::{HookTable, Rules};
use crate::message::HostInfo;
use crate::name_index::NameIndex;
use crate::platform::Described;
use crate::secret::{Scrubber, Secret};
use crate::sign::Verifier;
use crate::spool::SpoolPath;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A whole configuration.
#[derive(Debug)]
pub struct Config {
    /// The file it came from; `None` when the text itself was given.
    pub file: Option<PathBuf>,
    /// `[host]`.
    pub host: Arc<HostInfo>,
    /// `[spool]`.
    pub spool: SpoolSettings,
    /// `[queue]`.
    pub queue: QueueSettings,
    /// `[files]`.
    pub files: FileSettings,
    /// `[network] task_urls`.
    pub task_urls: TaskUrls,
    /// `[platforms.*]`: the platforms that it describes.
    pub platforms: Vec<&'static Described>,
    /// `[farm]`.
    pub farm: Option<FarmSettings>,
    /// `[endpoints.*]`, in the order of the file.
    pub endpoints: Vec<Arc<Endpoint>>,
    pub(super) endpoint_names: NameIndex,
    /// `[[hooks]]`, in the order of the file.
    pub hooks: HookTable,
    /// `[[alerts]]`, in the order of the file.
    pub alerts: Vec<Arc<Alert>>,
    /// Removes every secret of this configuration from other texts.
    pub scrubber: Scrubber,
    /// Settings that are allowed but probably a mistake, one line each.
    pub warnings: Vec<String>,
}

/// `[spool]`.
#[derive(Debug, Clone)]
pub struct SpoolSettings {
    /// The database.
    pub path: SpoolPath,
    /// The configuration that a default path belongs to; `None` for a path that was set, which may be shared.
    pub configuration: Option<String>,
    /// How long ended deliveries stay in the log.
    pub retain: Duration,
    /// The size of the database above which ended deliveries are removed early.
    pub max_bytes: u64,
}

/// `[queue]`.
#[derive(Debug, Clone)]
pub struct QueueSettings {
    /// The largest payload of one event, in bytes.
    pub max_event_bytes: usize,
    /// The most bytes that wait between the host's call and the spool.
    pub max_bytes: usize,
    /// How long a queue must stay empty before `queue.end` is made.
    pub end_delay: Duration,
    /// Ends a queue of which the host reports nothing for this long; never when omitted.
    pub idle_end: Option<Duration>,
    /// How long a batch may make no progress before `batch.stalled` is made; never when omitted.
    pub batch_stall: Option<Duration>,
    /// How often `queue.progress` and `batch.progress` are made at most; never when omitted.
    pub progress: Option<Duration>,
    /// Whether the ring is a file next to the spool even where it could be in memory.
    pub ring_beside_spool: bool,
}

/// `[files]`.
#[derive(Debug, Clone, Default)]
pub struct FileSettings {
    /// The folders below which files named in `outputs[].path` may be read.
    pub roots: Vec<PathBuf>,
}

/// `[farm]`: a configuration is that of a node or that of a relay.
#[derive(Debug, Clone)]
pub enum FarmSettings {
    /// It sends its events to a relay: the endpoint that stands for all its relays.
    Node(Arc<Endpoint>),
    /// It decides and delivers for all nodes.
    Relay(RelaySettings),
}

/// `[farm]` of a relay.
#[derive(Debug, Clone)]
pub struct RelaySettings {
    /// Where it takes posts.
    pub listen: SocketAddr,
    /// PEM of `cert` (the chain) and `key`; `None` for plain HTTP, which is on a loopback address.
    pub tls: Option<(Arc<[u8]>, Secret)>,
    /// Checks the signature of each post.
    pub verifier: Arc<Verifier>,
    /// Marks of its secrets, by which a database knows the farm that it belongs to.
    pub secret_marks: Vec<String>,
    /// The URL of the database; `None` for that of `[spool]`.
    pub store: Option<Secret>,
    /// PEM of certificates that are trusted besides the system's, for the database.
    pub ca: Option<Arc<[u8]>>,
    /// After this time without a sign of life of the leader another relay leads.
    pub lease: Duration,
    /// After this time without a post a node is lost.
    pub node_lost: Duration,
    /// The most bytes of posts that wait for the database.
    pub max_waiting: usize,
}

impl Config {
    /// The endpoint of this name.
    pub fn endpoint(&self, name: &str) -> Option<&Arc<Endpoint>> {
        self.endpoints.get(*self.endpoint_names.places(name).first()?)
    }

    /// The endpoint that the events of a node go to; `None` for a configuration that is not a node's.
    pub fn relays(&self) -> Option<&Arc<Endpoint>> {
        match &self.farm {
            Some(FarmSettings::Node(endpoint)) => Some(endpoint),
            _ => None,
        }
    }

    /// What it has, in the words of a log: `3 endpoints, 1 hook`.
    pub fn summary(&self) -> String {
        let relays = self.relays().and_then(|endpoint| endpoint.relays.as_ref());
        let relays = relays.map(|relays| (relays.urls.len(), "relay"));
        let counts = [(self.endpoints.len(), "endpoint"), (self.hooks.len(), "hook")];
        let words = relays.into_iter().chain(counts);
        let words = words.map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" }));
        words.collect::<Vec<_>>().join(", ")
    }

    /// The hooks with the endpoints they name.
    pub fn rules(&self) -> Rules<'_> {
        Rules { hooks: &self.hooks, endpoints: self }
    }
}
