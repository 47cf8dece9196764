//! Whose turn it is: the lanes that ask for a sender, in the order in which they asked, and the shares that keep
//! receivers which hang from holding every sender.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// An attempt that lasts so long is a slow one.
const SLOW: Duration = Duration::from_secs(1);

/// How long the last attempt of a lane took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Tempo {
    Prompt,
    #[default]
    Unknown,
    Slow,
}

/// What the turns know of one lane.
#[derive(Debug, Default)]
pub(in crate::lanes) struct Seat {
    /// It asks for a sender.
    asks: AtomicBool,
    /// Only used while the turns are locked.
    state: Mutex<SeatState>,
}

#[derive(Debug, Default)]
struct SeatState {
    /// The senders that work for it.
    held: usize,
    tempo: Tempo,
    /// When it asks by itself.
    alarm: Option<(Instant, u64)>,
}

impl Seat {
    /// Whether a sender will come to it anyway.
    pub(in crate::lanes) fn asks(&self) -> bool {
        self.asks.load(Ordering::SeqCst)
    }

    fn state(&self) -> MutexGuard<'_, SeatState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lane, as far as the turns look at it.
pub(super) trait Seated: Clone {
    fn seat(&self) -> &Seat;
}

/// A sender's work for a lane, until it is given to [`Turns::end`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WorkId(u64);

struct Work {
    id: WorkId,
    since: Instant,
    tempo: Tempo,
}

pub(super) struct Turns<L> {
    /// How many senders there may be.
    senders: usize,
    /// By [`Tempo`], each in the order in which they asked.
    asking: [VecDeque<(u64, L)>; 3],
    at_work: Vec<Work>,
    alarms: BTreeMap<(Instant, u64), L>,
    /// Numbers what asks, works and waits.
    count: u64,
}

impl<L: Seated> Turns<L> {
    pub(super) fn new(senders: usize) -> Turns<L> {
        Turns { senders, asking: Default::default(), at_work: Vec::new(), alarms: BTreeMap::new(), count: 0 }
    }

    /// Puts a lane behind those that ask already.
    pub(super) fn ask(&mut self, lane: L) {
        if lane.seat().asks.swap(true, Ordering::SeqCst) {
            return;
        }
        self.count += 1;
        let tempo = lane.seat().state().tempo;
        self.asking[tempo as usize].push_back((self.count, lane));
    }

    pub(super) fn any_asks(&self) -> bool {
        self.asking.iter().any(|queue| !queue.is_empty())
    }

    /// Lets a lane ask after this time; an earlier time that is set already stays.
    pub(super) fn ask_after(&mut self, lane: &L, time: Duration, now: Instant) {
        let Some(at) = now.checked_add(time) else { return };
        let mut state = lane.seat().state();
        if let Some(alarm) = state.alarm {
            if alarm.0 <= at {
                return;
            }
            self.alarms.remove(&alarm);
        }
        self.count += 1;
        state.alarm = Some((at, self.count));
        self.alarms.insert((at, self.count), lane.clone());
    }

    /// When the next lane asks by itself.
    pub(super) fn next_alarm(&self) -> Option<Instant> {
        self.alarms.first_key_value().map(|((at, _), _)| *at)
    }

    /// A lane has stopped: it does not ask by itself any more.
    pub(super) fn forget(&mut self, lane: &L) {
        if let Some(alarm) = lane.seat().state().alarm.take() {
            self.alarms.remove(&alarm);
        }
    }

    /// Nothing asks any more.
    pub(super) fn clear(&mut self) {
        self.asking = Default::default();
        self.alarms.clear();
    }

    /// The lane that a sender serves next, if one may have another sender.
    pub(super) fn begin(&mut self, now: Instant) -> Option<(WorkId, L)> {
        while self.next_alarm().is_some_and(|at| at <= now)
            && let Some((_, lane)) = self.alarms.pop_first()
        {
            lane.seat().state().alarm = None;
            self.ask(lane);
        }
        let lane = self.pick(now)?;
        lane.seat().asks.store(false, Ordering::SeqCst);
        self.count += 1;
        let id = WorkId(self.count);
        let mut state = lane.seat().state();
        state.held += 1;
        self.at_work.push(Work { id, since: now, tempo: state.tempo });
        drop(state);
        Some((id, lane))
    }

    /// A sender has made an attempt for a lane, which wants another one at once: `true` when it is still its turn,
    /// because no other asks.
    pub(super) fn goes_on(&mut self, id: WorkId, lane: &L, now: Instant) -> bool {
        let is_free = !self.any_asks() && self.next_alarm().is_none_or(|at| at > now);
        let Some(work) = self.at_work.iter_mut().find(|work| work.id == id) else { return false };
        let tempo = Tempo::after(now - work.since);
        lane.seat().state().tempo = tempo;
        if is_free {
            (work.since, work.tempo) = (now, tempo);
        }
        is_free
    }

    /// A sender is free again.
    pub(super) fn end(&mut self, id: WorkId, lane: &L) {
        self.at_work.retain(|work| work.id != id);
        let mut state = lane.seat().state();
        state.held = state.held.saturating_sub(1);
    }

    /// Takes out the lane that asked first of those that may have one more sender.
    ///
    /// - A lane may hold fewer senders than the others leave free: one that hangs gets half of them, and leaves room
    ///   for the next.
    /// - Lanes whose last attempt was slow, and attempts that are slow already, hold at most half of all senders.
    /// - Together with lanes of which nothing is known yet they hold at most three quarters. The last quarter is only
    ///   for lanes that are known to be prompt.
    fn pick(&mut self, now: Instant) -> Option<L> {
        let free = self.senders.saturating_sub(self.at_work.len());
        if free == 0 {
            return None;
        }
        let is_slow =
            |work: &&Work| work.tempo == Tempo::Slow || now.saturating_duration_since(work.since) >= SLOW;
        let slow = self.at_work.iter().filter(is_slow).count();
        let unknown =
            self.at_work.iter().filter(|work| work.tempo == Tempo::Unknown && !is_slow(work)).count();
        let part = |quarters: usize| (self.senders * quarters / 4).max(1);
        let has_room = [true, slow + unknown < part(3), slow < part(2) && slow + unknown < part(3)];
        let may = |(_, lane): &(u64, L)| {
            let held = lane.seat().state().held;
            held == 0 || held < free
        };
        let first = |(tempo, queue): (usize, &VecDeque<(u64, L)>)| {
            let place = queue.iter().position(may).filter(|_| has_room[tempo])?;
            Some((queue.get(place)?.0, tempo, place))
        };
        let (_, tempo, place) = self.asking.iter().enumerate().filter_map(first).min()?;
        self.asking[tempo].remove(place).map(|(_, lane)| lane)
    }
}

impl Tempo {
    fn after(time: Duration) -> Tempo {
        if time >= SLOW { Tempo::Slow } else { Tempo::Prompt }
    }
}

#[cfg(test)]
mod tests;
