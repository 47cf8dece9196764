//! The usual durations that all instances on a spool share.

use super::commit::Transaction;
use crate::spool::{Batch, Reader, SpoolError, StateChange, StateKey, StateKind, Store};
use crate::tally::{Tally, UsualDurations};

const USUAL: StateKind = StateKind::UsualDuration;

/// Takes the usual durations from the states of a spool, and skips others.
pub fn restore<'a>(kept: impl IntoIterator<Item = (&'a StateKey, &'a Vec<u8>)>, tally: &mut Tally) {
    for (key, kept) in kept.into_iter().filter(|(key, _)| key.kind == USUAL) {
        tally.usuals.restore(&key.name, kept);
    }
}

pub fn learn_usual(spool: &impl Store, tally: &mut Tally) -> Result<(), SpoolError> {
    spool.states(USUAL).map(|states| restore(states.iter().map(|(key, kept)| (key, kept)), tally))
}

/// As [`learn_usual`], from outside the host's process.
pub fn look_up_usual(spool: &impl Reader, tally: &mut Tally) -> Result<(), SpoolError> {
    spool.states(USUAL).map(|states| restore(states.iter().map(|(key, kept)| (key, kept)), tally))
}

pub fn changes(usuals: &mut UsualDurations) -> impl Iterator<Item = StateChange> {
    usuals.changes().into_iter().map(|(name, state)| (StateKey::shared(USUAL, name), state))
}

impl Transaction {
    /// Adds to the usual durations in the spool instead of overwriting them: other instances add to them too.
    /// May be called again after a failed transaction.
    pub fn join_usuals(
        &mut self,
        batch: &mut impl Batch,
        usuals: &mut UsualDurations,
    ) -> Result<(), SpoolError> {
        for (key, value) in &mut self.states {
            let Some(bytes) = value.as_mut().filter(|_| key.kind == USUAL) else { continue };
            usuals.rebase(&key.name, batch.state(key)?.as_deref(), bytes);
        }
        Ok(())
    }
}
