//! Which nodes of a farm work on which queue, so that a queue ends once, when nobody works on it any more.
//!
//! A node is in by a task, a start or a tick. It is out by its end of the queue, by its stop, or when it is lost: nothing
//! was received from it for `node_lost`. A node that went out without its end is named in the end, and no longer when it
//! comes back before that. What a node accepted before the end of a queue and posted after it is late.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// A queue's end is remembered this long, for what is late.
const REMEMBERED_MS: i64 = 7 * 86_400_000;

/// The most nodes that one end names.
const MAX_NAMED: usize = 20;

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct NodesOfQueue {
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    working: BTreeSet<String>,
    /// Those of which nothing is received any more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    lost: BTreeSet<String>,
    /// Those whose host stopped.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    stopped: BTreeSet<String>,
    /// When a dispatcher ended the queue, by the clock of the relay in Unix milliseconds, while that end is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed_at: Option<i64>,
    /// When the queue ended last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_at: Option<i64>,
}

/// What follows when a node is out of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remaining {
    /// This number of nodes still work on it.
    Working(usize),
    /// Nobody works on it.
    Nobody,
}

/// The nodes of a farm. Times are those of the monotonic clock of the relay, where they are not said to be others.
#[derive(Debug, Default, Clone)]
pub struct WorkingNodes {
    queues: BTreeMap<String, NodesOfQueue>,
    heard: HashMap<String, Duration>,
    changed: BTreeSet<String>,
    lost_after: Duration,
    looked: Duration,
}

impl WorkingNodes {
    /// No node so far. One that posts nothing for `lost_after` is lost.
    pub fn new(lost_after: Duration, now: Duration) -> WorkingNodes {
        WorkingNodes { lost_after, looked: now, ..WorkingNodes::default() }
    }

    /// A post of this node has come, with or without events. One that was lost works again; returns the queues of that.
    pub fn hear(&mut self, node: &str, now: Duration) -> Vec<String> {
        let before = match self.heard.get_mut(node) {
            Some(heard) => std::mem::replace(heard, now),
            None => {
                self.heard.insert(node.to_owned(), now);
                Duration::ZERO
            }
        };
        if now < before + self.lost_after {
            return Vec::new();
        }
        let was_lost = self.queues.iter().filter(|(_, of)| of.lost.contains(node));
        let queues: Vec<String> = was_lost.map(|(queue, _)| queue.clone()).collect();
        queues.iter().for_each(|queue| self.enter(queue, node));
        queues
    }

    /// Whether more than one node has posted.
    pub fn are_several(&self) -> bool {
        self.heard.len() > 1
    }

    /// Whether this was accepted before the last end of the queue: the time by the clock of the relay, in Unix
    /// milliseconds.
    pub fn is_late(&self, queue: &str, accepted_at: i64) -> bool {
        self.queues.get(queue).and_then(|of| of.ended_at).is_some_and(|ended| accepted_at <= ended)
    }

    /// Whether the queue has ended at least once.
    pub fn have_ended(&self, queue: &str) -> bool {
        self.queues.get(queue).is_some_and(|of| of.ended_at.is_some())
    }

    /// Whether this was accepted before a dispatcher ended the queue, whose end is held: it counts, and the end holds.
    pub fn is_before_close(&self, queue: &str, accepted_at: i64) -> bool {
        self.queues.get(queue).and_then(|of| of.closed_at).is_some_and(|closed| accepted_at <= closed)
    }

    /// The node works on the queue.
    pub fn enter(&mut self, queue: &str, node: &str) {
        let of = self.queues.entry(queue.to_owned()).or_default();
        let was_lost = of.lost.remove(node) | of.stopped.remove(node);
        let was_closed = of.closed_at.take().is_some();
        if of.working.contains(node) && !was_lost && !was_closed {
            return;
        }
        of.working.insert(node.to_owned());
        self.changed.insert(queue.to_owned());
    }

    /// The node has ended its part of the queue.
    pub fn leave(&mut self, queue: &str, node: &str) -> Remaining {
        let Some(of) = self.queues.get_mut(queue) else { return Remaining::Nobody };
        let was_in = of.working.remove(node);
        if of.lost.remove(node) | of.stopped.remove(node) || was_in {
            self.changed.insert(queue.to_owned());
        }
        of.remaining()
    }

    /// The host of the node died or stopped while it worked on the queue.
    pub fn stop_work(&mut self, queue: &str, node: &str) -> Remaining {
        let Some(of) = self.queues.get_mut(queue) else { return Remaining::Nobody };
        if of.working.remove(node) {
            of.stopped.insert(node.to_owned());
            self.changed.insert(queue.to_owned());
        }
        of.remaining()
    }

    /// A dispatcher has ended the queue for all, at this time by the clock of the relay, in Unix milliseconds.
    pub fn close(&mut self, queue: &str, accepted_at: i64) {
        let of = self.queues.entry(queue.to_owned()).or_default();
        of.working.clear();
        of.lost.clear();
        of.stopped.clear();
        of.closed_at = Some(accepted_at);
        self.changed.insert(queue.to_owned());
    }

    /// The host of this node stops. Returns the queues on which nobody works then.
    pub fn stop(&mut self, node: &str) -> Vec<String> {
        self.put_out(node, |of| &mut of.stopped)
    }

    fn put_out(&mut self, node: &str, into: fn(&mut NodesOfQueue) -> &mut BTreeSet<String>) -> Vec<String> {
        let mut left = Vec::new();
        for (queue, of) in &mut self.queues {
            if of.working.remove(node) {
                into(of).insert(node.to_owned());
                self.changed.insert(queue.clone());
                left.extend((of.remaining() == Remaining::Nobody).then(|| queue.clone()));
            }
        }
        left
    }

    /// The nodes that are lost by now, and the queues on which nobody works then. To be called after what has come is
    /// counted.
    pub fn lose(&mut self, now: Duration) -> (Vec<String>, Vec<String>) {
        let unseen = now.saturating_sub(std::mem::replace(&mut self.looked, now));
        if unseen >= self.lost_after / 2 {
            // The relay itself did not run: no node could post.
            self.heard.values_mut().for_each(|heard| *heard = now);
        }
        let at_work: BTreeSet<&String> = self.queues.values().flat_map(|of| &of.working).collect();
        let is_lost =
            |node: &&&String| self.heard.get(**node).is_none_or(|heard| *heard + self.lost_after <= now);
        let lost: Vec<String> = at_work.iter().filter(is_lost).map(|node| (*node).clone()).collect();
        let left = lost.iter().flat_map(|node| self.put_out(node, |of| &mut of.lost)).collect();
        (lost, left)
    }

    /// When [`WorkingNodes::lose`] is to be called at the latest; `None` while no node works.
    pub fn next_due(&self) -> Option<Duration> {
        let mut at_work = self.queues.values().flat_map(|of| &of.working).peekable();
        at_work.peek()?;
        let lost =
            at_work.filter_map(|node| self.heard.get(node)).map(|heard| *heard + self.lost_after).min();
        lost.into_iter().chain([self.looked + self.lost_after / 4]).min()
    }

    /// The queue has ended, at this time in Unix milliseconds.
    pub fn ended(&mut self, queue: &str, unix_ms: i64) {
        let of = NodesOfQueue { ended_at: Some(unix_ms), ..NodesOfQueue::default() };
        self.queues.insert(queue.to_owned(), of);
        self.changed.insert(queue.to_owned());
        let is_old = |of: &NodesOfQueue| of.ended_at.is_some_and(|at| at + REMEMBERED_MS < unix_ms);
        let old = self.queues.iter().filter(|(_, of)| of.working.is_empty() && is_old(of));
        let old: Vec<String> = old.map(|(queue, _)| queue.clone()).collect();
        for queue in old {
            self.queues.remove(&queue);
            self.changed.insert(queue);
        }
    }

    /// Adds to the end of a queue which nodes went out without theirs: it is interrupted.
    pub fn name_lost(&self, queue: &str, end: &mut Map<String, Json>) {
        let Some(of) = self.queues.get(queue) else { return };
        let out = of.lost.union(&of.stopped).take(MAX_NAMED);
        let named: Vec<Json> = out.map(|node| node.as_str().into()).collect();
        if named.is_empty() {
            return;
        }
        end.insert("interrupted".to_owned(), true.into());
        end.insert("lost_nodes".to_owned(), Json::Array(named));
    }

    /// What changed since the last call, for the spool: by queue, and nothing for one that is forgotten.
    pub fn changes(&mut self) -> Vec<(String, Option<Vec<u8>>)> {
        let state = |queue: String| {
            let kept = self.queues.get(&queue).and_then(|of| serde_json::to_vec(of).ok());
            (queue, kept)
        };
        std::mem::take(&mut self.changed).into_iter().map(state).collect()
    }

    /// Takes back what the spool kept of a queue. Its nodes count as heard now. Bytes that cannot be read are passed
    /// over.
    pub fn restore(&mut self, queue: &str, kept: &[u8], now: Duration) {
        let Ok(of) = serde_json::from_slice::<NodesOfQueue>(kept) else { return };
        of.working.iter().for_each(|node| drop(self.hear(node, now)));
        self.queues.insert(queue.to_owned(), of);
    }

    /// Makes every queue count as changed: the spool was recovered.
    pub fn touch_all(&mut self) {
        self.changed.extend(self.queues.keys().cloned());
    }

    /// The nodes that work on a queue, by what the spool keeps of it.
    pub fn read(kept: &[u8]) -> Vec<String> {
        let of = serde_json::from_slice::<NodesOfQueue>(kept).unwrap_or_default();
        of.working.into_iter().collect()
    }
}

impl NodesOfQueue {
    fn remaining(&self) -> Remaining {
        match self.working.len() {
            0 => Remaining::Nobody,
            working => Remaining::Working(working),
        }
    }
}

#[cfg(test)]
mod tests;
