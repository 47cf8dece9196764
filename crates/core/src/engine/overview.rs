//! What goes on in the hosts of a spool, as the spool keeps it: for an operator who looks on from another process.

use super::endpoints::{Gone, StoredHealth};
use crate::alerts::Kept;
use crate::intake::Intake;
use crate::spool::{OpenBatch, Reader, SpoolError, StateKind};
use crate::tally::{self, QueueTally};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// Where an endpoint stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointState {
    /// It fails again and again; only probes go out, the next one at this time.
    Probing {
        /// Unix milliseconds.
        next_at: i64,
    },
    /// Its receiver asked for quiet.
    Quiet {
        /// Unix milliseconds.
        until: i64,
    },
    /// It answered that it no longer exists.
    Gone {
        /// Its answer.
        reason: String,
    },
}

/// A queue or batch that is not at its end.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenWork {
    /// The queue's name, or the batch's id.
    pub name: String,
    /// Whether it is a batch.
    pub is_batch: bool,
    /// Tasks that have ended.
    pub done: u64,
    /// All tasks, as far as that is known.
    pub total: Option<u64>,
    /// Tasks that failed.
    pub failed: u64,
    /// Tasks that were cancelled.
    pub cancelled: u64,
    /// Tasks per minute.
    pub per_minute: Option<f64>,
    /// Seconds that are left.
    pub left_s: Option<u64>,
    /// When it began; Unix milliseconds.
    pub started_at: i64,
    /// When its last task ended; Unix milliseconds, 0 before the first one.
    pub moved_at: i64,
    /// Whether it has not gone on for so long that this was reported.
    pub stalled: bool,
    /// Whether a living host works on it.
    pub is_alive: bool,
}

/// An alert that fires.
#[derive(Debug, Clone, PartialEq)]
pub struct FiringAlert {
    /// Its name.
    pub name: String,
    /// What it watches.
    pub metric: String,
    /// When the value went to the bad side; Unix milliseconds.
    pub since: i64,
    /// The value that was reported last.
    pub value: f64,
    /// How often it was reported again.
    pub reminders: u64,
}

/// The endpoints that are not open, with the reason. An endpoint that is missing here is open.
///
/// # Errors
/// When the spool cannot be read.
pub fn endpoint_states(
    reader: &dyn Reader,
    unix_ms: i64,
) -> Result<BTreeMap<String, EndpointState>, SpoolError> {
    let mut states = BTreeMap::new();
    for (key, value) in reader.states(StateKind::EndpointHealth)? {
        let Ok(StoredHealth { health, .. }) = serde_json::from_slice(&value) else { continue };
        let quiet = health.quiet.filter(|quiet| !quiet.left(unix_ms).is_zero());
        let state = match (quiet, health.breaker) {
            (Some(quiet), _) => EndpointState::Quiet { until: quiet.until_ms() },
            (None, Some(breaker)) => EndpointState::Probing { next_at: breaker.until_ms() },
            (None, None) => continue,
        };
        states.insert(key.name, state);
    }
    for (key, value) in reader.states(StateKind::GoneEndpoint)? {
        let Ok(Gone { reason, .. }) = serde_json::from_slice(&value) else { continue };
        states.insert(key.name, EndpointState::Gone { reason });
    }
    Ok(states)
}

/// How many hosts have this spool open. `None` where nobody can tell.
pub fn living_hosts(reader: &dyn Reader) -> Option<usize> {
    Intake::live_instances(reader.file()?).ok().map(|living| living.len())
}

/// The open queues and batches, those that went on last first; at most `limit` of each.
///
/// # Errors
/// When the spool cannot be read.
pub fn work_in_progress(reader: &dyn Reader, limit: usize) -> Result<Vec<OpenWork>, SpoolError> {
    let living = reader.file().and_then(|file| Intake::live_instances(file).ok()).unwrap_or_default();
    let mut queues: BTreeMap<String, (QueueTally, bool)> = BTreeMap::new();
    for (key, value) in reader.states(StateKind::QueueCounts)? {
        let Some(counts) = tally::read_queue(&value) else { continue };
        let is_alive = living.contains(&key.owner);
        let (queue, alive) = queues.entry(key.name).or_default();
        match queue.started_at {
            0 => *queue = counts,
            _ => queue.add(&counts),
        }
        *alive |= is_alive;
    }
    let mut work: Vec<OpenWork> = queues
        .into_iter()
        .map(|(name, (tally, is_alive))| {
            let expected = tally.expected;
            OpenWork { is_alive, ..progress(name, &tally, expected) }
        })
        .collect();
    work.sort_by_key(|queue| std::cmp::Reverse(queue.moved_at));
    work.truncate(limit);
    let of_batch = |batch: OpenBatch| {
        let expected = Some(batch.expected).filter(|expected| *expected > 0);
        OpenWork {
            is_batch: true,
            stalled: batch.stalled,
            is_alive: !living.is_empty(),
            ..progress(batch.id, &batch.tally, expected)
        }
    };
    work.extend(reader.open_batches(limit)?.into_iter().map(of_batch));
    Ok(work)
}

fn progress(name: String, tally: &QueueTally, expected: Option<u64>) -> OpenWork {
    let mut fields = Map::new();
    tally::add_progress(&mut fields, tally, expected);
    let number = |name: &str| fields.get(name).and_then(Json::as_u64);
    OpenWork {
        name,
        is_batch: false,
        done: tally.total,
        total: number("total"),
        failed: tally.failed,
        cancelled: tally.cancelled,
        per_minute: fields.get("rate").and_then(Json::as_f64),
        left_s: number("eta_s"),
        started_at: tally.started_at,
        moved_at: tally.finished_at,
        stalled: false,
        is_alive: false,
    }
}

/// The alerts that fire in any host of the spool.
///
/// # Errors
/// When the spool cannot be read.
pub fn firing_alerts(reader: &dyn Reader) -> Result<Vec<FiringAlert>, SpoolError> {
    let firing = reader.states(StateKind::Alert)?.into_iter().filter_map(|(key, value)| {
        let Kept { metric, since, told, reminders, value } = Kept::from_bytes(&value)?;
        told?;
        Some(FiringAlert { name: key.name, metric, since, value, reminders })
    });
    Ok(firing.collect())
}
