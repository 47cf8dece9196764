//! The content of one transaction.

use crate::engine::decide::{Decider, DecisionCounts, Decisions, EarlyDelivery, PlannedEvent};
use crate::engine::lane_reports::LaneReports;
use crate::engine::lane_table::LaneTable;
use crate::engine::reports::DeliveryReport;
use crate::engine::usual_durations;
use crate::event::EventId;
use crate::lanes::{Disposition, Job, LaneReport};
use crate::spool::{REPORT_BYTES, Spool, SpoolError, StateChange, StateKey, StateKind};
use crate::tally::WorkingNodes;
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Default)]
pub struct Transaction {
    /// In the order of acceptance, and with them the events that were derived.
    pub events: Vec<PlannedEvent>,
    pub lane_reports: Vec<LaneReport>,
    /// Changed states, those of queues' counts and of shaping among them.
    pub states: Vec<StateChange>,
    /// Tickets of held ends that no longer count.
    pub superseded: Vec<u64>,
    /// Alerts that are no longer configured: their escalations end.
    pub removed_alerts: Vec<String>,
    /// Whether the spool has fallbacks or escalations that wait for other deliveries.
    pub has_fallbacks: bool,
    pub fallback_due: bool,
    /// Batches without progress since this time, in Unix milliseconds, are reported as stalled.
    pub stalled_since: Option<i64>,
    /// Batches of whose progress nothing was told since this time are told of.
    pub untold_since: Option<i64>,
    /// Every event accepted up to this ticket is in this transaction or an earlier one.
    pub taken_ticket: u64,
}

/// What follows once a transaction is durable.
#[derive(Debug, Default)]
pub struct Committed {
    pub jobs: Vec<(Arc<str>, Job)>,
    /// How many deliveries are new that lanes had before.
    pub early: usize,
    /// Deliveries that were dead from the start.
    pub dead: Vec<DeliveryReport>,
    /// The number of new deliveries by ticket.
    pub owed: Vec<(u64, u32)>,
    /// Tickets of ends of queues that were held, and counted as one delivery meanwhile.
    pub released: Vec<u64>,
    /// The number of events that are new in the spool.
    pub spooled: u64,
    /// Deliveries that ended in the spool while a lane still has them, by endpoint.
    pub ended_elsewhere: Vec<(Arc<str>, i64)>,
    pub fallbacks: u64,
    pub escalated: u64,
    pub remarks: Vec<String>,
    pub counts: DecisionCounts,
}

impl Transaction {
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.lane_reports.is_empty()
            && self.states.is_empty()
            && self.superseded.is_empty()
            && self.removed_alerts.is_empty()
            && !self.fallback_due
            && self.stalled_since.is_none()
            && self.untold_since.is_none()
    }

    /// About how many bytes it takes in the spool.
    pub fn bytes(&self) -> u64 {
        let events: u64 = self.events.iter().map(PlannedEvent::bytes).sum();
        events + self.lane_reports.len() as u64 * REPORT_BYTES
    }

    /// Whether it is to be committed now, for what it holds apart from events and reports of lanes.
    pub fn is_urgent(&self) -> bool {
        !self.superseded.is_empty()
            || !self.removed_alerts.is_empty()
            || self.fallback_due
            || self.stalled_since.is_some()
            || self.untold_since.is_some()
            || self.counts_batches()
    }

    /// Gives the deliveries that lanes have already other numbers, in a spool that was recreated.
    pub fn renumber_early(&mut self, spool: &mut Spool, rows: &LaneReports) -> Result<(), SpoolError> {
        let deliveries = self.events.iter_mut().flat_map(|event| &mut event.deliveries);
        let mut early: Vec<&mut EarlyDelivery> =
            deliveries.filter_map(|delivery| delivery.early.as_mut()).collect();
        if early.is_empty() {
            return Ok(());
        }
        let numbers = spool.new_numbers(early.len())?;
        for (early, row) in early.iter_mut().zip(numbers) {
            early.row = row;
            rows.set_present_row(early.number, row);
        }
        Ok(())
    }

    /// How much it holds of what batches add to it.
    pub fn extent(&self) -> [usize; 2] {
        [self.events.len(), self.states.len()]
    }

    /// Removes what was added since [`Transaction::extent`] returned this.
    pub fn truncate(&mut self, [events, states]: [usize; 2]) {
        self.events.truncate(events);
        self.states.truncate(states);
    }

    pub fn add(&mut self, decisions: &mut Decisions) {
        self.events.append(&mut decisions.events);
        self.superseded.append(&mut decisions.superseded);
    }

    /// Adds the changed counts and shaping, so that they become durable with the events that changed them. Nobody could
    /// read them from a spool in memory.
    pub fn add_changes(&mut self, decider: &mut Decider, instance: &str) {
        if decider.is_in_memory() && decider.tally.nodes.is_none() {
            return decider.forget_changes();
        }
        let own = |kind| move |(name, value): (String, _)| (StateKey::owned(kind, instance, name), value);
        self.states.extend(decider.tally.changes().into_iter().map(own(StateKind::QueueCounts)));
        let nodes = decider.tally.nodes.iter_mut().flat_map(WorkingNodes::changes);
        self.states.extend(nodes.map(|(queue, kept)| (StateKey::shared(StateKind::FarmQueue, queue), kept)));
        self.states.extend(usual_durations::changes(&mut decider.tally.usuals));
        self.states.extend(decider.shaping.changes().into_iter().map(own(StateKind::Shaping)));
    }

    /// Lets the newest delivery with a `supersede` key replace untried ones, here and in the lanes.
    pub fn supersede(&mut self, table: &LaneTable) {
        let (lanes, rows) = (table.lock(), &table.reports);
        let mut newest: HashMap<(&str, &str, &str), EventId> = HashMap::new();
        for event in self.events.iter_mut().rev() {
            for delivery in &mut event.deliveries {
                let Some(key) = delivery.supersede_key.as_deref().filter(|_| delivery.message.is_ok()) else {
                    continue;
                };
                let (endpoint, hook) = (&*delivery.endpoint, &*delivery.hook);
                if let Some(by) = newest.get(&(endpoint, hook, key)) {
                    delivery.superseded_by = Some(*by);
                    continue;
                }
                if let Some(job) = lanes.get(endpoint).and_then(|lane| lane.withdraw(hook, key)) {
                    let (endpoint, job) =
                        (Arc::from(endpoint), Job { seq: rows.present_row(job.seq), ..job });
                    self.lane_reports.push(LaneReport::Superseded { endpoint, job, by: event.id });
                }
                newest.insert((endpoint, hook, key), event.id);
            }
        }
    }
}

pub(super) fn superseded_by(id: EventId) -> String {
    format!("superseded by {id}")
}

/// The report of a delivery that ended in a lane; `None` for one that goes on.
pub fn delivery_report(report: &LaneReport) -> Option<DeliveryReport> {
    let (endpoint, job, attempts, status, reason) = match report {
        LaneReport::Attempt { endpoint, job, row, disposition: Disposition::Delivered } => {
            (endpoint, job, row.number, row.status, None)
        }
        LaneReport::Attempt { endpoint, job, row, disposition: Disposition::Dead(reason) } => {
            (endpoint, job, row.number, row.status, Some(reason.clone()))
        }
        LaneReport::Dropped { endpoint, job, reason } => {
            (endpoint, job, job.attempts, None, Some(reason.clone()))
        }
        LaneReport::Superseded { endpoint, job, by } => {
            (endpoint, job, job.attempts, None, Some(superseded_by(*by)))
        }
        LaneReport::Attempt { disposition: Disposition::Again(_), .. }
        | LaneReport::FollowUp { .. }
        | LaneReport::Returned { .. }
        | LaneReport::Gone { .. } => return None,
    };
    Some(DeliveryReport {
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
