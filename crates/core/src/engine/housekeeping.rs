//! The clerk keeps the spool in its bounds: what ended long ago goes, and what ended at all goes when the
//! file grows too large.

use super::clerk::Clerk;
use super::log::Level;
use crate::spool::{SizeState, SpoolError};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often ended deliveries are cleaned up.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);

/// How many times in a row ended deliveries are cleaned up.
const PRUNE_ROUNDS: usize = 64;

/// How many times in a row room is made before events go first again.
const ROOM_ROUNDS: usize = 8;

impl Clerk {
    /// Cleans up what ended long ago, in small steps between which events go first.
    pub(super) fn prune(&mut self) {
        let now = self.shared.clock.monotonic();
        if now < self.prune_at {
            return;
        }
        self.prune_at = now + PRUNE_EVERY;
        let before = self.shared.clock.unix_ms() - self.config.spool.retain.as_millis() as i64;
        for _ in 0..PRUNE_ROUNDS {
            match self.spool.prune(before) {
                Ok(0) => return,
                Ok(_) if self.shared.has_work() => {
                    self.prune_at = now;
                    return;
                }
                Ok(_) => {}
                Err(error) => return self.cannot_remove(&error),
            }
        }
    }

    /// Keeps the file within `spool.max_bytes`. Where only what waits is left, no event is taken until
    /// something has ended.
    pub(super) fn keep_in_bounds(&mut self) {
        for _ in 0..ROOM_ROUNDS {
            match self.spool.make_room(self.config.spool.max_bytes) {
                Ok(SizeState::Enough) => return self.set_full(false),
                Ok(SizeState::Made(_)) => {}
                Ok(SizeState::None) => return self.set_full(true),
                Err(error) => return self.cannot_remove(&error),
            }
        }
    }

    fn set_full(&self, full: bool) {
        if self.shared.spool_full.swap(full, Ordering::AcqRel) == full {
            return;
        }
        let text = "the spool has grown to `spool.max_bytes` and holds nothing but what waits to be delivered: \
                    new events are refused until some of it has ended; see `taskbell list --pending`, or raise \
                    the bound";
        match full {
            true => self.shared.log.write(Level::Error, text),
            false => self.shared.log.write(Level::Info, "the spool has room for events again"),
        }
    }

    fn cannot_remove(&self, error: &SpoolError) {
        let text = format!("old deliveries cannot be removed from the spool: {error}");
        self.shared.log.write(Level::Warn, &text);
    }
}
