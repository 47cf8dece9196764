//! What the clerk puts into the spool in one transaction, and what it does once that is durable.

use super::prepare::{Prepared, PreparedDelivery};
use super::reports::Report;
use super::task_lanes;
use crate::event::EventId;
use crate::lanes::{Body, Disposition, Job, Lane, LaneReport};
use crate::message::Extras;
use crate::shape::Shape;
use crate::spool::{Called, DeliveryEnd, NewDelivery, NewEvent, NewReserve, SpoolError, SpoolTransaction};
use crate::tally::{self, Tally};
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};
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
    pub tally: Vec<tally::TallyChange>,
    /// States of endpoints and alerts: key, and value or nothing.
    pub states: Vec<(String, Option<Vec<u8>>)>,
    /// Tickets of held ends that do not count any more.
    pub superseded: Vec<u64>,
    /// Alerts that are not watched any more: nobody is to be told that they go on.
    pub unwatched: Vec<String>,
    /// Whether the spool has messages standing by, in case others do not arrive.
    pub standing_by: bool,
    /// Whether the time of one of them has come.
    pub call_due: bool,
    /// Batches that have not gone on since this time, in Unix milliseconds, are told of as standing still.
    pub stalled_since: Option<i64>,
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
    /// Deliveries that a lane goes on with although they ended in the spool, by endpoint.
    pub ended_elsewhere: Vec<(String, i64)>,
    /// Deliveries that others fell back to.
    pub fallbacks: u64,
    /// Deliveries to those who are told later.
    pub escalated: u64,
    /// For the log.
    pub remarks: Vec<String>,
}

impl Work {
    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.lanes.is_empty()
            && self.tally.is_empty()
            && self.states.is_empty()
            && self.superseded.is_empty()
            && self.unwatched.is_empty()
            && !self.call_due
            && self.stalled_since.is_none()
    }

    /// How much it holds of what a transaction adds to.
    pub(super) fn extent(&self) -> [usize; 3] {
        [self.events.len(), self.tally.len(), self.states.len()]
    }

    /// Takes out what was added since [`Work::extent`] gave this.
    pub(super) fn cut_back(&mut self, [events, tally, states]: [usize; 3]) {
        self.events.truncate(events);
        self.tally.truncate(tally);
        self.states.truncate(states);
    }

    /// Keeps what changed in the counts.
    pub(super) fn keep_counts(&mut self, tally: &mut Tally) {
        self.tally.extend(tally.changes());
        self.states.extend(super::usual_durations::changes(&mut tally.usuals));
    }

    /// Keeps what changed in what shaping remembers.
    pub(super) fn keep_shape(&mut self, shape: &mut Shape, instance: &str) {
        let changes = shape.changes().into_iter();
        self.states.extend(changes.map(|(rest, value)| (shape_key(instance, &rest), value)));
    }

    /// Lets the newest delivery of a thing take the place of those that were not tried yet: here, and in the
    /// lanes.
    /// `number_now` gives the number that the spool has for a delivery of the lanes.
    pub fn supersede(&mut self, lanes: &BTreeMap<String, Arc<Lane>>, number_now: impl Fn(i64) -> i64) {
        let mut newest: HashMap<(&str, &str, &str), EventId> = HashMap::new();
        for event in self.events.iter_mut().rev() {
            for delivery in &mut event.deliveries {
                let Some(thing) = delivery.thing.as_deref().filter(|_| delivery.message.is_ok()) else {
                    continue;
                };
                let (endpoint, hook) = (delivery.endpoint.as_str(), delivery.hook.as_str());
                if let Some(by) = newest.get(&(endpoint, hook, thing)) {
                    delivery.superseded = Some(*by);
                    continue;
                }
                if let Some(job) = lanes.get(endpoint).and_then(|lane| lane.withdraw(hook, thing)) {
                    let (endpoint, job) = (endpoint.to_owned(), Job { seq: number_now(job.seq), ..job });
                    self.lanes.push(LaneReport::Superseded { endpoint, job, by: event.id });
                }
                newest.insert((endpoint, hook, thing), event.id);
            }
        }
    }

    /// Writes everything into a transaction. May be called again after a failure: the transaction is
    /// what counts.
    pub fn write(
        &self,
        batch: &mut SpoolTransaction<'_>,
        instance: &str,
        times: Times,
    ) -> Result<Done, SpoolError> {
        let mut done = Done::default();
        let watched = self.standing_by
            || self.events.iter().flat_map(|event| &event.deliveries).any(|to| !to.reserves.is_empty());
        for event in &self.events {
            write_event(batch, event, times, &mut done)?;
            // Whoever stands by may have been called by another instance, unknown to this one.
            if event.kind == "alert.resolved" {
                batch.resolve(&alert_name(event))?;
            }
        }
        for alert in &self.unwatched {
            batch.resolve(alert)?;
        }
        for report in &self.lanes {
            write_lane_report(batch, report, times.unix_ms, &mut done)?;
            if watched {
                call_others(batch, report, times, &mut done)?;
            }
        }
        if self.call_due {
            let called = batch.call_due(times.unix_ms)?;
            done.call(called, 0, times);
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

impl Done {
    /// Takes in deliveries that were made because others did not arrive.
    fn call(&mut self, called: Vec<Called>, ticket: u64, times: Times) {
        if !called.is_empty() {
            self.owed.push((ticket, called.len() as u32));
        }
        for called in called {
            let counter = if called.escalated { &mut self.escalated } else { &mut self.fallbacks };
            *counter += 1;
            let extras = Extras::from_text(called.extras.as_deref());
            let body = Arc::new(Body { content_type: called.content_type, bytes: called.body, extras });
            let job = new_job(called.seq, called.event_id, ticket, &called.kind, &called.hook, body, times);
            self.jobs.push((called.endpoint, job));
        }
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

/// The key under which the spool keeps something of the shaping.
pub fn shape_key(instance: &str, rest: &str) -> String {
    format!("{SHAPE}{instance}/{rest}")
}

/// What the keys of the shaping start with.
pub const SHAPE: &str = "shape/";

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
    batch: &mut SpoolTransaction<'_>,
    event: &Prepared,
    times: Times,
    done: &mut Done,
) -> Result<(), SpoolError> {
    let new =
        NewEvent { id: event.id, kind: &event.kind, accepted_at: event.accepted_at, payload: &event.payload };
    let row = if event.fired {
        done.fired.push(event.ticket);
        // It was kept when it was held; a spool that was cleaned up or made anew meanwhile lacks it.
        match batch.row_of(event.id)? {
            Some(row) => Some(row),
            None => batch.event(&new)?,
        }
    } else {
        let row = batch.event(&new)?;
        done.spooled += u64::from(row.is_some());
        row
    };
    // An event that is in the spool already came out of the ring twice: its deliveries are there too.
    let Some(row) = row else { return Ok(()) };
    if let Some(said) = &event.said {
        batch.account(row, said)?;
    }
    let mut owed = u32::from(event.held);
    for delivery in &event.deliveries {
        if let Some(endpoint) = &delivery.named {
            let (key, value) = task_lanes::kept_state(endpoint, times.unix_ms);
            batch.put_state(&key, Some(&value))?;
        }
        let superseded = delivery.superseded.map(superseded_by);
        let (message, dead) = match (&delivery.message, &superseded) {
            (Ok(message), reason) => (Some(message), reason.as_deref()),
            (Err(reason), _) => (None, Some(reason.as_str())),
        };
        let extras = message.and_then(|message| message.extras.to_text());
        let seq = batch.delivery(&NewDelivery {
            event: row,
            endpoint: &delivery.endpoint,
            hook: &delivery.hook,
            content_type: message.map_or("", |message| &message.content_type),
            body: message.map_or(&[], |message| &message.bytes),
            extras: extras.as_deref(),
            created_at: times.unix_ms,
            due_at: times.unix_ms,
            dead,
            why: Some(&delivery.why),
            expires_at: delivery.expires_at,
            thing: delivery.thing.as_deref(),
        })?;
        if superseded.is_none() {
            write_reserves(batch, row, delivery)?;
        }
        match (message, dead) {
            (Some(message), None) => {
                owed += 1;
                let body = Arc::clone(message);
                let (expires_at, thing) = (delivery.expires_at, delivery.thing.clone());
                let job = new_job(seq, event.id, event.ticket, &event.kind, &delivery.hook, body, times);
                done.jobs.push((delivery.endpoint.clone(), Job { expires_at, thing, ..job }));
            }
            (_, reason) => {
                done.dead.push(Report {
                    event: event.id,
                    kind: event.kind.as_str().into(),
                    endpoint: delivery.endpoint.clone(),
                    hook: delivery.hook.as_str().into(),
                    state: "dead",
                    attempts: 0,
                    status: None,
                    reason: reason.map(str::to_owned),
                    superseded: superseded.is_some(),
                    ticket: (event.ticket > 0).then_some(event.ticket),
                });
                if !delivery.reserves.is_empty() && superseded.is_none() {
                    let called = batch.call_after(seq, times.unix_ms)?;
                    done.call(called, event.ticket, times);
                }
            }
        }
    }
    done.owed.push((event.ticket, owed));
    Ok(())
}

fn write_reserves(
    batch: &mut SpoolTransaction<'_>,
    row: i64,
    to: &PreparedDelivery,
) -> Result<(), SpoolError> {
    for reserve in &to.reserves {
        let extras = reserve.message.extras.to_text();
        batch.reserve(&NewReserve {
            event: row,
            via: &reserve.via,
            endpoint: &reserve.endpoint,
            hook: &to.hook,
            due_at: reserve.due_at,
            alert: reserve.alert.as_deref(),
            content_type: &reserve.message.content_type,
            body: &reserve.message.body,
            extras: extras.as_deref(),
        })?;
    }
    Ok(())
}

fn new_job(
    seq: i64,
    event_id: EventId,
    ticket: u64,
    kind: &str,
    hook: &str,
    body: Arc<Body>,
    times: Times,
) -> Job {
    Job {
        seq,
        ticket,
        event_id,
        kind: kind.into(),
        hook: hook.into(),
        created_at: times.unix_ms,
        attempts: 0,
        strikes: 0,
        asked: 0,
        plain: None,
        without_file: false,
        due: times.monotonic,
        expires_at: None,
        thing: None,
        body: Some(body),
    }
}

/// The reason of a delivery that gave way.
fn superseded_by(id: EventId) -> String {
    format!("superseded by {id}")
}

/// The name of the alert that an event speaks of.
fn alert_name(event: &Prepared) -> String {
    let payload: Json = serde_json::from_slice(&event.payload).unwrap_or_default();
    payload["name"].as_str().unwrap_or_default().to_owned()
}

/// Whoever is to hear in the place of a delivery that has ended is called, or stands down. What is stale
/// or superseded is not worth calling anybody.
fn call_others(
    batch: &mut SpoolTransaction<'_>,
    report: &LaneReport,
    times: Times,
    done: &mut Done,
) -> Result<(), SpoolError> {
    let (job, dead) = match report {
        LaneReport::Attempt { job, fate: Disposition::Delivered, .. } => (job, false),
        LaneReport::Attempt { job, fate: Disposition::Dead(_), .. } | LaneReport::Dropped { job, .. } => {
            (job, !job.is_stale(times.unix_ms))
        }
        LaneReport::Superseded { job, .. } => (job, false),
        LaneReport::Attempt { fate: Disposition::Again(_), .. }
        | LaneReport::FollowUp { .. }
        | LaneReport::Homeless { .. }
        | LaneReport::Gone { .. } => return Ok(()),
    };
    if dead {
        let called = batch.call_after(job.seq, times.unix_ms)?;
        done.call(called, job.ticket, times);
        return Ok(());
    }
    batch.stand_down(job.seq)
}

fn write_lane_report(
    batch: &mut SpoolTransaction<'_>,
    report: &LaneReport,
    now: i64,
    done: &mut Done,
) -> Result<(), SpoolError> {
    match report {
        LaneReport::Attempt { endpoint, job, row, fate } => match fate {
            Disposition::Delivered => batch.last_attempt(row, &DeliveryEnd::Delivered, now),
            Disposition::Dead(reason) => batch.last_attempt(row, &DeliveryEnd::Dead(reason.clone()), now),
            Disposition::Again(at) => {
                if !batch.attempt_again(row, *at)? {
                    done.ended_elsewhere.push((endpoint.clone(), job.seq));
                }
                Ok(())
            }
        },
        LaneReport::FollowUp { row, .. } => batch.attempt(row),
        LaneReport::Dropped { job, reason, .. } => {
            batch.end(job.seq, &DeliveryEnd::Dead(reason.clone()), now)
        }
        LaneReport::Superseded { job, by, .. } => {
            batch.end(job.seq, &DeliveryEnd::Dead(superseded_by(*by)), now)
        }
        LaneReport::Homeless { .. } | LaneReport::Gone { .. } => Ok(()),
    }
}

/// The report of a delivery that a lane ended; `None` when it goes on.
pub fn ending(report: &LaneReport) -> Option<Report> {
    let (endpoint, job, attempts, status, reason) = match report {
        LaneReport::Attempt { endpoint, job, row, fate: Disposition::Delivered } => {
            (endpoint, job, row.number, row.status, None)
        }
        LaneReport::Attempt { endpoint, job, row, fate: Disposition::Dead(reason) } => {
            (endpoint, job, row.number, row.status, Some(reason.clone()))
        }
        LaneReport::Dropped { endpoint, job, reason } => {
            (endpoint, job, job.attempts, None, Some(reason.clone()))
        }
        LaneReport::Superseded { endpoint, job, by } => {
            (endpoint, job, job.attempts, None, Some(superseded_by(*by)))
        }
        LaneReport::Attempt { fate: Disposition::Again(_), .. }
        | LaneReport::FollowUp { .. }
        | LaneReport::Homeless { .. }
        | LaneReport::Gone { .. } => return None,
    };
    Some(Report {
        event: job.event_id,
        kind: Arc::clone(&job.kind),
        endpoint: endpoint.clone(),
        hook: Arc::clone(&job.hook),
        state: if reason.is_none() { "delivered" } else { "dead" },
        attempts,
        status,
        reason,
        superseded: matches!(report, LaneReport::Superseded { .. }),
        ticket: (job.ticket > 0).then_some(job.ticket),
    })
}
