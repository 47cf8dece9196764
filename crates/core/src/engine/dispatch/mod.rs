//! Dispatch: once a transaction is durable, its jobs go to the lanes, and its results to those who wait.

mod delivery_log;
mod early;

pub use early::EarlyDispatch;

use super::commit::{Committed, Transaction, delivery_report};
use super::log::Level;
use super::parts::Parts;
use super::progress::Progress;
use super::reports::DeliveryReport;
use super::task_lanes;
use crate::config::Config;
use crate::lanes::{Disposition, LaneReport};
use std::collections::BTreeMap;

/// Why a delivery ended that its lane had not ended.
pub const DROPPED_BY_OPERATOR: &str = "dropped by hand";

/// Publishes the results of a durable transaction, and gives its jobs to the lanes.
pub fn publish(parts: &Parts, config: &Config, transaction: Transaction, committed: Committed) {
    count(parts, &transaction, &committed);
    let ended = transaction.lane_reports.iter().filter_map(delivery_report);
    let ended: Vec<DeliveryReport> = ended.chain(committed.dead).collect();
    delivery_log::write(&parts.log, &transaction.lane_reports, &ended);
    for report in ended {
        count_report(parts, report);
    }
    advance_progress(&parts.progress, &transaction, &committed.owed, &committed.released);
    let deliveries = transaction.events.iter().flat_map(|event| &event.deliveries);
    for endpoint in deliveries.filter_map(|delivery| delivery.task_endpoint.as_ref()) {
        task_lanes::open_lane(&parts.lanes, config, endpoint);
    }
    note_recorded(parts, &transaction.lane_reports);
    parts.lanes.push(committed.jobs);
    for (endpoint, seq) in committed.ended_elsewhere {
        let rows = &parts.lanes.reports;
        let lane = parts.lanes.lock().get(&endpoint).cloned();
        let forgotten = lane.map(|lane| lane.forget(&|waiting| rows.present_row(waiting) == seq));
        parts.lanes.report_dropped(&endpoint, forgotten.unwrap_or_default(), DROPPED_BY_OPERATOR);
    }
    // Deliveries of lanes that a reload retired move to the lanes in use.
    parts.lanes.push(transaction.lane_reports.into_iter().filter_map(|report| match report {
        LaneReport::Returned { endpoint, job } => Some((endpoint, job)),
        _ => None,
    }));
}

/// Lanes with a rate wait until their attempts are durable.
fn note_recorded(parts: &Parts, reports: &[LaneReport]) {
    let mut attempts: BTreeMap<&str, usize> = BTreeMap::new();
    for report in reports {
        if let LaneReport::Attempt { endpoint, .. } | LaneReport::FollowUp { endpoint, .. } = report {
            *attempts.entry(endpoint).or_default() += 1;
        }
    }
    for (endpoint, attempts) in attempts {
        // Called without the lock of the table.
        let lane = parts.lanes.lock().get(endpoint).cloned();
        if let Some(lane) = lane {
            lane.recorded(attempts);
        }
    }
}

fn count(parts: &Parts, transaction: &Transaction, committed: &Committed) {
    for remark in &committed.remarks {
        parts.log.write(Level::Warn, remark);
    }
    let counters = &parts.counters;
    counters.add_decisions(committed.counts);
    counters.spooled.add(committed.spooled);
    counters.fallbacks.add(committed.fallbacks);
    counters.escalated.add(committed.escalated);
    counters.deliveries.add((committed.jobs.len() + committed.early + committed.dead.len()) as u64);
    for report in &transaction.lane_reports {
        match report {
            LaneReport::Attempt { disposition, .. } => {
                counters.attempts.one();
                counters.retries.add(u64::from(matches!(disposition, Disposition::Again(_))));
            }
            LaneReport::FollowUp { .. } => counters.attempts.one(),
            _ => {}
        }
    }
}

fn count_report(parts: &Parts, report: DeliveryReport) {
    let counter = match report.state {
        _ if report.superseded => &parts.counters.superseded,
        "dead" => &parts.counters.dead,
        _ => &parts.counters.delivered,
    };
    counter.one();
    parts.counters.reports_dropped.add(parts.reports.push(report));
}

fn advance_progress(progress: &Progress, transaction: &Transaction, owed: &[(u64, u32)], released: &[u64]) {
    let mut progress = progress.update();
    for (ticket, deliveries) in owed {
        progress.adds(*ticket, *deliveries);
    }
    for ticket in released.iter().chain(&transaction.superseded) {
        progress.ended(*ticket, false);
    }
    for report in &transaction.lane_reports {
        match report {
            LaneReport::Attempt { job, disposition, .. } => {
                if job.attempts == 0 {
                    progress.tried(job.ticket);
                }
                if !matches!(disposition, Disposition::Again(_)) {
                    progress.ended(job.ticket, true);
                }
            }
            LaneReport::Dropped { job, .. } => progress.ended(job.ticket, job.attempts > 0),
            LaneReport::Superseded { job, .. } => progress.ended(job.ticket, false),
            LaneReport::FollowUp { .. } | LaneReport::Returned { .. } | LaneReport::Gone { .. } => {}
        }
    }
    progress.spooled(transaction.taken_ticket);
}
