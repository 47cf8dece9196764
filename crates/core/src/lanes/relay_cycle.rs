//! To which relay a node posts next, when, and how many events: what the answers so far say.

use crate::farm::MAX_POST_EVENTS;
use std::time::Duration;

/// The pause after a round in which no relay took a post. It doubles with each further round.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The longest wait that a relay may ask for.
const LONGEST_REQUESTED: Duration = Duration::from_secs(600);

/// A node with open queues posts at least every 20 s, also if a post takes a while.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// How long a node keeps what its relay has.
pub const KEPT_BY_NODE: Duration = Duration::from_secs(3600);

/// How often the same failure is recorded: an outage of days must not fill the outbox with its attempts.
const NOTED_EVERY: Duration = Duration::from_secs(60);

/// How many different failures are recorded in that time.
const MOST_NOTED: usize = 32;

/// The state between two posts. Times are those of a monotonic clock.
#[derive(Debug)]
pub struct RelayCycle {
    relays: usize,
    at: usize,
    /// Relays of this round that took nothing.
    failed: usize,
    pause: Duration,
    not_before: Duration,
    paused: Option<PostPause>,
    most: usize,
    works: bool,
    posted_at: Option<Duration>,
    /// The history of the relays' database, as an answer named it.
    timeline: Option<String>,
    /// Whether the spool has it.
    is_kept: bool,
    /// Until when the spool has events that such a database may forget.
    keeps_until: Duration,
    forgotten: Option<Forgotten>,
    /// The failures that were recorded since a relay took something, and when.
    noted: Vec<(String, Duration)>,
}

/// What a relay does not know any more, because its database was replaced or restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// The history of the present database.
    pub timeline: String,
    /// It lacks what was posted within this time.
    pub within: Duration,
}

/// Why nothing is posted now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostPause {
    /// A relay asked for it, until this time.
    Requested(Duration),
    /// No relay takes anything: only probes go.
    Unreachable,
}

impl RelayCycle {
    /// Begins with the first of so many relays.
    pub fn new(relays: usize) -> RelayCycle {
        RelayCycle {
            relays: relays.max(1),
            at: 0,
            failed: 0,
            pause: FIRST_PAUSE,
            not_before: Duration::ZERO,
            paused: None,
            most: MAX_POST_EVENTS,
            works: false,
            posted_at: None,
            timeline: None,
            is_kept: true,
            keeps_until: Duration::ZERO,
            forgotten: None,
            noted: Vec::new(),
        }
    }

    /// The place of the relay for the next post, from 0.
    pub fn relay(&self) -> usize {
        self.at
    }

    /// The most events of the next post.
    pub fn most_events(&self) -> usize {
        self.most
    }

    /// When the next post may begin.
    pub fn not_before(&self) -> Duration {
        self.not_before
    }

    /// Why nothing is posted at this time; `None` when it may be.
    pub fn pause(&self, now: Duration) -> Option<PostPause> {
        self.paused.filter(|pause| match pause {
            PostPause::Requested(until) => now < *until,
            PostPause::Unreachable => true,
        })
    }

    /// Whether the node has open queues: then it posts now and then without events.
    pub fn set_at_work(&mut self, works: bool) {
        self.works = works;
    }

    /// Whether the node has open queues.
    pub fn is_at_work(&self) -> bool {
        self.works
    }

    /// When a post without events is due; `None` while the node has no open queue, and nothing that a relay may forget.
    pub fn sign_of_life_due(&self) -> Option<Duration> {
        let due = self.posted_at.map_or(Duration::ZERO, |at| at + SIGN_OF_LIFE).max(self.not_before);
        (self.works || due < self.keeps_until).then_some(due)
    }

    /// The history of the relays' database that this node knows.
    pub fn timeline(&self) -> Option<&str> {
        self.timeline.as_deref()
    }

    /// Goes on with the history that the spool has. Events that another process posted may be in the spool as well.
    pub fn resume_timeline(&mut self, timeline: String, now: Duration) {
        self.timeline = Some(timeline);
        self.is_kept = true;
        self.forgotten = None;
        self.keeps_until = now + KEPT_BY_NODE;
    }

    /// A relay has taken events, on this history if it leads on a database. One that the node knows only changes with
    /// [`RelayCycle::resume_timeline`], when what is lacking waits again.
    pub fn took_on(&mut self, timeline: Option<String>, now: Duration) {
        if self.timeline.is_none() && timeline.is_some() {
            self.timeline = timeline;
            self.is_kept = false;
        }
        if self.timeline.is_some() {
            self.keeps_until = now + KEPT_BY_NODE;
        }
    }

    /// The history that the spool is to keep, once.
    pub fn changed_timeline(&mut self) -> Option<String> {
        if std::mem::replace(&mut self.is_kept, true) { None } else { self.timeline.clone() }
    }

    /// Nothing of it is posted before what is lacking waits again; the relay is asked again now and then.
    pub fn asked_to_resend(&mut self, forgotten: Forgotten, now: Duration) {
        self.failed = 0;
        self.not_before = now + FIRST_PAUSE;
        self.posted_at = Some(now);
        self.forgotten = Some(forgotten);
    }

    /// What is to be posted again.
    pub fn forgotten(&self) -> Option<&Forgotten> {
        self.forgotten.as_ref()
    }

    /// The relay has what was posted.
    pub fn took(&mut self, now: Duration) {
        (self.failed, self.pause) = (0, FIRST_PAUSE);
        (self.not_before, self.paused) = (now, None);
        self.most = (self.most * 2).min(MAX_POST_EVENTS);
        self.posted_at = Some(now);
        self.noted.clear();
    }

    /// The relay gave no answer, or one that another relay may not give: that one is next, and after a round there is a
    /// pause.
    pub fn failed(&mut self, now: Duration) {
        self.at = (self.at + 1) % self.relays;
        self.failed += 1;
        self.not_before = now;
        if self.failed >= self.relays {
            self.failed = 0;
            self.not_before = now + self.pause;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            self.paused = Some(PostPause::Unreachable);
        }
    }

    /// As [`RelayCycle::failed`], for an answer that only a person can change.
    pub fn unauthorized(&mut self, now: Duration) {
        self.pause = LONGEST_PAUSE;
        self.failed(now);
    }

    /// The relay asks for a wait. It lives, so no other one is asked.
    pub fn asked_to_wait(&mut self, wait: Duration, now: Duration) {
        self.failed = 0;
        self.not_before = now + wait.min(LONGEST_REQUESTED);
        self.paused = Some(PostPause::Requested(self.not_before));
    }

    /// So many events were too large together: half of them are next.
    pub fn halve(&mut self, events: usize) {
        self.most = (events / 2).max(1);
    }

    /// An operator asks for the next post at once.
    pub fn hurry(&mut self, now: Duration) {
        self.not_before = now;
        self.paused = self.paused.filter(|pause| *pause == PostPause::Unreachable);
    }

    /// Whether this failure is to be recorded: it was not, or a while ago. Each relay may have its own.
    pub fn is_news(&mut self, reason: &str, now: Duration) -> bool {
        self.noted.retain(|(_, at)| now < *at + NOTED_EVERY);
        let is_news = self.noted.len() < MOST_NOTED && !self.noted.iter().any(|(noted, _)| noted == reason);
        if is_news {
            self.noted.push((reason.to_owned(), now));
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_next_relay_is_tried_at_once_and_a_round_is_followed_by_a_growing_pause() {
        let mut cycle = RelayCycle::new(3);
        let mut now = seconds(10);
        let mut tried = Vec::new();
        for pause in [1, 2, 4, 5, 5] {
            for at_once in [true, true, false] {
                tried.push(cycle.relay());
                cycle.failed(now);
                assert_eq!(cycle.not_before() == now, at_once);
            }
            assert_eq!(cycle.not_before(), now + seconds(pause));
            assert_eq!(cycle.pause(now), Some(PostPause::Unreachable));
            now = cycle.not_before();
        }
        assert_eq!(tried, [0, 1, 2].repeat(5));
    }

    #[test]
    fn a_relay_that_takes_a_post_gets_the_next_and_ends_the_pauses() {
        let mut cycle = RelayCycle::new(2);
        (0..5).for_each(|_| cycle.failed(seconds(1)));
        cycle.took(seconds(9));
        assert_eq!((cycle.relay(), cycle.not_before(), cycle.pause(seconds(9))), (1, seconds(9), None));
        cycle.failed(seconds(10));
        assert_eq!((cycle.relay(), cycle.not_before()), (0, seconds(10)), "the next at once");
        cycle.failed(seconds(10));
        assert_eq!(cycle.not_before(), seconds(11), "the first pause again");
    }

    #[test]
    fn a_requested_wait_is_kept_and_asks_no_other_relay() {
        let mut cycle = RelayCycle::new(2);
        cycle.asked_to_wait(seconds(7), seconds(100));
        assert_eq!((cycle.relay(), cycle.not_before()), (0, seconds(107)));
        assert_eq!(cycle.pause(seconds(106)), Some(PostPause::Requested(seconds(107))));
        assert_eq!(cycle.pause(seconds(107)), None);
        cycle.asked_to_wait(seconds(86_400), seconds(200));
        assert_eq!(cycle.not_before(), seconds(200) + LONGEST_REQUESTED);
        cycle.hurry(seconds(201));
        assert_eq!(cycle.not_before(), seconds(201));
    }

    #[test]
    fn posts_are_halved_until_they_fit_and_grow_again() {
        let mut cycle = RelayCycle::new(1);
        for most in [250, 125, 62, 31, 15, 7, 3, 1, 1] {
            cycle.halve(cycle.most_events());
            assert_eq!(cycle.most_events(), most);
        }
        for most in [2, 4, 8, 16, 32, 64, 128, 256, 500, 500] {
            cycle.took(seconds(1));
            assert_eq!(cycle.most_events(), most);
        }
    }

    #[test]
    fn a_wrong_secret_is_asked_about_every_five_seconds() {
        let mut cycle = RelayCycle::new(1);
        for now in [10, 15, 20] {
            cycle.unauthorized(seconds(now));
            assert_eq!(cycle.not_before(), seconds(now + 5));
        }
    }

    #[test]
    fn the_same_failure_is_recorded_once_a_minute() {
        let mut cycle = RelayCycle::new(1);
        let recorded = (0..600).filter(|now| cycle.is_news("no answer", seconds(*now))).count();
        assert_eq!(recorded, 10);
        let two = (600..720).flat_map(|now| [(now, "answered 401"), (now, "no answer")]);
        let recorded = two.filter(|(now, reason)| cycle.is_news(reason, seconds(*now))).count();
        assert_eq!(recorded, 4, "each of two relays has its own");
        cycle.took(seconds(721));
        assert!(cycle.is_news("no answer", seconds(721)));
    }

    #[test]
    fn a_node_whose_relay_may_forget_posts_at_least_every_twenty_seconds_for_an_hour() {
        let mut cycle = RelayCycle::new(1);
        cycle.took(seconds(10));
        cycle.took_on(None, seconds(10));
        assert_eq!((cycle.sign_of_life_due(), cycle.changed_timeline()), (None, None), "it has no database");
        cycle.took_on(Some("7/1".to_owned()), seconds(20));
        assert_eq!(cycle.changed_timeline().as_deref(), Some("7/1"));
        assert_eq!(cycle.changed_timeline(), None, "it is kept once");
        let mut now = seconds(20);
        while let Some(due) = cycle.sign_of_life_due() {
            assert!(due <= now + seconds(20));
            now = due;
            cycle.took(now);
        }
        assert!(now >= seconds(3600), "{now:?}");
    }

    #[test]
    fn another_history_is_gone_on_with_once_what_it_lacks_waits() {
        let mut cycle = RelayCycle::new(1);
        cycle.took_on(Some("7/1".to_owned()), seconds(1));
        let forgotten = Forgotten { timeline: "7/2".to_owned(), within: seconds(90) };
        cycle.asked_to_resend(forgotten.clone(), seconds(5));
        assert_eq!((cycle.timeline(), cycle.forgotten()), (Some("7/1"), Some(&forgotten)));
        assert!(cycle.not_before() > seconds(5), "it does not ask all the time");
        cycle.took_on(Some("7/2".to_owned()), seconds(6));
        assert_eq!(cycle.timeline(), Some("7/1"), "a post that was under way changes nothing");
        cycle.resume_timeline("7/2".to_owned(), seconds(7));
        assert_eq!((cycle.timeline(), cycle.forgotten()), (Some("7/2"), None));
    }

    #[test]
    fn a_node_at_work_posts_at_least_every_twenty_seconds() {
        let mut cycle = RelayCycle::new(1);
        assert_eq!(cycle.sign_of_life_due(), None);
        cycle.set_at_work(true);
        assert_eq!(cycle.sign_of_life_due(), Some(Duration::ZERO), "at the start at once");
        cycle.took(seconds(30));
        let due = cycle.sign_of_life_due().unwrap();
        assert!(due > seconds(30) && due <= seconds(50), "{due:?}");
        cycle.asked_to_wait(seconds(60), seconds(40));
        assert_eq!(cycle.sign_of_life_due(), Some(seconds(100)), "a wait is kept");
        cycle.set_at_work(false);
        assert_eq!(cycle.sign_of_life_due(), None);
    }
}
