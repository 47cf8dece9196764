//! In the relay of a farm: reads what nodes have posted, each event once, and lets them be answered once it is durable.

use super::decide::Decider;
use super::ingest::{Ingest, IngestedRecord};
use super::known_nodes::KnownNodes;
use super::log::Level;
use super::parts::Parts;
use crate::clock::Moment;
use crate::event::EventId;
use crate::spool::{SpoolError, StateChange, Store};
use std::collections::HashSet;

/// What a relay knows of posts.
#[derive(Debug, Default)]
pub struct PostedEvents {
    pub nodes: KnownNodes,
    /// The posted events of the transaction.
    taken: HashSet<EventId>,
    /// Whether the store was asked about what was read last.
    is_looked_up: bool,
}

impl PostedEvents {
    /// Reads what nodes have posted, and notes that they live. Returns what the spool is to keep of them.
    pub fn read(
        &mut self,
        ingest: &mut Ingest,
        decider: &mut Decider,
        parts: &Parts,
        now: Moment,
    ) -> Vec<StateChange> {
        let Some(relay) = parts.relay.as_ref().filter(|_| ingest.is_empty()) else { return Vec::new() };
        self.is_looked_up = false;
        for head in ingest.read_posts(&relay.posts) {
            decider.hear_node(&head.node, now);
            let remarks = self.nodes.hear(head, now.unix_ms);
            remarks.iter().for_each(|remark| parts.log.write(Level::Warn, remark));
        }
        self.nodes.changes(now.unix_ms)
    }

    /// The next record that is to be decided about. Passes over events of nodes that are in the spool or in this
    /// transaction already: a node posts again what it got no answer for.
    ///
    /// # Errors
    /// When the spool cannot say whether it has an event: counting it twice would be worse than waiting.
    pub fn next<S: Store>(
        &mut self,
        ingest: &mut Ingest,
        spool: &S,
    ) -> Result<Option<IngestedRecord>, SpoolError> {
        if !self.is_looked_up {
            spool.look_up(&ingest.posted_ids())?;
            self.is_looked_up = true;
        }
        while let Some(next) = ingest.next_record() {
            let id = next.record.id;
            if next.origin.is_none() {
                return Ok(Some(next));
            }
            match spool.knows(id) {
                Ok(false) if self.taken.insert(id) => return Ok(Some(next)),
                Ok(_) => {}
                Err(error) => {
                    ingest.put_back(next);
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// All that was read is durable: it leaves the ring, and nodes are answered.
    pub fn release(&mut self, ingest: &Ingest, parts: &Parts) {
        self.taken.clear();
        ingest.release();
        if let (Some(relay), true) = (&parts.relay, ingest.is_empty()) {
            relay.posts.release();
        }
    }
}
