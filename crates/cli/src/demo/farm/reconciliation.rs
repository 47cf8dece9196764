//! What the nodes' hosts were promised against what arrived: every frame, and one end.

use super::FRAMES;
use crate::serve::receiver::{Arrival, Verdict};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use taskbell_core::spool::Counts;

/// What happened in the farm.
#[derive(Debug, Default)]
pub struct Reconciliation {
    /// The ids of the events that the library accepted, by their frames.
    pub accepted: BTreeMap<u32, String>,
    pub arrivals: Vec<Arrival>,
    /// From the kill of the leading relay until the other one led.
    pub takeover: Option<Duration>,
    /// How many nodes were killed.
    pub killed_nodes: usize,
    pub took: Duration,
    /// What the relay's store has in the end.
    pub stored: Counts,
    /// The store is a file, and not a database server.
    pub is_embedded: bool,
}

impl Reconciliation {
    fn taken(&self) -> impl Iterator<Item = &Arrival> {
        self.arrivals.iter().filter(|arrival| arrival.status < 300)
    }

    /// The messages of a type by their ids, each with how often it arrived and its `total`.
    fn messages(&self, kind: &str) -> BTreeMap<&str, (usize, Json)> {
        let mut messages: BTreeMap<&str, (usize, Json)> = BTreeMap::new();
        for arrival in self.taken().filter(|arrival| arrival.kind().as_deref() == Some(kind)) {
            let entry = messages.entry(arrival.id().unwrap_or_default()).or_default();
            entry.0 += 1;
            let group = kind.strip_suffix(".end").unwrap_or_default();
            entry.1 = arrival.json().map(|mut body| body["data"][group]["total"].take()).unwrap_or_default();
        }
        messages
    }

    fn ids(&self) -> BTreeSet<&str> {
        self.accepted.values().map(String::as_str).collect()
    }

    /// How many messages arrived again, under the id that they had.
    pub fn repeated(&self) -> usize {
        ["task.complete", "batch.end", "queue.end"]
            .iter()
            .flat_map(|kind| self.messages(kind).into_values())
            .map(|(times, _)| times - 1)
            .sum()
    }

    /// Whether all that is expected has arrived.
    pub fn is_complete(&self) -> bool {
        let arrived = self.messages("task.complete");
        self.ids().iter().all(|id| arrived.contains_key(id))
            && ["batch.end", "queue.end"].iter().all(|kind| !self.messages(kind).is_empty())
            && self.takeover.is_some()
    }

    /// What does not add up; empty when everything does.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        let refused = |arrival: &Arrival| match &arrival.verdict {
            Verdict::Refused(reason) => {
                Some(format!("the signature of request {} is not valid: {reason}", arrival.number))
            }
            _ => None,
        };
        missing.extend(self.arrivals.iter().filter_map(refused));
        let (ids, arrived) = (self.ids(), self.messages("task.complete"));
        if ids.len() != FRAMES as usize {
            missing.push(format!("{} frames were accepted, and {FRAMES} should have been", ids.len()));
        }
        let lost = ids.iter().filter(|id| !arrived.contains_key(*id)).count();
        if lost > 0 {
            missing.push(format!("{lost} of {} accepted frames did not arrive", ids.len()));
        }
        let unknown = arrived.keys().filter(|id| !ids.contains(*id)).count();
        if unknown > 0 {
            missing.push(format!("{unknown} messages are about frames that nobody accepted"));
        }
        for kind in ["batch.end", "queue.end"] {
            let ends = self.messages(kind);
            if ends.len() != 1 {
                missing.push(format!("{} messages of `{kind}` arrived, and 1 should have", ends.len()));
            }
            for (_, total) in ends.values().filter(|(_, total)| *total != json!(FRAMES)) {
                missing.push(format!("`{kind}` counts {total} frames, and {FRAMES} were rendered"));
            }
        }
        let Counts { pending, dead, .. } = self.stored;
        if pending + dead > 0 {
            missing.push(format!("{pending} deliveries wait, and {dead} are dead letters"));
        }
        if self.takeover.is_none() {
            missing.push("no relay took over from the one that was killed".to_owned());
        }
        missing
    }

    pub fn to_json(&self, missing: &[String]) -> Json {
        json!({
            "ok": missing.is_empty(),
            "missing": missing,
            "store": if self.is_embedded { "embedded" } else { "postgresql" },
            "accepted": self.accepted.len(),
            "delivered": self.messages("task.complete").len(),
            "repeated": self.repeated(),
            "batch_ends": self.messages("batch.end").len(),
            "queue_ends": self.messages("queue.end").len(),
            "pending": self.stored.pending,
            "dead": self.stored.dead,
            "killed_nodes": self.killed_nodes,
            "takeover_s": self.takeover.map(|takeover| takeover.as_secs_f64()),
            "seconds": self.took.as_secs_f64(),
        })
    }

    /// What was reconciled, a line each: a word and a sentence.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let delivered = self.messages("task.complete").len();
        let repeated = match self.repeated() {
            0 => "none arrived twice".to_owned(),
            times => format!("{times} came again under their own id, in flight when the relay was killed"),
        };
        let Counts { pending, dead, .. } = self.stored;
        vec![
            ("accepted", format!("{} frames, by the library on {} nodes", self.accepted.len(), super::NODES)),
            ("delivered", format!("{delivered} of them; {repeated}")),
            ("ends", {
                let [batches, queues] = ["batch.end", "queue.end"].map(|kind| self.messages(kind).len());
                format!("{batches} batch.end, {queues} queue.end, over all nodes")
            }),
            ("left", format!("{pending} wait, {dead} dead letters")),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::receiver::tests::arrival;

    fn farm() -> Reconciliation {
        let accepted: BTreeMap<u32, String> =
            (1..=FRAMES).map(|frame| (frame, format!("evt_{frame}"))).collect();
        let task = |id: &String| arrival(id, 1, 200, 1_000, r#"{"type":"task.complete"}"#);
        let mut arrivals: Vec<Arrival> = accepted.values().map(task).collect();
        arrivals.push(arrival("evt_7", 2, 200, 1_200, r#"{"type":"task.complete"}"#));
        arrivals.push(arrival("evt_8", 2, 503, 1_200, r#"{"type":"task.complete"}"#));
        for group in ["batch", "queue"] {
            let body = json!({ "type": format!("{group}.end"), "data": { group: { "total": FRAMES } } });
            arrivals.push(arrival(&format!("evt_{group}"), 1, 200, 2_000, &body.to_string()));
        }
        let takeover = Some(Duration::from_millis(240));
        Reconciliation { accepted, arrivals, takeover, killed_nodes: 1, ..Reconciliation::default() }
    }

    #[test]
    fn a_farm_in_which_everything_arrived_adds_up() {
        let farm = farm();
        assert!(farm.is_complete());
        assert_eq!(farm.missing(), Vec::<String>::new());
        assert_eq!(farm.repeated(), 1);
        assert!(farm.lines()[1].1.starts_with("48 of them; 1 came again"), "{:?}", farm.lines());
    }

    #[test]
    fn each_thing_that_does_not_add_up_is_named() {
        let with = |change: fn(&mut Reconciliation)| {
            let mut farm = farm();
            change(&mut farm);
            farm.missing().join("; ")
        };
        let lost = with(|farm| drop(farm.arrivals.remove(0)));
        assert!(lost.contains("1 of 48 accepted frames did not arrive"), "{lost}");
        assert!(with(|farm| drop(farm.accepted.remove(&1))).contains("nobody accepted"));
        assert!(with(|farm| drop(farm.arrivals.pop())).contains("0 messages of `queue.end`"));
        let second = with(|farm| {
            let body = r#"{"type":"queue.end","data":{"queue":{"total":3}}}"#;
            farm.arrivals.push(arrival("evt_second", 1, 200, 3_000, body));
        });
        assert!(
            second.contains("2 messages of `queue.end`") && second.contains("counts 3 frames"),
            "{second}"
        );
        assert!(with(|farm| farm.stored.dead = 2).contains("2 are dead letters"));
        assert!(with(|farm| farm.takeover = None).contains("no relay took over"));
        let forged = with(|farm| farm.arrivals[0].verdict = Verdict::Refused("old".into()));
        assert!(forged.contains("old"), "{forged}");
    }
}
