//! Living messages where no file of the spool keeps them: nothing of them survives the end of the instance.

use crate::lanes::{Disposition, LaneReport, LiveJob};
use crate::spool::{LiveResult, LiveTurn};
use std::collections::HashMap;

/// The most messages that are remembered; a further one makes all of them begin again.
const MAX_MESSAGES: usize = 4096;

#[derive(Debug, Default)]
struct Known {
    is_sending: bool,
    message: Option<String>,
}

/// The living messages of all lanes.
pub struct LiveInMemory {
    is_used: bool,
    known: HashMap<(String, String), Known>,
}

impl LiveInMemory {
    /// Knows nothing yet. One that is not used stays so.
    pub fn new(is_used: bool) -> LiveInMemory {
        LiveInMemory { is_used, known: HashMap::new() }
    }

    /// Whether a state of the message that began with this event may be sent to this endpoint; it then is.
    pub fn turn(&mut self, first: &str, endpoint: &str) -> LiveTurn {
        if self.known.len() >= MAX_MESSAGES {
            self.known.retain(|_, known| known.is_sending);
        }
        let known = self.known.entry((endpoint.to_owned(), first.to_owned())).or_default();
        match std::mem::replace(&mut known.is_sending, true) {
            true => LiveTurn::Later,
            false => LiveTurn::Send(known.message.clone()),
        }
    }

    /// The end of an attempt.
    pub fn note(&mut self, report: &LaneReport) {
        let (endpoint, job) = match report {
            LaneReport::Attempt { endpoint, job, .. }
            | LaneReport::Dropped { endpoint, job, .. }
            | LaneReport::Returned { endpoint, job } => (endpoint, job),
            _ => return,
        };
        let Some(live) = job.live.as_ref().filter(|_| self.is_used) else { return };
        let Some(known) = self.known.get_mut(&(endpoint.to_string(), live.first.to_string())) else { return };
        // An attempt at once follows one after which another is due.
        known.is_sending = false;
        let is_delivered = matches!(report, LaneReport::Attempt { disposition: Disposition::Delivered, .. });
        if let Some((_, LiveResult::Posted(message))) = LiveJob::done(live).filter(|_| is_delivered) {
            known.message.clone_from(message);
        }
    }
}
