//! What came of it: the messages that arrived, and whether that is all that should have.

use super::super::serve::receiver::{Arrival, Verdict};
use super::super::terminal::{Ink, Terminal, one_line, time_of_day};
use super::stage::seconds;
use serde_json::{Value as Json, json};
use std::io;
use std::time::Duration;

/// Everything that was seen.
#[derive(Debug, Default)]
pub struct Tale {
    /// Tasks.
    pub tasks: usize,
    /// Tasks that failed.
    pub failed: usize,
    /// Whether the end of the queue was reported.
    pub ended: bool,
    /// From the first task to the last message.
    pub took: Duration,
    /// Every request, in the order of arrival.
    pub arrivals: Vec<Arrival>,
    /// Delivery reports of the library.
    pub reports: Vec<Json>,
    /// Time spent on tasks, all workers together.
    pub work: Duration,
    /// How long each call of `on_task_complete` took.
    pub calls: Vec<Duration>,
    /// Calls that failed, in words.
    pub faults: Vec<String>,
}

impl Tale {
    /// What is missing; empty when everything arrived, verified.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = self.faults.clone();
        for arrival in &self.arrivals {
            if let Verdict::Refused(reason) = &arrival.verdict {
                missing.push(format!("request {} was not genuine: {reason}", arrival.number));
            }
        }
        let taken = |kind: &str| {
            self.arrivals
                .iter()
                .filter(|arrival| arrival.status == 200 && arrival.kind().as_deref() == Some(kind))
                .count()
        };
        for (kind, expected) in [("task.complete", self.failed), ("queue.end", 1)] {
            if taken(kind) != expected {
                missing.push(format!("of `{kind}`, {} arrived and {expected} should have", taken(kind)));
            }
        }
        if !self.messages().iter().any(|message| message.len() > 1) {
            missing.push("no message was tried again after its failure".to_owned());
        }
        let delivered = self.reports.iter().filter(|report| report["state"] == "delivered").count();
        if delivered != self.failed + 1 {
            missing.push(format!("the library reports {delivered} deliveries, not {}", self.failed + 1));
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

    /// The middle call and the longest one.
    pub fn cost(&self) -> (Duration, Duration) {
        let mut calls = self.calls.clone();
        calls.sort();
        (calls.get(calls.len() / 2).copied().unwrap_or_default(), calls.last().copied().unwrap_or_default())
    }

    /// As JSON.
    pub fn to_json(&self, missing: &[String]) -> Json {
        let (median, longest) = self.cost();
        let micros = |duration: Duration| duration.as_nanos() as f64 / 1000.0;
        let attempts = |attempts: Vec<&Arrival>| -> Json {
            let list: Vec<Json> = attempts
                .iter()
                .map(|arrival| {
                    let verified = matches!(arrival.verdict, Verdict::Verified(_));
                    json!({ "at_ms": arrival.at, "attempt": arrival.attempt(), "verified": verified, "status": arrival.status })
                })
                .collect();
            let first = attempts.first();
            json!({
                "id": first.and_then(|arrival| arrival.id()),
                "type": first.and_then(|arrival| arrival.kind()),
                "attempts": list,
                "body": first.and_then(|arrival| arrival.json()),
            })
        };
        json!({
            "ok": missing.is_empty(),
            "missing": missing,
            "tasks": self.tasks,
            "failed": self.failed,
            "seconds": self.took.as_secs_f64(),
            "messages": self.messages().into_iter().map(attempts).collect::<Vec<_>>(),
            "reports": self.reports,
            "on_task_complete_us": { "median": micros(median), "max": micros(longest) },
        })
    }

    /// Tells it.
    pub fn tell(&self, terminal: &mut Terminal) -> io::Result<()> {
        let title = terminal.paint(Ink::Strong, "What arrived");
        terminal.line(&format!("\n{title}\n"))?;
        for attempts in self.messages() {
            tell_message(&attempts, terminal)?;
        }
        let (median, longest) = self.cost();
        let title = terminal.paint(Ink::Strong, "What it cost the renderer");
        let (median, longest) = (short(median), short(longest));
        let calls = self.calls.len();
        terminal.line(&format!("{title}\n"))?;
        let share =
            100.0 * self.calls.iter().sum::<Duration>().as_secs_f64() / self.work.as_secs_f64().max(1e-9);
        let calls = format!("median {median}, longest {longest}, in {calls} calls");
        terminal.line(&format!("  on_task_complete: {calls}; {share:.3} % of the time of the tasks"))?;
        let note = "Tasks are rare here, so each call also wakes the bell from its sleep.";
        let note = terminal.paint(Ink::Quiet, note);
        terminal.line(&format!("  {note}\n"))
    }
}

fn tell_message(attempts: &[&Arrival], terminal: &mut Terminal) -> io::Result<()> {
    let Some(first) = attempts.first() else { return Ok(()) };
    let kind = terminal.paint(Ink::Name, one_line(&first.kind().unwrap_or_default()));
    let id = terminal.paint(Ink::Quiet, one_line(first.id().unwrap_or_default()));
    terminal.line(&format!("  {kind}  {id}"))?;
    let mut before: Option<i64> = None;
    for arrival in attempts {
        let (mark, verdict) = match &arrival.verdict {
            Verdict::Verified(scheme) => (Ink::Good, format!("verified ({scheme})")),
            Verdict::Unchecked => (Ink::Doubt, "not checked".to_owned()),
            Verdict::Refused(reason) => (Ink::Bad, one_line(reason)),
        };
        let verdict = terminal.paint(mark, verdict);
        let ink = if arrival.status < 300 { Ink::Good } else { Ink::Doubt };
        let status = terminal.paint(ink, arrival.status.to_string());
        let wait =
            before.map_or(String::new(), |at| format!(", after a wait of {}", between(at, arrival.at)));
        let (number, time) = (arrival.attempt().unwrap_or_default(), time_of_day(arrival.at));
        terminal.line(&format!("    attempt {number}  {time}  {verdict}, answered {status}{wait}"))?;
        before = Some(arrival.at);
    }
    for line in first.json().map(|body| words(&body)).unwrap_or_default() {
        terminal.line(&format!("    {}", one_line(&line)))?;
    }
    terminal.line("")
}

/// What a body says, in sentences.
fn words(body: &Json) -> Vec<String> {
    if let Some(text) = body["text"].as_str() {
        let (user, done) = (body["asked_by"].as_str().unwrap_or("nobody"), &body["done_so_far"]);
        return vec![format!("“{text}”"), format!("asked for by {user}; {done} frames were done by then")];
    }
    let queue = &body["data"]["queue"];
    let number = |value: &Json| value.as_f64().unwrap_or_default();
    let (total, succeeded, failed) = (&queue["total"], &queue["succeeded"], &queue["failed"]);
    let time = &queue["task_seconds"];
    let duration = number(&queue["duration_s"]);
    let (mean, max) = (number(&time["mean"]), number(&time["max"]));
    vec![
        format!("{total} tasks in {duration:.1} s: {succeeded} succeeded, {failed} failed"),
        format!("a task took {} on average, {} at most", seconds(secs(mean)), seconds(secs(max))),
    ]
}

/// The time between two Unix times in milliseconds.
fn between(from: i64, to: i64) -> String {
    seconds(Duration::from_millis(u64::try_from(to - from).unwrap_or_default()))
}

fn secs(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// A short span for people.
fn short(duration: Duration) -> String {
    let micros = duration.as_nanos() as f64 / 1000.0;
    if micros < 1000.0 { format!("{micros:.1} µs") } else { format!("{:.1} ms", micros / 1000.0) }
}

#[cfg(test)]
mod tests {
    use super::super::super::serve::receiver::tests::arrival;
    use super::*;

    fn tale() -> Tale {
        let failed = r#"{"type":"task.complete","text":"Frame 3 failed","asked_by":"ada","done_so_far":9}"#;
        let ended = r#"{"type":"queue.end","data":{"queue":{"total":24,"succeeded":23,"failed":1,"duration_s":5.25,
            "task_seconds":{"mean":0.5,"max":1.25}}}}"#;
        Tale {
            tasks: 24,
            failed: 1,
            arrivals: vec![
                arrival("evt_a", 1, 503, 1_000, failed),
                arrival("evt_a", 2, 200, 2_040, failed),
                arrival("evt_b", 1, 200, 9_000, ended),
            ],
            reports: vec![json!({ "state": "delivered" }), json!({ "state": "delivered" })],
            work: Duration::from_secs(1),
            calls: vec![Duration::from_nanos(900), Duration::from_micros(40), Duration::from_nanos(1_100)],
            ..Tale::default()
        }
    }

    #[test]
    fn the_tale_tells_attempts_waits_and_the_summary() {
        let (mut terminal, page) = Terminal::page(false);
        tale().tell(&mut terminal).unwrap();
        let text = String::from_utf8(page.lock().unwrap().clone()).unwrap();
        for expected in [
            "answered 200, after a wait of 1.04 s",
            "“Frame 3 failed”",
            "24 tasks in 5.2 s: 23 succeeded, 1 failed",
            "0.50 s on average, 1.25 s at most",
            "median 1.1 µs, longest 40.0 µs, in 3 calls; 0.004 % of",
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        assert_eq!(tale().missing(), Vec::<String>::new());
    }

    #[test]
    fn whatever_is_missing_is_named() {
        let without = |change: fn(&mut Tale)| {
            let mut tale = tale();
            change(&mut tale);
            tale.missing().join("; ")
        };
        assert!(without(|tale| drop(tale.arrivals.pop())).contains("of `queue.end`, 0 arrived"));
        assert!(without(|tale| drop(tale.arrivals.remove(0))).contains("tried again"));
        assert!(without(|tale| drop(tale.reports.pop())).contains("reports 1"));
        assert!(without(|tale| tale.arrivals[1].verdict = Verdict::Refused("old".into())).contains("old"));
        assert!(without(|tale| tale.faults.push("on_queue_end: closed".into())).contains("closed"));
    }
}
