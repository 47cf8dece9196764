//! Batches in company: several instances on one spool each count a part of a batch, each under its own
//! key. Whoever writes new counts looks, in the same transaction, at the parts of the others. If they make
//! the batch whole it puts their sum in the place of all parts: then the sum is its alone, and its end is
//! told, once, by the transaction that takes the sum away. To the others it leaves word that the batch is
//! over.
//!
//! An instance that has the spool for itself goes the same way, so that nothing it told has ever to be taken
//! back, but reads nothing of others: SQLite tells it that nobody else has written. A spool in memory is known
//! to have no others.

use super::commit::Transaction;
use super::decide::{Decider, PlannedEvent, late_task};
use super::log::{Level, Log};
use super::recall::{BATCH, batch_key, taken_key, whole_key};
use crate::clock::Moment;
use crate::spool::{Batch, Spool, SpoolError};
use crate::tally::{BatchTally, Batches, Part, Step, Task, Verdict};
use serde_json::{Map, Value as Json};
use std::time::Duration;

/// What is known of the others.
#[derive(Debug, Default)]
pub(super) struct Company {
    /// The version of the spool as of the last look.
    version: Option<i64>,
    /// The other instances that count batches.
    others: Vec<String>,
    /// Batches that are whole by the transaction under way.
    gathered: Vec<(String, BatchTally)>,
}

/// A batch that was counted on a footing that no longer holds.
#[derive(Debug)]
pub(super) struct Stale {
    id: String,
    footing: Footing,
}

/// On what it is to be counted again.
#[derive(Debug)]
enum Footing {
    /// Another instance has added this one's part to its own, and left word of it.
    Taken(BatchTally),
    /// Another instance has told of the end.
    Over(BatchTally),
}

impl Company {
    /// Looks at the parts of others of those batches whose counts `work` has just written. What this gives
    /// is to be put right, and the transaction made anew.
    pub(super) fn look(
        &mut self,
        batch: &mut Batch<'_>,
        work: &Transaction,
        batches: &Batches,
        own: &str,
    ) -> Result<Vec<Stale>, SpoolError> {
        self.gathered.clear();
        let ids = written(work, own);
        if ids.is_empty() || !batches.in_company() {
            return Ok(Vec::new());
        }
        let version = batch.version()?;
        let mut stale = Vec::new();
        if self.version != Some(version) {
            self.others = others(batch.keepers(BATCH)?, own);
            let prefix = taken_key(own, "");
            stale.extend(word_left(&prefix, batch.states(&prefix)?));
        }
        for id in ids {
            let Some(part) = batches.get(id).filter(|part| part.is_open()) else { continue };
            if stale.iter().any(|stale: &Stale| stale.id == id) {
                continue;
            }
            let parts = parts_of(&self.others, id, |key| batch.state(key))?;
            match part.judge(&parts) {
                Verdict::Open => {}
                Verdict::Over(by) => {
                    stale.push(Stale { id: id.to_owned(), footing: Footing::Over(*by) });
                }
                Verdict::Whole(sum) => {
                    gather(batch, own, id, &sum, &parts)?;
                    self.gathered.push((id.to_owned(), *sum));
                }
            }
        }
        self.gathered.sort_by_key(|(_, sum)| sum.last_count());
        self.version = Some(version);
        Ok(stale)
    }
}

/// Before a batch is told of as standing still: whether it goes on elsewhere.
pub(super) fn hear_of_parts(
    company: &mut Company,
    decider: &mut Decider,
    spool: &Spool,
    own: &str,
    now: Moment,
) {
    let batches = &decider.tally.batches;
    let tells = batches.in_company() && !batches.await_verdict();
    let Some(after) = decider.config.queue.batch_stall.filter(|_| tells) else { return };
    for id in decider.tally.batches.about_to_stall(now.monotonic, after) {
        // One that is over elsewhere does not stand still; the next transaction reads the word.
        if let Ok(Some(_)) = spool.state(&taken_key(own, &id)) {
            decider.tally.batches.pass_over_stall(&id);
            continue;
        }
        // What cannot be read now is told of without the others.
        if let Ok(keepers) = spool.keepers(BATCH) {
            company.others = others(keepers, own);
        }
        if let Ok(parts) = parts_of(&company.others, &id, |key| spool.state(key)) {
            decider.tally.batches.hear(&id, own, &parts, after, (now.monotonic, now.unix_ms));
        }
    }
}

/// Counts again, on the right footing, what the transaction under way was to keep of these batches. It
/// is then made anew, at once: others would have to end another batch in between to be in the way again.
pub(super) fn put_right(
    stale: Vec<Stale>,
    work: &mut Transaction,
    decider: &mut Decider,
    own: &str,
    now: Moment,
    log: &Log,
) {
    let now = now.monotonic;
    for Stale { id, footing } in stale {
        let key = batch_key(own, &id);
        let over = match footing {
            Footing::Over(over) => over.over(),
            Footing::Taken(over) => {
                work.states.push((taken_key(own, &id), None));
                over
            }
        };
        work.states.retain(|(kept, _)| *kept != key);
        let batches = &decider.tally.batches;
        let asked = batches.get(&id).map(|part| part.tally.asked.clone()).unwrap_or_default();
        decider.tally.told_asked(&id, Some(&over));
        decider.tally.batches.replace(&id, Some(over), now);
        count_again(&id, work, decider, now, log);
        // Who asked is not in the payload any more.
        if decider.tally.batches.get(&id).is_some_and(BatchTally::is_open) {
            asked.iter().for_each(|asked| {
                decider.tally.batches.ask(&id, asked.clone());
            });
        }
    }
    work.add_changes(decider, own);
}

fn count_again(id: &str, work: &Transaction, decider: &mut Decider, now: Duration, log: &Log) {
    let completed = work.events.iter().filter(|event| event.kind == "task.complete");
    for event in completed {
        let task = Task::read(&payload(event));
        let Some(of) = task.batch.as_ref().filter(|of| of.id == id) else { continue };
        if decider.tally.batches.count(of, &task, event.accepted_at, now) == Step::Late {
            log.write(Level::Warn, &late_task(id));
        }
    }
}

/// The transaction is durable: the ends of batches that it made whole are told by the next one. Whether
/// there are any.
pub(super) fn settle(company: &mut Company, decider: &mut Decider, work: &Transaction, own: &str) -> bool {
    for id in written(work, own) {
        decider.tally.batches.settle(id);
    }
    let gathered = std::mem::take(&mut company.gathered);
    let any = !gathered.is_empty();
    for (id, sum) in gathered {
        decider.tally.batches.gather(&id, sum);
    }
    any
}

/// Puts the sum in the place of all parts.
fn gather(
    batch: &mut Batch<'_>,
    own: &str,
    id: &str,
    sum: &BatchTally,
    parts: &[Part],
) -> Result<(), SpoolError> {
    let over = sum.over();
    batch.put_state(&whole_key(own, id), Some(&sum.to_bytes()))?;
    batch.put_state(&batch_key(own, id), Some(&over.to_bytes()))?;
    take(batch, id, &over, parts)
}

/// Takes the parts of others away, and leaves word that the batch is over.
fn take(batch: &mut Batch<'_>, id: &str, over: &BatchTally, parts: &[Part]) -> Result<(), SpoolError> {
    for (owner, _) in parts.iter().filter(|(_, part)| part.is_open()) {
        batch.put_state(&batch_key(owner, id), None)?;
        batch.put_state(&taken_key(owner, id), Some(&over.to_bytes()))?;
    }
    Ok(())
}

/// The batches whose counts this work writes; what a failed transaction left may name one twice.
fn written<'a>(work: &'a Transaction, own: &str) -> Vec<&'a str> {
    let prefix = batch_key(own, "");
    let counts = work.states.iter().filter(|(_, kept)| kept.is_some());
    let mut ids: Vec<&str> = counts.filter_map(|(key, _)| key.strip_prefix(prefix.as_str())).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn others(mut keepers: Vec<String>, own: &str) -> Vec<String> {
    keepers.retain(|keeper| keeper != own);
    keepers
}

fn word_left(prefix: &str, taken: Vec<(String, Vec<u8>)>) -> impl Iterator<Item = Stale> {
    taken.into_iter().filter_map(move |(key, over)| {
        let id = key.strip_prefix(prefix)?.to_owned();
        Some(Stale { id, footing: Footing::Taken(BatchTally::from_bytes(&over)?) })
    })
}

fn parts_of(
    others: &[String],
    id: &str,
    mut read: impl FnMut(&str) -> Result<Option<Vec<u8>>, SpoolError>,
) -> Result<Vec<Part>, SpoolError> {
    let mut parts = Vec::new();
    for owner in others {
        let kept = read(&batch_key(owner, id))?;
        parts.extend(kept.as_deref().and_then(BatchTally::from_bytes).map(|part| (owner.clone(), part)));
    }
    Ok(parts)
}

fn payload(event: &PlannedEvent) -> Map<String, Json> {
    serde_json::from_slice(&event.payload).unwrap_or_default()
}

#[cfg(test)]
mod tests;
