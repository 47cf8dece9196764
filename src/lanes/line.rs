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
}

impl Line {
    /// An empty line. `keeps_bodies` when there is no spool file to read them from again.
    pub fn new(ordered: bool, keeps_bodies: bool) -> Line {
        Line { ordered, keeps_bodies, order: BTreeSet::new(), jobs: HashMap::new(), body_bytes: 0 }
    }

    /// Puts a job in its place; drops its body when enough bodies are in memory. One that is there already
    /// is replaced.
    pub fn put(&mut self, mut job: Job) {
        if let Some(former) = self.jobs.remove(&job.seq) {
            self.order.remove(&self.key(&former));
            self.body_bytes -= former.body.as_ref().map_or(0, |body| body.bytes.len());
        }
        let bytes = job.body.as_ref().map_or(0, |body| body.bytes.len());
        if !self.keeps_bodies && self.body_bytes + bytes > MAX_BODY_BYTES {
            job.body = None;
        } else {
            self.body_bytes += bytes;
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
        self.body_bytes -= job.body.as_ref().map_or(0, |body| body.bytes.len());
        Some(job)
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

    /// Takes these jobs, wherever they stand.
    pub fn remove(&mut self, meant: impl Fn(i64) -> bool) -> Vec<Job> {
        let found: Vec<i64> = self.jobs.keys().copied().filter(|seq| meant(*seq)).collect();
        let remove = |seq: i64| {
            let job = self.jobs.remove(&seq)?;
            self.order.remove(&self.key(&job));
            self.body_bytes -= job.body.as_ref().map_or(0, |body| body.bytes.len());
            Some(job)
        };
        found.into_iter().filter_map(remove).collect()
    }

    /// Every job.
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
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
    fn what_is_taken_out_of_the_middle_is_gone_and_the_order_stays() {
        let mut line = Line::new(true, true);
        (1..=5).for_each(|seq| line.put(job(seq, 10 - seq as u64, 7)));
        let taken: Vec<i64> = line.remove(|seq| seq == 2 || seq == 9).iter().map(|job| job.seq).collect();
        line.put(job(4, 3, 7));
        assert_eq!((taken, line.len(), line.body_bytes), (vec![2], 4, 28));
        assert_eq!(line.drain().iter().map(|job| job.seq).collect::<Vec<_>>(), [1, 3, 4, 5]);
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
