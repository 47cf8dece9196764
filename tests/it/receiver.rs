//! A receiver on loopback that answers as a test says, and remembers what arrived.

use serde_json::Value as Json;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before a test fails; far more than it needs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What a receiver does with a request.
#[derive(Debug, Clone, Copy)]
pub enum Reply {
    /// Answers with this status and the body `ok`.
    Status(u16),
    /// Never answers.
    Hang,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    headers: Vec<(String, String)>,
    /// The body.
    pub body: Json,
}

impl Request {
    /// The value of a header (name in lower case); empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

type Script = dyn Fn(&Request, usize) -> Reply + Send + Sync;

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    over: bool,
}

#[derive(Default)]
struct Board {
    state: Mutex<State>,
    changed: Condvar,
}

/// Listens until it is dropped.
pub struct Receiver {
    address: SocketAddr,
    board: Arc<Board>,
}

impl Receiver {
    /// Answers by a request and its number, from 0.
    pub fn scripted(script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Receiver {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let receiver = Receiver { address: listener.local_addr().unwrap(), board: Arc::default() };
        let (board, script): (_, Arc<Script>) = (Arc::clone(&receiver.board), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (board, script) = (Arc::clone(&board), Arc::clone(&script));
                if board.lock().over {
                    break;
                }
                thread::spawn(move || serve(&stream.unwrap(), &board, &*script));
            }
        });
        receiver
    }

    /// Answers everything alike.
    pub fn always(reply: Reply) -> Receiver {
        Receiver::scripted(move |_, _| reply)
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// What arrived, once there are so many requests.
    pub fn wait_for(&self, count: usize) -> Vec<Request> {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.board.lock();
        while state.requests.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} of {count} requests arrived", state.requests.len());
            state = self.board.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.requests.clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.board.lock().over = true;
        self.board.changed.notify_all();
        // Wakes the thread that accepts; nobody listens any more when that fails.
        let _ = TcpStream::connect(self.address);
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, request: Request) -> usize {
        let mut state = self.lock();
        state.requests.push(request);
        self.changed.notify_all();
        state.requests.len() - 1
    }

    fn await_end(&self) {
        let mut state = self.lock();
        while !state.over {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn serve(stream: &TcpStream, board: &Board, script: &Script) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let number = board.note(request.clone());
        match script(&request, number) {
            Reply::Status(status) => {
                let answer = format!("HTTP/1.1 {status} Status\r\ncontent-length: 2\r\n\r\nok");
                if (&*stream).write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
            Reply::Hang => return board.await_end(),
        }
    }
}

/// The next request; `None` when the sender hung up.
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
