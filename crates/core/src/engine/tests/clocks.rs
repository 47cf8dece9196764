//! Clocks that jump: set back, set forward, and a machine that was suspended.

use super::{PATIENCE, Place, Receiver, crash, emit, eventually, stat};
use crate::clock::{Clock, SystemClock};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: u64 = 3_600_000;

/// The machine's clocks, with hands that a trial moves.
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
fn a_wall_clock_that_jumps_by_a_day_either_way_moves_no_attempt_of_a_running_host() {
    for jump in [-DAY_MS, DAY_MS] {
        let hands = Arc::new(Hands::default());
        let (receiver, _place, bell) = waiting(&hands);
        let first = receiver.requests()[0].at;
        hands.set_wall(jump);
        let second = receiver.await_requests(2)[1].at;
        assert!(second - first >= Duration::from_millis(500), "early after a jump of {jump}");
        assert!(second - first < Duration::from_secs(20), "late after a jump of {jump}");
        emit(&bell, 2..3);
        eventually("both", || stat(&bell, "delivered") == 2);
    }
}

#[test]
fn what_waits_over_a_restart_is_due_at_once_when_the_clock_was_set_back_by_a_day() {
    let hands = Arc::new(Hands::default());
    let (receiver, place, bell) = waiting(&hands);
    let left = crash(&place);
    bell.close(Duration::ZERO).unwrap();
    let before = receiver.requests().len();
    hands.set_wall(-DAY_MS);
    let next = left.open_by(Arc::clone(&hands) as Arc<dyn Clock>);
    eventually("it", || stat(&next, "delivered") == 1);
    assert!(receiver.requests().len() > before);
}

#[test]
fn what_waits_over_a_restart_is_due_at_once_when_the_clock_was_set_forward_by_a_day() {
    let hands = Arc::new(Hands::default());
    let (_receiver, place, bell) = waiting(&hands);
    let left = crash(&place);
    bell.close(Duration::ZERO).unwrap();
    hands.set_wall(DAY_MS);
    let next = left.open_by(Arc::clone(&hands) as Arc<dyn Clock>);
    eventually("it", || stat(&next, "delivered") == 1);
    assert_eq!(stat(&next, "dead"), 0, "a day is less than its age may be");
}

#[test]
fn what_fell_due_while_the_machine_was_suspended_goes_with_the_next_thing_that_happens() {
    let hands = Arc::new(Hands::default());
    let receiver = Receiver::answering(Some((503, "")));
    let mut place = Place::ringing(receiver.port);
    place.config["endpoints"]["e0"]["retry"]["schedule"] = json!(["30m"]);
    let bell = place.open_by(Arc::clone(&hands) as Arc<dyn Clock>);
    emit(&bell, 1..2);
    bell.flush(PATIENCE).unwrap();
    receiver.now_answers(Some((204, "")));
    hands.suspend(HOUR_MS);
    // A lane looks at the clocks once a minute by itself; an event makes it look at once.
    emit(&bell, 2..3);
    eventually("both", || stat(&bell, "delivered") == 2);
    let mut numbers: Vec<u64> = receiver.requests().iter().map(super::Request::number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 1, 2]);
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
