//! On a node: posts again what a relay does not know any more, because its database was replaced by a replica that lagged,
//! or was restored. The node keeps for an hour what its relay has taken.

use super::dispatcher::Dispatcher;
use super::endpoints::timeline_key;
use super::log::Level;
use crate::endpoint::FARM;
use crate::lanes::Forgotten;
use crate::spool::{SpoolError, Store};

impl<S: Store> Dispatcher<S> {
    /// Lets wait what the relay lacks, and then goes on with its history. What was posted before that is written by then:
    /// its reports come before, and nothing is half done.
    pub(super) fn send_again_what_relays_lack(&mut self) {
        let Some(relays) = self.decider.config.relays() else { return };
        let lane = self.parts.lanes.lock().get(&relays.name).cloned();
        let Some((lane, forgotten)) = lane.and_then(|lane| Some((lane.clone(), lane.forgotten()?))) else {
            return;
        };
        if self.parts.lanes.reports.waiting() > 0 {
            return;
        }
        match self.let_wait(&forgotten) {
            Ok(events) => {
                if events > 0 {
                    self.take_over();
                }
                let text = format!(
                    "the relay's database was replaced or restored: {events} events that it took within {} s are posted again",
                    forgotten.within.as_secs()
                );
                self.parts.log.write(Level::Warn, &text);
                lane.resume_timeline(forgotten.timeline);
            }
            // The relay asks again.
            Err(error) => self.committer.could_not_read(&error, self.parts.clock.now()),
        }
    }

    fn let_wait(&mut self, forgotten: &Forgotten) -> Result<usize, SpoolError> {
        let now = self.parts.clock.unix_ms();
        let within = i64::try_from(forgotten.within.as_millis()).unwrap_or(i64::MAX);
        let is_kept = self.committer.has_file;
        let events = match self.committer.spool.file().filter(|_| is_kept) {
            Some(spool) => spool.send_again(FARM, now.saturating_sub(within), now)?,
            None => 0,
        };
        let timeline = forgotten.timeline.clone().into_bytes();
        self.committer.spool.put_states(&[(timeline_key(), Some(timeline))])?;
        Ok(events)
    }
}
