//! The deliveries that wait in a lane, in the order in which they go.

use super::job::Job;
use super::parked::Parked;
use crate::event::EventId;
use crate::hash::NumberHash;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// The most bytes of bodies a lane keeps in memory when the spool can give them back.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// Bodies and deliveries up to which there is room for a few hundred more with their bodies.
const ROOM_BYTES: usize = MAX_BODY_BYTES / 4;
const ROOM_JOBS: usize = 1024;

/// So many events wait as they are for a relay, and the further ones parked; these come back before fewer than the
/// second number are left.
const UNPARKED: (usize, usize) = if cfg!(test) { (40, 20) } else { (4096, 2048) };

/// In an ordered queue the oldest delivery is always first, and one that waits for its next attempt holds
/// back those after it. Otherwise the first due goes first.
pub struct DueQueue {
    ordered: bool,
    keeps_bodies: bool,
    order: BTreeSet<(Duration, i64)>,
    /// Boxed: a table of a hundred thousand grows without copying each.
    jobs: HashMap<i64, Box<Job>, NumberHash>,
    body_bytes: usize,
    /// The newest untried delivery of each hook and thing.
    things: HashMap<(String, String), i64>,
    /// The newest state of each living message.
    live: HashMap<Arc<str>, i64>,
    /// Behind all others.
    parked: Parked,
    parks: bool,
}

impl DueQueue {
    /// `keeps_bodies` when there is no spool file to read them from again.
    pub fn new(ordered: bool, keeps_bodies: bool) -> DueQueue {
        DueQueue {
            ordered,
            keeps_bodies,
            order: BTreeSet::new(),
            jobs: HashMap::default(),
            body_bytes: 0,
            things: HashMap::new(),
            live: HashMap::new(),
            parked: Parked::default(),
            parks: false,
        }
    }

    /// One for a node's events, of which many may wait: they go in their order, and nothing else decides.
    pub fn of_events(keeps_bodies: bool) -> DueQueue {
        DueQueue { parks: !keeps_bodies, ..DueQueue::new(true, keeps_bodies) }
    }

    /// Whether a few hundred more can wait with their bodies.
    pub fn has_room(&self) -> bool {
        let is_short = self.body_bytes <= ROOM_BYTES && self.jobs.len() <= ROOM_JOBS;
        self.keeps_bodies || is_short && self.parked.is_empty()
    }

    /// Whether there is no spool file to read them from.
    pub fn keeps_bodies(&self) -> bool {
        self.keeps_bodies
    }

    /// Adds a job, or replaces it; drops its body when enough bodies are in memory. Of two states of one living message
    /// only the newer waits: returns the other, and the event of the newer.
    pub fn put(&mut self, mut job: Job) -> Option<(Job, EventId)> {
        if self.is_parked(&job) {
            self.parked.put(&job);
            return None;
        }
        let mut older = None;
        if let Some(live) = &job.live {
            let waiting = self.live.get(&live.first).and_then(|seq| self.jobs.get(seq));
            match waiting.map(|waiting| (waiting.seq, waiting.event_id)) {
                Some((seq, newer)) if seq > job.seq => return Some((job, newer)),
                Some((seq, _)) if seq < job.seq => {
                    older = self.remove_one(seq).map(|older| (older, job.event_id));
                }
                _ => {}
            }
        }
        if let Some(former) = self.jobs.remove(&job.seq) {
            self.order.remove(&self.key(&former));
            self.forget(&former);
        }
        let bytes = job.body.as_ref().map_or(0, |body| body.bytes.len());
        if !self.keeps_bodies && self.body_bytes + bytes > MAX_BODY_BYTES {
            job.body = None;
        } else {
            self.body_bytes += bytes;
        }
        if let Some(thing) = thing_of(&job).filter(|_| job.attempts == 0) {
            let newest = self.things.entry(thing).or_insert(job.seq);
            *newest = job.seq.max(*newest);
        }
        if let Some(live) = &job.live {
            self.live.insert(Arc::clone(&live.first), job.seq);
        }
        self.order.insert(self.key(&job));
        self.jobs.insert(job.seq, Box::new(job));
        older
    }

    pub fn next_due(&self) -> Option<Duration> {
        self.first().map(|job| job.due)
    }

    pub fn take(&mut self) -> Option<Job> {
        let (_, seq) = self.order.pop_first()?;
        let job = self.jobs.remove(&seq)?;
        self.forget(&job);
        self.unpark();
        Some(*job)
    }

    /// Whether a job belongs behind those that are parked, or is to be the first of them.
    fn is_parked(&self, job: &Job) -> bool {
        match self.parked.first() {
            Some(first) => job.seq >= first,
            None => {
                let is_last = || self.order.last().is_none_or(|(_, last)| *last < job.seq);
                self.parks && self.jobs.len() >= UNPARKED.0 && is_last()
            }
        }
    }

    /// Brings parked jobs back before the others are used up.
    fn unpark(&mut self) {
        if self.parked.is_empty() || self.jobs.len() >= UNPARKED.1 {
            return;
        }
        for job in self.parked.take(UNPARKED.0 - self.jobs.len()) {
            self.order.insert(self.key(&job));
            self.jobs.insert(job.seq, Box::new(job));
        }
    }

    /// How many jobs are due by this time, up to `most`.
    pub fn count_due(&self, by: Duration, most: usize) -> usize {
        let due = |(_, seq): &&(Duration, i64)| self.jobs.get(seq).is_some_and(|job| job.due <= by);
        self.order.iter().take_while(due).take(most).count()
    }

    /// The states of alerts, batches, queues and servers before what is older: a summary must not leave an alert to
    /// a later one.
    fn take_due(&mut self, by: Duration, most: usize) -> Vec<Job> {
        let due = self.order.iter().map_while(|(_, seq)| self.jobs.get(seq).filter(|job| job.due <= by));
        let due = due.filter(|job| job.live.is_none());
        let due: Vec<(i64, bool)> = due.map(|job| (job.seq, job.is_state())).collect();
        let mut states = due.iter().filter(|(_, is_state)| *is_state).count().min(most);
        let mut others = most - states;
        let mut chosen = Vec::new();
        for (seq, is_state) in due {
            let room = if is_state { &mut states } else { &mut others };
            if *room > 0 {
                *room -= 1;
                chosen.extend(self.remove_one(seq));
            }
        }
        chosen
    }

    fn remove_one(&mut self, seq: i64) -> Option<Job> {
        let job = self.jobs.remove(&seq)?;
        self.order.remove(&self.key(&job));
        self.forget(&job);
        Some(*job)
    }

    /// Takes at most `most` jobs that are due by this time. Stale ones stay: each ends by itself when it is next.
    pub fn take_fresh(&mut self, by: Duration, most: usize, unix_ms: i64) -> Vec<Job> {
        let due = self.take_due(by, most).into_iter();
        let (stale, fresh): (Vec<Job>, Vec<Job>) = due.partition(|job| job.is_stale(unix_ms));
        stale.into_iter().for_each(|job| drop(self.put(job)));
        fresh
    }

    /// Takes these jobs out of the middle.
    pub fn remove(&mut self, is_meant: &dyn Fn(i64) -> bool) -> Vec<Job> {
        let found: Vec<i64> = self.jobs.keys().copied().filter(|seq| is_meant(*seq)).collect();
        let mut removed: Vec<Job> = found.into_iter().filter_map(|seq| self.remove_one(seq)).collect();
        if !self.parked.is_empty() {
            removed.extend(self.parked.remove(is_meant));
            self.unpark();
        }
        removed
    }

    /// Makes jobs due by this time that would be due later.
    pub fn hurry(&mut self, by: Duration, is_meant: impl Fn(&Job) -> bool) {
        let late = |job: &&Job| job.due > by && is_meant(job);
        let late: Vec<i64> = self.jobs().filter(late).map(|job| job.seq).collect();
        for seq in late {
            if let Some(job) = self.remove_one(seq) {
                drop(self.put(Job { due: by, ..job }));
            }
        }
    }

    /// A copy of each.
    pub fn copies(&self) -> Vec<Job> {
        self.jobs().cloned().chain(self.parked.copies()).collect()
    }

    /// Those that are not parked.
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values().map(|job| &**job)
    }

    /// Takes the first job if it is due by this time and stale.
    pub fn take_stale(&mut self, due_by: Duration, unix_ms: i64) -> Option<Job> {
        let stale = |job: &Job| job.due <= due_by && job.is_stale(unix_ms);
        if self.first().is_some_and(stale) { self.take() } else { None }
    }

    /// Takes the untried job of this hook and thing, which a newer one supersedes.
    pub fn withdraw(&mut self, hook: &str, thing: &str) -> Option<Job> {
        let seq = *self.things.get(&(hook.to_owned(), thing.to_owned()))?;
        self.remove_one(seq)
    }

    fn forget(&mut self, job: &Job) {
        self.body_bytes -= job.body.as_ref().map_or(0, |body| body.bytes.len());
        if let Some(thing) = thing_of(job)
            && self.things.get(&thing) == Some(&job.seq)
        {
            self.things.remove(&thing);
        }
        if let Some(live) = &job.live
            && self.live.get(&live.first) == Some(&job.seq)
        {
            self.live.remove(&live.first);
        }
    }

    pub fn drain(&mut self) -> Vec<Job> {
        std::iter::from_fn(|| self.take()).collect()
    }

    pub fn len(&self) -> usize {
        self.jobs.len() + self.parked.len()
    }

    pub fn any_due(&self, by: Duration) -> bool {
        self.next_due().is_some_and(|due| due <= by)
    }

    fn first(&self) -> Option<&Job> {
        self.order.first().and_then(|(_, seq)| self.jobs.get(seq)).map(|job| &**job)
    }

    fn key(&self, job: &Job) -> (Duration, i64) {
        (if self.ordered { Duration::ZERO } else { job.due }, job.seq)
    }
}

fn thing_of(job: &Job) -> Option<(String, String)> {
    job.thing.as_ref().map(|thing| (job.hook.to_string(), thing.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::body::Body;
    use super::super::job::LiveJob;
    use super::*;
    use crate::message::Extras;
    use std::sync::Arc;

    fn job(seq: i64, due_s: u64, bytes: usize) -> Job {
        let content_type = "application/json".to_owned();
        let body = Body { content_type, bytes: vec![0; bytes], extras: Extras::default() };
        Job { due: Duration::from_secs(due_s), body: Some(Arc::new(body)), ..Job::sample(seq) }
    }

    fn order(ordered: bool) -> Vec<i64> {
        let mut queue = DueQueue::new(ordered, true);
        for (seq, due) in [(1, 30), (2, 10), (3, 20)] {
            queue.put(job(seq, due, 1));
        }
        assert_eq!(queue.next_due(), Some(Duration::from_secs(if ordered { 30 } else { 10 })));
        queue.drain().iter().map(|job| job.seq).collect()
    }

    #[test]
    fn a_summary_takes_a_state_before_older_tasks_and_tells_it_in_its_place() {
        let mut queue = DueQueue::new(true, true);
        (1..3000).for_each(|seq| drop(queue.put(job(seq, 0, 1))));
        let alert = |seq| Job { kind: "alert.firing".into(), ..job(seq, 0, 1) };
        queue.put(alert(3000));
        queue.put(Job { due: Duration::from_secs(99), ..alert(3001) });
        let taken = queue.take_fresh(Duration::from_secs(5), 999, 0);
        let numbers: Vec<i64> = taken.iter().map(|job| job.seq).collect();
        assert_eq!((numbers.len(), numbers[0], numbers[997], numbers[998]), (999, 1, 998, 3000));
        assert_eq!(queue.len(), 2002);
    }

    #[test]
    fn an_ordered_queue_keeps_the_order_and_another_goes_by_due_time() {
        assert_eq!(order(true), [1, 2, 3]);
        assert_eq!(order(false), [2, 3, 1]);
    }

    #[test]
    fn due_jobs_are_counted_and_taken_in_order() {
        let mut queue = DueQueue::new(false, true);
        for (seq, due) in [(1, 5), (2, 1), (3, 9), (4, 2)] {
            queue.put(job(seq, due, 1));
        }
        let now = Duration::from_secs(5);
        assert_eq!((queue.count_due(now, 10), queue.count_due(now, 2)), (3, 2));
        assert_eq!(queue.take_due(now, 2).iter().map(|job| job.seq).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(queue.take_due(now, 10).iter().map(|job| job.seq).collect::<Vec<_>>(), [1]);
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn a_stale_job_is_not_taken_for_a_summary() {
        let mut queue = DueQueue::new(false, true);
        queue.put(job(1, 1, 1));
        queue.put(Job { expires_at: Some(1_000), ..job(2, 2, 1) });
        queue.put(job(3, 3, 1));
        let by = Duration::from_secs(5);
        assert_eq!(queue.take_fresh(by, 9, 1_000).iter().map(|job| job.seq).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(queue.take_stale(by, 1_000).map(|job| job.seq), Some(2));
        assert_eq!((queue.len(), queue.body_bytes), (0, 0));
    }

    #[test]
    fn jobs_taken_out_of_the_middle_are_gone_and_the_order_stays() {
        let mut queue = DueQueue::new(true, true);
        (1..=5).for_each(|seq| drop(queue.put(job(seq, 10 - seq as u64, 7))));
        let taken: Vec<i64> = queue.remove(&|seq| seq == 2 || seq == 9).iter().map(|job| job.seq).collect();
        queue.put(job(4, 3, 7));
        assert_eq!((taken, queue.len(), queue.body_bytes), (vec![2], 4, 28));
        assert_eq!(queue.drain().iter().map(|job| job.seq).collect::<Vec<_>>(), [1, 3, 4, 5]);
    }

    #[test]
    fn only_the_newest_untried_job_of_a_thing_can_be_withdrawn() {
        let thing = |seq, attempts| Job { thing: Some("a".into()), attempts, ..job(seq, 0, 1) };
        let mut queue = DueQueue::new(false, true);
        assert!(queue.withdraw("hooks[0]", "a").is_none());
        queue.put(thing(1, 1));
        queue.put(thing(2, 0));
        queue.put(job(3, 0, 1));
        assert!(queue.withdraw("hooks[1]", "a").is_none() && queue.withdraw("hooks[0]", "b").is_none());
        assert_eq!(queue.withdraw("hooks[0]", "a").map(|job| job.seq), Some(2));
        assert!(queue.withdraw("hooks[0]", "a").is_none(), "the first was tried");
        let left: Vec<i64> = queue.drain().iter().map(|job| job.seq).collect();
        assert_eq!(left, [1, 3]);
        assert!(queue.things.is_empty() && queue.body_bytes == 0);
    }

    #[test]
    fn of_the_states_of_a_living_message_only_the_newest_waits() {
        let state = |seq, first: &str, attempts| {
            let live = Some(LiveJob::new(first));
            Job { live, attempts, event_id: EventId::new(seq, 1), ..job(seq, 0, 1) }
        };
        let mut queue = DueQueue::new(true, true);
        assert!(queue.put(state(1, "film", 0)).is_none() && queue.put(state(2, "stills", 0)).is_none());
        let (older, by) = queue.put(state(3, "film", 0)).unwrap();
        assert_eq!((older.seq, by), (1, EventId::new(3, 1)));
        let (older, by) = queue.put(state(1, "film", 4)).unwrap();
        assert_eq!((older.seq, by), (1, EventId::new(3, 1)), "one that comes back from an attempt");
        assert!(queue.put(state(3, "film", 1)).is_none(), "the same again");
        assert!(queue.take_fresh(Duration::MAX, 9, 0).is_empty(), "none goes into a summary");
        let left: Vec<i64> = queue.drain().iter().map(|job| job.seq).collect();
        assert_eq!((left, queue.live.len(), queue.body_bytes), (vec![2, 3], 0, 0));
    }

    #[test]
    fn a_stale_job_is_taken_when_it_is_due() {
        let mut queue = DueQueue::new(false, true);
        queue.put(Job { expires_at: Some(1_000), ..job(1, 5, 1) });
        let due = Duration::from_secs(5);
        assert!(queue.take_stale(due, 999).is_none());
        assert!(queue.take_stale(Duration::from_secs(4), 1_000).is_none(), "not due yet");
        assert!(queue.take_stale(due, 1_000).is_some());
    }

    #[test]
    fn bodies_in_memory_are_bounded_when_the_spool_has_them() {
        for keeps_bodies in [true, false] {
            let mut queue = DueQueue::new(false, keeps_bodies);
            for seq in 0..10 {
                queue.put(job(seq, 0, MAX_BODY_BYTES / 4));
            }
            let kept = queue.drain().iter().filter(|job| job.body.is_some()).count();
            assert_eq!(kept, if keeps_bodies { 10 } else { 4 });
            assert_eq!(queue.body_bytes, 0);
        }
    }
}
