//! The threads of a lane: each makes one attempt at a time, and ends when there is nothing to do.

use super::attempt::{Attempted, Trial, degrade, sent_to};
use super::lane::{Lane, Turn};
use super::{Body, Job, fold};
use crate::failpoint;
use crate::message::Extras;
use crate::os;
use crate::platform::{Attachment, Outcome};
use crate::spool::AttemptRow;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

/// A thread without work ends after this time.
const IDLE: Duration = Duration::from_secs(10);

/// The longest a thread sleeps before it looks at the clocks again: a machine that was suspended wakes
/// up with less monotonic time passed than the world has seen.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// A message that cannot be read from the spool is asked for again after this time.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// Starts a thread for a lane. The lane counts it.
pub(super) fn start(lane: Arc<Lane>) -> io::Result<()> {
    let name = format!("taskbell-{}", lane.endpoint.name);
    os::spawn(&name, move || run(&lane)).map(drop)
}

fn run(lane: &Arc<Lane>) {
    loop {
        lane.desk.await_room();
        match lane.turn() {
            Turn::Run(group) => deliver(lane, group),
            Turn::Stale(job) => lane.drop_job(job, "stale: it is older than the `ttl` of its hook"),
            Turn::Wait(wait) => {
                lane.await_change(wait.min(LONGEST_SLEEP));
            }
            Turn::Idle => {
                if !lane.await_change(IDLE) && lane.may_end() {
                    return;
                }
            }
            Turn::Stop => {
                lane.may_end();
                return;
            }
        }
    }
}

fn deliver(lane: &Lane, group: Vec<Job>) {
    let Some(mut group) = young(lane, group) else { return };
    let mut body = match guarded(|| message(lane, &group)) {
        Some(Ok(Some(body))) => body,
        Some(Ok(None)) => {
            lane.give_up(group, "the message is no longer in the spool");
            return lane.pass();
        }
        Some(Err(_)) => return lane.put_back(group, lane.clock.monotonic() + READ_AGAIN),
        None => return settle_defect(lane, group),
    };
    if let Some(there) = lane.moved().and_then(|chat| sent_to(&body, chat)) {
        body = Arc::new(there);
    }
    // Once as it is and, when the receiver stumbles over it, once in a plainer form; once more where the
    // chat has moved.
    loop {
        let Some(leader) = group.first() else { return lane.pass() };
        let started_at = lane.clock.unix_ms();
        let (endpoint, client, scrubber) = (&lane.endpoint, &lane.client, &lane.scrubber());
        let trial = Trial { endpoint, client, scrubber, job: leader, body: &body, started_at };
        failpoint::reach("before-send");
        let attempted = guarded(|| trial.run());
        failpoint::reach("after-send");
        let Some(attempted) = attempted else { return settle_defect(lane, group) };
        let Attempted { outcome, row, file, too_heavy } = attempted;
        let was_whole = leader.plain.is_none();
        if too_heavy {
            group.iter_mut().for_each(|job| job.without_file = true);
        }
        match outcome {
            Some(Outcome::Degrade(how, reason)) => {
                let make = || degrade(endpoint, &body, how, file.is_some());
                let plain = if was_whole { guarded(make).flatten() } else { None };
                let Some(plain) = plain else {
                    let row = AttemptRow { outcome: "final", ..row };
                    return lane.settle(group, Some(Outcome::Final(reason)), row);
                };
                body = Arc::new(plain);
                lane.once_more(&mut group, how.remedy(), row);
                group.iter_mut().for_each(|job| job.plain = Some(how));
            }
            Some(Outcome::Moved(chat, reason)) => {
                if let Some(there) = sent_to(&body, chat) {
                    body = Arc::new(there);
                    lane.move_to(chat);
                    lane.once_more(&mut group, "sent again at once to the new number", row);
                    continue;
                }
                let row = AttemptRow { outcome: "final", ..row };
                return lane.settle(group, Some(Outcome::Final(reason)), row);
            }
            outcome => return finish(lane, group, &body, outcome, row, file),
        }
    }
}

/// Settles an attempt, and sends what follows a delivered message.
fn finish(
    lane: &Lane,
    group: Vec<Job>,
    body: &Body,
    outcome: Option<Outcome>,
    row: AttemptRow,
    file: Option<Attachment>,
) {
    let follow_up = file.filter(|_| outcome == Some(Outcome::Delivered)).zip(group.first().cloned());
    let Some((file, job)) = follow_up else { return lane.settle(group, outcome, row) };
    lane.begin_sequel();
    lane.settle(group, outcome, row);
    let (endpoint, client, scrubber) = (&lane.endpoint, &lane.client, &lane.scrubber());
    let trial = Trial { endpoint, client, scrubber, job: &job, body, started_at: lane.clock.unix_ms() };
    for (row, outcome) in guarded(|| trial.follow_up(&file)).unwrap_or_default() {
        lane.log_sequel(row, outcome);
    }
    lane.end_sequel();
}

/// `None` when a defect of Taskbell was caught.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(work)).ok()
}

/// The lane goes on after a defect; the delivery waits for its next turn as after any failure.
fn settle_defect(lane: &Lane, group: Vec<Job>) {
    let Some(leader) = group.first() else { return lane.pass() };
    let row = AttemptRow::defect(leader.seq, leader.attempts + 1, lane.clock.unix_ms());
    lane.settle(group, Some(Outcome::Retry("a defect of Taskbell was caught".into())), row);
}

/// Those that are not too old for another attempt; the others are dead. `None` when none is left.
fn young(lane: &Lane, group: Vec<Job>) -> Option<Vec<Job>> {
    let now = lane.clock.unix_ms();
    let max_age = lane.endpoint.retry.max_age;
    let is_old = |job: &Job| now - job.created_at > max_age.as_millis() as i64 && job.attempts > 0;
    let (old, young): (Vec<Job>, Vec<Job>) = group.into_iter().partition(is_old);
    if !old.is_empty() {
        let words = super::schedule::in_words(max_age);
        lane.give_up(old, &format!("gave up: it is older than `retry.max_age` of {words}"));
    }
    if young.is_empty() {
        lane.pass();
        return None;
    }
    Some(young)
}

/// The message of a delivery, or the summary of several, as plain as it must be.
/// `None` when the spool has it no more.
fn message(lane: &Lane, group: &[Job]) -> Result<Option<Arc<Body>>, String> {
    let body = match group {
        [job] => match stored(lane, job)? {
            Some(body) => body,
            None => return Ok(None),
        },
        _ => {
            let extras = group
                .iter()
                .map(|job| Ok(stored(lane, job)?.map(|body| body.extras.clone()).unwrap_or_default()));
            let extras = extras.collect::<Result<Vec<Extras>, String>>()?;
            Arc::new(fold::summary(&lane.endpoint, group, &extras, lane.clock.unix_ms()))
        }
    };
    let how = group.iter().find_map(|job| job.plain);
    Ok(Some(how.and_then(|how| degrade(&lane.endpoint, &body, how, false)).map_or(body, Arc::new)))
}

fn stored(lane: &Lane, job: &Job) -> Result<Option<Arc<Body>>, String> {
    match &job.body {
        Some(body) => Ok(Some(Arc::clone(body))),
        None => Ok(lane.desk.body(job.seq)?.map(Arc::new)),
    }
}
