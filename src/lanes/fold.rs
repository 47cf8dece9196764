//! When more waits than the rate can carry: many messages become one summary, rather than each arriving
//! an hour late.

use super::{Body, Job};
use crate::clock;
use crate::config::{Endpoint, Overflow};
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
    let kind = first.map(|job| job.kind.as_str()).filter(|kind| group.iter().all(|job| job.kind == *kind));
    let unknown = |job: &Job| Line { tone: Tone::Neutral, text: job.kind.clone() };
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
    let bytes = endpoint.platform.card(&context, endpoint).to_string().into_bytes();
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
