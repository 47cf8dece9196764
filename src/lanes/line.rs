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
    jobs: HashMap<i64, Job>,
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

    /// Puts a job in its place; drops its body when enough bodies are in memory.
    pub fn put(&mut self, mut job: Job) {
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
        self.jobs.insert(job.seq, job);
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
        Some(job)
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
        Some(job)
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
        self.order.first().and_then(|(_, seq)| self.jobs.get(seq))
    }

    fn key(&self, job: &Job) -> (Duration, i64) {
        (if self.ordered { Duration::ZERO } else { job.due }, job.seq)
    }
}

fn thing_of(job: &Job) -> Option<(String, String)> {
    job.thing.as_ref().map(|thing| (job.hook.clone(), thing.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::Body;
    use super::*;
    use crate::event::EventId;
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
            expires_at: None,
            thing: None,
            due: Duration::from_secs(due_s),
            body: Some(Arc::new(Body { content_type: "application/json".into(), bytes: vec![0; bytes] })),
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
