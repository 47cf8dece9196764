//! What alerts and lanes have done since the last transaction, for the next one.

use super::commit::Transaction;
use super::dispatch::EarlyDispatch;
use super::endpoints;
use super::parts::Parts;
use super::phase::Phase;
use super::sending_marks::SendingMarks;
use crate::clock::Moment;
use crate::config::Config;
use crate::spool::{StateKey, StateKind, transaction_reports};

/// Adds the changed states of alerts and endpoints, and the reports of lanes: as many as a transaction takes, and all of
/// them at the end. With a file, also which attempts go on.
pub fn collect_reports(
    parts: &Parts,
    config: &Config,
    early: &mut EarlyDispatch,
    sending_marks: Option<&mut SendingMarks>,
    transaction: &mut Transaction,
    now: Moment,
) {
    let instance = parts.intake.instance();
    let alerts = parts.alerts.changes(transaction.taken_ticket).into_iter();
    let alerts = alerts.map(|(name, state)| (StateKey::owned(StateKind::Alert, instance, name), state));
    transaction.states.extend(alerts);
    transaction.states.extend(parts.fatal_work.changes());
    let is_last = parts.phase.get() >= Phase::Stopping;
    let most = if is_last { usize::MAX } else { transaction_reports(config.spool.max_bytes) };
    let reports = parts.lanes.reports.take(most.saturating_sub(transaction.lane_reports.len()));
    early.note(&reports);
    transaction.states.extend(endpoints::changed_timeline(config, parts));
    transaction.states.extend(endpoints::changed_states(config, parts, &reports));
    parts.lanes.reports.note_attempts();
    if let Some(marks) = sending_marks {
        transaction.states.extend(marks.changes(&parts.lanes, &reports, instance, now));
    }
    transaction.lane_reports.extend(reports);
}
