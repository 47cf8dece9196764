//! What a sender does for a lane, and the way of a delivery through it: prepare, send, interpret, decide, report.

use super::attempt::{Attempt, AttemptDecision};
use super::body::Body;
use super::job::Job;
use super::lane::{Lane, NextStep};
use super::senders::{IDLE, Seat, Served, Turn};
use super::{coalesce, follow_up, post, schedule};
use crate::message::Extras;
use crate::platform::Outcome;
use crate::spool::{AttemptRow, LiveTurn};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

/// The longest a lane waits before the clocks are read again: while a machine is suspended, less monotonic
/// time passes than wall-clock time.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// How soon a state of a living message that waits for an earlier one is looked at again: the record of that one may only
/// have to reach the disk.
const NEXT_TURN: Duration = Duration::from_millis(50);

/// How soon a message that the spool cannot read now is asked for again.
const READ_AGAIN: Duration = Duration::from_secs(1);

impl Served for Lane {
    fn seat(&self) -> &Seat {
        &self.seat
    }

    fn serve(self: Arc<Self>, turn: &Turn) {
        let lane = &self;
        lane.client.close_idle(IDLE);
        loop {
            lane.sink.await_room();
            match lane.next_step() {
                NextStep::Attempt { jobs, more } => {
                    if more {
                        lane.ask_for_sender();
                    }
                    deliver(lane, jobs);
                    if !lane.senders.goes_on(turn, lane.is_empty()) {
                        return;
                    }
                }
                NextStep::Post(events) => {
                    post_events(lane, events);
                    if !lane.senders.goes_on(turn, false) {
                        return;
                    }
                }
                NextStep::DropStale(job) => {
                    lane.drop_job(job, "stale: it is older than the `ttl` of its hook");
                }
                NextStep::Wait(limit) => {
                    let longest = if lane.client.keeps_connections() { IDLE } else { LONGEST_SLEEP };
                    return lane.senders.ask_after(turn, limit.min(longest));
                }
                NextStep::Idle if lane.client.keeps_connections() => {
                    return lane.senders.ask_after(turn, IDLE);
                }
                NextStep::Idle => return,
                NextStep::Stop => return lane.senders.forget(turn),
            }
        }
    }
}

/// One delivery, or several in a summary: one attempt, and one more at once for a receiver that takes the
/// message in another form or in another chat.
fn deliver(lane: &Lane, jobs: Vec<Job>) {
    let mut next = prepare(lane, jobs);
    while let Some(mut attempt) = next {
        lane.begin_sending(&attempt.jobs, attempt.started_at);
        let sent = guarded(|| attempt.send(lane));
        lane.end_sending(&attempt.jobs);
        let decision = sent.and_then(|()| {
            guarded(|| {
                attempt.interpret(lane);
                attempt.decide(lane)
            })
        });
        next = report(lane, attempt, decision.unwrap_or(AttemptDecision::Defect));
    }
}

/// One post. After a caught panic its events wait for the next one.
fn post_events(lane: &Lane, events: Vec<Job>) {
    let kept = events.clone();
    match guarded(|| post::attempt(lane, events)) {
        Some(Some(posted)) => posted.settle(lane),
        Some(None) => {}
        None => lane.put_back(kept, lane.clock.monotonic() + READ_AGAIN),
    }
}

/// Loads the message of those that may still be tried. With `None` the lane goes on: nothing is in flight.
fn prepare(lane: &Lane, jobs: Vec<Job>) -> Option<Attempt> {
    let jobs = in_turn(lane, without_old(lane, jobs))?;
    let loaded = guarded(|| load(lane, &jobs));
    match loaded {
        _ if jobs.is_empty() => lane.release(),
        Some(Ok(Some(body))) => {
            let moved = lane.moved_to().and_then(|chat| body.to_chat(chat));
            return Attempt::new(jobs, moved.map_or(body, Arc::new), lane.clock.unix_ms());
        }
        Some(Ok(None)) => {
            jobs.into_iter().for_each(|job| lane.drop_job(job, "the message is no longer in the spool"));
            lane.release();
        }
        Some(Err(_)) => lane.put_back(jobs, lane.clock.monotonic() + READ_AGAIN),
        None => settle_defect(lane, jobs),
    }
    None
}

/// Tells the lane and the engine. Gives the attempt that follows at once, if there is one.
fn report(lane: &Lane, mut attempt: Attempt, decision: AttemptDecision) -> Option<Attempt> {
    match decision {
        AttemptDecision::SendAgain { body, plain, chat, reposts, remark } => {
            if let Some(chat) = chat {
                lane.move_to(chat);
            }
            let row = attempt.take_row();
            let mut jobs = attempt.jobs;
            lane.log_retry_at_once(&mut jobs, remark, row);
            for job in &mut jobs {
                job.plain = plain;
                if let Some(live) = job.live.as_mut().filter(|_| reposts) {
                    live.message = None;
                }
            }
            Attempt::new(jobs, body, lane.clock.unix_ms())
        }
        AttemptDecision::Settle(outcome) => {
            settle(lane, attempt, outcome);
            None
        }
        AttemptDecision::Defect => {
            settle_defect(lane, attempt.jobs);
            None
        }
    }
}

/// Settles an attempt, and sends what follows a delivered message.
fn settle(lane: &Lane, mut attempt: Attempt, outcome: Option<Outcome>) {
    let jobs = std::mem::take(&mut attempt.jobs);
    let row = attempt.take_row();
    if outcome != Some(Outcome::Delivered) {
        return lane.settle(jobs, outcome, row);
    }
    lane.begin_follow_up();
    lane.settle(jobs, outcome, row);
    guarded(|| follow_up::send(lane, &attempt));
    lane.end_follow_up();
}

/// After a caught panic the lane goes on, and the delivery waits for its next attempt as after any failure.
fn settle_defect(lane: &Lane, jobs: Vec<Job>) {
    let Some(leader) = jobs.first() else { return lane.release() };
    let row = AttemptRow::defect(leader.seq, leader.attempts + 1, lane.clock.unix_ms());
    lane.settle(jobs, Some(Outcome::Retry("a defect of Taskbell was caught".into())), row);
}

/// `None` when a panic was caught.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(work)).ok()
}

/// Those that are not too old for another attempt; the others become dead letters.
fn without_old(lane: &Lane, jobs: Vec<Job>) -> Vec<Job> {
    // Most are young: the clock is not read for them.
    if jobs.iter().all(|job| job.attempts == 0) {
        return jobs;
    }
    let now = lane.clock.unix_ms();
    let max_age = lane.endpoint.retry.max_age;
    let is_old = |job: &Job| job.attempts > 0 && now - job.created_at > max_age.as_millis() as i64;
    if !jobs.iter().any(is_old) {
        return jobs;
    }
    let (old, young): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(is_old);
    for job in old {
        let max_age = schedule::in_words(max_age);
        lane.drop_job(job, &format!("gave up: it is older than `retry.max_age` of {max_age}"));
    }
    young
}

/// A state of a living message waits until the one before it has ended, in this process or another, and is not sent once
/// a newer one is shown. `None` when there is nothing to do now, and nothing is in flight.
fn in_turn(lane: &Lane, mut jobs: Vec<Job>) -> Option<Vec<Job>> {
    let Some(job) = jobs.first_mut().filter(|job| job.live.is_some()) else { return Some(jobs) };
    let live = job.live.as_mut()?;
    match lane.sink.live_turn(job.seq, &live.first, &lane.endpoint.name) {
        Ok(LiveTurn::Send(message)) => {
            live.message = message;
            return Some(jobs);
        }
        Ok(LiveTurn::Later) => lane.let_pass(jobs, NEXT_TURN),
        Ok(LiveTurn::Outdated(by)) => {
            lane.supersede(jobs.into_iter().map(|job| (job, by)).collect());
            lane.release();
        }
        Err(_) => lane.let_pass(jobs, READ_AGAIN),
    }
    None
}

/// The message of a delivery, or the summary of several; `None` when the spool no longer has it.
fn load(lane: &Lane, jobs: &[Job]) -> Result<Option<Arc<Body>>, String> {
    let body = match jobs {
        [job] => match stored(lane, job)? {
            Some(body) => body,
            None => return Ok(None),
        },
        _ => {
            let extras = jobs
                .iter()
                .map(|job| Ok(stored(lane, job)?.map(|body| body.extras.clone()).unwrap_or_default()));
            let extras = extras.collect::<Result<Vec<Extras>, String>>()?;
            Arc::new(coalesce::summary(&lane.endpoint, jobs, &extras, lane.clock.unix_ms()))
        }
    };
    let how = jobs.iter().find_map(|job| job.plain);
    Ok(Some(how.and_then(|how| body.in_form(&lane.endpoint, how)).map_or(body, Arc::new)))
}

fn stored(lane: &Lane, job: &Job) -> Result<Option<Arc<Body>>, String> {
    match &job.body {
        Some(body) => Ok(Some(Arc::clone(body))),
        None => Ok(lane.sink.body(job.seq)?.map(Arc::new)),
    }
}
