//! The usual durations that all instances on a spool share.

use super::work::Work;
use crate::spool::{Reader, Spool, SpoolError, SpoolTransaction};
use crate::tally::{Tally, UsualDurations};

/// What the keys of usual durations start with. They belong to all instances.
const USUAL: &str = "usual/";

/// Takes over what the spool knows to be usual.
pub fn learn_usual(spool: &Spool, tally: &mut Tally) -> Result<(), SpoolError> {
    restore(spool.states(USUAL)?.iter().map(|(key, kept)| (key, kept)), tally);
    Ok(())
}

/// The same, from outside the host's process.
pub fn look_up_usual(spool: &Reader, tally: &mut Tally) -> Result<(), SpoolError> {
    restore(spool.states(USUAL)?.iter().map(|(key, kept)| (key, kept)), tally);
    Ok(())
}

/// Takes over what was kept under the keys of usual durations; others are passed over.
pub fn restore<'a>(kept: impl IntoIterator<Item = (&'a String, &'a Vec<u8>)>, tally: &mut Tally) {
    for (key, kept) in kept {
        if let Some(usual) = key.strip_prefix(USUAL) {
            tally.usuals.restore(usual, kept);
        }
    }
}

/// The changes of usual durations, as the spool keeps them.
pub fn changes(usuals: &mut UsualDurations) -> impl Iterator<Item = (String, Option<Vec<u8>>)> {
    usuals.changes().into_iter().map(|(key, state)| (format!("{USUAL}{key}"), state))
}

impl Work {
    /// Adds to what the spool has as usual, in this transaction, in place of writing over it: other instances
    /// add to it too. May be called again after a failure.
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
