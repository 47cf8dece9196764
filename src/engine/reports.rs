//! Delivery reports that the host polls.

use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// The most reports that wait for a host that does not poll; the oldest go first, and are counted.
const MAX_WAITING: usize = 1024;

/// How one delivery ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The event's id.
    pub event: String,
    /// The event's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The endpoint's name.
    pub endpoint: String,
    /// The name of the hook that fired.
    pub hook: String,
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

/// The reports that wait.
#[derive(Debug, Default)]
pub struct Reports {
    waiting: Mutex<VecDeque<String>>,
}

impl Reports {
    /// Adds a report; says how many were dropped for it.
    pub fn push(&self, report: &Report) -> u64 {
        let Ok(text) = serde_json::to_string(report) else { return 1 };
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_back(text);
        let surplus = waiting.len().saturating_sub(MAX_WAITING);
        waiting.drain(..surplus);
        surplus as u64
    }

    /// Hands the next report to `take`; it is gone when `take` returns `true`. `None` when none waits.
    pub fn next(&self, take: impl FnOnce(&str) -> bool) -> Option<bool> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = take(waiting.front()?);
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
            dropped += reports.push(&Report {
                event: "evt_1".into(),
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
