//! Trials of a whole bell: a receiver on loopback, a spool in a folder of its own, and what a host, an
//! operator or the machine does to them.

mod bounds;
mod clocks;
mod mishaps;
mod operator;
mod restart;
mod sending;
mod shutdown;

use super::Bell;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use serde_json::{Value as Json, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What a condition is waited for at most.
const PATIENCE: Duration = Duration::from_secs(30);

fn eventually(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "not in time: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A request as it arrived.
#[derive(Debug, Clone)]
struct Request {
    id: String,
    attempt: String,
    body: Vec<u8>,
    at: Instant,
}

impl Request {
    /// The number that the event carried.
    fn number(&self) -> u64 {
        let body: Json = serde_json::from_slice(&self.body).unwrap();
        body["data"]["n"].as_u64().unwrap()
    }
}

type Answer = Option<(u16, &'static str)>;

struct Receiver {
    port: u16,
    answer: Arc<Mutex<Answer>>,
    requests: Arc<Mutex<Vec<Request>>>,
    ended: Arc<AtomicBool>,
}

impl Receiver {
    fn answering(answer: Answer) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Receiver {
            port: listener.local_addr().unwrap().port(),
            answer: Arc::new(Mutex::new(answer)),
            requests: Arc::default(),
            ended: Arc::default(),
        };
        let (answer, requests, ended) =
            (Arc::clone(&receiver.answer), Arc::clone(&receiver.requests), Arc::clone(&receiver.ended));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
                thread::spawn(move || serve(stream, &answer, &requests));
            }
        });
        receiver
    }

    fn now_answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    fn await_requests(&self, count: usize) -> Vec<Request> {
        eventually(&format!("{count} requests"), || self.requests.lock().unwrap().len() >= count);
        self.requests()
    }

    fn numbers(&self) -> std::collections::BTreeSet<u64> {
        self.requests().iter().map(Request::number).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(stream: TcpStream, answer: &Mutex<Answer>, requests: &Mutex<Vec<Request>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let mut request =
            Request { id: String::new(), attempt: String::new(), body: Vec::new(), at: Instant::now() };
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line == "\r\n" {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().ok()?,
                "webhook-id" => request.id = value.to_owned(),
                "taskbell-attempt" => request.attempt = value.to_owned(),
                _ => {}
            }
        }
        request.body = vec![0; length];
        reader.read_exact(&mut request.body).ok()?;
        request.at = Instant::now();
        requests.lock().unwrap().push(request);
        let Some((status, headers)) = *answer.lock().unwrap() else {
            // Until the other side gives up.
            let _ = reader.read(&mut [0; 1]);
            return None;
        };
        write!(writer, "HTTP/1.1 {status} Answer\r\ncontent-length: 0\r\n{headers}\r\n").ok()?;
    }
}

struct Place {
    folder: TempDir,
    config: Json,
}

impl Place {
    /// One endpoint `e0` that hears of `test.event`.
    fn ringing(port: u16) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let config = json!({
            "host": {"name": "trial"},
            "spool": {"path": folder.path().join("bell.db")},
            "queue": {"end_delay": "50ms"},
            "endpoints": {"e0": {
                "platform": "json",
                "url": format!("http://127.0.0.1:{port}/"),
                "timeout": "60s",
                "concurrency": 2,
                "retry": {"schedule": ["50ms", "100ms", "200ms"]},
            }},
            "hooks": [{"on": ["test.event"], "to": ["e0"]}, {"on": ["queue.end"], "to": ["e0"]}],
        });
        Place { folder, config }
    }

    fn spool(&self) -> PathBuf {
        self.folder.path().join("bell.db")
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self) -> Bell {
        self.open_by(Arc::new(SystemClock))
    }

    fn open_by(&self, clock: Arc<dyn Clock>) -> Bell {
        Bell::open_with_clock(self.read(), clock).unwrap()
    }

    fn read(&self) -> Config {
        Config::load(&self.config.to_string()).unwrap()
    }
}

/// Emits events with these numbers and waits until they are in the spool.
fn emit(bell: &Bell, numbers: std::ops::Range<u64>) {
    numbers.for_each(|number| {
        bell.emit("test.event", json!({"n": number}).to_string().as_bytes()).unwrap();
    });
    bell.sync(PATIENCE).unwrap();
}

fn stat(bell: &Bell, name: &str) -> Json {
    bell.stats()[name].clone()
}

fn lane_state(bell: &Bell) -> String {
    bell.stats()["lanes"]["e0"]["state"].as_str().unwrap().to_owned()
}

/// Ends a bell as a crash would leave it: nothing is handed back, released or delivered any more. The
/// process goes on, so the lock of its ring is let go of by hand, in a copy of the folder.
fn crash(place: &Place) -> Place {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(place.folder.path()).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() && !entry.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
    }
    let mut config = place.config.clone();
    config["spool"]["path"] = json!(folder.path().join("bell.db"));
    Place { folder, config }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
