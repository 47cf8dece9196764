//! A receiver: a listener, a thread a connection, and what it thinks of each request.

use super::super::fake_platform::FakePlatform;
use super::wire::{Fault, PATIENCE, Request, Wire};
use serde_json::Value as Json;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use taskbell_core::clock;
use taskbell_core::platform::CannedResponse;
use taskbell_core::sign::Verifier;

/// The most connections at a time; one more is closed.
const MOST_CONNECTIONS: usize = 64;

/// How long an answer may take to be sent.
const ANSWER: Duration = Duration::from_secs(10);

/// How a receiver answers.
#[derive(Debug, Default)]
pub struct Manner {
    /// Checks signatures; `None` takes everything.
    pub verifier: Option<Verifier>,
    /// So many requests are answered with a failure first.
    pub failures: usize,
    /// The status of these.
    pub failure_status: u16,
    /// Answers as a platform does; `None` as a receiver of one's own.
    pub fake: Option<FakePlatform>,
}

/// What a receiver thinks of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The signature holds; by this scheme.
    Verified(&'static str),
    /// Nothing was to be checked.
    Unchecked,
    /// The signature does not hold, for this reason.
    Refused(String),
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// From 1.
    pub number: usize,
    /// When it was whole, in Unix milliseconds.
    pub at: i64,
    /// The request.
    pub request: Request,
    /// Whether it is genuine.
    pub verdict: Verdict,
    /// The status it was answered with.
    pub status: u16,
    /// The name of the answer, where a platform was played.
    pub reply: Option<&'static str>,
}

impl Arrival {
    /// The event's id.
    pub fn id(&self) -> Option<&str> {
        self.request.header("webhook-id")
    }

    /// The number of the attempt, as the sender counts.
    pub fn attempt(&self) -> Option<u32> {
        self.request.header("taskbell-attempt").and_then(|number| number.parse().ok())
    }

    /// The body as JSON, if it is.
    pub fn json(&self) -> Option<Json> {
        serde_json::from_slice(&self.request.body).ok()
    }

    /// The event's type, where the body tells it.
    pub fn kind(&self) -> Option<String> {
        self.json()?.get("type")?.as_str().map(str::to_owned)
    }
}

/// Hears of every request, on the connection's own thread, once it is answered.
pub type Listener = dyn Fn(&Arrival) + Send + Sync;

/// A receiver that runs until it is dropped.
pub struct Receiver {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    manner: Manner,
    listener: Box<Listener>,
    arrived: Mutex<usize>,
    connections: AtomicUsize,
    stopped: AtomicBool,
}

impl Receiver {
    /// Listens at this address.
    pub fn start(host: &str, port: u16, manner: Manner, listener: Box<Listener>) -> io::Result<Receiver> {
        let socket = TcpListener::bind((host, port))?;
        let address = socket.local_addr()?;
        let state = Arc::new(State {
            manner,
            listener,
            arrived: Mutex::new(0),
            connections: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let own = Arc::clone(&state);
        thread::Builder::new().name("receiver".into()).spawn(move || accept(&socket, &own))?;
        Ok(Receiver { address, state })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::Release);
        // Wakes the thread that waits for the next connection.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_millis(200));
    }
}

fn accept(socket: &TcpListener, state: &Arc<State>) {
    for stream in socket.incoming() {
        if state.stopped.load(Ordering::Acquire) {
            return;
        }
        let Ok(stream) = stream else {
            // Out of file handles, as a rule: it passes.
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        if state.connections.fetch_add(1, Ordering::AcqRel) >= MOST_CONNECTIONS {
            state.connections.fetch_sub(1, Ordering::AcqRel);
            continue;
        }
        let own = Arc::clone(state);
        let spawned = thread::Builder::new().name("connection".into()).spawn(move || {
            let _ = converse(stream, &own);
            own.connections.fetch_sub(1, Ordering::AcqRel);
        });
        if spawned.is_err() {
            state.connections.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

fn converse(stream: TcpStream, state: &State) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(ANSWER))?;
    let mut wire = Wire::new(stream, PATIENCE);
    while !state.stopped.load(Ordering::Acquire) {
        match wire.next() {
            Ok(request) => {
                let keep = request.keep_alive;
                let (taken, spoken) = state.take(request);
                let answered = answer(wire.origin(), taken.status(), &spoken, keep);
                if let Taken::Arrival(arrival) = taken {
                    (state.listener)(&arrival);
                }
                answered?;
                if !keep {
                    break;
                }
            }
            Err(Fault::Refused(status, reason)) => {
                answer(wire.origin(), status, &Spoken::Words(reason.to_owned()), false)?;
                break;
            }
            Err(Fault::Gone) => break,
        }
    }
    Ok(())
}

/// The words of an answer.
enum Spoken {
    /// Of this receiver.
    Words(String),
    /// Of the platform it plays.
    Reply(&'static CannedResponse),
}

impl Spoken {
    /// The headers of its own, and the body.
    fn parts(&self) -> (String, &str) {
        match self {
            Spoken::Words(words) => ("content-type: text/plain; charset=utf-8\r\n".to_owned(), words),
            Spoken::Reply(reply) => {
                let kind = match reply.body.as_bytes().first() {
                    Some(b'{') => "application/json; charset=utf-8",
                    Some(b'<') => "text/html; charset=utf-8",
                    _ => "text/plain; charset=utf-8",
                };
                let own = reply.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
                (std::iter::once(format!("content-type: {kind}\r\n")).chain(own).collect(), reply.body)
            }
        }
    }
}

fn answer(stream: &mut TcpStream, status: u16, spoken: &Spoken, keep: bool) -> io::Result<()> {
    let connection = if keep { "keep-alive" } else { "close" };
    let allow = if status == 405 { "allow: POST\r\n" } else { "" };
    let (headers, text) = spoken.parts();
    // RFC 9110, section 8.6: an answer that never has a body has no length either.
    let length = if status == 204 { String::new() } else { format!("content-length: {}\r\n", text.len()) };
    let reason = reason(status);
    let answer = format!(
        "HTTP/1.1 {status} {reason}\r\n{headers}{length}{allow}connection: {connection}\r\n\r\n{text}"
    );
    stream.write_all(answer.as_bytes())
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        204 => "No Content",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        410 => "Gone",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Status",
    }
}

/// What a request turned out to be.
enum Taken {
    /// A webhook.
    Arrival(Arrival),
    /// Something else, answered with this status.
    Other(u16),
}

impl Taken {
    fn status(&self) -> u16 {
        match self {
            Taken::Arrival(arrival) => arrival.status,
            Taken::Other(status) => *status,
        }
    }
}

impl State {
    /// Judges a request, and says how to answer.
    fn take(&self, request: Request) -> (Taken, Spoken) {
        // Some platforms take files with PUT.
        let takes = request.method == "POST" || (request.method == "PUT" && self.manner.fake.is_some());
        if !takes {
            return (Taken::Other(405), Spoken::Words("send webhooks here, with POST\n".to_owned()));
        }
        let at = clock::unix_ms();
        let verdict = match &self.manner.verifier {
            None => Verdict::Unchecked,
            Some(verifier) => match verifier.verify(&request.headers, &request.body, at / 1000) {
                Ok(verified) => Verdict::Verified(verified.scheme),
                Err(error) => Verdict::Refused(error.to_string()),
            },
        };
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        *arrived += 1;
        let number = *arrived;
        let played = self.manner.fake.as_ref().filter(|_| number > self.manner.failures);
        let played = played.and_then(|fake| fake.respond(number - self.manner.failures, &request));
        let (status, spoken) = match (&verdict, played) {
            _ if number <= self.manner.failures => {
                (self.manner.failure_status, Spoken::Words(format!("request {number} fails, as asked\n")))
            }
            (Verdict::Refused(reason), _) => (401, Spoken::Words(format!("{reason}\n"))),
            (_, Some(reply)) => (reply.status, Spoken::Reply(reply)),
            (Verdict::Verified(_) | Verdict::Unchecked, None) => (200, Spoken::Words("ok".to_owned())),
        };
        let reply = match &spoken {
            Spoken::Reply(reply) => Some(reply.name),
            Spoken::Words(_) => None,
        };
        (Taken::Arrival(Arrival { number, at, request, verdict, status, reply }), spoken)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use serde_json::json;
    use std::io::Read;
    use std::sync::mpsc;
    use taskbell_core::sign::Signer;

    /// A genuine request with this id, attempt, answer, time and body.
    pub fn arrival(id: &str, attempt: u32, status: u16, at: i64, body: &str) -> Arrival {
        let headers =
            vec![("webhook-id".into(), id.into()), ("taskbell-attempt".into(), attempt.to_string())];
        let request = Request {
            method: "POST".into(),
            target: "/".into(),
            headers,
            body: body.into(),
            keep_alive: true,
        };
        let verdict = Verdict::Verified("standard-webhooks");
        Arrival { number: 1, at, request, verdict, status, reply: None }
    }

    fn start(manner: Manner) -> (Receiver, mpsc::Receiver<Arrival>) {
        let (send, arrivals) = mpsc::channel();
        let send = Mutex::new(send);
        let listener = move |arrival: &Arrival| send.lock().unwrap().send(arrival.clone()).unwrap();
        (Receiver::start("127.0.0.1", 0, manner, Box::new(listener)).unwrap(), arrivals)
    }

    fn talk(receiver: &Receiver, text: &str) -> String {
        let mut stream = TcpStream::connect(receiver.address()).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn post(headers: &str, body: &str) -> String {
        let length = body.len();
        format!("POST /hook HTTP/1.1\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}")
    }

    #[test]
    fn a_genuine_request_is_told_from_a_forged_one() {
        let entry =
            json!({ "scheme": "standard-webhooks", "secrets": ["whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0"] });
        let verifier = Verifier::from_json(&entry).unwrap();
        let (receiver, arrivals) = start(Manner { verifier: Some(verifier), ..Manner::default() });
        let body = r#"{"type":"queue.end"}"#;
        let signed =
            Signer::from_json(&entry).unwrap().sign("evt_1", clock::unix_ms() / 1000, body.as_bytes());
        let headers: String = signed.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        assert!(talk(&receiver, &post(&headers, body)).starts_with("HTTP/1.1 200 OK\r\n"));
        let arrival = arrivals.recv().unwrap();
        assert_eq!(arrival.verdict, Verdict::Verified("standard-webhooks"));
        assert_eq!((arrival.id(), arrival.kind().as_deref()), (Some("evt_1"), Some("queue.end")));
        assert!(talk(&receiver, &post(&headers, "{}")).starts_with("HTTP/1.1 401 "));
        assert!(matches!(arrivals.recv().unwrap().verdict, Verdict::Refused(_)));
    }

    #[test]
    fn the_first_requests_fail_as_asked() {
        let manner = Manner { failures: 2, failure_status: 503, ..Manner::default() };
        let (receiver, arrivals) = start(manner);
        let statuses: Vec<_> = (0..3)
            .map(|_| {
                talk(&receiver, &post("", "{}"));
                arrivals.recv().unwrap().status
            })
            .collect();
        assert_eq!(statuses, [503, 503, 200]);
    }

    #[test]
    fn the_answers_asked_for_come_after_the_failures() {
        let fake = FakePlatform::new("json", Some("429,410")).unwrap();
        let manner = Manner { failures: 1, failure_status: 503, fake: Some(fake), ..Manner::default() };
        let (receiver, arrivals) = start(manner);
        let statuses: Vec<_> = (0..4)
            .map(|_| {
                talk(&receiver, &post("", "{}"));
                arrivals.recv().unwrap().status
            })
            .collect();
        assert_eq!(statuses, [503, 429, 410, 200]);
    }

    #[test]
    fn two_requests_on_one_connection_and_a_wrong_method() {
        let (receiver, arrivals) = start(Manner::default());
        let first = "POST /1 HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}";
        let answers = talk(&receiver, &format!("{first}{}", post("", "{}")));
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
        assert_eq!(arrivals.try_iter().map(|arrival| arrival.number).collect::<Vec<_>>(), [1, 2]);
        let refused = talk(&receiver, "GET / HTTP/1.1\r\nconnection: close\r\n\r\n");
        assert!(refused.starts_with("HTTP/1.1 405 ") && refused.contains("allow: POST"), "{refused}");
        assert!(arrivals.try_recv().is_err());
    }
}
