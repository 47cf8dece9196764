//! The state that decisions depend on.

use super::planned::{Decisions, PlannedEvent};
use crate::clock::Moment;
use crate::config::Config;
use crate::event::{BATCH_PROGRESS, EventId, Payload, QUEUE_PROGRESS};
use crate::hooks::Facts;
use crate::message::{HostInfo, Several};
use crate::shaping::ShapingState;
use crate::spool::SpoolPath;
use crate::tally::Tally;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// The events for which room is kept from one group to the next.
const KEPT_ROOM: usize = 256;

/// Decides about events. No I/O and no locks; callers pass in the time.
pub struct Decider {
    pub config: Arc<Config>,
    pub tally: Tally,
    pub shaping: ShapingState,
    pub several_hosts: bool,
    /// `host` of the events of nodes, by its name.
    pub(super) node_hosts: HashMap<String, Arc<HostInfo>>,
    pub(super) now: Moment,
    pub(super) decisions: Decisions,
    explains: bool,
}

impl Decider {
    /// `tally` and `shaping` are the state that earlier runs left.
    pub fn new(config: Arc<Config>, tally: Tally, shaping: ShapingState) -> Decider {
        let mut decider = Decider {
            config: config.clone(),
            tally,
            shaping,
            several_hosts: false,
            node_hosts: HashMap::new(),
            now: Moment::default(),
            decisions: Decisions::default(),
            explains: false,
        };
        decider.set_config(config);
        decider
    }

    pub fn set_config(&mut self, config: Arc<Config>) {
        self.tally.idle_end = config.queue.idle_end;
        self.config = config;
        self.node_hosts.clear();
        self.tally.progress = self.config.queue.progress.filter(|_| self.is_heard(QUEUE_PROGRESS));
        self.tally.forget_times();
    }

    /// Explains the result of every hook, in [`Decisions::explanations`].
    pub fn explaining(self) -> Decider {
        Decider { explains: true, ..self }
    }

    pub fn take_decisions(&mut self) -> Decisions {
        std::mem::take(&mut self.decisions)
    }

    /// Gives back the room of decisions that were moved elsewhere, unless it is more than a group of events needs.
    pub fn reuse(&mut self, moved: Decisions) {
        let room = moved.events;
        if room.is_empty() && room.capacity() <= KEPT_ROOM && self.decisions.events.is_empty() {
            self.decisions.events = room;
        }
    }

    /// The events decided about since [`Decider::take_decisions`].
    pub fn planned(&self) -> &[PlannedEvent] {
        &self.decisions.events
    }

    /// Whether nothing survives the end of this instance.
    pub fn is_in_memory(&self) -> bool {
        self.config.spool.path == SpoolPath::Memory
    }

    /// Drops the changes of counts and shaping that a spool would be told of.
    pub fn forget_changes(&mut self) {
        self.tally.forget_changes();
        let _ = self.shaping.changes();
    }

    /// At the end of an instance: lets the ends of queues count at once, and digests too if nothing survives.
    pub fn hurry(&mut self, unix_ms: i64) {
        // The hosts of a farm go on when its relay closes.
        if self.tally.nodes.is_none() {
            self.tally.hurry();
        }
        if self.is_in_memory() {
            self.shaping.hurry(unix_ms);
        }
    }

    /// Whether no end of a queue is held, nor any digest that would not survive.
    pub fn holds_nothing(&self) -> bool {
        let holds_end = self.tally.nodes.is_none() && self.tally.held() > 0;
        !holds_end && (!self.is_in_memory() || self.shaping.next_due().is_none())
    }

    /// How often the progress of a batch is told at most; `None` for never.
    pub fn batch_progress(&self) -> Option<Duration> {
        self.config.queue.progress.filter(|_| self.is_heard(BATCH_PROGRESS))
    }

    pub(super) fn explains(&self) -> bool {
        self.explains
    }

    /// Whether the subject of such an event is worth building.
    pub(super) fn is_heard(&self, kind: &str) -> bool {
        self.explains || self.config.hooks.hears(kind)
    }

    pub(super) fn facts<'a>(
        &'a self,
        id: EventId,
        kind: &'a str,
        accepted_at: i64,
        payload: &'a Arc<Payload>,
    ) -> Facts<'a> {
        let facts = Facts::new(id, kind, accepted_at, payload, &self.config.host);
        Facts { several: self.several(), ..facts }
    }

    /// What a title must name.
    pub(super) fn several(&self) -> Several {
        Several { queues: self.tally.knows_several_queues(), hosts: self.several_hosts }
    }
}
