//! Clocks that jump: set back, set forward, and a machine that was suspended.

use super::receiver::Request;
use super::{PATIENCE, Place, Receiver, Reply, crash, emit, eventually, stat};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::engine::Bell;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

const DAY_MS: i64 = 86_400_000;
const HOUR: Duration = Duration::from_secs(3600);

/// The machine's clocks, and how far somebody has moved them.
#[derive(Debug, Default)]
pub(crate) struct Moved {
    wall_ms: AtomicI64,
    suspended_ms: AtomicU64,
}

impl Moved {
    /// Somebody sets the wall clock; time itself goes on.
    fn set_wall(&self, by_ms: i64) {
        self.wall_ms.fetch_add(by_ms, Ordering::SeqCst);
    }

    /// The machine sleeps: both clocks have gone on when it wakes.
    pub(crate) fn suspend(&self, time: Duration) {
        self.set_wall(time.as_millis() as i64);
        self.suspended_ms.fetch_add(time.as_millis() as u64, Ordering::SeqCst);
    }
}

impl Clock for Moved {
    fn unix_ms(&self) -> i64 {
        SystemClock.unix_ms() + self.wall_ms.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic() + Duration::from_millis(self.suspended_ms.load(Ordering::SeqCst))
    }
}

/// A failing receiver, and a delivery that waits half a second for its next attempt.
fn waiting(clock: &Arc<Moved>) -> (Receiver, Place, Bell) {
    let receiver = Receiver::always(Reply::Status(503));
    let mut place = Place::ringing(&receiver);
    place.config["endpoints"]["e0"]["retry"] = json!({"schedule": ["500ms", "1h"], "max_age": "4d"});
    let bell = place.open_by(Arc::clone(clock) as Arc<dyn Clock>);
    emit(&bell, 1..2);
    bell.flush(PATIENCE).unwrap();
    receiver.now_answers(Reply::Status(204));
    (receiver, place, bell)
}

#[test]
fn what_waits_over_a_restart_is_due_at_once_when_the_clock_was_set_off_by_a_day() {
    for jump in [-DAY_MS, DAY_MS] {
        let clock = Arc::new(Moved::default());
        let (_receiver, place, bell) = waiting(&clock);
        let left = crash(&place);
        bell.close(Duration::ZERO).unwrap();
        clock.set_wall(jump);
        let next = left.open_by(Arc::clone(&clock) as Arc<dyn Clock>);
        eventually("it", || stat(&next, "delivered") == 1);
        assert_eq!(stat(&next, "dead"), 0, "a day is less than its age may be");
    }
}

#[test]
fn a_queue_that_ended_before_a_suspend_is_told_after_it() {
    let clock = Arc::new(Moved::default());
    let receiver = Receiver::always(Reply::Status(204));
    let mut place = Place::ringing(&receiver);
    place.config["queue"]["end_delay"] = json!("30m");
    let bell = place.open_by(Arc::clone(&clock) as Arc<dyn Clock>);
    bell.emit("task.complete", b"{}").unwrap();
    bell.emit("queue.end", b"{}").unwrap();
    bell.sync(PATIENCE).unwrap();
    clock.suspend(HOUR);
    bell.emit("host.awake", b"{}").unwrap();
    receiver.wait_for(1);
    assert_eq!(stat(&bell, "dead"), 0);
}

/// Answers the first attempt of each delivery with 503 and every other with 204.
fn receive() -> Receiver {
    let is_first = |request: &Request| request.header("taskbell-attempt") == "1";
    Receiver::scripted(move |request, _| Reply::Status(if is_first(request) { 503 } else { 204 }))
}

fn number(request: &Request, header: &str) -> i64 {
    request.header(header).parse().unwrap()
}

fn open(url: &str, wait: &str, clock: &Arc<Moved>) -> (tempfile::TempDir, Bell) {
    let folder = tempfile::tempdir().unwrap();
    let config = json!({
        "spool": {"path": folder.path().join("bell.db")},
        "endpoints": {"e": {"platform": "json", "url": url, "retry": {"schedule": [wait, wait]}}},
        "hooks": [{"on": ["test.event"], "to": ["e"]}],
    });
    let config = Config::load(&config.to_string()).unwrap();
    (folder, Bell::open_with_clock(config, Arc::clone(clock) as Arc<dyn Clock>).unwrap())
}

#[test]
fn a_wall_clock_that_is_set_a_day_off_neither_hurries_a_retry_nor_holds_it_up() {
    for days in [-1, 1] {
        let clock = Arc::new(Moved::default());
        let receiver = receive();
        let (_folder, bell) = open(&receiver.url(), "400ms", &clock);
        let event = bell.emit("test.event", b"{}").unwrap();
        receiver.wait_for(1);
        clock.set_wall(days * 24 * 3_600_000);
        let [first, second] = &receiver.wait_for(2)[..] else { panic!("more than two attempts") };
        assert_eq!(number(second, "taskbell-attempt"), 2);
        assert!(second.at - first.at >= Duration::from_millis(390), "{:?}", second.at - first.at);
        let moved = number(second, "webhook-timestamp") - number(first, "webhook-timestamp");
        assert!((moved - days * 24 * 3600).abs() <= 30, "each attempt has the time of its day: {moved}");
        bell.wait(event.ticket, PATIENCE).unwrap();
        assert_eq!(bell.close(PATIENCE).unwrap(), 0);
    }
}

#[test]
fn what_fell_due_during_a_suspend_of_an_hour_goes_when_the_host_goes_on() {
    let clock = Arc::new(Moved::default());
    let receiver = receive();
    let (_folder, bell) = open(&receiver.url(), "50m", &clock);
    let before = bell.emit("test.event", b"{\"n\":1}").unwrap();
    receiver.wait_for(1);
    bell.flush(PATIENCE).unwrap();
    clock.suspend(HOUR);
    bell.emit("test.event", b"{\"n\":2}").unwrap();
    let mut attempts: Vec<_> =
        receiver.wait_for(3).iter().map(|request| number(request, "taskbell-attempt")).collect();
    attempts.sort_unstable();
    assert_eq!(attempts, [1, 1, 2], "the new event, and the old one again");
    bell.wait(before.ticket, PATIENCE).unwrap();
    bell.close(Duration::ZERO).unwrap();
}
