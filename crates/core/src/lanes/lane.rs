//! One lane: what waits, and what may start now.

mod follow_up;
mod upkeep;

use super::breaker::{Breaker, Permit};
use super::endpoint_health::EndpointHealth;
use super::line::Line;
use super::rate::Pace;
use super::schedule::{self, Next, Record};
use super::{Disposition, Job, LaneReport, LaneSink, fold, worker};
use crate::clock::Clock;
use crate::endpoint::Endpoint;
use crate::platform::Outcome;
use crate::secret::{Scrubber, url_secrets};
use crate::spool::AttemptRow;
use crate::transport::{Client, Fault, Reach};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How a lane stands, for stats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneState {
    /// Deliveries that wait.
    pub waiting: usize,
    /// Attempts in flight.
    pub in_flight: usize,
    /// `open`, `breaker` while only probes go, `gone` after the endpoint said so.
    pub state: &'static str,
}

/// A lane. Shared by the clerk and the lane's threads.
#[derive(Debug)]
pub struct Lane {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) client: Client,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) desk: Arc<dyn LaneSink>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    line: Line,
    pace: Pace,
    breaker: Breaker,
    paused_until: Duration,
    standing: EndpointHealth,
    standing_told: EndpointHealth,
    in_flight: usize,
    /// Delivered messages whose file is still on its way.
    following: usize,
    threads: usize,
    idle_threads: usize,
    gone: Option<String>,
    /// The chat in the place of the configured one.
    moved: Option<i64>,
    /// The last answer asked for a wait.
    throttled: bool,
    stopping: bool,
    retired: bool,
    random: u64,
}

/// What a thread of the lane does next.
#[derive(Debug)]
pub(super) enum Turn {
    /// Make one attempt for all of these: one delivery, or several in a summary.
    Run(Vec<Job>),
    /// Too old to be tried.
    Stale(Job),
    /// Look again after this time at the latest.
    Wait(Duration),
    /// Look again when something changes.
    Idle,
    /// End.
    Stop,
}

impl Lane {
    /// A lane for an endpoint. Opens no connection and starts no thread. `keeps_bodies` when there is no
    /// spool file to read messages from again; `gone` when the endpoint said so in an earlier run.
    ///
    /// # Errors
    /// When the endpoint's certificates or proxy cannot be used.
    pub fn new(
        endpoint: Arc<Endpoint>,
        clock: Arc<dyn Clock>,
        desk: Arc<dyn LaneSink>,
        keeps_bodies: bool,
        gone: Option<String>,
    ) -> Result<Arc<Lane>, Fault> {
        let reach = if endpoint.is_of_task() { Reach::Public } else { Reach::Configured };
        let client = Client::new(&endpoint, reach)?;
        let state = State {
            line: Line::new(endpoint.ordered, keeps_bodies),
            pace: Pace::new(&endpoint.rate),
            breaker: Breaker::default(),
            paused_until: Duration::ZERO,
            standing: EndpointHealth::default(),
            standing_told: EndpointHealth::default(),
            in_flight: 0,
            following: 0,
            threads: 0,
            idle_threads: 0,
            gone,
            moved: None,
            throttled: false,
            stopping: false,
            retired: false,
            random: seed(),
        };
        Ok(Arc::new(Lane {
            endpoint,
            client,
            clock,
            desk,
            state: Mutex::new(state),
            changed: Condvar::new(),
        }))
    }

    /// The endpoint it leads to.
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// Knows the secrets of the configuration, and those of an address that a task named.
    pub(super) fn scrubber(&self) -> Scrubber {
        let scrubber = self.desk.scrubber();
        if self.endpoint.is_of_task() {
            let secrets = url_secrets(self.endpoint.target.url.expose());
            return scrubber.and(secrets.iter().map(String::as_str));
        }
        scrubber
    }

    /// Puts deliveries into the lane. Starts a thread when one is needed.
    pub fn push(self: &Arc<Self>, jobs: impl IntoIterator<Item = Job>) {
        let mut state = self.lock();
        if let Some(reason) = state.gone.clone() {
            drop(state);
            jobs.into_iter().for_each(|job| self.drop_job(job, &reason));
            return;
        }
        jobs.into_iter().for_each(|job| state.line.put(job));
        if state.line.len() > 0 && !state.stopping {
            self.call_thread(&mut state);
        }
    }

    /// Takes out the delivery of this hook and thing that waits and was not tried yet, if there is one.
    pub fn withdraw(&self, hook: &str, thing: &str) -> Option<Job> {
        self.lock().line.withdraw(hook, thing)
    }

    /// How it stands.
    pub fn state(&self) -> LaneState {
        let state = self.lock();
        LaneState {
            waiting: state.line.len(),
            in_flight: state.in_flight,
            state: match (&state.gone, state.breaker.is_open()) {
                (Some(_), _) => "gone",
                (None, true) => "breaker",
                (None, false) => "open",
            },
        }
    }

    /// Whether nothing is in flight and nothing falls due by this monotonic time.
    pub fn is_quiet(&self, by: Duration) -> bool {
        let state = self.lock();
        state.in_flight + state.following == 0 && (state.gone.is_some() || !state.line.any_due(by))
    }

    /// Starts nothing more and breaks off what is in flight. Returns at once.
    pub fn stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_all();
        self.client.shutdown();
    }

    /// Hands the lane over to the one that takes its place: starts nothing more, lets what is in flight
    /// end, and gives up what waits. A job in flight that must be tried again goes back to the clerk.
    pub fn retire(&self) -> Vec<Job> {
        let mut state = self.lock();
        state.stopping = true;
        state.retired = true;
        let waiting = state.line.drain();
        drop(state);
        self.changed.notify_all();
        waiting
    }

    /// How many of its threads live.
    pub fn threads(&self) -> usize {
        self.lock().threads
    }

    /// Takes everything that waits out of a lane that is stopping.
    pub fn drain(&self) -> Vec<Job> {
        self.lock().line.drain()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a thread does next; a job it is given counts as in flight.
    pub(super) fn turn(self: &Arc<Self>) -> Turn {
        let mut guard = self.lock();
        let state = &mut *guard;
        if state.stopping {
            return Turn::Stop;
        }
        let Some(due) = state.line.next_due() else { return Turn::Idle };
        // Before rate and breaker: what is not sent must not wait for them, nor use them up.
        if let Some(job) = state.line.take_stale(self.clock.monotonic(), self.clock.unix_ms()) {
            return Turn::Stale(job);
        }
        if state.in_flight >= self.endpoint.concurrency || self.endpoint.ordered && state.in_flight > 0 {
            return Turn::Idle;
        }
        let now = self.clock.monotonic();
        let start = due.max(state.paused_until);
        if start > now {
            return Turn::Wait(start - now);
        }
        match state.breaker.permit(now) {
            Permit::Go => {}
            Permit::NotBefore(at) => return Turn::Wait(at.saturating_sub(now)),
            Permit::Probing => return Turn::Idle,
        }
        let wait = state.pace.wait(now);
        if !wait.is_zero() {
            return Turn::Wait(wait);
        }
        let Some(job) = state.line.take() else { return Turn::Idle };
        let mut group = vec![job];
        if let Some(capacity) = fold::capacity(&self.endpoint)
            && state.line.count_due(now, capacity) >= capacity
        {
            group.extend(state.line.take_fresh(now, fold::MOST - 1, self.clock.unix_ms()));
        }
        state.pace.take(now);
        state.breaker.started();
        state.in_flight += 1;
        if state.line.any_due(now) {
            self.call_thread(state);
        }
        Turn::Run(group)
    }

    /// A thread waits for a turn, `limit` at most; `false` when nothing happened by then.
    pub(super) fn await_change(&self, limit: Duration) -> bool {
        let mut state = self.lock();
        if state.stopping {
            return true;
        }
        state.idle_threads += 1;
        let (mut state, waited) =
            self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner);
        state.idle_threads -= 1;
        !waited.timed_out()
    }

    /// A thread wants to end because there was nothing to do. It may, unless it is the last one and
    /// something waits.
    pub(super) fn may_end(&self) -> bool {
        let mut state = self.lock();
        let may = state.stopping || state.threads > 1 || state.line.len() == 0;
        if may {
            state.threads -= 1;
        }
        may
    }

    /// An attempt is over: decides what follows, and tells the clerk. A summary is the attempt of several
    /// deliveries at once: each fares as it does.
    pub(super) fn settle(&self, group: Vec<Job>, outcome: Option<Outcome>, row: AttemptRow) {
        let now = self.clock.monotonic();
        let Some(outcome) = outcome else { return self.put_back(group, now) };
        let outcome = self.lengthened(outcome);
        let chance = self.note(&group, &outcome, now);
        let size = group.len();
        let mut waiting = Vec::new();
        let rows: Vec<AttemptRow> = if size == 1 {
            vec![row]
        } else {
            group.iter().enumerate().map(|(index, job)| fold::row_of(&row, job, index, size)).collect()
        };
        for (mut job, mut row) in group.into_iter().zip(rows) {
            let before = Job { body: None, ..job.clone() };
            let fate = self.fate(&mut job, &outcome, chance, now);
            if let Disposition::Again(at) = fate {
                row.next_at = Some(at);
                waiting.push(job);
            }
            let endpoint = self.endpoint.name.clone();
            self.desk.report(LaneReport::Attempt { endpoint, job: before, row, fate });
        }
        let mut state = self.lock();
        state.in_flight -= 1;
        if waiting.is_empty() {
            self.tell_idle(&state);
            drop(state);
        } else {
            drop(state);
            waiting.into_iter().for_each(|job| self.wait_on(job));
            self.tell_threads();
        }
        if let Outcome::Gone(reason) = outcome {
            self.close_for_good(&reason);
        }
    }

    /// An endpoint that asks for quiet again although it had it gets more of it where its platform is known
    /// to punish.
    fn lengthened(&self, outcome: Outcome) -> Outcome {
        let asks = matches!(outcome, Outcome::RetryAfter(..));
        let again = std::mem::replace(&mut self.lock().throttled, asks) && asks;
        match outcome {
            Outcome::RetryAfter(wait, reason) if again => {
                Outcome::RetryAfter(wait.max(self.endpoint.platform.penalty()), reason)
            }
            outcome => outcome,
        }
    }

    /// What an outcome says about the endpoint. Gives the number for the jitter, one for a whole group, so
    /// that what was folded comes back together.
    fn note(&self, group: &[Job], outcome: &Outcome, now: Duration) -> f64 {
        let mut state = self.lock();
        match outcome {
            Outcome::Delivered
            | Outcome::Final(_)
            | Outcome::Gone(_)
            | Outcome::Degrade(..)
            | Outcome::Moved(..) => {
                state.breaker.succeeded();
            }
            Outcome::Retry(_) => group.iter().take(1).for_each(|job| state.breaker.failed(job.seq, now)),
            Outcome::RetryAfter(wait, _) => {
                // The endpoint asks for quiet, and means everybody.
                state.paused_until = state.paused_until.max(now + *wait);
                state.breaker.abandoned();
            }
        }
        state.note_standing(now, self.clock.unix_ms());
        state.chance()
    }

    /// What follows for one delivery.
    fn fate(&self, job: &mut Job, outcome: &Outcome, chance: f64, now: Duration) -> Disposition {
        job.attempts += 1;
        match outcome {
            Outcome::Retry(_) => job.strikes += 1,
            Outcome::RetryAfter(..) => job.asked += 1,
            _ => {}
        }
        let age = Duration::from_millis((self.clock.unix_ms() - job.created_at).max(0) as u64);
        let record = Record { strikes: job.strikes as usize, asked: job.asked, age, chance };
        match schedule::next(&self.endpoint.retry, outcome, record) {
            Next::Delivered => Disposition::Delivered,
            Next::Dead(reason) => Disposition::Dead(self.scrubber().scrub(&reason)),
            Next::Again(wait) => {
                // One that will be stale by then ends when it is.
                let left = job.expires_at.map(|at| (at - self.clock.unix_ms()).max(0) as u64);
                let wait = left.map_or(wait, |left| wait.min(Duration::from_millis(left)));
                job.due = now + wait;
                Disposition::Again(self.clock.unix_ms() + wait.as_millis() as i64)
            }
        }
    }

    /// The receiver stumbled over a message, and gets it once more at once, as `what` says: logs the attempt,
    /// and counts the next one.
    pub(super) fn once_more(&self, group: &mut [Job], what: &str, mut row: AttemptRow) {
        let now = self.clock.unix_ms();
        let size = group.len();
        {
            let mut state = self.lock();
            state.breaker.succeeded();
            state.pace.take(self.clock.monotonic());
        }
        let reason = row.error.take().unwrap_or_default();
        row.error = Some(format!("{reason}; {what}"));
        row.next_at = Some(now);
        for (index, job) in group.iter_mut().enumerate() {
            let row = if size == 1 { row.clone() } else { fold::row_of(&row, job, index, size) };
            let endpoint = self.endpoint.name.clone();
            let before = job.clone();
            self.desk.report(LaneReport::Attempt {
                endpoint,
                job: before,
                row,
                fate: Disposition::Again(now),
            });
            job.attempts += 1;
        }
    }

    /// An attempt that did not take place is no longer in flight.
    fn let_go(&self) {
        let mut state = self.lock();
        state.in_flight -= 1;
        state.breaker.abandoned();
    }

    /// Jobs whose attempt did not take place wait on.
    pub(super) fn put_back(&self, group: Vec<Job>, due: Duration) {
        self.let_go();
        group.into_iter().for_each(|job| self.wait_on(Job { due, ..job }));
        self.tell_threads();
    }

    fn wait_on(&self, job: Job) {
        let mut state = self.lock();
        if state.retired {
            drop(state);
            self.desk.report(LaneReport::Homeless { endpoint: self.endpoint.name.clone(), job });
        } else {
            state.line.put(job);
        }
    }

    /// Jobs that must not be tried any more are dead. Nothing else is in flight for them.
    pub(super) fn give_up(&self, group: Vec<Job>, reason: &str) {
        group.into_iter().for_each(|job| self.drop_job(job, reason));
    }

    /// A turn came to nothing.
    pub(super) fn pass(&self) {
        self.let_go();
        self.tell_threads();
    }

    /// Something changed: the threads that wait look again. A system call is spared when none does.
    fn tell_threads(&self) {
        self.tell_idle(&self.lock());
    }

    fn tell_idle(&self, state: &State) {
        if state.idle_threads > 0 {
            self.changed.notify_all();
        }
    }

    /// The endpoint is gone: nothing is tried any more, and what waits is dead.
    fn close_for_good(&self, reason: &str) {
        let reason = format!("the endpoint is gone: {}", self.scrubber().scrub(reason));
        let waiting = {
            let mut state = self.lock();
            if state.retired {
                // The lane in its place may lead elsewhere, and finds out by itself.
                return;
            }
            state.gone = Some(reason.clone());
            state.line.drain()
        };
        self.desk.report(LaneReport::Gone { endpoint: self.endpoint.name.clone(), reason: reason.clone() });
        waiting.into_iter().for_each(|job| self.drop_job(job, &reason));
    }

    pub(super) fn drop_job(&self, job: Job, reason: &str) {
        let endpoint = self.endpoint.name.clone();
        self.desk.report(LaneReport::Dropped { endpoint, job, reason: reason.to_owned() });
    }

    /// Wakes a thread that has nothing to do, or starts one more when all are busy and one more may be.
    fn call_thread(self: &Arc<Self>, state: &mut State) {
        if state.idle_threads > 0 {
            self.changed.notify_one();
        } else if state.threads < self.endpoint.concurrency && worker::start(Arc::clone(self)).is_ok() {
            state.threads += 1;
        }
    }
}

impl State {
    /// A number from 0 to 1; splitmix64.
    fn chance(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64
    }
}

fn seed() -> u64 {
    getrandom::u64().unwrap_or_default()
}
