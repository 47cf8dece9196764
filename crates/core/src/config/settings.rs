//! The checked values of a configuration.

use crate::alerts::Alert;
use crate::endpoint::{Endpoint, TaskUrls};
use crate::hooks::{Hook, Rules};
use crate::message::HostInfo;
use crate::secret::Scrubber;
use crate::spool::SpoolPath;
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

impl Config {
    /// The endpoint of this name.
    pub fn endpoint(&self, name: &str) -> Option<&Arc<Endpoint>> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }

    /// The hooks with the endpoints they name.
    pub fn rules(&self) -> Rules<'_> {
        Rules { hooks: &self.hooks, endpoints: self }
    }
}
