//! When more waits than the rate can carry: many messages become one summary, rather than each arriving
//! an hour late.

use super::{Body, Job};
use crate::clock;
use crate::endpoint::{Endpoint, Overflow};
use crate::message::{Context, Extras, Line, Tone};
use crate::spool::AttemptRow;
use serde_json::json;

/// Up to this long messages wait for their own turns, in seconds.
const PATIENCE_S: f64 = 60.0;

/// The most messages in one summary; what is beyond them goes into the next.
pub(super) const MOST: usize = 200;

/// How many messages may wait before they are folded; `None` for an endpoint that never folds.
pub(super) fn capacity(endpoint: &Endpoint) -> Option<usize> {
    if endpoint.overflow == Overflow::Queue {
        return None;
    }
    let carried =
        endpoint.rate.iter().map(|rate| f64::from(rate.count) * PATIENCE_S / rate.per.as_secs_f64());
    carried.min_by(f64::total_cmp).map(|carried| (carried as usize).max(1))
}

/// The card that stands for all of these, made of their lines; `bodies` has what goes with each.
pub(super) fn summary(endpoint: &Endpoint, group: &[Job], bodies: &[Extras], now: i64) -> Body {
    let first = group.first();
    let kind = first.map(|job| &*job.kind).filter(|kind| group.iter().all(|job| *job.kind == **kind));
    let unknown = |job: &Job| Line { tone: Tone::Neutral, text: job.kind.to_string() };
    let line = |(job, extras): (&Job, &Extras)| extras.line.clone().unwrap_or_else(|| unknown(job));
    let lines: Vec<Line> = group.iter().zip(bodies).map(line).collect();
    let host = bodies.iter().find_map(|extras| extras.host.clone());
    let since = group.iter().map(|job| job.created_at).min().unwrap_or(now);
    let context = Context::new(json!({
        "event": {
            "id": first.map(|job| job.event_id.to_string()),
            "type": kind.unwrap_or("summary"),
            "timestamp": clock::rfc3339(now),
        },
        "host": host.unwrap_or_else(|| json!({})),
        "digest": {"count": group.len(), "since": clock::rfc3339(since), "items": [], "lines": lines},
    }));
    let bytes = endpoint.platform.card_text(&context, &endpoint.target);
    Body { content_type: "application/json".to_owned(), bytes, extras: Extras::default() }
}

/// The row of the attempt log for one delivery of a summary.
pub(super) fn row_of(row: &AttemptRow, job: &Job, index: usize, size: usize) -> AttemptRow {
    let what = format!("folded into one summary of {size} messages");
    let error = match &row.error {
        Some(error) => format!("{what}: {error}"),
        None => what,
    };
    AttemptRow {
        delivery: job.seq,
        number: job.attempts + 1,
        error: Some(error),
        response: row.response.clone().filter(|_| index == 0),
        ..row.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::event::EventId;
    use std::sync::Arc;
    use std::time::Duration;

    fn endpoint(more: &str) -> Arc<Endpoint> {
        let url = "https://hooks.slack.com/services/T000/B000/XXXXXXXXXXXXXXXXXXXXXXXX";
        let config = format!("[endpoints.a]\nurl = \"{url}\"\n{more}\n");
        Arc::clone(&Config::load(&config).unwrap().endpoints[0])
    }

    fn job(seq: i64, kind: &str) -> Job {
        Job {
            seq,
            ticket: 0,
            event_id: EventId::new(1_700_000_000_000, 7),
            kind: kind.into(),
            hook: "hooks[0]".into(),
            created_at: 1_700_000_000_000 + seq,
            attempts: 2,
            strikes: 0,
            asked: 0,
            plain: None,
            without_file: false,
            expires_at: None,
            thing: None,
            due: Duration::ZERO,
            body: None,
        }
    }

    #[test]
    fn the_slowest_rate_says_how_much_a_minute_carries() {
        for (rate, expected) in [
            ("", Some(60)),
            ("rate = \"20/min\"", Some(20)),
            ("rate = [\"5/2s\", \"30/min\"]", Some(30)),
            ("rate = \"1/h\"", Some(1)),
            ("rate = []", None),
            ("overflow = \"queue\"", None),
        ] {
            assert_eq!(capacity(&endpoint(rate)), expected, "{rate}");
        }
    }

    #[test]
    fn a_summary_counts_everything_and_tells_the_worst_first() {
        let group: Vec<Job> = (0..12).map(|seq| job(seq, "task.complete")).collect();
        let extras: Vec<Extras> = (0..12)
            .map(|number| {
                let tone = if number == 9 { Tone::Bad } else { Tone::Good };
                let line = Line { tone, text: format!("frame-{number}") };
                Extras {
                    line: Some(line),
                    host: Some(json!({"name": "h", "language": "zh"})),
                    file: None,
                    form: false,
                }
            })
            .collect();
        let body = summary(&endpoint(""), &group, &extras, 1_700_000_060_000);
        let card: serde_json::Value = serde_json::from_slice(&body.bytes).unwrap();
        let shown = card.to_string();
        assert!(card["text"].as_str().unwrap().contains("12"), "{shown}");
        assert!(
            shown.contains("frame-9") && shown.contains("frame-0") && !shown.contains("frame-8"),
            "{shown}"
        );
        assert!(shown.contains("失败"), "it speaks the host's language: {shown}");
        assert!(shown.contains("#e01e5a"), "a failure among them colours it: {shown}");
    }

    #[test]
    fn each_delivery_of_a_summary_has_its_own_row() {
        let row = AttemptRow::defect(1, 1, 5);
        let rows = [row_of(&row, &job(7, "a"), 0, 3), row_of(&row, &job(8, "a"), 1, 3)];
        assert_eq!(rows.each_ref().map(|row| (row.delivery, row.number)), [(7, 3), (8, 3)]);
        assert!(rows[1].error.as_deref().unwrap().starts_with("folded into one summary of 3 messages: "));
    }
}
