//! What earlier runs counted of batches and know to be usual, taken back from the spool.

use crate::spool::{Reader, Spool, SpoolError};
use crate::tally::Tally;
use std::time::Duration;

/// What the keys of batches start with; then follow the instance that counts and the batch's id.
pub const BATCH: &str = "batch/";

/// What the keys of batches start with that are whole and whose end is not told yet; the rest is the same.
pub const WHOLE: &str = "whole/";

/// What the keys start with under which another instance leaves word that it has added this one's part of
/// a batch to its own; the rest is the same.
pub const TAKEN: &str = "taken/";

/// What the keys of usual durations start with. They belong to all instances.
pub const USUAL: &str = "usual/";

/// The key under which the spool keeps what an instance counts of a batch.
pub fn batch_key(instance: &str, id: &str) -> String {
    format!("{BATCH}{instance}/{id}")
}

/// The key of a batch that is whole, for this instance to tell of.
pub fn whole_key(instance: &str, id: &str) -> String {
    format!("{WHOLE}{instance}/{id}")
}

/// The key of word for this instance that a batch is over.
pub fn taken_key(instance: &str, id: &str) -> String {
    format!("{TAKEN}{instance}/{id}")
}

/// Takes back what is usual.
pub fn learn_usual(spool: &Spool, tally: &mut Tally) -> Result<(), SpoolError> {
    take_usual(&spool.states(USUAL)?, tally);
    Ok(())
}

/// The same, from beside a host that may be at work.
pub fn look_up_usual(spool: &Reader, tally: &mut Tally) -> Result<(), SpoolError> {
    take_usual(&spool.states(USUAL)?, tally);
    Ok(())
}

fn take_usual(kept: &[(String, Vec<u8>)], tally: &mut Tally) {
    let kept = kept.iter().map(|(key, kept)| (key.as_str(), kept.as_slice()));
    restore(kept, tally, Duration::ZERO, |_| false);
}

/// Restores what the spool kept under these keys, of batches only those of instances that are `gone`. Gives
/// the keys of these.
pub fn restore<'a>(
    kept: impl Iterator<Item = (&'a str, &'a [u8])>,
    tally: &mut Tally,
    now: Duration,
    gone: impl Fn(&str) -> bool,
) -> Vec<&'a str> {
    let mut taken = Vec::new();
    for (key, kept) in kept {
        if let Some(usual) = key.strip_prefix(USUAL) {
            tally.usuals.restore(usual, kept);
        } else if let Some((instance, id)) = key.strip_prefix(BATCH).and_then(|rest| rest.split_once('/'))
            && gone(instance)
        {
            tally.batches.restore(id, kept, now);
            taken.push(key);
        }
    }
    taken
}

/// What changed in the counts of batches and in what is usual, as the spool keeps it.
pub fn changes(tally: &mut Tally, instance: &str) -> Vec<(String, Option<Vec<u8>>)> {
    let batches = tally.batches.changes().into_iter();
    let mut changes: Vec<_> = batches.map(|(id, state)| (batch_key(instance, &id), state)).collect();
    changes.extend(tally.batches.told_whole().iter().map(|id| (whole_key(instance, id), None)));
    let usuals = tally.usuals.changes().into_iter();
    changes.extend(usuals.map(|(key, state)| (format!("{USUAL}{key}"), state)));
    changes
}
