//! What arrived during the demo, and whether that is everything.

use super::CHAT;
use super::RenderedFrame;
use crate::serve::receiver::{Arrival, Verdict};
use serde_json::{Value as Json, json};
use std::time::Duration;

/// Messages to the chat: the last frame, and the run.
const CHAT_MESSAGES: usize = 2;

fn accepted(arrivals: &[Arrival]) -> impl Iterator<Item = &Arrival> {
    arrivals.iter().filter(|arrival| (200..300).contains(&arrival.status))
}

#[derive(Debug, Default)]
pub struct Summary {
    pub tasks: usize,
    pub failed: usize,
    /// From the first task to the last message.
    pub took: Duration,
    /// Time spent on tasks, all workers together.
    pub work: Duration,
    /// Every request to the team's receiver, in the order of arrival.
    pub arrivals: Vec<Arrival>,
    /// Every message in the chat, as it was shown last.
    pub chat: Vec<Arrival>,
    pub reports: Vec<Json>,
    /// The processor time of each report of a task.
    pub calls: Vec<Duration>,
    pub errors: Vec<String>,
}

impl Summary {
    pub fn add(&mut self, frame: &RenderedFrame) {
        let (took, result) = &frame.call;
        self.failed += usize::from(frame.result.is_err());
        self.work += frame.took;
        self.calls.push(*took);
        self.errors.extend(result.as_ref().err().map(|error| format!("task.complete: {error}")));
    }

    /// An edit takes the place of the message that is no picture: the run.
    pub fn add_chat(&mut self, arrival: Arrival) {
        let is_edit = arrival.edited_message().is_some();
        match self.chat.iter_mut().find(|shown| is_edit && shown.form().is_none()) {
            Some(shown) => *shown = arrival,
            None => self.chat.push(arrival),
        }
    }

    /// Reports of what is told in any case, however long the run takes.
    fn reports(&self) -> impl Iterator<Item = &Json> {
        self.reports.iter().filter(|report| report["type"] != "queue.progress")
    }

    /// The team hears of every failed task and of the queue's end, the chat of the last frame and of the queue's end.
    fn expected(&self) -> [usize; 2] {
        [self.failed + 1, CHAT_MESSAGES]
    }

    /// Every message is delivered and reported.
    pub fn is_complete(&self) -> bool {
        let delivered = [&self.arrivals, &self.chat].map(|arrivals| accepted(arrivals).count());
        delivered == self.expected() && self.reports().count() == self.expected().iter().sum::<usize>()
    }

    /// What is missing; empty when everything arrived, verified.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = self.errors.clone();
        for arrival in &self.arrivals {
            if let Verdict::Refused(reason) = &arrival.verdict {
                missing.push(format!("the signature of request {} is not valid: {reason}", arrival.number));
            }
        }
        for (kind, expected) in [("task.complete", self.failed), ("queue.end", 1)] {
            let of_kind = |arrival: &&Arrival| arrival.kind().as_deref() == Some(kind);
            let arrived = accepted(&self.arrivals).filter(of_kind).count();
            if arrived != expected {
                missing.push(format!("{arrived} messages of `{kind}` arrived, and {expected} should have"));
            }
        }
        let arrived = accepted(&self.chat).filter(|arrival| arrival.card(CHAT).is_some()).count();
        if arrived != CHAT_MESSAGES {
            missing.push(format!("{arrived} cards arrived in the chat, and {CHAT_MESSAGES} should have"));
        }
        if !self.messages().iter().any(|attempts| attempts.len() > 1) {
            missing.push("no message was retried after its failure".to_owned());
        }
        let delivered = self.reports().filter(|report| report["state"] == "delivered").count();
        let expected: usize = self.expected().iter().sum();
        if delivered != expected {
            missing.push(format!("the library reports {delivered} deliveries, not {expected}"));
        }
        missing
    }

    /// The attempts of each message, in the order in which the messages first arrived.
    pub fn messages(&self) -> Vec<Vec<&Arrival>> {
        let mut messages: Vec<Vec<&Arrival>> = Vec::new();
        for arrival in &self.arrivals {
            match messages.iter_mut().find(|attempts| attempts.iter().any(|first| first.id() == arrival.id()))
            {
                Some(attempts) => attempts.push(arrival),
                None => messages.push(vec![arrival]),
            }
        }
        messages
    }

    fn call_cost(&self) -> (f64, f64) {
        let mut calls: Vec<f64> = self.calls.iter().map(|call| call.as_secs_f64() * 1e6).collect();
        calls.sort_by(f64::total_cmp);
        (calls.get(calls.len() / 2).copied().unwrap_or_default(), calls.last().copied().unwrap_or_default())
    }

    pub fn to_json(&self, missing: &[String]) -> Json {
        let (median, max) = self.call_cost();
        let attempt = |arrival: &&Arrival| {
            let verified = matches!(arrival.verdict, Verdict::Verified(_));
            json!({ "at_ms": arrival.at, "attempt": arrival.attempt(), "verified": verified, "status": arrival.status })
        };
        let message = |attempts: Vec<&Arrival>| {
            let first = attempts.first();
            json!({
                "id": first.and_then(|arrival| arrival.id()),
                "type": first.and_then(|arrival| arrival.kind()),
                "attempts": attempts.iter().map(attempt).collect::<Vec<_>>(),
                "body": first.and_then(|arrival| arrival.json()),
            })
        };
        json!({
            "ok": missing.is_empty(),
            "missing": missing,
            "tasks": self.tasks,
            "failed": self.failed,
            "seconds": self.took.as_secs_f64(),
            "messages": self.messages().into_iter().map(message).collect::<Vec<_>>(),
            "cards": self.chat.iter().map(|arrival| arrival.card(CHAT).map(|card| card.to_json())).collect::<Vec<_>>(),
            "reports": self.reports,
            "on_task_complete_us": { "median": median, "max": max },
        })
    }

    /// What reporting a task costs the host, as a sentence.
    pub fn cost(&self) -> String {
        let (median, max) = self.call_cost();
        let all_calls = self.calls.iter().sum::<Duration>().as_secs_f64();
        let share = 100.0 * all_calls / self.work.as_secs_f64().max(1e-9);
        let calls = self.calls.len();
        format!(
            "Reporting a task cost {median:.1} µs of processor time (median of {calls} calls, most {max:.1} µs): \
             {share:.3} % of the tasks."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::receiver::tests::arrival;

    fn summary() -> Summary {
        let card = r#"{"embeds":[{"title":"Task finished: Frame 24"}]}"#;
        let failed = r#"{"type":"task.complete","text":"Frame 3 failed","asked_by":"ada","done_so_far":9}"#;
        let ended = r#"{"type":"queue.end","data":{"queue":{"total":24,"succeeded":23,"failed":1,"duration_s":5.25,
            "task_seconds":{"mean":0.5,"max":1.25}}}}"#;
        Summary {
            tasks: 24,
            failed: 1,
            arrivals: vec![
                arrival("evt_a", 1, 503, 1_000, failed),
                arrival("evt_a", 2, 200, 2_040, failed),
                arrival("evt_b", 1, 200, 9_000, ended),
            ],
            chat: vec![arrival("", 1, 204, 8_000, card), arrival("", 1, 204, 9_000, card)],
            reports: vec![json!({ "state": "delivered" }); 4],
            work: Duration::from_secs(1),
            calls: vec![Duration::from_nanos(900), Duration::from_micros(40), Duration::from_nanos(1_100)],
            ..Summary::default()
        }
    }

    #[test]
    fn a_complete_demo_misses_nothing_and_has_a_cost() {
        assert!(summary().is_complete());
        assert_eq!(summary().missing(), Vec::<String>::new());
        let expected = "cost 1.1 µs of processor time (median of 3 calls, most 40.0 µs): 0.004 % of";
        assert!(summary().cost().contains(expected), "{}", summary().cost());
    }

    #[test]
    fn each_missing_piece_is_named() {
        let without = |change: fn(&mut Summary)| {
            let mut summary = summary();
            change(&mut summary);
            summary.missing().join("; ")
        };
        assert!(
            without(|summary| drop(summary.arrivals.pop())).contains("0 messages of `queue.end` arrived")
        );
        assert!(without(|summary| drop(summary.arrivals.remove(0))).contains("retried"));
        assert!(without(|summary| drop(summary.reports.pop())).contains("reports 3"));
        assert!(without(|summary| drop(summary.chat.pop())).contains("1 cards arrived in the chat"));
        assert!(
            without(|summary| summary.arrivals[1].verdict = Verdict::Refused("old".into())).contains("old")
        );
        assert!(without(|summary| summary.errors.push("on_queue_end: closed".into())).contains("closed"));
    }
}
