//! What waits far behind in the lane of a node to its relays, in a small form: in an outage of hours that is every event.

use super::job::Job;
use crate::event::EventId;
use std::collections::VecDeque;
use std::sync::Arc;

/// The most texts that are kept once for all.
const MOST_WORDS: usize = 64;

/// Events in the order of their numbers. Their payloads are in the spool.
#[derive(Default)]
pub struct Parked {
    events: VecDeque<ParkedEvent>,
    words: Vec<Arc<str>>,
}

struct ParkedEvent {
    seq: i64,
    ticket: u64,
    event_id: EventId,
    created_at: i64,
    kind: Arc<str>,
    hook: Arc<str>,
    attempts: u32,
    failures: u32,
}

impl Parked {
    pub fn len(&self) -> usize {
        self.events.len()
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The number of the first of them.
    pub fn first(&self) -> Option<i64> {
        self.events.front().map(|event| event.seq)
    }

    /// Takes in an event, or replaces it.
    pub fn put(&mut self, job: &Job) {
        let event = ParkedEvent {
            seq: job.seq,
            ticket: job.ticket,
            event_id: job.event_id,
            created_at: job.created_at,
            kind: self.word(&job.kind),
            hook: self.word(&job.hook),
            attempts: job.attempts,
            failures: job.failures,
        };
        // Almost always the last.
        if self.events.back().is_none_or(|last| last.seq < event.seq) {
            return self.events.push_back(event);
        }
        match self.events.binary_search_by_key(&event.seq, |other| other.seq) {
            Ok(at) => self.events[at] = event,
            Err(at) => self.events.insert(at, event),
        }
    }

    /// The first ones, at most so many. They are due.
    pub fn take(&mut self, most: usize) -> Vec<Job> {
        let most = most.min(self.events.len());
        let jobs = self.events.drain(..most).map(|event| event.job()).collect();
        if self.events.is_empty() {
            // An outage is over.
            *self = Parked::default();
        }
        jobs
    }

    /// Takes out those that are meant.
    pub fn remove(&mut self, is_meant: &dyn Fn(i64) -> bool) -> Vec<Job> {
        let (meant, left) =
            std::mem::take(&mut self.events).into_iter().partition(|event| is_meant(event.seq));
        self.events = left;
        let meant: VecDeque<ParkedEvent> = meant;
        meant.iter().map(ParkedEvent::job).collect()
    }

    /// A copy of each.
    pub fn copies(&self) -> impl Iterator<Item = Job> {
        self.events.iter().map(ParkedEvent::job)
    }

    fn word(&mut self, word: &Arc<str>) -> Arc<str> {
        if let Some(known) = self.words.iter().find(|known| *known == word) {
            return Arc::clone(known);
        }
        if self.words.len() < MOST_WORDS {
            self.words.push(Arc::clone(word));
        }
        Arc::clone(word)
    }
}

impl ParkedEvent {
    fn job(&self) -> Job {
        let words = (Arc::clone(&self.kind), Arc::clone(&self.hook));
        Job {
            ticket: self.ticket,
            attempts: self.attempts,
            failures: self.failures,
            ..Job::shared(self.seq, self.event_id, words, self.created_at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::queue::DueQueue;
    use super::*;

    fn event(seq: i64) -> Job {
        Job { ticket: seq as u64 + 7, kind: "render.saved".into(), ..Job::sample(seq) }
    }

    #[test]
    fn events_far_behind_wait_in_a_small_form_and_come_back_in_their_order() {
        let mut queue = DueQueue::of_events(false);
        (10..1000).for_each(|seq| drop(queue.put(event(seq))));
        assert_eq!((queue.len(), queue.copies().len(), queue.has_room()), (990, 990, false));
        assert!(queue.jobs().count() < 100, "the others are parked");
        // A post fails: its events come back, and a dead process has left an older one and one in between.
        let posted: Vec<Job> = (0..30).filter_map(|_| queue.take()).collect();
        posted.into_iter().for_each(|job| drop(queue.put(Job { attempts: 1, ..job })));
        queue.put(event(3));
        let gone = queue.remove(&|seq| seq == 11 || seq == 500);
        assert_eq!(gone.iter().map(|job| job.seq).collect::<Vec<_>>(), [11, 500]);
        queue.put(event(500));
        let mut left = Vec::new();
        while let Some(job) = queue.take() {
            assert_eq!((job.ticket, &*job.kind), (job.seq as u64 + 7, "render.saved"));
            left.push(job.seq);
        }
        let wanted: Vec<i64> = [3].into_iter().chain((10..1000).filter(|seq| *seq != 11)).collect();
        assert_eq!(left, wanted);
        assert!(queue.len() == 0 && queue.has_room());
        (0..100).for_each(|seq| drop(queue.put(event(seq))));
        assert_eq!(queue.drain().len(), 100);
    }

    #[test]
    fn without_a_spool_file_nothing_is_parked_since_its_payload_would_be_lost() {
        let mut queue = DueQueue::of_events(true);
        (0..1000).for_each(|seq| drop(queue.put(event(seq))));
        assert_eq!(queue.jobs().count(), 1000);
    }
}
