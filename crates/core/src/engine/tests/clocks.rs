//! Clocks that jump: set back, set forward, and a machine that was suspended.

use super::{PATIENCE, Place, Receiver, crash, emit, eventually, stat};
use crate::clock::{Clock, SystemClock};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: u64 = 3_600_000;

#[derive(Debug, Default)]
struct Hands {
    wall_ms: AtomicI64,
    monotonic_ms: AtomicU64,
}

impl Hands {
    fn set_wall(&self, by_ms: i64) {
        self.wall_ms.fetch_add(by_ms, Ordering::SeqCst);
    }

    fn suspend(&self, ms: u64) {
        self.monotonic_ms.fetch_add(ms, Ordering::SeqCst);
        self.set_wall(ms as i64);
    }
}

impl Clock for Hands {
    fn unix_ms(&self) -> i64 {
        SystemClock.unix_ms() + self.wall_ms.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic() + Duration::from_millis(self.monotonic_ms.load(Ordering::SeqCst))
    }
}

/// A failing receiver, and a delivery that waits half a second for its next attempt.
fn waiting(hands: &Arc<Hands>) -> (Receiver, Place, crate::engine::Bell) {
    let receiver = Receiver::answering(Some((503, "")));
    let mut place = Place::ringing(receiver.port);
    place.config["endpoints"]["e0"]["retry"] = json!({"schedule": ["500ms", "1h"], "max_age": "4d"});
    let bell = place.open_by(Arc::clone(hands) as Arc<dyn Clock>);
    emit(&bell, 1..2);
    bell.flush(PATIENCE).unwrap();
    receiver.now_answers(Some((204, "")));
    (receiver, place, bell)
}

#[test]
fn what_waits_over_a_restart_is_due_at_once_when_the_clock_was_set_off_by_a_day() {
    for jump in [-DAY_MS, DAY_MS] {
        let hands = Arc::new(Hands::default());
        let (_receiver, place, bell) = waiting(&hands);
        let left = crash(&place);
        bell.close(Duration::ZERO).unwrap();
        hands.set_wall(jump);
        let next = left.open_by(Arc::clone(&hands) as Arc<dyn Clock>);
        eventually("it", || stat(&next, "delivered") == 1);
        assert_eq!(stat(&next, "dead"), 0, "a day is less than its age may be");
    }
}

#[test]
fn a_queue_that_ended_before_a_suspend_is_told_after_it() {
    let hands = Arc::new(Hands::default());
    let receiver = Receiver::answering(Some((204, "")));
    let mut place = Place::ringing(receiver.port);
    place.config["queue"]["end_delay"] = json!("30m");
    let bell = place.open_by(Arc::clone(&hands) as Arc<dyn Clock>);
    bell.emit("task.complete", b"{}").unwrap();
    bell.emit("queue.end", b"{}").unwrap();
    bell.sync(PATIENCE).unwrap();
    hands.suspend(HOUR_MS);
    bell.emit("host.awake", b"{}").unwrap();
    receiver.await_requests(1);
    assert_eq!(stat(&bell, "dead"), 0);
}
