//! A receiver on loopback for tests: it answers by a script and records the requests.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// A wait longer than this fails the test.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The answer to a request.
#[derive(Debug, Clone, Copy)]
pub enum Reply {
    Status(u16),
    Hang,
}

/// A recorded request.
#[derive(Debug, Clone)]
pub struct Request {
    headers: Vec<(String, String)>,
    pub body: Json,
    pub at: Instant,
}

impl Request {
    /// The value of a header, with its name in lower case; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

type Script = dyn Fn(&Request, usize) -> Reply + Send + Sync;

#[derive(Default)]
struct Recorder {
    requests: Mutex<Vec<Request>>,
    arrived: Condvar,
}

impl Recorder {
    fn lock(&self) -> MutexGuard<'_, Vec<Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens until it is dropped.
pub struct Receiver {
    address: SocketAddr,
    recorder: Arc<Recorder>,
    accepting: AbortHandle,
}

impl Receiver {
    /// Answers by the request and its number, from 0.
    pub fn scripted(script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Receiver {
        let recorder = Arc::new(Recorder::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let task = runtime.spawn(accept(listener, Arc::clone(&recorder), Arc::new(script)));
        let accepting = task.abort_handle();
        thread::spawn(move || runtime.block_on(task));
        Receiver { address, recorder, accepting }
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
        let mut requests = self.recorder.lock();
        while requests.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} of {count} requests arrived", requests.len());
            let waited = self.recorder.arrived.wait_timeout(requests, left);
            requests = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        requests.clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, recorder: Arc<Recorder>, script: Arc<Script>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (recorder, script) = (Arc::clone(&recorder), Arc::clone(&script));
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, &recorder, &*script));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
    recorder: &Recorder,
    script: &Script,
) -> hyper::Result<hyper::Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes())));
    let body = serde_json::from_slice(&body).unwrap_or(Json::Null);
    let request = Request { headers: headers.collect(), body, at: Instant::now() };
    let number = {
        let mut requests = recorder.lock();
        requests.push(request.clone());
        recorder.arrived.notify_all();
        requests.len() - 1
    };
    let Reply::Status(status) = script(&request, number) else { std::future::pending().await };
    let mut response = hyper::Response::new(Full::from("ok"));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap();
    Ok(response)
}
