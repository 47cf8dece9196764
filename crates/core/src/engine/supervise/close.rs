//! Closes an instance, with one deadline for everything.

use crate::engine::parts::Parts;
use crate::engine::phase::Phase;
use crate::lanes::Lane;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

/// After the deadline, threads have this long to end. The promise is the deadline and 250 ms.
const GRACE: Duration = Duration::from_millis(200);

/// Between two checks of the closing thread.
const POLL: Duration = Duration::from_millis(2);

/// Refuses new events, drains, stops, and leaves the rest in the spool. Returns the number of deliveries that
/// are left; `None` when the instance was closed already.
pub fn close(parts: &Parts, limit: Duration) -> Option<u64> {
    if !parts.in_flight.close() {
        return None;
    }
    let deadline = Instant::now() + limit;
    parts.sampler.end();
    // Calls in flight never wait, so this takes no longer than a copy.
    await_until(deadline, || parts.in_flight.is_empty());
    parts.advance(Phase::Draining);
    let quiet_by = parts.clock.monotonic() + limit;
    let drained = await_until(deadline, || {
        parts.drained.load(Ordering::Acquire)
            && parts.lanes.reports.waiting() == 0
            && parts.lanes.lock().values().all(|lane| lane.is_quiet(quiet_by))
    });
    let lanes: Vec<Arc<Lane>> = parts.lanes.lock().values().cloned().collect();
    lanes.iter().for_each(|lane| lane.stop());
    let end = if drained { Instant::now() + GRACE } else { deadline.max(Instant::now()) + GRACE };
    // The lanes' last reports are written before the dispatcher ends.
    await_until(end - GRACE / 4, || lanes.iter().all(|lane| lane.threads() == 0));
    parts.advance(Phase::Stopping);
    await_until(end, || parts.phase.get() == Phase::Ended);
    let waiting = |lane: &Arc<Lane>| {
        let state = lane.state();
        (state.waiting + state.in_flight) as u64
    };
    let left = lanes.iter().map(waiting).sum();
    parts.log.set(None, end.saturating_duration_since(Instant::now()));
    parts.lanes.lock().clear();
    Some(left)
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
