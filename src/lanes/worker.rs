//! The threads of a lane: each makes one attempt at a time, and ends when there is nothing to do.

use super::attempt::attempt;
use super::lane::{Lane, Turn};
use super::{Body, Job};
use crate::failpoint;
use crate::os;
use crate::platform::Outcome;
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
            Turn::Run(job) => deliver(lane, job),
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

fn deliver(lane: &Lane, job: Job) {
    let now = lane.clock.unix_ms();
    let max_age = lane.endpoint.retry.max_age;
    if now - job.created_at > max_age.as_millis() as i64 && job.attempts > 0 {
        let words = super::schedule::in_words(max_age);
        return lane.give_up(job, &format!("gave up: it is older than `retry.max_age` of {words}"));
    }
    let body = match message(lane, &job) {
        Ok(Some(body)) => body,
        Ok(None) => return lane.give_up(job, "the message is no longer in the spool"),
        Err(_) => return lane.put_back(job, lane.clock.monotonic() + READ_AGAIN),
    };
    let attempt = || attempt(&lane.endpoint, &lane.client, &lane.scrubber(), &job, &body, now);
    failpoint::reach("before-send");
    let attempted = panic::catch_unwind(AssertUnwindSafe(attempt));
    failpoint::reach("after-send");
    match attempted {
        Ok(attempted) => lane.settle(job, attempted.outcome, attempted.row),
        // The lane goes on; the delivery waits for its next turn as after any failure.
        Err(_) => {
            let row = AttemptRow::defect(job.seq, job.attempts + 1, now);
            lane.settle(job, Some(Outcome::Retry("a defect of Taskbell was caught".into())), row);
        }
    }
}

fn message(lane: &Lane, job: &Job) -> Result<Option<Arc<Body>>, String> {
    match &job.body {
        Some(body) => Ok(Some(Arc::clone(body))),
        None => Ok(lane.desk.body(job.seq)?.map(Arc::new)),
    }
}
