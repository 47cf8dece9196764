//! Clocks that are set back and forward, and a machine that was suspended.

use crate::receiver::{PATIENCE, Receiver, Reply, Request};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use taskbell_core::clock::{Clock, SystemClock};
use taskbell_core::config::Config;
use taskbell_core::engine::Bell;

const HOUR: Duration = Duration::from_secs(3600);

/// The machine's clocks, and how far somebody has moved them.
#[derive(Debug, Default)]
struct Moved {
    wall_ms: AtomicI64,
    suspended_ms: AtomicU64,
}

impl Moved {
    /// Somebody sets the wall clock; time itself goes on.
    fn set_wall(&self, by_ms: i64) {
        self.wall_ms.fetch_add(by_ms, Ordering::SeqCst);
    }

    /// The machine sleeps: both clocks have gone on when it wakes.
    fn suspend(&self, time: Duration) {
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
    let config = serde_json::json!({
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
