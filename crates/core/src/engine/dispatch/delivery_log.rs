//! Logs attempts and dead letters.

use crate::engine::log::{Level, Log};
use crate::engine::reports::DeliveryReport;
use crate::lanes::{Disposition, LaneReport};

pub fn write(log: &Log, reports: &[LaneReport], ended: &[DeliveryReport]) {
    if !log.is_set() {
        return;
    }
    for report in reports {
        match report {
            LaneReport::Attempt { endpoint, job, row, disposition } => {
                let (level, result) = match disposition {
                    Disposition::Delivered => (Level::Debug, "delivered"),
                    Disposition::Again(_) => (Level::Info, "failed and is due again"),
                    Disposition::Dead(_) => (Level::Debug, "failed for good"),
                };
                let reason = row.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
                let (id, number) = (job.event_id, row.number);
                log.write(level, &format!("{id} to {endpoint}: attempt {number} {result}{reason}"));
            }
            LaneReport::Gone { endpoint, reason } => {
                let text = format!(
                    "endpoint {endpoint} takes nothing any more ({reason}); \
                     correct its URL, or reload the configuration to try it again"
                );
                log.write(Level::Error, &text);
            }
            LaneReport::FollowUp { endpoint, row } => {
                if let Some(error) = &row.error {
                    log.write(Level::Warn, &format!("{endpoint}: {error}"));
                }
            }
            LaneReport::Dropped { .. } | LaneReport::Superseded { .. } | LaneReport::Returned { .. } => {}
        }
    }
    for report in ended.iter().filter(|report| report.state == "dead" && !report.superseded) {
        let reason = report.reason.as_deref().unwrap_or("");
        let text = format!("{} to {} is a dead letter: {reason}", report.event, report.endpoint);
        log.write(Level::Error, &text);
    }
}
