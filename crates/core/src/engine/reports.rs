//! The delivery reports that the host polls.

use crate::engine::lock::lock;
use crate::event::EventId;
use crate::lanes::Failing;
use crate::message::clip;
use serde::{Serialize, Serializer};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Waiting reports. Beyond, the oldest are dropped and counted.
const MAX_WAITING: usize = 1024;

/// Characters of the reason in the line at the end.
const MAX_REASON: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryReport {
    #[serde(serialize_with = "as_text")]
    pub event: EventId,
    #[serde(rename = "type")]
    pub kind: Arc<str>,
    pub endpoint: Arc<str>,
    pub hook: Arc<str>,
    /// `delivered` or `dead`.
    pub state: &'static str,
    pub attempts: u32,
    pub status: Option<u16>,
    pub reason: Option<String>,
    /// Whether a newer delivery replaced it before its first attempt; its state is `dead`.
    #[serde(skip)]
    pub superseded: bool,
    /// The ticket that `taskbell_emit` gave; null for an event of an earlier run.
    pub ticket: Option<u64>,
}

fn as_text<S: Serializer>(id: &EventId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

/// The waiting reports; each is serialized when it is taken.
#[derive(Debug, Default)]
pub struct DeliveryReports {
    waiting: Mutex<VecDeque<DeliveryReport>>,
    missing: Mutex<Missing>,
}

/// The messages that did not arrive, and the last reason.
#[derive(Debug, Default)]
struct Missing {
    count: u64,
    reason: String,
}

impl DeliveryReports {
    /// Adds a report. Returns how many were dropped to make room.
    pub fn push(&self, report: DeliveryReport) -> u64 {
        if report.state == "dead" && !report.superseded {
            let mut missing = lock(&self.missing);
            missing.count += 1;
            missing.reason = report.reason.clone().unwrap_or_default();
        }
        let mut waiting = lock(&self.waiting);
        waiting.push_back(report);
        let surplus = waiting.len().saturating_sub(MAX_WAITING);
        waiting.drain(..surplus);
        surplus as u64
    }

    /// What a host should know at its end: how many messages did not arrive, because they are dead letters or wait
    /// behind a failed attempt, with the last reason. `None` when all is well.
    pub fn missing(&self, failing: &[Failing]) -> Option<String> {
        let missing = lock(&self.missing);
        let waiting: u64 = failing.iter().map(|failing| failing.count).sum();
        let dead = missing.count;
        let messages = match dead + waiting {
            0 => return None,
            1 => "1 message".to_owned(),
            count => format!("{count} messages"),
        };
        let wait = if waiting == 1 { "waits" } else { "wait" };
        let rest = match (dead, waiting) {
            (_, 0) => String::new(),
            _ if failing.iter().any(|failing| failing.is_lost) => " before the end".to_owned(),
            (0, _) => format!(", and {wait} for another attempt"),
            _ => format!(", {waiting} of them {wait} for another attempt"),
        };
        let reason = match failing.last() {
            Some(failing) if dead == 0 => &failing.reason,
            _ => &missing.reason,
        };
        let reason = clip(reason, MAX_REASON);
        // A spool in memory ends with the host.
        let next = if failing.iter().any(|failing| failing.is_lost) { "" } else { "; see `taskbell list`" };
        Some(format!("{messages} did not arrive{rest}: {reason}{next}"))
    }

    /// Passes the next report to `take`, and removes it if that returns `true`. `None` when none waits.
    pub fn next(&self, take: impl FnOnce(&str) -> bool) -> Option<bool> {
        let mut waiting = lock(&self.waiting);
        let taken = take(&serde_json::to_string(waiting.front()?).unwrap_or_default());
        if taken {
            waiting.pop_front();
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_stays_until_it_is_taken_and_the_oldest_make_room() {
        let reports = DeliveryReports::default();
        assert_eq!(reports.next(|_| true), None);
        let mut dropped = 0;
        for number in 0..MAX_WAITING as u32 + 3 {
            dropped += reports.push(DeliveryReport {
                event: EventId::new(0, 1),
                kind: "task.complete".into(),
                endpoint: "team".into(),
                hook: "hooks[0]".into(),
                state: "delivered",
                attempts: number,
                status: Some(200),
                reason: None,
                superseded: false,
                ticket: None,
            });
        }
        assert_eq!(dropped, 3);
        assert_eq!(reports.next(|_| false), Some(false));
        reports.next(|text| {
            assert!(text.contains(r#""type":"task.complete""#) && text.contains(r#""attempts":3"#), "{text}");
            true
        });
        assert_eq!(reports.waiting.lock().unwrap().len(), MAX_WAITING - 1);
    }
}
