//! What alerts and lanes have done since the last transaction, for the next one.

use super::dispatcher::Dispatcher;
use super::endpoints;
use super::phase::Phase;
use crate::clock::Moment;
use crate::spool::{StateKey, StateKind, Store, transaction_reports};

/// Adds the changed states of alerts and endpoints, and the reports of lanes: as many as a transaction takes, and all of
/// them at the end.
pub fn collect_reports<S: Store>(dispatcher: &mut Dispatcher<S>, now: Moment) {
    let Dispatcher { parts, transaction, decider, early, sending_marks, committer, .. } = dispatcher;
    let instance = parts.intake.instance();
    let alerts = parts.alerts.changes(transaction.taken_ticket).into_iter();
    let alerts = alerts.map(|(name, state)| (StateKey::owned(StateKind::Alert, instance, name), state));
    transaction.states.extend(alerts);
    transaction.states.extend(parts.fatal_work.changes());
    let is_last = parts.phase.get() >= Phase::Stopping;
    let most = if is_last { usize::MAX } else { transaction_reports(decider.config.spool.max_bytes) };
    let reports = parts.lanes.reports.take(most.saturating_sub(transaction.lane_reports.len()));
    early.note(&reports);
    transaction.states.extend(endpoints::changed_states(&decider.config, parts, &reports));
    parts.lanes.reports.note_attempts();
    if committer.has_file {
        transaction.states.extend(sending_marks.changes(&parts.lanes, &reports, instance, now));
    }
    transaction.lane_reports.extend(reports);
}
