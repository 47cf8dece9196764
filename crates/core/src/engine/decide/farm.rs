//! In the relay of a farm: what the events of a node mean for its queues, and what follows when a node is lost.

use super::decider::Decider;
use super::planned::{EventState, PlannedEvent};
use crate::clock::Moment;
use crate::engine::ingest::{EventFacts, EventOrigin, IngestedEvent};
use crate::event::{EventId, Payload};
use crate::farm::SpeaksFor;
use crate::json::json;
use crate::message::HostInfo;
use crate::tally::{HeldEnd, Remaining};
use serde_json::Value as Json;
use std::sync::Arc;

/// What an event of a node means for its queue.
pub(super) enum NodeEvent {
    /// The same as if the queue were one process's.
    Counts,
    /// A task from before the end that a dispatcher told, which is held.
    CountsBeforeEnd,
    /// It came too late, or others still work: it changes nothing, for this reason.
    ChangesNothing(String),
}

impl Decider {
    /// A post of this node has come.
    pub fn hear_node(&mut self, node: &str, now: Moment) {
        let Some(nodes) = &mut self.tally.nodes else { return };
        let back = nodes.hear(node, now.monotonic);
        self.several_hosts |= nodes.are_several();
        for queue in back {
            self.decisions.remarks.push(format!("node {node} is back, and at work on queue `{queue}` again"));
            let held = self.tally.tick(&queue, now.unix_ms);
            self.decisions.superseded.extend(held.map(|end| end.ticket));
        }
    }

    /// What an event means for the nodes of its queue, and for the queue.
    pub(super) fn note_node(&mut self, event: &IngestedEvent) -> NodeEvent {
        let (Some(nodes), Some(origin)) = (&mut self.tally.nodes, &event.origin) else {
            return NodeEvent::Counts;
        };
        let EventOrigin { node, speaks_for, .. } = &**origin;
        let (queue, is_work) = match &event.facts {
            EventFacts::Task(task) => (task.queue.as_str(), event.kind == "task.complete"),
            EventFacts::Queue(queue) => {
                (queue.as_str(), matches!(&*event.kind, "queue.start" | "queue.tick"))
            }
            EventFacts::Other => return NodeEvent::Counts,
        };
        let is_end = event.kind == "queue.end";
        if !is_work && !is_end {
            return NodeEvent::Counts;
        }
        if nodes.is_late(queue, event.accepted_at) {
            self.decisions.counts.late += 1;
            let text =
                "late: the queue had ended when the relay received this, which its node accepted before that";
            return NodeEvent::ChangesNothing(text.to_owned());
        }
        if is_work {
            if nodes.is_before_close(queue, event.accepted_at) {
                return NodeEvent::CountsBeforeEnd;
            }
            nodes.enter(queue, node);
            return NodeEvent::Counts;
        }
        if *speaks_for == SpeaksFor::Queue {
            nodes.close(queue, event.accepted_at);
            return NodeEvent::Counts;
        }
        let is_interrupted = event.payload.value_text("interrupted") == Some(b"true");
        let left = if is_interrupted { nodes.stop_work(queue, node) } else { nodes.leave(queue, node) };
        match left {
            Remaining::Nobody => NodeEvent::Counts,
            Remaining::Working(others) => NodeEvent::ChangesNothing(format!(
                "{node} has ended its part of the queue; nodes that still work on it: {others}"
            )),
        }
    }

    /// The host of a node stops: queues on which only it worked end after `end_delay`.
    pub(super) fn stop_node(&mut self, origin: &EventOrigin) {
        let queues = self.tally.nodes.as_mut().map(|nodes| nodes.stop(&origin.node)).unwrap_or_default();
        self.hold_interrupted(queues);
    }

    /// Queues on which only lost nodes worked end after `end_delay`.
    pub(super) fn lose_nodes(&mut self, now: Moment) {
        let Some(nodes) = &mut self.tally.nodes else { return };
        let (lost, queues) = nodes.lose(now.monotonic);
        for node in lost {
            self.decisions.remarks.push(format!(
                "node {node} is lost: it has posted nothing for `farm.node_lost`, and counts as out of its queues"
            ));
        }
        self.hold_interrupted(queues);
    }

    fn hold_interrupted(&mut self, queues: Vec<String>) {
        for queue in queues {
            if !self.tally.is_open(&queue) {
                continue;
            }
            let (now, id) = (self.now.unix_ms, EventId::random(self.now.unix_ms));
            let Json::Object(payload) = json!({"name": queue, "derived": true, "interrupted": true}) else {
                continue;
            };
            let stored = Payload::from(payload.clone()).text().to_vec();
            let end = HeldEnd {
                id,
                ticket: 0,
                accepted_at: now,
                idle_since: now,
                payload,
                due: self.now.monotonic + self.config.queue.end_delay,
                worked: false,
            };
            let earlier = self.tally.hold(&queue, end);
            self.decisions.superseded.extend(earlier.map(|end| end.ticket));
            let explanation = "nobody works on the queue any more: held for the `end_delay`, and forgotten if a node \
                               goes on before that";
            self.decisions.events.push(PlannedEvent {
                state: EventState::Held,
                explanation: Some(explanation.to_owned()),
                ..PlannedEvent::new(id, "queue.end", now, stored)
            });
        }
    }

    /// The end of a queue as it is told: with the nodes that went out without theirs.
    pub(super) fn name_lost_nodes(&self, queue: &str, end: &mut HeldEnd) {
        if let Some(nodes) = &self.tally.nodes {
            nodes.name_lost(queue, &mut end.payload);
        }
    }

    /// The queue has ended: what nodes accepted before that and post later is late.
    pub(super) fn note_ended(&mut self, queue: &str) {
        if let Some(nodes) = &mut self.tally.nodes {
            nodes.ended(queue, self.now.unix_ms);
        }
    }

    /// `host` of an event: the node's, with the rest of `[host]` and `[words]` of the relay.
    pub(super) fn host_of(&mut self, origin: Option<&Arc<EventOrigin>>) -> Arc<HostInfo> {
        let Some(origin) = origin else { return Arc::clone(&self.config.host) };
        if let Some(known) = self.node_hosts.get(&origin.host) {
            return Arc::clone(known);
        }
        if self.node_hosts.len() >= MAX_HOSTS {
            self.node_hosts.clear();
        }
        let host = Arc::new(self.config.host.named(&origin.host));
        self.node_hosts.insert(origin.host.clone(), Arc::clone(&host));
        host
    }
}

/// The names of hosts that are kept ready for messages.
const MAX_HOSTS: usize = 4096;
