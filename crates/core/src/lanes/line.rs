//! What waits in a lane, in the order in which it goes.

use super::Job;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// The most bytes of bodies a lane keeps in memory when the spool can give them back.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// The waiting jobs of a lane.
///
/// In an ordered lane the oldest delivery is always first, and one that waits for its next attempt holds
/// back those after it. Otherwise what is due first goes first.
#[derive(Debug)]
pub struct Line {
    ordered: bool,
    keeps_bodies: bool,
    order: BTreeSet<(Duration, i64)>,
    /// Boxed: a table of a hundred thousand grows without a copy of every one.
    jobs: HashMap<i64, Box<Job>>,
    body_bytes: usize,
    /// The newest untried delivery of each hook and thing.
    things: HashMap<(String, String), i64>,
}

impl Line {
    /// An empty line. `keeps_bodies` when there is no spool file to read them from again.
    pub fn new(ordered: bool, keeps_bodies: bool) -> Line {
        Line {
            ordered,
            keeps_bodies,
            order: BTreeSet::new(),
            jobs: HashMap::new(),
            body_bytes: 0,
            things: HashMap::new(),
        }
    }

    /// Puts a job in its place; drops its body when enough bodies are in memory. One that is there already
    /// is replaced.
    pub fn put(&mut self, mut job: Job) {
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
        self.order.insert(self.key(&job));
        self.jobs.insert(job.seq, Box::new(job));
    }

    /// When the first job is due, by the monotonic clock.
    pub fn next_due(&self) -> Option<Duration> {
        self.first().map(|job| job.due)
    }

    /// Takes the first job.
    pub fn take(&mut self) -> Option<Job> {
        let (_, seq) = self.order.pop_first()?;
        let job = self.jobs.remove(&seq)?;
        self.forget(&job);
        Some(*job)
    }

    /// How many jobs are due by this time, as far as `most`.
    pub fn count_due(&self, by: Duration, most: usize) -> usize {
        let due = |(_, seq): &&(Duration, i64)| self.jobs.get(seq).is_some_and(|job| job.due <= by);
        self.order.iter().take_while(due).take(most).count()
    }

    /// Takes the jobs that are due by this time, at most so many.
    pub fn take_due(&mut self, by: Duration, most: usize) -> Vec<Job> {
        (0..most).map_while(|_| if self.any_due(by) { self.take() } else { None }).collect()
    }

    /// As [`Line::take_due`], but what is stale stays: it ends by itself when its turn comes.
    pub fn take_fresh(&mut self, by: Duration, most: usize, unix_ms: i64) -> Vec<Job> {
        let due = self.take_due(by, most).into_iter();
        let (stale, fresh): (Vec<Job>, Vec<Job>) = due.partition(|job| job.is_stale(unix_ms));
        stale.into_iter().for_each(|job| self.put(job));
        fresh
    }

    /// Takes these jobs, wherever they stand.
    pub fn remove(&mut self, meant: impl Fn(i64) -> bool) -> Vec<Job> {
        let found: Vec<i64> = self.jobs.keys().copied().filter(|seq| meant(*seq)).collect();
        let remove = |seq: i64| {
            let job = self.jobs.remove(&seq)?;
            self.order.remove(&self.key(&job));
            self.forget(&job);
            Some(*job)
        };
        found.into_iter().filter_map(remove).collect()
    }

    /// Every job.
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values().map(|job| &**job)
    }

    /// Takes the first job if it is due by then and stale.
    pub fn take_stale(&mut self, due_by: Duration, unix_ms: i64) -> Option<Job> {
        let stale = |job: &Job| job.due <= due_by && job.is_stale(unix_ms);
        if self.first().is_some_and(stale) { self.take() } else { None }
    }

    /// Takes the job that a newer one of the same hook and thing supersedes, if it waits and was not tried.
    pub fn withdraw(&mut self, hook: &str, thing: &str) -> Option<Job> {
        let seq = *self.things.get(&(hook.to_owned(), thing.to_owned()))?;
        let job = self.jobs.remove(&seq)?;
        self.order.remove(&self.key(&job));
        self.forget(&job);
        Some(*job)
    }

    fn forget(&mut self, job: &Job) {
        self.body_bytes -= job.body.as_ref().map_or(0, |body| body.bytes.len());
        if let Some(thing) = thing_of(job)
            && self.things.get(&thing) == Some(&job.seq)
        {
            self.things.remove(&thing);
        }
    }

    /// Takes every job.
    pub fn drain(&mut self) -> Vec<Job> {
        std::iter::from_fn(|| self.take()).collect()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether a job is due by this time.
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
    use super::super::Body;
    use super::*;
    use crate::event::EventId;
    use crate::message::Extras;
    use std::sync::Arc;

    fn job(seq: i64, due_s: u64, bytes: usize) -> Job {
        Job {
            seq,
            ticket: 0,
            event_id: EventId::new(0, 0),
            kind: "task.complete".into(),
            hook: "hooks[0]".into(),
            created_at: 0,
            attempts: 0,
            strikes: 0,
            asked: 0,
            plain: None,
            without_file: false,
            expires_at: None,
            thing: None,
            due: Duration::from_secs(due_s),
            body: Some(Arc::new(Body {
                content_type: "application/json".into(),
                bytes: vec![0; bytes],
                extras: Extras::default(),
            })),
        }
    }

    fn order(ordered: bool) -> Vec<i64> {
        let mut line = Line::new(ordered, true);
        for (seq, due) in [(1, 30), (2, 10), (3, 20)] {
            line.put(job(seq, due, 1));
        }
        assert_eq!(line.next_due(), Some(Duration::from_secs(if ordered { 30 } else { 10 })));
        line.drain().iter().map(|job| job.seq).collect()
    }

    #[test]
    fn an_ordered_line_keeps_the_order_and_another_goes_by_what_is_due() {
        assert_eq!(order(true), [1, 2, 3]);
        assert_eq!(order(false), [2, 3, 1]);
    }

    #[test]
    fn what_is_due_is_counted_and_taken_in_its_order() {
        let mut line = Line::new(false, true);
        for (seq, due) in [(1, 5), (2, 1), (3, 9), (4, 2)] {
            line.put(job(seq, due, 1));
        }
        let now = Duration::from_secs(5);
        assert_eq!((line.count_due(now, 10), line.count_due(now, 2)), (3, 2));
        assert_eq!(line.take_due(now, 2).iter().map(|job| job.seq).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(line.take_due(now, 10).iter().map(|job| job.seq).collect::<Vec<_>>(), [1]);
        assert_eq!(line.len(), 1);
    }

    #[test]
    fn what_is_stale_is_not_taken_for_a_summary() {
        let mut line = Line::new(false, true);
        line.put(job(1, 1, 1));
        line.put(Job { expires_at: Some(1_000), ..job(2, 2, 1) });
        line.put(job(3, 3, 1));
        let by = Duration::from_secs(5);
        assert_eq!(line.take_fresh(by, 9, 1_000).iter().map(|job| job.seq).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(line.take_stale(by, 1_000).map(|job| job.seq), Some(2));
        assert_eq!((line.len(), line.body_bytes), (0, 0));
    }

    #[test]
    fn what_is_taken_out_of_the_middle_is_gone_and_the_order_stays() {
        let mut line = Line::new(true, true);
        (1..=5).for_each(|seq| line.put(job(seq, 10 - seq as u64, 7)));
        let taken: Vec<i64> = line.remove(|seq| seq == 2 || seq == 9).iter().map(|job| job.seq).collect();
        line.put(job(4, 3, 7));
        assert_eq!((taken, line.len(), line.body_bytes), (vec![2], 4, 28));
        assert_eq!(line.drain().iter().map(|job| job.seq).collect::<Vec<_>>(), [1, 3, 4, 5]);
    }

    #[test]
    fn only_the_newest_untried_job_of_a_thing_can_be_withdrawn() {
        let thing = |seq, attempts| Job { thing: Some("a".into()), attempts, ..job(seq, 0, 1) };
        let mut line = Line::new(false, true);
        assert!(line.withdraw("hooks[0]", "a").is_none());
        line.put(thing(1, 1));
        line.put(thing(2, 0));
        line.put(job(3, 0, 1));
        assert!(line.withdraw("hooks[1]", "a").is_none() && line.withdraw("hooks[0]", "b").is_none());
        assert_eq!(line.withdraw("hooks[0]", "a").map(|job| job.seq), Some(2));
        assert!(line.withdraw("hooks[0]", "a").is_none(), "the first was tried");
        let left: Vec<i64> = line.drain().iter().map(|job| job.seq).collect();
        assert_eq!(left, [1, 3]);
        assert!(line.things.is_empty() && line.body_bytes == 0);
    }

    #[test]
    fn a_stale_job_is_taken_when_its_turn_comes() {
        let mut line = Line::new(false, true);
        line.put(Job { expires_at: Some(1_000), ..job(1, 5, 1) });
        let due = Duration::from_secs(5);
        assert!(line.take_stale(due, 999).is_none());
        assert!(line.take_stale(Duration::from_secs(4), 1_000).is_none(), "not its turn yet");
        assert!(line.take_stale(due, 1_000).is_some());
    }

    #[test]
    fn bodies_in_memory_are_bounded_when_the_spool_has_them() {
        for keeps_bodies in [true, false] {
            let mut line = Line::new(false, keeps_bodies);
            for seq in 0..10 {
                line.put(job(seq, 0, MAX_BODY_BYTES / 4));
            }
            let kept = line.drain().iter().filter(|job| job.body.is_some()).count();
            assert_eq!(kept, if keeps_bodies { 10 } else { 4 });
            assert_eq!(line.body_bytes, 0);
        }
    }
}
