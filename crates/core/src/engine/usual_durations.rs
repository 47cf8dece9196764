//! The usual durations that all instances on a spool share.

use super::commit::Transaction;
use crate::spool::{Reader, Spool, SpoolError, SpoolTransaction};
use crate::tally::{Tally, UsualDurations};

/// The prefix of the state keys of usual durations. They belong to all instances.
const USUAL: &str = "usual/";

/// Reads the usual durations from the spool.
pub fn learn_usual(spool: &Spool, tally: &mut Tally) -> Result<(), SpoolError> {
    restore(spool.states(USUAL)?.iter().map(|(key, kept)| (key, kept)), tally);
    Ok(())
}

/// As [`learn_usual`], from outside the host's process.
pub fn look_up_usual(spool: &Reader, tally: &mut Tally) -> Result<(), SpoolError> {
    restore(spool.states(USUAL)?.iter().map(|(key, kept)| (key, kept)), tally);
    Ok(())
}

/// Takes the usual durations from these states, and skips others.
pub fn restore<'a>(kept: impl IntoIterator<Item = (&'a String, &'a Vec<u8>)>, tally: &mut Tally) {
    for (key, kept) in kept {
        if let Some(usual) = key.strip_prefix(USUAL) {
            tally.usuals.restore(usual, kept);
        }
    }
}

/// The changed usual durations, as states.
pub fn changes(usuals: &mut UsualDurations) -> impl Iterator<Item = (String, Option<Vec<u8>>)> {
    usuals.changes().into_iter().map(|(key, state)| (format!("{USUAL}{key}"), state))
}

impl Transaction {
    /// Adds to the usual durations in the spool instead of overwriting them: other instances add to them too.
    /// May be called again after a failed transaction.
    pub fn join_usuals(
        &mut self,
        batch: &mut SpoolTransaction<'_>,
        usuals: &mut UsualDurations,
    ) -> Result<(), SpoolError> {
        for (key, value) in &mut self.states {
            let Some((kind, bytes)) = key.strip_prefix(USUAL).zip(value.as_mut()) else { continue };
            if let Some(joined) = usuals.rebase(kind, batch.state(key)?.as_deref()) {
                *bytes = joined;
            }
        }
        Ok(())
    }
}
