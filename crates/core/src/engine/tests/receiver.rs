//! A receiver on loopback: it answers by a script and records the requests.

use super::PATIENCE;
use crate::transport::tests::{Server, hang, take_request};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::io::{BufReader, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

/// The answer to a request.
#[derive(Debug, Clone, Copy)]
pub enum Reply {
    Status(u16),
    /// With these header lines.
    Headed(u16, &'static str),
    Hang,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    head: String,
    pub body: Json,
    pub at: Instant,
}

impl Request {
    /// The value of a header, with its name in lower case; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    /// The number that the event carried.
    pub fn number(&self) -> u64 {
        self.body["data"]["n"].as_u64().unwrap()
    }
}

/// Listens until it is dropped.
pub struct Receiver {
    server: Server,
    answer: Arc<Mutex<Reply>>,
    seen: Arc<(Mutex<Vec<Request>>, Condvar)>,
}

impl Receiver {
    /// Answers by the request and its number, from 0.
    pub fn scripted(script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Receiver {
        Receiver::start(Reply::Hang, move |request, number, _| script(request, number))
    }

    /// Gives every request the same answer, until it is told another one.
    pub fn always(reply: Reply) -> Receiver {
        Receiver::start(reply, |_, _, told| told)
    }

    fn start(
        first: Reply,
        script: impl Fn(&Request, usize, Reply) -> Reply + Send + Sync + 'static,
    ) -> Receiver {
        let seen: Arc<(Mutex<Vec<Request>>, Condvar)> = Arc::default();
        let answer = Arc::new(Mutex::new(first));
        let (noted, told) = (Arc::clone(&seen), Arc::clone(&answer));
        let server = Server::scripted(move |_, stream| {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while let Some(arrived) = take_request(&mut reader) {
                let body = serde_json::from_slice(&arrived.body).unwrap_or_default();
                let request = Request { head: arrived.head, body, at: Instant::now() };
                // Whoever is told of the request may change the answer to the next one.
                let told = *told.lock().unwrap();
                let number = {
                    let mut requests = noted.0.lock().unwrap();
                    requests.push(request.clone());
                    noted.1.notify_all();
                    requests.len() - 1
                };
                let (status, headers) = match script(&request, number, told) {
                    Reply::Status(status) => (status, ""),
                    Reply::Headed(status, headers) => (status, headers),
                    Reply::Hang => return hang(stream),
                };
                let body = if status == 200 { "ok" } else { "" };
                let head = format!("HTTP/1.1 {status} Answer\r\ncontent-length: {}\r\n{headers}", body.len());
                if stream.write_all(format!("{head}\r\n{body}").as_bytes()).is_err() {
                    return;
                }
            }
        });
        Receiver { server, answer, seen }
    }

    pub fn now_answers(&self, reply: Reply) {
        *self.answer.lock().unwrap() = reply;
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.server.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.seen.0.lock().unwrap().clone()
    }

    /// The requests, once at least `count` have arrived.
    pub fn wait_for(&self, count: usize) -> Vec<Request> {
        let (requests, arrived) = &*self.seen;
        let waited =
            arrived.wait_timeout_while(requests.lock().unwrap(), PATIENCE, |found| found.len() < count);
        let (requests, late) = waited.unwrap();
        assert!(!late.timed_out(), "{} of {count} requests arrived", requests.len());
        requests.clone()
    }

    pub fn numbers(&self) -> BTreeSet<u64> {
        self.requests().iter().map(Request::number).collect()
    }
}
