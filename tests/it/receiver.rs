//! A receiver on loopback for tests: it answers by a script and records the requests.

use serde_json::Value as Json;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A wait longer than this fails the test.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The answer to a request.
#[derive(Debug, Clone, Copy)]
pub enum Reply {
    /// Answers with this status and the body `ok`.
    Status(u16),
    /// Never answers.
    Hang,
}

/// A recorded request.
#[derive(Debug, Clone)]
pub struct Request {
    headers: Vec<(String, String)>,
    pub body: Json,
}

impl Request {
    /// The value of a header, with its name in lower case; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

type Script = dyn Fn(&Request, usize) -> Reply + Send + Sync;

#[derive(Default)]
struct Recorded {
    requests: Vec<Request>,
    ended: bool,
}

#[derive(Default)]
struct Recorder {
    recorded: Mutex<Recorded>,
    changed: Condvar,
}

/// Listens until it is dropped.
pub struct Receiver {
    address: SocketAddr,
    recorder: Arc<Recorder>,
}

impl Receiver {
    /// Answers by the request and its number, from 0.
    pub fn scripted(script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Receiver {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let receiver = Receiver { address: listener.local_addr().unwrap(), recorder: Arc::default() };
        let (recorder, script): (_, Arc<Script>) = (Arc::clone(&receiver.recorder), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (recorder, script) = (Arc::clone(&recorder), Arc::clone(&script));
                if recorder.lock().ended {
                    break;
                }
                thread::spawn(move || serve(&stream.unwrap(), &recorder, &*script));
            }
        });
        receiver
    }

    /// Gives every request the same answer.
    pub fn always(reply: Reply) -> Receiver {
        Receiver::scripted(move |_, _| reply)
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The requests, once at least `count` have arrived.
    pub fn wait_for(&self, count: usize) -> Vec<Request> {
        let deadline = Instant::now() + PATIENCE;
        let mut recorded = self.recorder.lock();
        while recorded.requests.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} of {count} requests arrived", recorded.requests.len());
            recorded =
                self.recorder.changed.wait_timeout(recorded, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        recorded.requests.clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.recorder.lock().ended = true;
        self.recorder.changed.notify_all();
        // Wakes the thread that accepts; an error means that it has ended.
        let _ = TcpStream::connect(self.address);
    }
}

impl Recorder {
    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, request: Request) -> usize {
        let mut recorded = self.lock();
        recorded.requests.push(request);
        self.changed.notify_all();
        recorded.requests.len() - 1
    }

    fn wait_for_end(&self) {
        let mut recorded = self.lock();
        while !recorded.ended {
            recorded = self.changed.wait(recorded).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn serve(stream: &TcpStream, recorder: &Recorder, script: &Script) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let number = recorder.record(request.clone());
        match script(&request, number) {
            Reply::Status(status) => {
                let answer = format!("HTTP/1.1 {status} Status\r\ncontent-length: 2\r\n\r\nok");
                if (&*stream).write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
            Reply::Hang => return recorder.wait_for_end(),
        }
    }
}

/// The next request; `None` if the sender closed the connection.
fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            text => lines.push(text.to_owned()),
        }
    }
    let headers: Vec<(String, String)> = lines
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { headers, body: serde_json::from_slice(&body).unwrap_or(Json::Null) })
}
