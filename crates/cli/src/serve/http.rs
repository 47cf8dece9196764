//! An HTTP/1.1 server on `hyper`, with limits of size and time, one request a connection.

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::{Body, Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::borrow::Cow;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout_at};

const MAX_HEAD: usize = 32 * 1024;

/// The largest event there can be, and room for what a template adds.
const MAX_BODY: usize = 32 << 20;

/// A connection beyond these is closed at once.
const MAX_CONNECTIONS: usize = 64;

/// From the start of a connection to the last byte of its request.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// A request that was received whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case; bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of this name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What a request is answered with.
pub struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, &'static str)>,
    pub body: Cow<'static, str>,
    /// Called once the response is sent, or cannot be.
    pub sent: Option<Box<dyn FnOnce() + Send>>,
}

impl Response {
    pub fn text(status: u16, text: impl Into<Cow<'static, str>>) -> Response {
        Response {
            status,
            headers: vec![("content-type", "text/plain; charset=utf-8")],
            body: text.into(),
            sent: None,
        }
    }
}

pub type Handler = dyn Fn(Request) -> Response + Send + Sync;

/// A server that runs on a thread of its own until it is dropped.
pub struct Server {
    pub address: SocketAddr,
    accepting: AbortHandle,
}

impl Server {
    /// Listens at this address. `request_timeout` is usually [`REQUEST_TIMEOUT`].
    pub fn start(
        (host, port): (&str, u16),
        request_timeout: Duration,
        handler: Arc<Handler>,
    ) -> io::Result<Server> {
        let socket = std::net::TcpListener::bind((host, port))?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let context = runtime.enter();
        let listener = TcpListener::from_std(socket)?;
        drop(context);
        let task = runtime.spawn(accept(listener, request_timeout, handler));
        let accepting = task.abort_handle();
        thread::Builder::new().name("http".into()).spawn(move || {
            let _ = runtime.block_on(task);
        })?;
        Ok(Server { address, accepting })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, request_timeout: Duration, handler: Arc<Handler>) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Usually out of file handles, which passes.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else { continue };
        let handler = Arc::clone(&handler);
        tokio::spawn(async move {
            serve(stream, request_timeout, &*handler).await;
            drop(permit);
        });
    }
}

async fn serve(stream: TcpStream, request_timeout: Duration, handler: &Handler) {
    let deadline = Instant::now() + request_timeout;
    let _ = stream.set_nodelay(true);
    let sent = Mutex::new(None);
    let service = service_fn(|request| async {
        let mut response = respond(request, deadline, handler).await;
        *sent.lock().unwrap_or_else(PoisonError::into_inner) = response.sent.take();
        Ok::<_, Infallible>(encode(response))
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(request_timeout)
        .max_buf_size(MAX_HEAD)
        .keep_alive(false)
        .half_close(true)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    let _ = timeout_at(deadline + RESPONSE_TIMEOUT, connection).await;
    if let Some(sent) = sent.into_inner().unwrap_or_else(PoisonError::into_inner) {
        sent();
    }
}

async fn respond(request: hyper::Request<Incoming>, deadline: Instant, handler: &Handler) -> Response {
    let (parts, body) = request.into_parts();
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Response::text(413, "the body is too large");
    }
    let body = match timeout_at(deadline, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes().to_vec(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return Response::text(413, "the body is too large");
        }
        Ok(Err(_)) => return Response::text(400, "the body of the request is malformed"),
        Err(_) => return Response::text(408, "the request took too long"),
    };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    handler(Request {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
            .collect(),
        body,
    })
}

fn encode(response: Response) -> hyper::Response<Full<Bytes>> {
    let mut builder = hyper::Response::builder().status(response.status);
    for (name, value) in response.headers {
        builder = builder.header(name, value);
    }
    let body = Bytes::from(response.body.into_owned());
    builder.body(Full::new(body)).unwrap_or_else(|_| {
        let mut failed = hyper::Response::new(Full::default());
        *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        failed
    })
}

#[cfg(test)]
mod tests;
