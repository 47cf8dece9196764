//! Work that ended the process: what the dispatcher had in hand when its process died. The next starts try it again,
//! because any process may be killed at any moment, under load even twice at the same event. What has ended several
//! processes is not touched until its template or condition has another text.

use super::counters::Counters;
use super::lock::lock;
use crate::intake::{InHand, Intake};
use crate::message::Watcher;
use crate::spool::{Batch, SpoolError, StateChange, StateKey, StateKind, Store};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A thing that ended this many processes is not touched. Under load, kills from outside meet the same thing twice by
/// chance, and would lose it with a lower limit.
const LIMIT: u64 = 4;

const MOST: usize = 256;

/// Notes in the ring what the dispatcher works on, and knows what ended earlier processes.
pub struct FatalWork {
    intake: Arc<Intake>,
    counters: Arc<Counters>,
    subject: AtomicU64,
    any: AtomicBool,
    suspects: Mutex<Suspects>,
}

#[derive(Debug, Default)]
struct Suspects {
    ends: HashMap<InHand, u64>,
    /// Those that did no harm this time.
    cleared: Vec<InHand>,
}

impl FatalWork {
    pub fn new(intake: Arc<Intake>, counters: Arc<Counters>) -> FatalWork {
        let (subject, any) = (AtomicU64::new(0), AtomicBool::new(false));
        FatalWork { intake, counters, subject, any, suspects: Mutex::default() }
    }

    /// Reads what ended earlier processes.
    pub fn load(&self, spool: &impl Store) -> Result<(), SpoolError> {
        let ends: HashMap<InHand, u64> = spool
            .states(StateKind::FatalWork)?
            .iter()
            .filter_map(|(key, value)| Some((work_of(key)?, ends_of(value))))
            .collect();
        self.any.store(!ends.is_empty(), Ordering::Relaxed);
        lock(&self.suspects).ends = ends;
        Ok(())
    }

    /// Counts that the processes of these instances ended with this work in hand; each process once.
    pub fn count(&self, spool: &mut impl Store, left: &[(String, InHand)]) -> Result<(), SpoolError> {
        if left.is_empty() {
            return Ok(());
        }
        let mut batch = spool.begin()?;
        let mut known: HashMap<StateKey, Vec<u8>> = batch.states(StateKind::FatalWork)?.into_iter().collect();
        for (instance, work) in left {
            if known.len() >= MOST
                && let Some(key) = known.keys().next().cloned()
            {
                batch.put_state(&key, None)?;
                known.remove(&key);
            }
            let value = known.entry(key_of(*work)).or_default();
            if !String::from_utf8_lossy(value).contains(instance) {
                value.extend(format!("{instance} ").as_bytes());
                batch.put_state(&key_of(*work), Some(value))?;
            }
        }
        batch.commit()?;
        self.load(spool)
    }

    /// Why this thing is not decided about.
    pub fn refusal(&self, subject: u64) -> Option<&'static str> {
        let work = InHand { subject, piece: 0 };
        let ends = lock(&self.suspects).ends.get(&work).copied().unwrap_or(0);
        (ends >= LIMIT)
            .then_some("deciding about this event ended the process four times, so it is not tried again")
    }

    /// Changes of the spool: what was suspected and has done no harm is forgotten.
    pub fn changes(&self) -> Vec<StateChange> {
        if !self.any.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let cleared = std::mem::take(&mut lock(&self.suspects).cleared);
        cleared.into_iter().map(|work| (key_of(work), None)).collect()
    }

    fn clear(&self, subject: u64) {
        let mut suspects = lock(&self.suspects);
        // Of a piece that is off nothing was evaluated, so it has not proven harmless.
        let harmless: Vec<InHand> = suspects
            .ends
            .iter()
            .filter(|(work, ends)| work.subject == subject && **ends < LIMIT && !suspects.is_off(work.piece))
            .map(|(work, _)| *work)
            .collect();
        suspects.ends.retain(|work, _| !harmless.contains(work));
        suspects.cleared.extend(harmless);
    }
}

impl Suspects {
    /// Whether a template or condition is not evaluated for any event: the first that it ended so many processes with may
    /// be to blame, and one kill from outside may have met another.
    fn is_off(&self, piece: u64) -> bool {
        let ends = || self.ends.iter().filter(|(work, _)| work.piece == piece).map(|(_, ends)| *ends);
        piece != 0 && ends().any(|ends| ends >= LIMIT) && ends().sum::<u64>() >= LIMIT + 2
    }
}

impl Watcher for FatalWork {
    fn subject(&self, subject: u64) {
        let before = self.subject.swap(subject, Ordering::Relaxed);
        self.intake.note(InHand { subject, piece: 0 });
        if before != 0 && self.any.load(Ordering::Relaxed) {
            self.clear(before);
        }
    }

    fn piece(&self, piece: u64) -> Result<(), String> {
        let work = InHand { subject: self.subject.load(Ordering::Relaxed), piece };
        if piece != 0 && self.any.load(Ordering::Relaxed) {
            let suspects = lock(&self.suspects);
            if suspects.is_off(piece) || suspects.ends.get(&work).is_some_and(|ends| *ends >= LIMIT) {
                return Err("evaluating this ended the process four times, so it is not tried again; change the template \
                            or condition, then report the event again"
                    .to_owned());
            }
        }
        self.intake.note(work);
        Ok(())
    }

    fn caught_panic(&self) {
        self.counters.defects.one();
    }
}

fn key_of(work: InHand) -> StateKey {
    StateKey::shared(StateKind::FatalWork, format!("{:016x}-{:016x}", work.subject, work.piece))
}

fn work_of(key: &StateKey) -> Option<InHand> {
    let (subject, piece) = key.name.split_once('-')?;
    let number = |digits| u64::from_str_radix(digits, 16).ok();
    Some(InHand { subject: number(subject)?, piece: number(piece)? })
}

/// How many processes a value counts, which is a list of their instances.
fn ends_of(value: &[u8]) -> u64 {
    String::from_utf8_lossy(value).split_whitespace().count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::Home;
    use crate::spool::{Spool, SpoolPath};

    const TEMPLATE: u64 = 9;

    /// What is known after these processes ended, each with a thing in hand.
    fn after(ends: impl IntoIterator<Item = u64>) -> FatalWork {
        let work = FatalWork::new(Arc::new(Intake::open(&Home::Memory, 0)), Arc::new(Counters::default()));
        let mut spool = Spool::open(&SpoolPath::Memory, "own").unwrap();
        let in_hand = |subject| InHand { subject, piece: TEMPLATE };
        let left: Vec<_> = ends
            .into_iter()
            .zip(1..)
            .map(|(subject, number)| (format!("{number:016x}"), in_hand(subject)))
            .collect();
        work.count(&mut spool, &left).unwrap();
        work.count(&mut spool, &left).unwrap();
        work
    }

    fn may_render(work: &FatalWork, subject: u64) -> bool {
        work.subject(subject);
        work.piece(TEMPLATE).is_ok()
    }

    #[test]
    fn kills_from_outside_switch_no_template_off() {
        let work = after((1..=100).chain([1, 1, 2]));
        assert!((1..=101).all(|subject| may_render(&work, subject)));
    }

    #[test]
    fn a_template_that_ends_every_process_is_off_for_that_event_and_then_for_all() {
        let work = after([1; LIMIT as usize]);
        assert!(!may_render(&work, 1));
        assert!(may_render(&work, 2), "the event may be to blame");
        let work = after([1; LIMIT as usize].into_iter().chain([2]));
        assert!((2..=10).all(|subject| may_render(&work, subject)), "a kill from outside may have met it");
        let work = after([1; LIMIT as usize].into_iter().chain([2, 2]));
        assert!((1..=10).all(|subject| !may_render(&work, subject)));
    }
}
