//! What an answer means beyond its own message: a file that follows it, and a chat that has moved.

use super::super::LaneReport;
use super::Lane;
use crate::platform::Outcome;
use crate::spool::AttemptRow;

impl Lane {
    /// The chat that took the place of the configured one, if the platform said so in this run.
    pub(in crate::lanes) fn moved(&self) -> Option<i64> {
        self.lock().moved
    }

    /// The chat has this number from now on.
    pub(in crate::lanes) fn move_to(&self, chat: i64) {
        self.lock().moved = Some(chat);
    }

    /// A file follows a message that is about to be settled, so the lane is not quiet afterwards.
    pub(in crate::lanes) fn begin_sequel(&self) {
        self.lock().following += 1;
    }

    /// Nothing follows any more.
    pub(in crate::lanes) fn end_sequel(&self) {
        self.lock().following -= 1;
    }

    /// A request that follows a delivered message is logged, and uses the rate as any other. A wait that its
    /// answer asks for is kept, and an endpoint that is gone is gone.
    pub(in crate::lanes) fn log_sequel(&self, row: AttemptRow, outcome: Option<Outcome>) {
        let now = self.clock.monotonic();
        let mut state = self.lock();
        state.pace.take(now);
        if let Some(Outcome::RetryAfter(wait, _)) = &outcome {
            state.paused_until = state.paused_until.max(now + *wait);
            state.note_standing(now, self.clock.unix_ms());
        }
        drop(state);
        self.desk.report(LaneReport::FollowUp { endpoint: self.endpoint.name.clone(), row });
        if let Some(Outcome::Gone(reason)) = outcome {
            self.close_for_good(&reason);
        }
    }
}
