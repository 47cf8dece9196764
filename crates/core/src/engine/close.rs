//! The end of a bell: one deadline for everything.

use super::shared::{Phase, Shared};
use crate::lanes::Lane;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

/// How long after the deadline threads have to end before they are left to themselves. What was
/// promised is the deadline and 250 ms.
const GRACE: Duration = Duration::from_millis(200);

/// How often the closing thread looks.
const LOOK: Duration = Duration::from_millis(2);

/// Closes: refuses new events, drains, stops, and leaves the rest in the spool. Says how many deliveries
/// are left; `None` when it was closed already.
pub fn close(shared: &Arc<Shared>, limit: Duration) -> Option<u64> {
    if !shared.gate.close() {
        return None;
    }
    let deadline = Instant::now() + limit;
    shared.watchman.rounds.end();
    // Calls inside the gate never wait, so this takes no longer than a copy.
    await_until(deadline, || shared.gate.is_empty());
    shared.advance(Phase::Draining);
    let quiet_by = shared.clock.monotonic() + limit;
    let drained = await_until(deadline, || {
        shared.drained.load(Ordering::Acquire)
            && shared.lane_reports_waiting() == 0
            && lanes_quiet(shared, quiet_by)
    });
    let lanes: Vec<Arc<Lane>> = shared.lanes().values().cloned().collect();
    lanes.iter().for_each(|lane| lane.stop());
    let end = if drained { Instant::now() + GRACE } else { deadline.max(Instant::now()) + GRACE };
    // The lanes' last reports are written before the clerk ends.
    await_until(end - GRACE / 4, || lanes.iter().all(|lane| lane.threads() == 0));
    shared.advance(Phase::Stopping);
    await_until(end, || shared.phase() == Phase::Ended);
    let waiting = |lane: &Arc<Lane>| {
        let state = lane.state();
        (state.waiting + state.in_flight) as u64
    };
    let left = lanes.iter().map(waiting).sum();
    shared.log.set(None, end.saturating_duration_since(Instant::now()));
    // The lanes hold this state and this state holds the lanes.
    shared.lanes().clear();
    Some(left)
}

fn lanes_quiet(shared: &Shared, by: Duration) -> bool {
    shared.lanes().values().all(|lane| lane.is_quiet(by))
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
        thread::sleep(left.min(LOOK));
    }
}
