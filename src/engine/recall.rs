//! What earlier runs counted of batches and know to be usual, taken back from the spool.

use super::shared::Shared;
use crate::spool::{Spool, SpoolError};
use crate::tally::Tally;

/// What the keys of batches start with; then follow the instance that counts and the batch's id.
const BATCH: &str = "batch/";

/// What the keys of usual durations start with. They belong to all instances.
const USUAL: &str = "usual/";

/// Takes back the batches of runs that are no longer alive, under this instance's name, and what is
/// usual.
pub fn take_back(
    spool: &mut Spool,
    shared: &Shared,
    live: &[String],
    tally: &mut Tally,
) -> Result<(), SpoolError> {
    let now = shared.clock.monotonic();
    for (key, kept) in spool.states(USUAL)? {
        tally.usuals.restore(&key[USUAL.len()..], &kept);
    }
    let mut taken = Vec::new();
    for (key, kept) in spool.states(BATCH)? {
        let Some((instance, id)) = key[BATCH.len()..].split_once('/') else { continue };
        if !live.iter().any(|alive| alive == instance) {
            tally.batches.restore(id, &kept, now);
            taken.push(key);
        }
    }
    if taken.is_empty() {
        return Ok(());
    }
    let own = changes(tally, shared.intake.instance());
    let mut batch = spool.batch()?;
    for key in taken {
        batch.put_state(&key, None)?;
    }
    for (key, state) in own {
        batch.put_state(&key, state.as_deref())?;
    }
    batch.commit()
}

/// What changed in the counts of batches and in what is usual, as the spool keeps it.
pub fn changes(tally: &mut Tally, instance: &str) -> Vec<(String, Option<Vec<u8>>)> {
    let batches = tally.batches.changes().into_iter();
    let mut changes: Vec<_> = batches.map(|(id, state)| (format!("{BATCH}{instance}/{id}"), state)).collect();
    let usuals = tally.usuals.changes().into_iter();
    changes.extend(usuals.map(|(key, state)| (format!("{USUAL}{key}"), state)));
    changes
}
