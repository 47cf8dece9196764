//! Delivery reports that the host polls.

use crate::event::EventId;
use serde::{Serialize, Serializer};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// The most reports that wait for a host that does not poll; the oldest go first, and are counted.
const MAX_WAITING: usize = 1024;

/// How one delivery ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The event's id.
    #[serde(serialize_with = "as_text")]
    pub event: EventId,
    /// The event's type.
    #[serde(rename = "type")]
    pub kind: Arc<str>,
    /// The endpoint's name.
    pub endpoint: String,
    /// The name of the hook that fired.
    pub hook: Arc<str>,
    /// `delivered` or `dead`.
    pub state: &'static str,
    /// Attempts made.
    pub attempts: u32,
    /// The HTTP status of the last attempt, if there was an answer.
    pub status: Option<u16>,
    /// Why it is dead.
    pub reason: Option<String>,
    /// Whether it gave way to a newer one and was never sent; its state is `dead`.
    #[serde(skip)]
    pub superseded: bool,
    /// The ticket that `taskbell_emit` gave; null for an event of an earlier run.
    pub ticket: Option<u64>,
}

fn as_text<S: Serializer>(id: &EventId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

/// The reports that wait; text is made of those only that somebody takes.
#[derive(Debug, Default)]
pub struct Reports {
    waiting: Mutex<VecDeque<Report>>,
}

impl Reports {
    /// Adds a report; says how many were dropped for it.
    pub fn push(&self, report: Report) -> u64 {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_back(report);
        let surplus = waiting.len().saturating_sub(MAX_WAITING);
        waiting.drain(..surplus);
        surplus as u64
    }

    /// Hands the next report to `take`; it is gone when `take` returns `true`. `None` when none waits.
    pub fn next(&self, take: impl FnOnce(&str) -> bool) -> Option<bool> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
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
        let reports = Reports::default();
        assert_eq!(reports.next(|_| true), None);
        let mut dropped = 0;
        for number in 0..MAX_WAITING as u32 + 3 {
            dropped += reports.push(Report {
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
