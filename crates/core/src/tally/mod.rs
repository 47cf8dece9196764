//! The tally: what Taskbell counts of each queue, from `queue.start` (or the first task after idle) to
//! `queue.end`, and the debounce that makes a queue's end believed. Runs on the dispatcher's thread.

mod batch;
mod end_requests;
mod held_end;
mod names;
mod nodes;
mod progress;
mod queue;
mod task;
mod usual_durations;

pub use batch::{BatchRef, BatchTally, BatchTask};
pub use end_requests::{EndRequest, EndRequests};
pub use held_end::HeldEnd;
pub use names::{DEFAULT_QUEUE, queue_name};
pub use nodes::{Remaining, WorkingNodes};
pub use progress::add_progress;
pub use queue::QueueTally;
pub use task::{Status, Task, read_duration, scalar_text, told_duration};
pub use usual_durations::{UsualDurations, batch_key, queue_key, task_key};

use progress::ProgressTimer;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

/// The most queues counted at once. A queue name is the host's, and may come from its users.
const MAX_QUEUES: usize = 4096;

/// What the spool keeps of an open queue, as [`Tally::changes`] writes it; `None` for bytes that are none.
pub fn read_queue(kept: &[u8]) -> Option<QueueTally> {
    serde_json::from_slice(kept).ok().map(|open: Open| open.tally)
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Open {
    tally: QueueTally,
    end: Option<HeldEnd>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    started: bool,
    /// Whether its start was told in this process.
    #[serde(skip)]
    told: bool,
    /// Whether this process has a part in it, and not only one that is dead.
    #[serde(skip)]
    is_own: bool,
    /// Whether the last process that had a part in it closed, and did not die.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    left: bool,
    /// When the host last spoke of it, by the monotonic clock of this process.
    #[serde(skip)]
    stirred: Duration,
    #[serde(skip)]
    progress: ProgressTimer,
}

/// The counts of every open queue, and what is usual.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    open: BTreeMap<String, Open>,
    /// The queues whose end may be held; no other's is. A thousand that are at work cost an event nothing.
    held: BTreeSet<String>,
    /// No queue falls idle, and no progress is told, before this; `None` while that is not known.
    quiet_until: Option<Duration>,
    changed: HashSet<String>,
    /// The queues that other hosts were at work on when this one started.
    pub of_others: HashSet<String>,
    forgotten: Vec<String>,
    pub usuals: UsualDurations,
    /// The first queue that was heard of, and whether there was another one.
    first: Option<String>,
    has_several: bool,
    /// How long nothing must be heard of a queue before it counts as ended; `None` for never.
    pub idle_end: Option<Duration>,
    /// How often the progress of a queue is told at most; `None` for never.
    pub progress: Option<Duration>,
    /// The nodes of a farm, in its relay.
    pub nodes: Option<WorkingNodes>,
}

/// A change of a count that the spool must keep: the name of the queue, and its state or nothing
/// once it is closed.
pub type TallyChange = (String, Option<Vec<u8>>);

impl Tally {
    /// Counts a task. An end that was held for its queue does not count: the queue goes on. Returns that
    /// end.
    pub fn count(&mut self, task: &Task, accepted_at: i64) -> Option<HeldEnd> {
        let open = self.open(&task.queue, accepted_at);
        let told = (open.started || open.is_at_work()).then_some(open.tally.started_at);
        open.tally.count(task, accepted_at);
        open.tally.started_at = told.unwrap_or(i64::MAX).min(open.tally.started_at);
        open.progress.note();
        let held = open.end.take();
        self.note_stir(&task.queue);
        held
    }

    /// Counts a task that was completed before the end that is held for its queue.
    pub fn count_before_end(&mut self, task: &Task, accepted_at: i64) {
        let held = self.count(task, accepted_at);
        if let (Some(held), Some(open)) = (held, self.open.get_mut(&task.queue)) {
            open.end = Some(held);
        }
    }

    /// The host is at work on a queue. Opens it; an end that was held for it does not count, and is returned.
    pub fn tick(&mut self, queue: &str, accepted_at: i64) -> Option<HeldEnd> {
        let open = self.open(queue, accepted_at);
        open.tally.finished_at = open.tally.finished_at.max(accepted_at);
        let held = open.end.take();
        self.note_stir(queue);
        held
    }

    /// Keeps what a task asked for that its queue's end is to tell of; `false` when there is no room for it.
    pub fn ask(&mut self, queue: &str, asked: EndRequest, accepted_at: i64) -> bool {
        let others = self.open.iter().filter(|(name, _)| name.as_str() != queue);
        let elsewhere = others.map(|(_, open)| open.tally.asked.bytes()).sum();
        self.open(queue, accepted_at).tally.asked.keep(asked, elsewhere)
    }

    /// Lets go of what tasks asked for whose batch has told it: `told` says so of a batch and the key of a task.
    pub fn release_asked(&mut self, mut told: impl FnMut(&str, &str) -> bool) {
        let mut told = |asked: &EndRequest| {
            let (batch, key) = asked.origin();
            batch.is_some_and(|batch| told(&batch, &key))
        };
        for (name, open) in &mut self.open {
            if open.tally.asked.let_go(&mut told) {
                self.changed.insert(name.clone());
            }
        }
    }

    /// Opens a queue. Says whether that is news, and returns an end that was held for it and does not count
    /// now. A queue that goes on does not start again; one that only earlier processes had a part in is to be
    /// [taken](Tally::take_foreign) before.
    pub fn start(&mut self, queue: &str, accepted_at: i64) -> (bool, Option<HeldEnd>) {
        let open = self.open(queue, accepted_at);
        let is_news = !std::mem::replace(&mut open.told, true);
        if is_news && !open.is_at_work() {
            open.tally.started_at = accepted_at;
        }
        open.started = true;
        let held = open.end.take();
        self.note_stir(queue);
        (is_news, held)
    }

    /// The start of this queue is told, although the host did not tell it.
    pub fn told_start(&mut self, queue: &str, accepted_at: i64) {
        self.open(queue, accepted_at).told = true;
    }

    /// Whether more than one queue was heard of, in this process or on its spool.
    pub fn knows_several_queues(&self) -> bool {
        let known = self.usuals.known_queues();
        let is_known = |queue: &String| known > 0 && self.usuals.knows(&queue_key(queue));
        self.has_several || known > self.first.as_ref().map_or(1, |first| usize::from(is_known(first)))
    }

    /// Whether the end of this queue has been told, and nothing was heard of it since. That is known of
    /// queues that have worked before; of one whose host tells nothing but ends, each is the end of some work.
    pub fn has_ended(&self, queue: &str) -> bool {
        let of_nodes = self.nodes.as_ref().is_some_and(|nodes| nodes.have_ended(queue));
        !self.open.contains_key(queue) && (of_nodes || self.usuals.knows(&queue_key(queue)))
    }

    /// Holds the end of a queue. Returns the one that was held before, which this one replaces.
    pub fn hold(&mut self, queue: &str, end: HeldEnd) -> Option<HeldEnd> {
        self.held.insert(queue.to_owned());
        let open = self.open(queue, end.accepted_at);
        // A host that goes on saying so is idle since it first did.
        let first = |held: &HeldEnd| (held.due.min(end.due), held.idle_since.min(end.idle_since));
        let (due, idle_since) = open.end.as_ref().map_or((end.due, end.idle_since), first);
        open.end.replace(HeldEnd { due, idle_since, ..end })
    }

    /// Whether this queue has neither begun nor counted anything: the next task begins a busy period.
    pub fn is_idle(&self, queue: &str) -> bool {
        self.open.get(queue).is_none_or(|open| !open.started && !open.is_at_work())
    }

    /// Whether any queue has begun, or counted something, and has not ended.
    pub fn is_at_work(&self) -> bool {
        self.open.values().any(|open| open.started || open.is_at_work())
    }

    /// The host spoke of a queue at this monotonic time: if it is open, it lives.
    pub fn stir(&mut self, queue: &str, now: Duration) {
        if let Some(open) = self.open.get_mut(queue) {
            open.stirred = now;
            open.progress.start(now);
        }
        self.note_stir(queue);
    }

    /// `idle_end` or `progress` has changed.
    pub fn forget_times(&mut self) {
        self.quiet_until = None;
    }

    /// Something of this queue has changed by which it may fall idle or its progress be told earlier.
    fn note_stir(&mut self, queue: &str) {
        let (idle_end, progress) = (self.idle_end, self.progress);
        if let Some(until) = self.quiet_until.filter(|_| idle_end.or(progress).is_some()) {
            let due = self.open.get(queue).and_then(|open| open.stirs_at(idle_end, progress));
            self.quiet_until = due.into_iter().chain([until]).min();
        }
    }

    /// Closes the queues that were at work and of which nothing was heard for as long as `idle_end` says.
    /// One whose end is held closes by that.
    pub fn fallen_idle(&mut self, now: Duration) -> Vec<(String, QueueTally)> {
        let Some(after) = self.idle_end.filter(|_| self.may_stir(now)) else { return Vec::new() };
        self.take_open(|_, open| open.may_fall_idle() && open.stirred + after <= now)
    }

    /// Closes the queues that processes which died were at work on, and nobody else, to be called at a start before
    /// anything of this process is counted. An end that one of them told counts at once.
    pub fn interrupted(&mut self) -> Vec<(String, QueueTally)> {
        let of_others = std::mem::take(&mut self.of_others);
        self.take_open(|name, open| {
            if of_others.contains(name) {
                return false;
            }
            if let Some(end) = open.end.as_mut().filter(|_| !open.left) {
                end.due = Duration::ZERO;
            }
            open.end.is_none() && !open.left
        })
    }

    /// Closes every queue whose end is not held: the host says that it stops.
    pub fn stopped(&mut self) -> Vec<(String, QueueTally)> {
        self.take_open(|_, open| open.end.is_none())
    }

    /// Closes a queue that only earlier processes had a part in: this process starts it again. An end that one of them
    /// told counts at once.
    pub fn take_foreign(&mut self, queue: &str) -> Vec<(String, QueueTally)> {
        let Some(open) = self.open.get_mut(queue).filter(|open| !open.is_own) else { return Vec::new() };
        if let Some(end) = &mut open.end {
            end.due = Duration::ZERO;
            return Vec::new();
        }
        self.take_open(|name, _| name == queue)
    }

    /// Closes these queues, and returns those that were announced or at work.
    fn take_open(&mut self, mut takes: impl FnMut(&str, &mut Open) -> bool) -> Vec<(String, QueueTally)> {
        let taken: Vec<String> =
            self.open.iter_mut().filter_map(|(name, open)| takes(name, open).then(|| name.clone())).collect();
        let close = |name: String| {
            self.changed.insert(name.clone());
            let open = self.open.remove(&name)?;
            (open.started || open.is_at_work()).then_some((name, open.tally))
        };
        taken.into_iter().filter_map(close).collect()
    }

    /// This process closes: notes that it did not die, for the queues that it has a part in.
    pub fn leave(&mut self) -> Vec<TallyChange> {
        for (name, open) in self.open.iter_mut().filter(|(_, open)| open.is_own) {
            open.left = true;
            self.changed.insert(name.clone());
        }
        self.changes()
    }

    /// The queues whose progress is told now, with their counts. To be called after [`Tally::fallen_idle`].
    pub fn progressed(&mut self, now: Duration) -> Vec<(String, QueueTally)> {
        if !self.may_stir(now) {
            return Vec::new();
        }
        let mut told = Vec::new();
        for (name, open) in &mut self.open {
            let due = self.progress.and_then(|interval| open.next_progress(interval));
            if due.is_some_and(|due| due <= now) {
                open.progress.tell(now);
                told.push((name.clone(), open.tally.snapshot()));
            }
        }
        self.quiet_until = Some(self.next_stir().unwrap_or(Duration::MAX));
        told
    }

    /// Whether a queue may fall idle or its progress be told by now.
    fn may_stir(&self, now: Duration) -> bool {
        let stirs = self.idle_end.is_some() || self.progress.is_some();
        stirs && self.quiet_until.is_none_or(|until| until <= now)
    }

    fn next_stir(&self) -> Option<Duration> {
        self.open.values().filter_map(|open| open.stirs_at(self.idle_end, self.progress)).min()
    }

    /// What was given up for want of room since the last call, in words.
    pub fn forgotten(&mut self) -> Vec<String> {
        std::mem::take(&mut self.forgotten)
    }

    /// When the next held end counts, and not after the next queue falls idle or progress is told, by the monotonic clock.
    pub fn next_due(&self) -> Option<Duration> {
        let held = self.held_ends().map(|(_, end)| end.due).min();
        let stir = match self.quiet_until {
            Some(until) => Some(until).filter(|until| *until < Duration::MAX),
            None => self.next_stir(),
        };
        let nodes = self.nodes.as_ref().and_then(WorkingNodes::next_due);
        held.into_iter().chain(stir).chain(nodes).min()
    }

    fn held_ends(&self) -> impl Iterator<Item = (&String, &HeldEnd)> {
        self.held.iter().filter_map(|name| Some((name, self.open.get(name)?.end.as_ref()?)))
    }

    /// Closes the queues whose held end counts by now.
    pub fn ended(&mut self, now: Duration) -> Vec<(String, QueueTally, HeldEnd)> {
        self.held.retain(|name| self.open.get(name).is_some_and(|open| open.end.is_some()));
        let due = self.held_ends().filter(|(_, end)| end.due <= now);
        let names: Vec<String> = due.map(|(name, _)| name.clone()).collect();
        let close = |name: String| {
            let open = self.open.remove(&name)?;
            self.changed.insert(name.clone());
            let worked = open.started || open.is_at_work();
            open.end.map(|end| (name, open.tally, HeldEnd { worked, ..end }))
        };
        names.into_iter().filter_map(close).collect()
    }

    /// Makes every held end count at once: the host is closing and says nothing more.
    pub fn hurry(&mut self) {
        for end in self.open.values_mut().filter_map(|open| open.end.as_mut()) {
            end.due = Duration::ZERO;
        }
    }

    /// The count of a queue so far.
    pub fn so_far(&self, queue: &str) -> Option<&QueueTally> {
        self.open.get(queue).map(|open| &open.tally)
    }

    /// Whether the queue is counted, or its end held.
    pub fn is_open(&self, queue: &str) -> bool {
        self.open.contains_key(queue)
    }

    /// How many ends are held.
    pub fn held(&self) -> usize {
        self.held_ends().count()
    }

    /// What changed since the last call, for the spool.
    pub fn changes(&mut self) -> Vec<TallyChange> {
        let state = |name: String| {
            let bytes = self.open.get(&name).and_then(|open| serde_json::to_vec(open).ok());
            (name, bytes)
        };
        std::mem::take(&mut self.changed).into_iter().map(state).collect()
    }

    /// Makes nothing count as changed, but for nodes.
    pub fn forget_changes(&mut self) {
        self.changed.clear();
        self.usuals.forget_changes();
    }

    /// Makes every open queue, and what is usual, count as changed: the spool was recovered.
    pub fn touch_all(&mut self) {
        self.changed.extend(self.open.keys().cloned());
        self.usuals.touch_all();
        self.nodes.iter_mut().for_each(WorkingNodes::touch_all);
    }

    /// Takes back what the spool kept of a queue; a held end counts `delay` from `now`. Bytes that cannot
    /// be read are passed over: `false`.
    pub fn restore(&mut self, queue: &str, kept: &[u8], now: Duration, delay: Duration) -> bool {
        let Ok(mut open) = serde_json::from_slice::<Open>(kept) else { return false };
        self.quiet_until = None;
        self.held.insert(queue.to_owned());
        self.hear_of(queue);
        open.stirred = now;
        open.progress.start(now);
        if self.nodes.is_some() {
            // The hosts of a farm live on when its relay dies.
            open.is_own = true;
            open.told = open.started;
        }
        if let Some(end) = open.end.as_mut() {
            end.due = now + delay;
            if end.idle_since == 0 {
                end.idle_since = end.accepted_at;
            }
        }
        match self.open.get_mut(queue) {
            Some(present) => {
                present.tally.add(&open.tally);
                // The end that a dead process told is no end of what this one is at.
                if !present.is_own {
                    present.end = present.end.take().or(open.end);
                }
                present.started |= open.started;
                present.left &= open.left;
            }
            None => {
                self.open.insert(queue.to_owned(), open);
            }
        }
        self.changed.insert(queue.to_owned());
        true
    }

    fn open(&mut self, queue: &str, accepted_at: i64) -> &mut Open {
        if !self.open.contains_key(queue) && self.open.len() >= MAX_QUEUES {
            self.drop_quietest();
        }
        self.hear_of(queue);
        if !self.changed.contains(queue) {
            self.changed.insert(queue.to_owned());
        }
        let open = self
            .open
            .entry(queue.to_owned())
            .or_insert_with(|| Open { tally: QueueTally::opened_at(accepted_at), ..Open::default() });
        open.is_own = true;
        open.left = false;
        open
    }

    fn hear_of(&mut self, queue: &str) {
        match &self.first {
            None => self.first = Some(queue.to_owned()),
            Some(first) => self.has_several |= first != queue,
        }
    }

    /// Makes room for one more queue: the one that has been silent longest, and whose end nobody waits
    /// for, is forgotten.
    fn drop_quietest(&mut self) {
        let quietest = self
            .open
            .iter()
            .filter(|(_, open)| open.end.is_none())
            .min_by_key(|(_, open)| open.tally.finished_at)
            .map(|(name, _)| name.clone());
        if let Some(name) = quietest {
            let total = self.open.remove(&name).map_or(0, |open| open.tally.total);
            self.forgotten.push(format!(
                "queue `{}` is closed without an end, with {total} tasks counted: {MAX_QUEUES} others are open",
                name.escape_debug()
            ));
            self.changed.insert(name);
        }
    }
}

impl Open {
    /// Whether a task was counted, or the host told that it works.
    fn is_at_work(&self) -> bool {
        self.tally.total > 0 || self.tally.finished_at > 0
    }

    /// A queue whose end is held has nothing more to tell.
    fn next_progress(&self, interval: Duration) -> Option<Duration> {
        self.progress.due(interval).filter(|_| self.end.is_none())
    }

    /// When it falls idle or its progress is told.
    fn stirs_at(&self, idle_end: Option<Duration>, progress: Option<Duration>) -> Option<Duration> {
        let idle = idle_end.filter(|_| self.may_fall_idle()).map(|after| self.stirred + after);
        let progress = progress.and_then(|interval| self.next_progress(interval));
        idle.into_iter().chain(progress).min()
    }

    /// A queue that has only been announced waits for its first task, however long that takes.
    fn may_fall_idle(&self) -> bool {
        self.end.is_none() && self.is_at_work()
    }
}

#[cfg(test)]
mod tests;
