//! Housekeeping of the spool: removes what ended long ago, and what ended at all when the file grows too large; and
//! the rings that dead processes left in memory.

use super::log::{Level, Log};
use super::parts::Parts;
use crate::config::Config;
use crate::endpoint::FARM;
use crate::lanes::KEPT_BY_NODE;
use crate::spool::{SizeState, SpoolError, Store, transaction_bytes};
use std::time::Duration;

const PRUNE_EVERY: Duration = Duration::from_secs(3600);

/// A node keeps for an hour what its relay has, which writes far more than its own hooks.
const KEPT_BY_NODE_MS: i64 = KEPT_BY_NODE.as_millis() as i64;
const NODE_PRUNES_EVERY: Duration = Duration::from_secs(600);

/// Steps of one cleanup. Events go first between steps.
const PRUNE_STEPS: usize = 64;

/// Steps that make room before events go first again: more than one transaction can bring, so that the file keeps to its
/// bound however fast events come.
const ROOM_STEPS: usize = 64;

/// What a transaction changes in the file besides its own bytes, about: pages of indexes.
const PAGES_BYTES: u64 = 32 * 1024;

pub struct Housekeeping {
    prune_at: Duration,
    /// The bound within which the spool was, and about how many bytes were written since that was looked at.
    enough: Option<(u64, u64)>,
}

impl Housekeeping {
    pub fn new(now: Duration) -> Housekeeping {
        Housekeeping { prune_at: now, enough: None }
    }

    pub fn due(&self) -> Duration {
        self.prune_at
    }

    /// Removes deliveries that ended longer ago than `spool.retain`, and what processes without a spool left behind, if
    /// that is due.
    pub fn prune(&mut self, spool: &mut impl Store, parts: &Parts, config: &Config) {
        let now = parts.clock.now();
        if now.monotonic < self.prune_at {
            return;
        }
        let retain = config.spool.retain.as_millis() as i64;
        let before = now.unix_ms - retain;
        let forwarded_before = config.relays().map(|_| now.unix_ms - retain.min(KEPT_BY_NODE_MS));
        self.prune_at = now.monotonic + forwarded_before.map_or(PRUNE_EVERY, |_| NODE_PRUNES_EVERY);
        for _ in 0..PRUNE_STEPS {
            match prune(spool, before, forwarded_before) {
                Ok(0) => return parts.intake.remove_abandoned(),
                Ok(_) if parts.has_work() => {
                    self.prune_at = now.monotonic;
                    return;
                }
                Ok(_) => {}
                Err(error) => return log_failure(&parts.log, &error),
            }
        }
    }

    /// A transaction of about so many bytes was written.
    pub fn wrote(&mut self, bytes: u64) {
        if let Some((_, written)) = &mut self.enough {
            *written += bytes + PAGES_BYTES;
        }
    }

    /// Keeps the file within `spool.max_bytes`. Once it holds only waiting deliveries, no events are accepted
    /// until some have ended. Looks again only when a part of what one transaction may bring has come.
    pub fn limit_size(&mut self, spool: &mut impl Store, parts: &Parts, config: &Config) {
        let Some(spool) = spool.file() else { return };
        let most = config.spool.max_bytes;
        let is_enough = |(bound, written)| bound == most && written < transaction_bytes(most) / 4;
        if self.enough.is_some_and(is_enough) {
            return;
        }
        self.enough = None;
        for _ in 0..ROOM_STEPS {
            match spool.make_room(most) {
                Ok(SizeState::Enough) => {
                    self.enough = Some((most, 0));
                    return parts.spool_health.set_full(false);
                }
                Ok(SizeState::Made(_)) => {}
                Ok(SizeState::None) => return parts.spool_health.set_full(true),
                Err(error) => return log_failure(&parts.log, &error),
            }
        }
    }
}

/// One step: what ended before `before`, and on a node what its relay had before `forwarded_before`.
fn prune(spool: &mut impl Store, before: i64, forwarded_before: Option<i64>) -> Result<usize, SpoolError> {
    let forwarded = match (spool.file(), forwarded_before) {
        (Some(spool), Some(before)) => spool.prune_delivered(FARM, before)?,
        _ => 0,
    };
    Ok(forwarded + spool.prune(before)?)
}

fn log_failure(log: &Log, error: &SpoolError) {
    log.write(Level::Warn, &format!("old deliveries cannot be removed from the spool: {error}"));
}
