//! What the clerk tells the host's log of attempts and endings.

use super::super::log::Level;
use super::super::reports::Report;
use super::Clerk;
use crate::lanes::{Disposition, LaneReport};

impl Clerk {
    /// Writes what became of these deliveries to the log.
    pub(super) fn tell(&self, reports: &[LaneReport], endings: &[Report]) {
        if !self.shared.log.is_set() {
            return;
        }
        for report in reports {
            match report {
                LaneReport::Attempt { endpoint, job, row, disposition } => {
                    let (level, what) = match disposition {
                        Disposition::Delivered => (Level::Debug, "delivered".to_owned()),
                        Disposition::Again(_) => (Level::Info, "failed and is due again".to_owned()),
                        Disposition::Dead(_) => (Level::Debug, "failed for good".to_owned()),
                    };
                    let reason = row.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
                    let number = row.number;
                    let id = job.event_id;
                    self.shared
                        .log
                        .write(level, &format!("{id} to {endpoint}: attempt {number} {what}{reason}"));
                }
                LaneReport::Gone { endpoint, reason } => {
                    let text = format!(
                        "endpoint {endpoint} takes nothing any more ({reason}); \
                         correct its URL, or reload the configuration to try it again"
                    );
                    self.shared.log.write(Level::Error, &text);
                }
                LaneReport::FollowUp { endpoint, row } => {
                    if let Some(error) = &row.error {
                        self.shared.log.write(Level::Warn, &format!("{endpoint}: {error}"));
                    }
                }
                LaneReport::Dropped { .. } | LaneReport::Superseded { .. } | LaneReport::Returned { .. } => {}
            }
        }
        for ending in endings.iter().filter(|ending| ending.state == "dead" && !ending.superseded) {
            let reason = ending.reason.as_deref().unwrap_or("");
            let text = format!("{} to {} is a dead letter: {reason}", ending.event, ending.endpoint);
            self.shared.log.write(Level::Error, &text);
        }
    }
}
