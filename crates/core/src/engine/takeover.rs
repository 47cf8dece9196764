//! Takes over what dead instances left: at the start, and while the instance runs.

use crate::intake::Intake;
use crate::lanes::{Job, LiveJob};
use crate::shaping::ShapingState;
use crate::spool::{Batch, SpoolError, StateKey, StateKind, Store, WaitingDelivery};
use crate::tally::Tally;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The dead instances that left something in the spool.
///
/// Reads who holds something before who lives: an instance is alive before it can hold anything, so one that is
/// found dead afterwards is dead for good.
pub fn dead_instances(spool: &impl Store, file: Option<&Path>, own: &str) -> Result<Vec<String>, SpoolError> {
    let mut holders = spool.holders()?;
    holders.retain(|holder| holder != own);
    if holders.is_empty() {
        return Ok(Vec::new());
    }
    let live = match file {
        None => Vec::new(),
        // Without a readable folder, all count as alive.
        Some(file) => Intake::live_instances(file).unwrap_or_else(|_| holders.clone()),
    };
    Ok(holders.into_iter().filter(|holder| !live.contains(holder)).collect())
}

/// The name of a state, and what was kept of it.
type StateEntry<'a> = (&'a str, &'a [u8]);

/// The name of a state, and what is to be kept of it from now on.
type EntryChange = (String, Option<Vec<u8>>);

/// Adds the counts that these instances left to `tally`. Says how many queues.
pub fn take_over_tally(
    spool: &mut impl Store,
    tally: &mut Tally,
    own: &str,
    dead: &[String],
    now: Duration,
    end_delay: Duration,
) -> Result<usize, SpoolError> {
    let restore = |tally: &mut Tally, kept: &[StateEntry]| {
        for (queue, kept) in kept {
            tally.restore(queue, kept, now, end_delay);
        }
    };
    take_over(spool, tally, (StateKind::QueueCounts, own), dead, &restore, &Tally::changes)
}

/// The queues that other instances count. After a take-over all of these live.
pub fn queues_of_others(spool: &impl Store, own: &str) -> Result<HashSet<String>, SpoolError> {
    let mut counts = spool.states(StateKind::QueueCounts)?;
    counts.retain(|(key, _)| !key.owner.is_empty() && key.owner != own);
    Ok(counts.into_iter().map(|(key, _)| key.name).collect())
}

/// Adds what these instances gathered, held and silenced to `shaping`. Says how many entries.
pub fn take_over_shaping(
    spool: &mut impl Store,
    shaping: &mut ShapingState,
    own: &str,
    dead: &[String],
) -> Result<usize, SpoolError> {
    let of = (StateKind::Shaping, own);
    take_over(spool, shaping, of, dead, &ShapingState::restore, &ShapingState::changes)
}

/// Adds the states that dead instances left to `present`, and keeps them under this instance's name. In one
/// transaction: two that take over at the same time never both count the same. Says how many states.
fn take_over<T: Clone>(
    spool: &mut impl Store,
    present: &mut T,
    (kind, own): (StateKind, &str),
    dead: &[String],
    restore: &dyn Fn(&mut T, &[StateEntry]),
    changes: &dyn Fn(&mut T) -> Vec<EntryChange>,
) -> Result<usize, SpoolError> {
    let is_left = |(key, _): &(StateKey, Vec<u8>)| dead.contains(&key.owner);
    if !spool.states(kind)?.iter().any(is_left) {
        return Ok(0);
    }
    let mut batch = spool.begin()?;
    let mut left = batch.states(kind)?;
    left.retain(is_left);
    // It only changes once the transaction is durable.
    let mut merged = present.clone();
    for of_one in left.chunk_by(|(a, _), (b, _)| a.owner == b.owner) {
        let entries: Vec<StateEntry> =
            of_one.iter().map(|(key, value)| (key.name.as_str(), value.as_slice())).collect();
        restore(&mut merged, &entries);
    }
    for (key, _) in &left {
        batch.put_state(key, None)?;
    }
    for (name, value) in changes(&mut merged) {
        batch.put_state(&StateKey::owned(kind, own, name), value.as_deref())?;
    }
    batch.commit()?;
    *present = merged;
    Ok(left.len())
}

/// Shares event types and hook names, which are few, among many deliveries.
#[derive(Debug, Default)]
pub struct Words(HashSet<Arc<str>>);

impl Words {
    fn one(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.0.get(word) {
            return Arc::clone(known);
        }
        let new: Arc<str> = word.into();
        self.0.insert(Arc::clone(&new));
        new
    }
}

pub fn job_of(waiting: WaitingDelivery, now: Duration, unix_ms: i64, words: &mut Words) -> Job {
    // An attempt in the future means that the clock was set back; the due time is meaningless then.
    let set_back = waiting.tried_at.is_some_and(|at| at > unix_ms);
    let wait = if set_back { 0 } else { (waiting.due_at - unix_ms).max(0) as u64 };
    Job {
        seq: waiting.seq,
        ticket: 0,
        event_id: waiting.event_id,
        kind: words.one(&waiting.kind),
        hook: words.one(&waiting.hook),
        created_at: waiting.created_at,
        attempts: waiting.attempts,
        failures: waiting.failures,
        requested_waits: waiting.asked,
        plain: None,
        without_file: false,
        expires_at: waiting.expires_at,
        thing: waiting.thing,
        live: waiting.live.as_deref().map(LiveJob::new),
        due: now + Duration::from_millis(wait),
        body: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::{Spool, SpoolPath};
    use crate::tally::Task;

    fn counted(spool: &mut Spool, instance: &str, tasks: usize) {
        let mut tally = Tally::default();
        (0..tasks).for_each(|_| drop(tally.count(&Task::read(&serde_json::Map::new()), 5)));
        let key = |queue| StateKey::owned(StateKind::QueueCounts, instance, queue);
        let states = tally.changes().into_iter().map(|(queue, state)| (key(queue), state));
        spool.put_states(&states.collect::<Vec<_>>()).unwrap();
    }

    #[test]
    fn the_counts_of_the_dead_are_added_once_and_those_of_the_living_left_alone() {
        let mut spool = Spool::open(&SpoolPath::Memory, "me").unwrap();
        counted(&mut spool, "dead", 3);
        counted(&mut spool, "alive", 4);
        let mut tally = Tally::default();
        tally.count(&Task::read(&serde_json::Map::new()), 1);
        let dead = ["dead".to_owned()];
        for expected in [1, 0] {
            let queues =
                take_over_tally(&mut spool, &mut tally, "me", &dead, Duration::ZERO, Duration::ZERO).unwrap();
            assert_eq!(queues, expected);
            assert_eq!(tally.so_far("default").unwrap().total, 4);
        }
        let counts = spool.states(StateKind::QueueCounts).unwrap();
        let kept: Vec<_> = counts.iter().map(|(key, _)| (key.owner.as_str(), key.name.as_str())).collect();
        assert_eq!(kept, [("alive", "default"), ("me", "default")]);
        assert_eq!(dead_instances(&spool, None, "me").unwrap(), ["alive"], "in memory there are no others");
    }

    #[test]
    fn silences_of_the_dead_are_taken_over_once_and_those_of_the_living_left_alone() {
        let mut spool = Spool::open(&SpoolPath::Memory, "me").unwrap();
        let silence = br#"{"hook":"h","key":"","passed_at":1,"until":900,"suppressed":2}"#;
        let key = |instance| StateKey::owned(StateKind::Shaping, instance, "cool/x");
        let states = ["dead", "alive"].map(|instance| (key(instance), Some(silence.to_vec())));
        spool.put_states(&states).unwrap();
        assert_eq!(dead_instances(&spool, None, "me").unwrap(), ["alive", "dead"]);

        let mut shape = ShapingState::default();
        let dead = ["dead".to_owned()];
        for expected in [1, 0] {
            assert_eq!(take_over_shaping(&mut spool, &mut shape, "me", &dead).unwrap(), expected);
        }
        let states = spool.states(StateKind::Shaping).unwrap();
        let holders: Vec<_> = states.into_iter().map(|(key, _)| key.owner).collect();
        assert_eq!(holders, ["alive", "me"]);
    }

    #[test]
    fn a_wait_that_a_future_clock_wrote_down_is_over() {
        let waiting = |tried_at| WaitingDelivery {
            seq: 1,
            event_id: crate::event::EventId::new(0, 1),
            kind: "task.complete".into(),
            endpoint: "ci".into(),
            hook: "hooks[0]".into(),
            created_at: 0,
            due_at: 90_000_000,
            attempts: 1,
            failures: 1,
            asked: 0,
            tried_at,
            expires_at: None,
            thing: None,
            live: None,
        };
        let due = |tried_at| job_of(waiting(tried_at), Duration::ZERO, 1_000, &mut Words::default()).due;
        assert_eq!(due(Some(86_400_000)), Duration::ZERO);
        assert_eq!(due(Some(900)), Duration::from_millis(89_999_000));
    }
}
