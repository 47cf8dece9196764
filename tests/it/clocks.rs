//! Clocks that are set back and forward, and a machine that was suspended.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};
use taskbell_core::clock::{Clock, SystemClock};
use taskbell_core::config::Config;
use taskbell_core::engine::Bell;

const PATIENCE: Duration = Duration::from_secs(30);
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

/// A request as it arrived.
struct Arrival {
    at: Instant,
    attempt: u32,
    timestamp: i64,
}

/// Answers the first attempt of each delivery with 503 and every other with 204.
fn receive() -> (String, Receiver<Arrival>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (send, arrivals) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, send) = (stream.unwrap(), send.clone());
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while let Some(arrival) = read_request(&mut reader) {
                    let status = if arrival.attempt == 1 { "503 Busy" } else { "204 Taken" };
                    let _ = send.send(arrival);
                    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (url, arrivals)
}

fn read_request(reader: &mut impl BufRead) -> Option<Arrival> {
    let (mut attempt, mut timestamp, mut length) = (0, 0, 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else { continue };
        match name {
            "taskbell-attempt" => attempt = value.parse().unwrap(),
            "webhook-timestamp" => timestamp = value.parse().unwrap(),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    reader.take(length).read_to_end(&mut Vec::new()).ok()?;
    Some(Arrival { at: Instant::now(), attempt, timestamp })
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
        let (url, arrivals) = receive();
        let (_folder, bell) = open(&url, "400ms", &clock);
        let event = bell.emit("test.event", b"{}").unwrap();
        let first = arrivals.recv_timeout(PATIENCE).unwrap();
        clock.set_wall(days * 24 * 3_600_000);
        let second = arrivals.recv_timeout(PATIENCE).unwrap();
        assert_eq!((first.attempt, second.attempt), (1, 2));
        assert!(second.at - first.at >= Duration::from_millis(390), "{:?}", second.at - first.at);
        let moved = second.timestamp - first.timestamp;
        assert!((moved - days * 24 * 3600).abs() <= 30, "each attempt has the time of its day: {moved}");
        bell.wait(event.ticket, PATIENCE).unwrap();
        assert_eq!(bell.close(PATIENCE).unwrap(), 0);
    }
}

#[test]
fn what_fell_due_during_a_suspend_of_an_hour_goes_when_the_host_goes_on() {
    let clock = Arc::new(Moved::default());
    let (url, arrivals) = receive();
    let (_folder, bell) = open(&url, "50m", &clock);
    let before = bell.emit("test.event", b"{\"n\":1}").unwrap();
    assert_eq!(arrivals.recv_timeout(PATIENCE).unwrap().attempt, 1);
    bell.flush(PATIENCE).unwrap();
    clock.suspend(HOUR);
    bell.emit("test.event", b"{\"n\":2}").unwrap();
    let attempts = [arrivals.recv_timeout(PATIENCE).unwrap(), arrivals.recv_timeout(PATIENCE).unwrap()];
    let mut attempts = attempts.map(|arrival| arrival.attempt);
    attempts.sort_unstable();
    assert_eq!(attempts, [1, 2], "the new event, and the old one again");
    bell.wait(before.ticket, PATIENCE).unwrap();
    bell.close(Duration::ZERO).unwrap();
}
