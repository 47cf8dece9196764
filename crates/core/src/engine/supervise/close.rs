//! Closes an instance, with one deadline for everything.

use crate::engine::log::Level;
use crate::engine::parts::Parts;
use crate::engine::phase::Phase;
use crate::lanes::{Failing, Lane};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

/// After the deadline, threads have this long to end. The promise is the deadline and 250 ms.
const GRACE: Duration = Duration::from_millis(200);

/// Between two checks of the closing thread.
const POLL: Duration = Duration::from_millis(2);

#[derive(Debug, Clone, Copy)]
pub struct Closing {
    pub undelivered: u64,
    /// Whether no log function of the host runs any more.
    pub log_ended: bool,
}

/// Refuses new events, drains, stops, and leaves the rest in the spool. A further call waits for the log
/// function that an earlier one left running. `None` when the instance was closed already.
pub fn close(parts: &Parts, limit: Duration) -> Option<Closing> {
    if !parts.in_flight.close() {
        let undelivered = *parts.undelivered.get()?;
        if !parts.log_runs_on.swap(false, Ordering::AcqRel) {
            return None;
        }
        return Some(await_log(parts, undelivered, limit));
    }
    let deadline = Instant::now() + limit;
    parts.sampler.end();
    if let Some(relay) = &parts.relay {
        relay.posts.close();
    }
    // Calls in flight never wait, so this takes no longer than a copy.
    await_until(deadline, || parts.in_flight.is_empty());
    parts.advance(Phase::Draining);
    let quiet_by = parts.clock.monotonic() + limit;
    let drained = await_until(deadline, || {
        parts.drained.load(Ordering::Acquire)
            && parts.lanes.reports.waiting() == 0
            && parts.backlog.left() == 0
            && parts.lanes.lock().values().all(|lane| lane.is_quiet(quiet_by))
    });
    let lanes: Vec<Arc<Lane>> = parts.lanes.lock().values().cloned().collect();
    let failing: Vec<Failing> = lanes.iter().filter_map(|lane| lane.failing()).collect();
    lanes.iter().for_each(|lane| lane.stop());
    parts.lanes.senders.stop();
    let end = if drained { Instant::now() + GRACE } else { deadline.max(Instant::now()) + GRACE };
    // The lanes' last reports are written before the dispatcher ends.
    await_until(end - GRACE / 4, || parts.lanes.senders.threads() == 0);
    parts.advance(Phase::Stopping);
    await_until(end, || parts.phase.get() == Phase::Ended);
    let waiting = |lane: &Arc<Lane>| {
        let state = lane.state();
        (state.waiting + state.in_flight) as u64
    };
    let undelivered = lanes.iter().map(waiting).sum::<u64>() + parts.backlog.left();
    parts.lanes.lock().clear();
    let _ = parts.undelivered.set(undelivered);
    if let Some(missing) = parts.reports.missing(&failing) {
        parts.log.write(Level::Warn, &missing);
        let _ = parts.missing.set(missing);
    }
    Some(await_log(parts, undelivered, end.max(deadline).saturating_duration_since(Instant::now())))
}

/// Lets no further call of the log function begin, and waits for the one that runs.
fn await_log(parts: &Parts, undelivered: u64, limit: Duration) -> Closing {
    let log_ended = parts.log.close(limit);
    parts.log_runs_on.store(!log_ended, Ordering::Release);
    Closing { undelivered, log_ended }
}

fn await_until(deadline: Instant, done: impl Fn() -> bool) -> bool {
    loop {
        if done() {
            return true;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        thread::sleep(left.min(POLL));
    }
}
