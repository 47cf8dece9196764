//! What the clerk puts into the spool in one transaction, and what it does once that is durable.

use super::prepare::Prepared;
use super::reports::Report;
use super::task_lanes;
use crate::lanes::{Body, Fate, Job, LaneReport};
use crate::message::Message;
use crate::spool::{Batch, End, NewDelivery, NewEvent, SpoolError};
use crate::tally;
use std::sync::Arc;
use std::time::Duration;

/// One transaction's worth.
#[derive(Debug, Default)]
pub struct Work {
    /// Events in the order of acceptance, and the ends of queues that count now.
    pub events: Vec<Prepared>,
    /// What the lanes reported.
    pub lanes: Vec<LaneReport>,
    /// What changed in the tally.
    pub tally: Vec<tally::Change>,
    /// States of endpoints and alerts: key, and value or nothing.
    pub states: Vec<(String, Option<Vec<u8>>)>,
    /// Tickets of held ends that do not count any more.
    pub superseded: Vec<u64>,
    /// Everything accepted up to this ticket is in this work, or was before.
    pub read_ticket: u64,
}

/// What is to be done once the transaction is durable.
#[derive(Debug, Default)]
pub struct Done {
    /// Deliveries for the lanes, by endpoint.
    pub jobs: Vec<(String, Job)>,
    /// Deliveries that were dead from the start.
    pub dead: Vec<Report>,
    /// How many deliveries each ticket owes.
    pub owed: Vec<(u64, u32)>,
    /// Tickets of held ends that were fired: they owed one while they were held.
    pub fired: Vec<u64>,
    /// How many events are new in the spool.
    pub spooled: u64,
}

impl Work {
    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.lanes.is_empty()
            && self.tally.is_empty()
            && self.states.is_empty()
            && self.superseded.is_empty()
    }

    /// Writes everything into a transaction. May be called again after a failure: the transaction is
    /// what counts.
    pub fn write(&self, batch: &mut Batch<'_>, instance: &str, times: Times) -> Result<Done, SpoolError> {
        let mut done = Done::default();
        for event in &self.events {
            write_event(batch, event, times, &mut done)?;
        }
        for report in &self.lanes {
            write_lane_report(batch, report, times.unix_ms)?;
        }
        for (queue, state) in &self.tally {
            batch.put_state(&tally_key(instance, queue), state.as_deref())?;
        }
        for (key, value) in &self.states {
            batch.put_state(key, value.as_deref())?;
        }
        Ok(done)
    }
}

/// The two clocks at the time of a transaction.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Unix milliseconds.
    pub unix_ms: i64,
    /// The monotonic clock.
    pub monotonic: Duration,
}

/// The key under which the spool keeps the tally of a queue.
pub fn tally_key(instance: &str, queue: &str) -> String {
    format!("{TALLY}{instance}/{queue}")
}

/// The key under which the spool keeps the state of an alert.
pub fn alert_key(instance: &str, alert: &str) -> String {
    format!("{ALERT}{instance}/{alert}")
}

/// The instance of states that were left in order. No instance has this name.
pub const NOBODY: &str = "-";

/// What the keys of alerts start with.
pub const ALERT: &str = "alert/";

/// What the keys of tallies start with.
pub const TALLY: &str = "tally/";

fn write_event(
    batch: &mut Batch<'_>,
    event: &Prepared,
    times: Times,
    done: &mut Done,
) -> Result<(), SpoolError> {
    let row = match &event.payload {
        Some(payload) => {
            let row = batch.event(&NewEvent {
                id: event.id,
                kind: &event.kind,
                accepted_at: event.accepted_at,
                payload,
            })?;
            done.spooled += u64::from(row.is_some());
            row
        }
        None => {
            done.fired.push(event.ticket);
            batch.row_of(event.id)?
        }
    };
    // An event that is in the spool already came out of the ring twice: its deliveries are there too.
    let Some(row) = row else { return Ok(()) };
    let mut owed = u32::from(event.held);
    for delivery in &event.deliveries {
        if let Some(endpoint) = &delivery.named {
            let (key, value) = task_lanes::kept_state(endpoint, times.unix_ms);
            batch.put_state(&key, Some(&value))?;
        }
        let (message, dead) = match &delivery.message {
            Ok(message) => (Some(message), None),
            Err(reason) => (None, Some(reason.as_str())),
        };
        let seq = batch.delivery(&NewDelivery {
            event: row,
            endpoint: &delivery.endpoint,
            hook: &delivery.hook,
            content_type: message.map_or("", |message| &message.content_type),
            body: message.map_or(&[], |message| &message.body),
            created_at: times.unix_ms,
            due_at: times.unix_ms,
            dead,
            why: Some(&delivery.why),
        })?;
        match (message, dead) {
            (Some(message), _) => {
                owed += 1;
                let job = new_job(seq, event, &delivery.hook, message, times);
                done.jobs.push((delivery.endpoint.clone(), job));
            }
            (None, reason) => done.dead.push(Report {
                event: event.id.to_string(),
                kind: event.kind.clone(),
                endpoint: delivery.endpoint.clone(),
                hook: delivery.hook.clone(),
                state: "dead",
                attempts: 0,
                status: None,
                reason: reason.map(str::to_owned),
                ticket: (event.ticket > 0).then_some(event.ticket),
            }),
        }
    }
    done.owed.push((event.ticket, owed));
    Ok(())
}

fn new_job(seq: i64, event: &Prepared, hook: &str, message: &Message, times: Times) -> Job {
    Job {
        seq,
        ticket: event.ticket,
        event_id: event.id,
        kind: event.kind.clone(),
        hook: hook.to_owned(),
        created_at: times.unix_ms,
        attempts: 0,
        strikes: 0,
        asked: 0,
        due: times.monotonic,
        body: Some(Arc::new(Body {
            content_type: message.content_type.clone(),
            bytes: message.body.clone(),
        })),
    }
}

fn write_lane_report(batch: &mut Batch<'_>, report: &LaneReport, now: i64) -> Result<(), SpoolError> {
    match report {
        LaneReport::Attempt { job, row, fate, .. } => {
            batch.attempt(row)?;
            match fate {
                Fate::Delivered => batch.end(job.seq, &End::Delivered, now),
                Fate::Dead(reason) => batch.end(job.seq, &End::Dead(reason.clone()), now),
                Fate::Again(at) => batch.reschedule(job.seq, *at),
            }
        }
        LaneReport::Dropped { job, reason, .. } => batch.end(job.seq, &End::Dead(reason.clone()), now),
        LaneReport::Homeless { .. } | LaneReport::Gone { .. } => Ok(()),
    }
}

/// The report of a delivery that a lane ended; `None` when it goes on.
pub fn ending(report: &LaneReport) -> Option<Report> {
    let (endpoint, job, attempts, status, reason) = match report {
        LaneReport::Attempt { endpoint, job, row, fate: Fate::Delivered } => {
            (endpoint, job, row.number, row.status, None)
        }
        LaneReport::Attempt { endpoint, job, row, fate: Fate::Dead(reason) } => {
            (endpoint, job, row.number, row.status, Some(reason.clone()))
        }
        LaneReport::Dropped { endpoint, job, reason } => {
            (endpoint, job, job.attempts, None, Some(reason.clone()))
        }
        LaneReport::Attempt { fate: Fate::Again(_), .. }
        | LaneReport::Homeless { .. }
        | LaneReport::Gone { .. } => return None,
    };
    Some(Report {
        event: job.event_id.to_string(),
        kind: job.kind.clone(),
        endpoint: endpoint.clone(),
        hook: job.hook.clone(),
        state: if reason.is_none() { "delivered" } else { "dead" },
        attempts,
        status,
        reason,
        ticket: (job.ticket > 0).then_some(job.ticket),
    })
}
