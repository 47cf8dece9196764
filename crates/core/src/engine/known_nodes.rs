//! The nodes of a farm that have posted to this relay, as the spool keeps them for whoever asks.

use crate::VERSION;
use crate::farm::NodeHead;
use crate::json;
use crate::spool::{Reader, SpoolError, StateChange, StateKey, StateKind};
use crate::tally::WorkingNodes;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// How often the spool is told that a node lives, at most.
const KEPT_EVERY_MS: i64 = 5_000;

/// A node that has posted nothing for this long is forgotten.
const REMEMBERED_MS: i64 = 7 * 86_400_000;

/// Two hosts that post as one node within this time are two machines, and not one that got another name.
const SAME_NAME_MS: i64 = 60_000;

/// A node of a farm, as its last post says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FarmNode {
    /// The name of its host.
    pub host: String,
    /// The version of its library.
    pub version: String,
    /// How many events waited on it.
    pub waiting: u64,
    /// When it posted, by the clock of the relay in Unix milliseconds.
    pub heard_at: i64,
}

/// The nodes of a farm by name, each with the queues that it works on.
///
/// # Errors
/// When the spool cannot be read.
pub fn farm_nodes(reader: &dyn Reader) -> Result<BTreeMap<String, (FarmNode, Vec<String>)>, SpoolError> {
    let mut nodes = BTreeMap::new();
    for (key, kept) in reader.states(StateKind::FarmNode)? {
        if let Some(node) = FarmNode::read(&kept) {
            nodes.insert(key.name, (node, Vec::new()));
        }
    }
    for (key, kept) in reader.states(StateKind::FarmQueue)? {
        for node in WorkingNodes::read(&kept) {
            if let Some((_, queues)) = nodes.get_mut(&node) {
                queues.push(key.name.clone());
            }
        }
    }
    Ok(nodes)
}

/// The last post of each node.
#[derive(Debug, Default)]
pub struct KnownNodes {
    /// With the time of what the spool has; 0 for nothing.
    nodes: BTreeMap<String, (FarmNode, i64)>,
    unkept: Vec<String>,
    /// What was remarked about which node: once is enough.
    remarked: HashSet<(String, &'static str)>,
}

impl KnownNodes {
    /// A post has come. Returns what an operator should know of its node, in sentences.
    pub fn hear(&mut self, head: NodeHead, unix_ms: i64) -> Vec<String> {
        let remarks = self.remark(&head, unix_ms);
        let NodeHead { node, host, version, waiting, .. } = head;
        let now = FarmNode { host, version, waiting, heard_at: unix_ms };
        let entry = self.nodes.entry(node.clone()).or_insert_with(|| (now.clone(), 0));
        let is_due = entry.1.abs_diff(unix_ms) >= KEPT_EVERY_MS as u64;
        entry.0 = now;
        if is_due && !self.unkept.contains(&node) {
            self.unkept.push(node);
        }
        remarks
    }

    fn remark(&mut self, head: &NodeHead, unix_ms: i64) -> Vec<String> {
        let NodeHead { node, host, version, .. } = head;
        let mut remarks = Vec::new();
        if version != VERSION && !version.is_empty() {
            remarks.push((
                "version",
                format!(
                    "node `{node}` has version {version} of the library and this relay {VERSION}: what only one of them \
                     knows has no effect, so install the same version on both"
                ),
            ));
        }
        let earlier = self.nodes.get(node).map(|(node, _)| node);
        let twice = earlier.filter(|earlier| {
            earlier.host != *host && unix_ms.saturating_sub(earlier.heard_at) < SAME_NAME_MS
        });
        if let Some(earlier) = twice {
            remarks.push((
                "host",
                format!(
                    "`{}` and `{host}` both post as node `{node}`, and count as one: give each of them a name of its \
                     own, by `farm.node`",
                    earlier.host
                ),
            ));
        }
        remarks.retain(|(what, _)| self.remarked.insert((node.clone(), what)));
        remarks.into_iter().map(|(_, text)| text).collect()
    }

    /// What the spool is to keep.
    pub fn changes(&mut self, unix_ms: i64) -> Vec<StateChange> {
        let mut changes = Vec::new();
        for name in self.unkept.drain(..) {
            let Some((node, kept_at)) = self.nodes.get_mut(&name) else { continue };
            *kept_at = unix_ms;
            let value = serde_json::to_value(&*node).map(|value| json::bytes(&value)).ok();
            changes.push((StateKey::shared(StateKind::FarmNode, name), value));
        }
        if changes.is_empty() {
            return changes;
        }
        let is_old = |(_, (node, _)): &(&String, &(FarmNode, i64))| node.heard_at + REMEMBERED_MS < unix_ms;
        let old: Vec<String> = self.nodes.iter().filter(is_old).map(|(name, _)| name.clone()).collect();
        for name in old {
            self.nodes.remove(&name);
            changes.push((StateKey::shared(StateKind::FarmNode, name), None));
        }
        changes
    }

    /// Takes back what the spool kept of a node.
    pub fn restore(&mut self, name: &str, kept: &[u8]) {
        if let Some(node) = FarmNode::read(kept) {
            self.nodes.insert(name.to_owned(), (node, 0));
        }
    }
}

impl FarmNode {
    /// What the spool keeps of a node; `None` for bytes that are none.
    pub fn read(kept: &[u8]) -> Option<FarmNode> {
        serde_json::from_slice(kept).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spool_is_told_of_a_node_every_five_seconds_at_most_and_forgets_it_in_the_end() {
        let mut nodes = KnownNodes::default();
        let post = |nodes: &mut KnownNodes, name: &str, now| {
            assert!(nodes.hear(NodeHead { node: name.to_owned(), ..NodeHead::default() }, now).is_empty());
            nodes.changes(now).into_iter().map(|(key, value)| (key.name, value.is_some())).collect::<Vec<_>>()
        };
        let second = 1_000;
        let kept = (100..160).filter(|now| !post(&mut nodes, "a", now * second).is_empty()).count();
        assert_eq!(kept, 12);
        let later = 160 * second + REMEMBERED_MS;
        assert_eq!(post(&mut nodes, "b", later), [("b".to_owned(), true), ("a".to_owned(), false)]);
    }

    #[test]
    fn two_hosts_with_one_name_and_a_node_of_another_version_are_remarked_once() {
        let mut nodes = KnownNodes::default();
        let mut post = |host: &str, version: &str, now| {
            let (host, version) = (host.to_owned(), version.to_owned());
            nodes.hear(NodeHead { node: "a".to_owned(), host, version, ..NodeHead::default() }, now)
        };
        assert!(post("one", VERSION, 0).is_empty());
        assert!(post("renamed", VERSION, SAME_NAME_MS).is_empty(), "a machine may get another name");
        let remarks = post("other", VERSION, SAME_NAME_MS + 1);
        assert!(
            remarks.len() == 1 && remarks[0].starts_with("`renamed` and `other` both post as"),
            "{remarks:?}"
        );
        let remarks = post("renamed", "9.9.9", SAME_NAME_MS + 2);
        assert!(remarks.len() == 1 && remarks[0].contains("version 9.9.9"), "{remarks:?}");
        assert!(post("other", "9.9.9", SAME_NAME_MS + 3).is_empty());
    }
}
