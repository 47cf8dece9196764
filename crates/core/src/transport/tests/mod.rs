//! The client against small scripted servers.

mod addresses;
mod bounds;
mod certificates;
mod proxies;
mod requests;
mod smtp;

use super::dns::LookupFn;
use super::{Client, Phases, Reach, TransportError};
use crate::endpoint::{Endpoint, Overflow, Proxy, RetryPolicy, Tls};
use crate::message::Context;
use crate::platform::Target;
use crate::platform::{Answer, AnswerRules, Description, Platform};
use crate::secret::SecretUrl;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use url::Url;

/// Long enough for any machine; a test that waits for it has failed.
const GENEROUS: Duration = Duration::from_secs(30);

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A platform that accepts everything.
struct AnyPlatform;

impl Platform for AnyPlatform {
    fn description(&self) -> &Description {
        &Description::BASE
    }

    fn layout(&self, _: &crate::message::Notice, _: &Context, _: &Target) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn took(&self, _: &Answer) -> Result<(), &'static str> {
        Ok(())
    }
}

fn endpoint(url: &str) -> Endpoint {
    Endpoint {
        name: "test".into(),
        platform: &AnyPlatform,
        target: Target {
            url: SecretUrl::new(Url::parse(url).unwrap()),
            options: Vec::new(),
            mentions: Vec::new(),
        },
        answers: AnswerRules::default(),
        headers: Vec::new(),
        sign: Vec::new(),
        timeout: GENEROUS,
        connect_timeout: GENEROUS,
        retry: RetryPolicy { schedule: Vec::new(), max_age: GENEROUS },
        rate: Vec::new(),
        concurrency: 4,
        ordered: false,
        tls: Tls::default(),
        proxy: Proxy::Direct,
        overflow: Overflow::Queue,
        silences_successes: false,
        file_roots: Arc::default(),
        fallback: None,
        relays: None,
    }
}

/// A client with a configured reach, and the settings that `change` makes.
fn client(url: &str, change: impl FnOnce(&mut Endpoint)) -> Client {
    let mut endpoint = endpoint(url);
    change(&mut endpoint);
    Client::new(&endpoint, Reach::Configured).unwrap()
}

/// A lookup that finds the same addresses for every name.
fn everywhere(addresses: &[&str]) -> Arc<LookupFn> {
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    Arc::new(move |_: &str| Ok(addresses.clone()))
}

/// A client with a configured reach that looks names up like this.
fn resolving(url: &str, lookup: Arc<LookupFn>) -> Client {
    Client::with(&endpoint(url), Reach::Configured, lookup, &|_| None).unwrap()
}

fn post(client: &Client, url: &str) -> Result<Answer, TransportError> {
    post_timed(client, url).0
}

fn post_timed(client: &Client, url: &str) -> (Result<Answer, TransportError>, Phases) {
    client.send("POST", &Url::parse(url).unwrap(), &[], b"{\"hello\":1}")
}

#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// Reads one request; `None` when the client hung up.
pub(crate) fn take_request(reader: &mut impl BufRead) -> Option<Seen> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Seen { head, body })
}

/// Reads what a client sends.
fn reader_of(stream: &TcpStream) -> BufReader<TcpStream> {
    BufReader::new(stream.try_clone().unwrap())
}

/// A server on loopback that runs a script for each connection.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<Seen>>>,
    over: Arc<AtomicBool>,
}

impl Server {
    /// Runs `script` with the number of the connection (from 0) on a thread for each.
    pub(crate) fn scripted(script: impl Fn(usize, &mut TcpStream) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = Server {
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
            seen: Arc::default(),
            over: Arc::default(),
        };
        let (connections, over) = (Arc::clone(&server.connections), Arc::clone(&server.over));
        let script = Arc::new(script);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let mut stream = stream.unwrap();
                let number = connections.fetch_add(1, Ordering::SeqCst);
                let script = Arc::clone(&script);
                thread::spawn(move || script(number, &mut stream));
            }
        });
        server
    }

    /// Answers every request on a connection with the same bytes.
    fn answering(answer: impl Into<Vec<u8>>) -> Server {
        let answer = answer.into();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let notes = Arc::clone(&seen);
        let mut server = Server::scripted(move |_, stream| {
            let mut reader = reader_of(stream);
            while let Some(request) = take_request(&mut reader) {
                notes.lock().unwrap().push(request);
                if stream.write_all(&answer).is_err() {
                    break;
                }
            }
        });
        server.seen = seen;
        server
    }

    fn url(&self) -> String {
        format!("http://{}/hook/s3cret-path?key=s3cret-query", self.address)
    }

    fn parsed(&self) -> Url {
        Url::parse(&self.url()).unwrap()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

/// Keeps a connection open and silent until the client closes it.
pub(crate) fn hang(stream: &mut TcpStream) {
    drop(std::io::copy(stream, &mut std::io::sink()));
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let limit = Instant::now() + GENEROUS;
    while !holds() {
        assert!(Instant::now() < limit, "{what}");
        thread::yield_now();
    }
}
