//! Coalescing: when more waits than the rate carries, many messages become one summary instead of each
//! arriving an hour late.

use super::body::Body;
use super::job::Job;
use crate::clock;
use crate::endpoint::{Endpoint, Overflow};
use crate::json::json;
use crate::message::{Context, Extras, SummaryLine};
use crate::platform;
use crate::spool::AttemptRow;

/// Messages are coalesced once the rate needs longer than this for all that wait, in seconds.
const MAX_DELAY_S: f64 = 60.0;

/// The most messages in one summary; the others go into the next.
pub(super) const MAX_MESSAGES: usize = 1000;

/// How many messages may wait before they are coalesced; `None` for an endpoint that never coalesces.
pub(super) fn capacity(endpoint: &Endpoint) -> Option<usize> {
    if endpoint.overflow == Overflow::Queue {
        return None;
    }
    let carried =
        endpoint.rate.iter().map(|rate| f64::from(rate.count) * MAX_DELAY_S / rate.per.as_secs_f64());
    carried.min_by(f64::total_cmp).map(|carried| (carried as usize).max(1))
}

/// The card for all of these, made of their lines; `bodies` has the extras of each.
pub(super) fn summary(endpoint: &Endpoint, group: &[Job], bodies: &[Extras], now: i64) -> Body {
    let first = group.first();
    let kind = first.map(|job| &*job.kind).filter(|kind| group.iter().all(|job| *job.kind == **kind));
    let line = |(job, extras): (&Job, &Extras)| {
        extras.line.clone().unwrap_or_else(|| SummaryLine::unknown(&job.kind))
    };
    let lines: Vec<SummaryLine> = group.iter().zip(bodies).map(line).collect();
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
    let mut bytes = endpoint.platform.card_text(&context, &endpoint.target);
    if endpoint.silences_successes {
        bytes = platform::silenced(endpoint.platform, bytes, &context, false);
    }
    Body { content_type: "application/json".to_owned(), bytes, extras: Extras::default() }
}

/// The rows of the attempt log: one for each delivery of a summary. The answer is in the first.
pub(super) fn rows(row: AttemptRow, jobs: &[Job]) -> Vec<AttemptRow> {
    let size = jobs.len();
    if size == 1 {
        return vec![row];
    }
    let mut summary = format!("sent in one summary of {size} messages");
    if let Some(error) = &row.error {
        summary = format!("{summary}: {error}");
    }
    let row_of = |(index, job): (usize, &Job)| AttemptRow {
        delivery: job.seq,
        number: job.attempts + 1,
        error: Some(summary.clone()),
        response: row.response.clone().filter(|_| index == 0),
        ..row.clone()
    };
    jobs.iter().enumerate().map(row_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::message::{SummaryPart, Tone};
    use std::sync::Arc;

    fn endpoint(more: &str) -> Arc<Endpoint> {
        let url = "https://hooks.slack.com/services/T000/B000/XXXXXXXXXXXXXXXXXXXXXXXX";
        let config = format!("[endpoints.a]\nurl = \"{url}\"\n{more}\n");
        Arc::clone(&Config::load(&config).unwrap().endpoints[0])
    }

    fn job(seq: i64, kind: &str) -> Job {
        Job { kind: kind.into(), created_at: 1_700_000_000_000 + seq, attempts: 2, ..Job::sample(seq) }
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
    fn a_summary_counts_everything_and_begins_with_the_worst() {
        let group: Vec<Job> = (0..12).map(|seq| job(seq, "task.complete")).collect();
        let extras: Vec<Extras> = (0..12)
            .map(|number| {
                let tone = if number == 9 { Tone::Bad } else { Tone::Good };
                let part = if tone == Tone::Bad { SummaryPart::TaskFailed } else { SummaryPart::TaskDone };
                let name = Some(format!("frame-{number}"));
                let line = SummaryLine { tone, part, name, ..SummaryLine::unknown("task.complete") };
                Extras {
                    line: Some(line),
                    host: Some(json!({"name": "h", "language": "zh"})),
                    ..Extras::default()
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
    fn a_summary_of_successes_alone_makes_no_sound_where_the_endpoint_asks_for_that() {
        let config = "[endpoints.a]\nplatform = 'ntfy'\ntopic = 't'\nsilent = 'success'\n";
        let endpoint = Arc::clone(&Config::load(config).unwrap().endpoints[0]);
        let priority = |tones: [Tone; 2]| {
            let line = |tone| SummaryLine { tone, ..SummaryLine::unknown("task.complete") };
            let extras = tones.map(|tone| Extras { line: Some(line(tone)), ..Extras::default() });
            let group = [job(1, "task.complete"), job(2, "task.complete")];
            let body = summary(&endpoint, &group, &extras, 1_700_000_060_000);
            serde_json::from_slice::<serde_json::Value>(&body.bytes).unwrap()["priority"].as_u64()
        };
        assert_eq!(priority([Tone::Good, Tone::Good]), Some(2));
        assert_eq!(priority([Tone::Good, Tone::Bad]), Some(4));
    }

    #[test]
    fn each_delivery_of_a_summary_has_its_own_row() {
        let row = AttemptRow::defect(1, 1, 5);
        let rows = rows(row, &[job(7, "a"), job(8, "a"), job(9, "a")]);
        let numbers: Vec<_> = rows.iter().map(|row| (row.delivery, row.number)).collect();
        assert_eq!(numbers, [(7, 3), (8, 3), (9, 3)]);
        assert!(rows[1].error.as_deref().unwrap().starts_with("sent in one summary of 3 messages: "));
    }
}
