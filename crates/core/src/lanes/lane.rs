//! A lane: what waits for one endpoint, and what may start now: order, concurrency, rate, breaker and pauses.

mod health;
mod outcome;
mod posting;
mod sending;
mod sent_times;

use super::breaker::{Breaker, Permit};
use super::coalesce;
use super::endpoint_health::EndpointHealth;
use super::job::Job;
use super::pace::Pace;
use super::queue::DueQueue;
use super::ramp::Ramp;
use super::relay_cycle::{PostPause, RelayCycle};
use super::report::LaneSink;
use super::senders::{Seat, Senders};
use crate::clock::Clock;
use crate::endpoint::Endpoint;
use crate::secret::{Scrubber, url_secrets};
use crate::transport::{Client, Reach, TransportError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use health::Failing;
pub(super) use posting::PostResult;
pub use sending::SendingAttempt;
pub use sent_times::SentTimes;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneState {
    pub waiting: usize,
    pub in_flight: usize,
    /// Since when the oldest of them is, in Unix milliseconds.
    pub in_flight_since: Option<i64>,
    /// `open`, `quiet` while it waits as the receiver asked, `breaker` while only probes go, `gone` after the
    /// endpoint answered so.
    pub state: &'static str,
    /// Until when the receiver asked for quiet, in Unix milliseconds.
    pub quiet_until: Option<i64>,
}

/// A lane. Shared by the engine and the senders.
pub struct Lane {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) client: Client,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) sink: Arc<dyn LaneSink>,
    pub(super) senders: Arc<Senders>,
    pub(super) seat: Seat,
    /// Whether it has a rate that holds over a restart.
    keeps_pace: bool,
    inner: Mutex<Inner>,
}

struct Inner {
    queue: DueQueue,
    pace: Pace,
    ramp: Ramp,
    breaker: Breaker,
    paused_until: Duration,
    health: EndpointHealth,
    health_reported: EndpointHealth,
    in_flight: usize,
    /// Attempts that are reported and not durable yet; counted where the rate holds over a restart.
    unrecorded: usize,
    /// Attempts that a process which crashed may have made, and that are not counted yet.
    in_doubt: usize,
    sending: Vec<SendingAttempt>,
    /// Delivered messages whose file is not sent yet.
    following_up: usize,
    last_failure: Option<String>,
    gone: Option<String>,
    /// The chat that replaced the configured one.
    moved_to: Option<i64>,
    /// The last answer requested a wait.
    throttled: bool,
    /// Of the lane to the relays of a node.
    relays: Option<RelayCycle>,
    stopping: bool,
    retired: bool,
}

pub(super) enum NextStep {
    /// One attempt for all of these, several in a summary. They count as in flight. With `more` another one may
    /// begin at the same time.
    Attempt {
        jobs: Vec<Job>,
        more: bool,
    },
    /// One post of these events to a relay, or of none. It counts as in flight.
    Post(Vec<Job>),
    DropStale(Job),
    /// Look again after this time at the latest.
    Wait(Duration),
    /// Look again when something changes.
    Idle,
    Stop,
}

impl Lane {
    /// A lane for an endpoint. Opens no connection. `keeps_bodies` when there is no spool file to read messages from
    /// again; `gone` when the endpoint answered so in an earlier run.
    ///
    /// # Errors
    /// When the endpoint's certificates or proxy cannot be used.
    pub fn new(
        endpoint: Arc<Endpoint>,
        clock: Arc<dyn Clock>,
        sink: Arc<dyn LaneSink>,
        senders: Arc<Senders>,
        keeps_bodies: bool,
        gone: Option<String>,
    ) -> Result<Arc<Lane>, TransportError> {
        let reach = if endpoint.is_of_task() { Reach::Public } else { Reach::Configured };
        let client = Client::new(&endpoint, reach)?;
        let inner = Inner {
            queue: match &endpoint.relays {
                Some(_) => DueQueue::of_events(keeps_bodies),
                None => DueQueue::new(endpoint.ordered, keeps_bodies),
            },
            pace: Pace::new(&endpoint.rate),
            ramp: Ramp::default(),
            breaker: Breaker::default(),
            paused_until: Duration::ZERO,
            health: EndpointHealth::default(),
            health_reported: EndpointHealth::default(),
            in_flight: 0,
            unrecorded: 0,
            in_doubt: 0,
            sending: Vec::new(),
            following_up: 0,
            last_failure: None,
            gone,
            moved_to: None,
            throttled: false,
            relays: endpoint.relays.as_ref().map(|relays| RelayCycle::new(relays.urls.len())),
            stopping: false,
            retired: false,
        };
        let keeps_pace = !keeps_bodies && inner.pace.is_bound();
        let (seat, inner) = (Seat::default(), Mutex::new(inner));
        Ok(Arc::new(Lane { endpoint, client, clock, sink, senders, seat, keeps_pace, inner }))
    }

    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// Removes the secrets of the configuration, and those of a URL that a task named.
    pub(super) fn scrubber(&self) -> Scrubber {
        let scrubber = self.sink.scrubber();
        if self.endpoint.is_of_task() {
            let secrets = url_secrets(self.endpoint.target.url.expose());
            return scrubber.and(secrets.iter().map(String::as_str));
        }
        scrubber
    }

    /// Takes out the untried delivery of this hook and thing that waits, if there is one.
    pub fn withdraw(&self, hook: &str, thing: &str) -> Option<Job> {
        self.lock().queue.withdraw(hook, thing)
    }

    pub fn state(&self) -> LaneState {
        let inner = self.lock();
        let now = self.clock.monotonic();
        let (unreachable, requested) = match inner.post_pause(now) {
            Some(PostPause::Unreachable) => (true, Duration::ZERO),
            Some(PostPause::Requested(until)) => (false, until),
            None => (false, Duration::ZERO),
        };
        let left = inner.paused_until.max(requested).saturating_sub(now);
        let quiet = Some(left).filter(|left| !left.is_zero());
        LaneState {
            waiting: inner.queue.len(),
            in_flight: inner.in_flight,
            in_flight_since: inner.sending.first().map(|attempt| attempt.started_at),
            state: match (&inner.gone, inner.breaker.is_open()) {
                (Some(_), _) => "gone",
                (None, _) if quiet.is_some() => "quiet",
                (None, true) => "breaker",
                (None, false) if unreachable => "breaker",
                (None, false) => "open",
            },
            quiet_until: quiet.map(|left| self.clock.unix_ms() + left.as_millis() as i64),
        }
    }

    /// Whether it can keep the messages of a few hundred more deliveries in memory.
    pub fn has_room(&self) -> bool {
        self.lock().queue.has_room()
    }

    /// How many deliveries that wait are due, up to `most`.
    pub fn count_due(&self, most: usize) -> usize {
        self.lock().queue.count_due(self.clock.monotonic(), most)
    }

    /// Whether nothing is in flight and nothing falls due by this monotonic time.
    pub fn is_quiet(&self, by: Duration) -> bool {
        let inner = self.lock();
        inner.in_flight + inner.following_up == 0 && (inner.gone.is_some() || !inner.queue.any_due(by))
    }

    /// Starts nothing more and breaks off what is in flight. Returns at once.
    pub fn stop(self: &Arc<Self>) {
        self.lock().stopping = true;
        self.ask_for_sender();
        self.client.shutdown();
    }

    /// Hands the lane over to its replacement: starts nothing more, lets what is in flight end, and gives up
    /// what waits. A delivery in flight that must be tried again is reported as returned.
    pub fn retire(self: &Arc<Self>) -> Vec<Job> {
        let mut inner = self.lock();
        inner.stopping = true;
        inner.retired = true;
        let waiting = inner.queue.drain();
        drop(inner);
        self.ask_for_sender();
        waiting
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts deliveries into the lane.
    pub fn push(self: &Arc<Self>, jobs: impl IntoIterator<Item = Job>) {
        let mut inner = self.lock();
        if let Some(reason) = inner.gone.clone() {
            drop(inner);
            return jobs.into_iter().for_each(|job| self.drop_job(job, &reason));
        }
        let older: Vec<_> = jobs.into_iter().filter_map(|job| inner.queue.put(job)).collect();
        // Otherwise the sender whose attempt ends looks.
        let may_begin = inner.queue.len() > 0 && !inner.stopping && !self.is_full(&inner);
        drop(inner);
        self.supersede(older);
        if may_begin {
            self.ask_for_sender();
        }
    }

    /// Whether nothing waits in it. What comes after an attempt has ended asks for a sender itself.
    pub(super) fn is_empty(&self) -> bool {
        let inner = self.lock();
        inner.queue.next_due().is_none() && !inner.stopping
    }

    /// Lets a sender look whether something may be sent.
    pub(super) fn ask_for_sender(self: &Arc<Self>) {
        if !self.seat.asks() {
            self.senders.ask(Arc::clone(self) as _);
        }
    }

    /// Whether no further attempt may begin before one ends.
    fn is_full(&self, inner: &Inner) -> bool {
        let sending = inner.in_flight + inner.following_up;
        sending >= self.endpoint.concurrency
            || self.endpoint.ordered && sending > 0
            || self.keeps_pace && inner.unrecorded >= inner.pace.most_unrecorded()
    }

    /// The next step of a sender. What is stale comes before rate and breaker: it must neither wait for them
    /// nor use them up.
    pub(super) fn next_step(&self) -> NextStep {
        let mut guard = self.lock();
        let inner = &mut *guard;
        if inner.stopping {
            return NextStep::Stop;
        }
        if inner.relays.is_some() {
            return inner.next_post(self.clock.monotonic());
        }
        let Some(due) = inner.queue.next_due() else { return NextStep::Idle };
        if let Some(job) = inner.queue.take_stale(self.clock.monotonic(), self.clock.unix_ms()) {
            return NextStep::DropStale(job);
        }
        if self.is_full(inner) {
            return NextStep::Idle;
        }
        let now = self.clock.monotonic();
        let start = due.max(inner.paused_until);
        if start > now {
            return NextStep::Wait(start - now);
        }
        match inner.breaker.permit(now) {
            Permit::Go => {}
            Permit::NotBefore(at) => return NextStep::Wait(at.saturating_sub(now)),
            Permit::Probing => return NextStep::Idle,
        }
        let wait = inner.pace.wait(now).max(inner.ramp.wait(now));
        if !wait.is_zero() {
            return NextStep::Wait(wait);
        }
        let Some(job) = inner.queue.take() else { return NextStep::Idle };
        let mut jobs = vec![job];
        if jobs.iter().all(|job| job.live.is_none())
            && let Some(capacity) = coalesce::capacity(&self.endpoint)
            && inner.queue.count_due(now, capacity) >= capacity
        {
            jobs.extend(inner.queue.take_fresh(now, coalesce::MAX_MESSAGES - 1, self.clock.unix_ms()));
        }
        inner.pace.take(now);
        inner.ramp.started(now);
        inner.breaker.started();
        inner.in_flight += 1;
        let more = inner.queue.any_due(now) && !self.is_full(inner);
        NextStep::Attempt { jobs, more }
    }
}
