//! Writes a transaction into the spool.

use super::transaction::{Committed, Transaction, superseded_by};
use crate::clock::Moment;
use crate::engine::decide::{EventState, PlannedDelivery, PlannedEvent, PlannedState};
use crate::engine::reports::DeliveryReport;
use crate::engine::task_lanes;
use crate::lanes::{Body, Disposition, Job, LaneReport, LiveJob};
use crate::spool::{
    AttemptRow, Batch, Called, DeliveryEnd, Early, LiveRole, LiveState, NewDelivery, NewEvent, NewFallback,
    Next, SpoolError,
};
use std::sync::Arc;

impl Transaction {
    /// Writes everything. May be called again after a failed transaction.
    pub fn write(&self, batch: &mut impl Batch, now: Moment) -> Result<Committed, SpoolError> {
        let mut committed = Committed::default();
        let watched = self.has_fallbacks
            || self.events.iter().flat_map(|event| &event.deliveries).any(|to| !to.fallbacks.is_empty());
        let ids = self.events.iter().map(|event| event.id);
        batch.look_ahead(ids, self.lane_reports.iter().filter_map(reported_delivery))?;
        let mut arrivals = Arrivals::of(&self.lane_reports);
        for event in &self.events {
            if write_arrival(batch, event, &mut arrivals, now, &mut committed)? {
                continue;
            }
            write_event(batch, event, &mut arrivals, now, &mut committed)?;
            // Another instance may have escalated the alert, so this does not depend on what is known here.
            if let Some(alert) = &event.resolved_alert {
                batch.resolve(alert)?;
            }
        }
        for alert in &self.removed_alerts {
            batch.resolve(alert)?;
        }
        for (index, report) in self.lane_reports.iter().enumerate() {
            if arrivals.has_taken(index) {
                continue;
            }
            write_lane_report(batch, report, now.unix_ms, &mut committed)?;
            if watched {
                send_fallbacks(batch, report, now, &mut committed)?;
            }
        }
        if self.fallback_due {
            let called = batch.call_due(now.unix_ms)?;
            committed.add_fallbacks(called, 0, now);
        }
        for (key, value) in &self.states {
            batch.put_state(key, value.as_deref())?;
        }
        Ok(committed)
    }
}

/// First attempts with which deliveries arrived that are written in the same transaction: row and attempt are written
/// once, as they ended.
struct Arrivals<'a> {
    /// By the number of the delivery; with the place of the report.
    first: Vec<(i64, usize, &'a AttemptRow)>,
    taken: Vec<bool>,
}

impl<'a> Arrivals<'a> {
    fn of(reports: &'a [LaneReport]) -> Arrivals<'a> {
        let arrived = reports.iter().enumerate().filter_map(|(index, report)| match report {
            LaneReport::Attempt { job, row, disposition: Disposition::Delivered, .. }
                if row.is_plain_first() && job.live.is_none() =>
            {
                Some((row.delivery, index, row))
            }
            _ => None,
        });
        let mut first: Vec<_> = arrived.collect();
        first.sort_unstable_by_key(|(number, ..)| *number);
        Arrivals { first, taken: vec![false; reports.len()] }
    }

    /// The attempt with which this delivery arrived, and the place of its report.
    fn find(&self, number: i64) -> Option<(usize, &'a AttemptRow)> {
        let at = self.first.binary_search_by_key(&number, |(number, ..)| *number).ok()?;
        let (_, index, row) = self.first[at];
        Some((index, row))
    }

    fn take(&mut self, number: i64) -> Option<&'a AttemptRow> {
        let (index, row) = self.find(number)?;
        self.taken[index] = true;
        Some(row)
    }

    fn has_taken(&self, index: usize) -> bool {
        self.taken[index]
    }
}

impl Committed {
    fn add_fallbacks(&mut self, called: Vec<Called>, ticket: u64, now: Moment) {
        if !called.is_empty() {
            self.owed.push((ticket, called.len() as u32));
        }
        for called in called {
            let counter = if called.escalated { &mut self.escalated } else { &mut self.fallbacks };
            *counter += 1;
            let body = Arc::new(Body::from(called.message));
            let job = Job::new(called.seq, called.event_id, &called.kind, &called.hook, now.unix_ms);
            let job = Job { ticket, due: now.monotonic, body: Some(body), ..job };
            self.jobs.push((called.endpoint.into(), job));
        }
    }
}

/// Writes an event whose only delivery has arrived. `false` for any other, and for one that is in the spool already.
fn write_arrival(
    batch: &mut impl Batch,
    event: &PlannedEvent,
    arrivals: &mut Arrivals<'_>,
    now: Moment,
    committed: &mut Committed,
) -> Result<bool, SpoolError> {
    let [delivery] = event.deliveries.as_slice() else { return Ok(false) };
    let (Some(early), Ok(message), None) = (delivery.early, &delivery.message, &event.explanation) else {
        return Ok(false);
    };
    let Some((index, first)) = arrivals.find(early.row) else { return Ok(false) };
    let extras = message.extras.to_text();
    let delivery = new_delivery(0, delivery, extras.as_deref(), now);
    let is_new = batch.put_arrival(&new_event(event), &delivery, first, now.unix_ms)?;
    if is_new {
        arrivals.taken[index] = true;
        committed.spooled += 1;
        committed.early += 1;
        committed.owed.push((event.ticket, 1));
    }
    Ok(is_new)
}

fn new_event(event: &PlannedEvent) -> NewEvent<'_> {
    NewEvent {
        id: event.id,
        kind: &event.kind,
        accepted_at: event.accepted_at,
        node: event.origin.as_ref().map(|origin| origin.node.as_str()),
        payload: &event.payload,
    }
}

/// A delivery of the event in this row, to be sent as far as it does not say otherwise.
fn new_delivery<'a>(
    event: i64,
    delivery: &'a PlannedDelivery,
    extras: Option<&'a str>,
    now: Moment,
) -> NewDelivery<'a> {
    let message = delivery.message.as_ref().ok();
    let created_at = delivery.early.map_or(now.unix_ms, |early| early.at);
    NewDelivery {
        event,
        endpoint: &delivery.endpoint,
        hook: &delivery.hook,
        content_type: message.map_or("", |message| &message.content_type),
        body: message.map_or(&delivery.unrendered, |message| &message.bytes),
        extras,
        created_at,
        due_at: created_at,
        dead: None,
        why: Some(&delivery.why),
        expires_at: delivery.expires_at,
        thing: delivery.supersede_key.as_deref(),
        live: None,
    }
}

fn write_event(
    batch: &mut impl Batch,
    event: &PlannedEvent,
    arrivals: &mut Arrivals<'_>,
    now: Moment,
    committed: &mut Committed,
) -> Result<(), SpoolError> {
    let new = new_event(event);
    let row = if event.state == EventState::HeldBefore {
        committed.released.push(event.ticket);
        // It was written when it was held, unless the spool was cleaned up or recreated meanwhile.
        match batch.row_of(event.id)? {
            Some(row) => Some(row),
            None => batch.put_event(&new, false)?,
        }
    } else {
        // A state of a living message may be left out.
        let is_heard = event.deliveries.iter().any(|delivery| delivery.live.is_none());
        let row = batch.put_event(&new, is_heard)?;
        committed.spooled += u64::from(row.is_some());
        row
    };
    // An event that is in the spool already was read from the ring twice: its deliveries are there too.
    let Some(row) = row else { return Ok(()) };
    let mut explanation = event.explanation.clone();
    let mut owed = u32::from(event.state == EventState::Held);
    for delivery in &event.deliveries {
        let live = match &delivery.live {
            Some(state) if delivery.message.is_ok() => {
                let (endpoint, hook) = (&*delivery.endpoint, &*delivery.hook);
                let PlannedState { key, closes, edits } = state;
                let state = LiveState { endpoint, hook, key, closes: *closes, edits: *edits };
                batch.join_live(&state, event.id, now.unix_ms)?
            }
            _ => LiveRole::Alone,
        };
        let first = match live {
            LiveRole::StateOf(first) => Some(first.to_string()),
            LiveRole::Alone => None,
            LiveRole::LeftOut => {
                let line = format!(
                    "`{}` matched for {}, and was left out: its platform cannot edit, so only the first state and \
                     the last are sent",
                    delivery.hook, delivery.endpoint
                );
                let lines = explanation.get_or_insert_default();
                lines.push_str(if lines.is_empty() { "" } else { "\n" });
                lines.push_str(&line);
                continue;
            }
        };
        owed += write_delivery(batch, row, event, (delivery, first.as_deref()), arrivals, now, committed)?;
    }
    if let Some(explanation) = &explanation {
        batch.put_account(row, explanation)?;
    }
    committed.owed.push((event.ticket, owed));
    Ok(())
}

/// Gives how many results whoever waits for the event is owed: none for a dead letter.
fn write_delivery(
    batch: &mut impl Batch,
    row: i64,
    event: &PlannedEvent,
    (delivery, live): (&PlannedDelivery, Option<&str>),
    arrivals: &mut Arrivals<'_>,
    now: Moment,
    committed: &mut Committed,
) -> Result<u32, SpoolError> {
    if let Some(endpoint) = &delivery.task_endpoint {
        let (key, value) = task_lanes::kept_state(endpoint, now.unix_ms);
        batch.put_state(&key, Some(&value))?;
    }
    let superseded = delivery.superseded_by.map(superseded_by);
    let (message, dead) = match (&delivery.message, &superseded) {
        (Ok(message), reason) => (Some(message), reason.as_deref()),
        (Err(reason), _) => (None, Some(reason.as_str())),
    };
    let extras = message.and_then(|message| message.extras.to_text());
    let new = NewDelivery { dead, live, ..new_delivery(row, delivery, extras.as_deref(), now) };
    let early = match delivery.early.map(|early| (early.row, arrivals.take(early.row))) {
        Some((_, Some(first))) => Early::Arrived(first, now.unix_ms),
        Some((number, None)) => Early::Sent(number),
        None => Early::No,
    };
    let seq = batch.put_delivery(&new, early)?;
    if superseded.is_none() {
        write_fallbacks(batch, row, delivery)?;
    }
    match (message, dead) {
        (Some(_), None) if delivery.early.is_some() => {
            committed.early += 1;
            Ok(1)
        }
        (Some(message), None) => {
            let words = (event.kind.as_str().into(), Arc::clone(&delivery.hook));
            let job = event.job(delivery, (seq, message), words, live, now);
            committed.jobs.push((delivery.endpoint.clone(), job));
            Ok(1)
        }
        (_, reason) => {
            committed.dead.push(DeliveryReport {
                event: event.id,
                kind: event.kind.as_str().into(),
                endpoint: delivery.endpoint.clone(),
                hook: Arc::clone(&delivery.hook),
                state: "dead",
                attempts: 0,
                status: None,
                reason: reason.map(str::to_owned),
                superseded: superseded.is_some(),
                ticket: (event.ticket > 0).then_some(event.ticket),
            });
            if !delivery.fallbacks.is_empty() && superseded.is_none() {
                let called = batch.call_after(seq, true, now.unix_ms)?;
                committed.add_fallbacks(called, event.ticket, now);
            }
            Ok(0)
        }
    }
}

fn write_fallbacks(batch: &mut impl Batch, row: i64, to: &PlannedDelivery) -> Result<(), SpoolError> {
    for fallback in &to.fallbacks {
        let extras = fallback.message.extras.to_text();
        batch.put_fallback(&NewFallback {
            event: row,
            via: &fallback.via,
            endpoint: &fallback.endpoint,
            hook: &to.hook,
            due_at: fallback.due_at,
            alert: fallback.alert.as_deref(),
            content_type: &fallback.message.content_type,
            body: &fallback.message.body,
            extras: extras.as_deref(),
        })?;
    }
    Ok(())
}

/// Sends the fallbacks of a dead delivery, and cancels those of any other that ended. A stale or superseded
/// delivery has no fallbacks.
fn send_fallbacks(
    batch: &mut impl Batch,
    report: &LaneReport,
    now: Moment,
    committed: &mut Committed,
) -> Result<(), SpoolError> {
    let (job, dead) = match report {
        LaneReport::Attempt { job, disposition: Disposition::Delivered, .. } => (job, false),
        LaneReport::Attempt { job, disposition: Disposition::Dead(_), .. }
        | LaneReport::Dropped { job, .. } => (job, !job.is_stale(now.unix_ms)),
        LaneReport::Superseded { job, .. } => (job, false),
        LaneReport::Attempt { disposition: Disposition::Again(_), .. }
        | LaneReport::FollowUp { .. }
        | LaneReport::Returned { .. }
        | LaneReport::Gone { .. } => return Ok(()),
    };
    let called = batch.call_after(job.seq, dead, now.unix_ms)?;
    committed.add_fallbacks(called, job.ticket, now);
    Ok(())
}

/// The delivery that a report changes.
fn reported_delivery(report: &LaneReport) -> Option<i64> {
    match report {
        LaneReport::Attempt { row, .. } | LaneReport::FollowUp { row, .. } => Some(row.delivery),
        LaneReport::Dropped { job, .. } | LaneReport::Superseded { job, .. } => Some(job.seq),
        LaneReport::Returned { .. } | LaneReport::Gone { .. } => None,
    }
}

fn write_lane_report(
    batch: &mut impl Batch,
    report: &LaneReport,
    unix_ms: i64,
    committed: &mut Committed,
) -> Result<(), SpoolError> {
    match report {
        LaneReport::Attempt { endpoint, job, row, disposition } => {
            let end;
            let next = match disposition {
                Disposition::Delivered => {
                    if let Some((live, result)) = job.live.as_ref().and_then(LiveJob::done) {
                        batch.note_live(live, endpoint, result, unix_ms)?;
                    }
                    Next::End(&DeliveryEnd::Delivered, unix_ms)
                }
                Disposition::Dead(reason) => {
                    end = DeliveryEnd::Dead(reason.clone());
                    Next::End(&end, unix_ms)
                }
                Disposition::Again(at) => Next::Due(*at),
            };
            let was_pending = batch.put_attempt(row.delivery, Some(row), next)?;
            if !was_pending && matches!(next, Next::Due(_)) {
                committed.ended_elsewhere.push((endpoint.clone(), job.seq));
            }
        }
        LaneReport::FollowUp { row, .. } => {
            batch.put_attempt(row.delivery, Some(row), Next::Same)?;
        }
        LaneReport::Dropped { job, reason, .. } => {
            let end = DeliveryEnd::Dead(reason.clone());
            batch.put_attempt(job.seq, None, Next::End(&end, unix_ms))?;
        }
        LaneReport::Superseded { job, by, .. } => {
            let end = DeliveryEnd::Dead(superseded_by(*by));
            batch.put_attempt(job.seq, None, Next::End(&end, unix_ms))?;
        }
        LaneReport::Returned { .. } | LaneReport::Gone { .. } => {}
    }
    Ok(())
}
