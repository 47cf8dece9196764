//! An HTTP/1.1 server of `axum` routes, with limits of size and time, one request a connection.
//!
//! `hyper`, on which `axum` runs, accepts some requests that another parser would frame differently, such as one with both
//! `content-length` and `transfer-encoding`. The head is therefore checked first, with the parser that `hyper`
//! itself uses, and an ambiguous one is refused (RFC 9112, section 6.3).

use axum::Router;
use axum::body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::borrow::Cow;
use std::convert::Infallible;
use std::io::{self, Cursor};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

const MAX_HEAD: usize = 32 * 1024;

const MAX_HEADERS: usize = 100;

/// The largest event there can be, and room for what a template adds.
const MAX_BODY: usize = 32 << 20;

/// A connection beyond these is closed at once.
const MAX_CONNECTIONS: usize = 64;

/// From the start of a connection to the last byte of its request.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may last.
#[derive(Debug, Clone, Copy)]
struct ConnectionTimes {
    /// To receive the request.
    request: Duration,
    /// To send the response afterwards; `None` for pages that go on as long as somebody looks at them.
    response: Option<Duration>,
}

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

pub struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, &'static str)>,
    pub body: Cow<'static, str>,
    /// Called once the response is sent, or cannot be.
    pub sent: Option<Box<dyn FnOnce() + Send>>,
}

/// The callback of a response on its way through the routes.
type Sent = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

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
    /// Listens at this address, and hands every request to this function. `request_timeout` is usually
    /// [`REQUEST_TIMEOUT`].
    pub fn start(
        address: (&str, u16),
        request_timeout: Duration,
        handler: Arc<Handler>,
    ) -> io::Result<Server> {
        let deadline = move || Instant::now() + request_timeout;
        let routes = Router::new().fallback(move |request: axum::extract::Request| {
            let handler = Arc::clone(&handler);
            async move { encode(respond(request, deadline(), &*handler).await) }
        });
        let times = ConnectionTimes { request: request_timeout, response: Some(RESPONSE_TIMEOUT) };
        Server::listen(std::net::TcpListener::bind(address)?, times, routes)
    }

    /// Serves pages at this address: a response may go on as long as somebody looks at it.
    pub fn pages(socket: std::net::TcpListener, routes: Router) -> io::Result<Server> {
        let times = ConnectionTimes { request: REQUEST_TIMEOUT, response: None };
        Server::listen(socket, times, routes)
    }

    fn listen(socket: std::net::TcpListener, times: ConnectionTimes, routes: Router) -> io::Result<Server> {
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let context = runtime.enter();
        let listener = TcpListener::from_std(socket)?;
        drop(context);
        let task = runtime.spawn(accept(listener, times, routes));
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

async fn accept(listener: TcpListener, times: ConnectionTimes, routes: Router) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Usually out of file handles, which passes.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else { continue };
        let routes = routes.clone();
        tokio::spawn(async move {
            let _ = serve(stream, times, routes).await;
            drop(permit);
        });
    }
}

async fn serve(stream: TcpStream, times: ConnectionTimes, routes: Router) -> io::Result<()> {
    let deadline = Instant::now() + times.request;
    stream.set_nodelay(true)?;
    let (mut reader, writer) = stream.into_split();
    let mut head = Vec::new();
    match timeout_at(deadline, read_head(&mut reader, &mut head)).await.unwrap_or(Err(TOO_SLOW)) {
        Ok(()) => {}
        // Nobody waits for an answer.
        Err(_) if head.is_empty() => return Ok(()),
        Err(refusal) => return refuse(reader, writer, refusal).await,
    }
    let sent = Mutex::new(None);
    let io = TokioIo::new(tokio::io::join(Cursor::new(head).chain(reader), writer));
    let routes = TowerToHyperService::new(routes);
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let answer = routes.call(request);
        let sent = &sent;
        async move {
            let mut response = answer.await?;
            *sent.lock().unwrap_or_else(PoisonError::into_inner) = response.extensions_mut().remove::<Sent>();
            Ok::<_, Infallible>(response)
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .half_close(true)
        .max_headers(MAX_HEADERS)
        .auto_date_header(false)
        .serve_connection(io, service);
    let _ = match times.response {
        Some(response) => timeout_at(deadline + response, connection).await.is_ok_and(|end| end.is_ok()),
        None => connection.await.is_ok(),
    };
    let sent = sent.into_inner().unwrap_or_else(PoisonError::into_inner);
    let sent = sent.and_then(|sent| sent.lock().unwrap_or_else(PoisonError::into_inner).take());
    if let Some(sent) = sent {
        sent();
    }
    Ok(())
}

async fn respond(request: axum::extract::Request, deadline: Instant, handler: &Handler) -> Response {
    let (parts, body) = request.into_parts();
    let body = match timeout_at(deadline, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes().to_vec(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return BODY_TOO_LARGE.into(),
        Ok(Err(_)) => return Refusal(400, "the body of the request is malformed").into(),
        Err(_) => return TOO_SLOW.into(),
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

fn encode(response: Response) -> hyper::Response<Body> {
    let mut builder = hyper::Response::builder().status(response.status);
    for (name, value) in response.headers {
        builder = builder.header(name, value);
    }
    let sent: Option<Sent> = response.sent.map(|sent| Arc::new(Mutex::new(Some(sent))));
    let mut encoded = builder.body(Body::from(response.body.into_owned())).unwrap_or_else(|_| {
        let mut failed = hyper::Response::new(Body::empty());
        *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        failed
    });
    if let Some(sent) = sent {
        encoded.extensions_mut().insert(sent);
    }
    encoded
}

#[derive(Debug, Clone, Copy)]
struct Refusal(u16, &'static str);

const TOO_SLOW: Refusal = Refusal(408, "the request took too long");
const BODY_TOO_LARGE: Refusal = Refusal(413, "the body is too large");
const MALFORMED: Refusal = Refusal(400, "the head of the request is malformed");

impl From<Refusal> for Response {
    fn from(Refusal(status, reason): Refusal) -> Response {
        Response::text(status, reason)
    }
}

async fn read_head(reader: &mut OwnedReadHalf, bytes: &mut Vec<u8>) -> Result<(), Refusal> {
    loop {
        if reader.read_buf(bytes).await.unwrap_or(0) == 0 {
            // The client is gone: an empty buffer says that nobody is to be answered.
            bytes.clear();
            return Err(MALFORMED);
        }
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(bytes) {
            Ok(httparse::Status::Complete(length)) if length > MAX_HEAD => return Err(HEAD_TOO_LARGE),
            Ok(httparse::Status::Complete(length)) => {
                return check_head(&request, bytes.get(..length).unwrap_or_default());
            }
            Ok(httparse::Status::Partial) if bytes.len() > MAX_HEAD => return Err(HEAD_TOO_LARGE),
            Ok(httparse::Status::Partial) => {}
            Err(httparse::Error::TooManyHeaders) => return Err(Refusal(431, "there are too many headers")),
            Err(httparse::Error::Version) => {
                return Err(Refusal(505, "this server speaks only HTTP/1.0 and HTTP/1.1"));
            }
            Err(_) => return Err(MALFORMED),
        }
    }
}

const HEAD_TOO_LARGE: Refusal = Refusal(431, "the head of the request is too long");

/// Refuses what two parsers could read differently: that is how requests are smuggled.
fn check_head(request: &httparse::Request<'_, '_>, head: &[u8]) -> Result<(), Refusal> {
    // `httparse` takes a line feed alone as the end of a line.
    let lone_line_feed =
        head.iter().zip(head.iter().skip(1)).any(|(before, at)| *at == b'\n' && *before != b'\r');
    let method = request.method.unwrap_or_default();
    if lone_line_feed || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(MALFORMED);
    }
    let values = |name: &str| -> Vec<&[u8]> {
        let own = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        own.map(|header| header.value).collect()
    };
    let lengths = values("content-length");
    match values("transfer-encoding").as_slice() {
        [] => {}
        [coding] if coding.eq_ignore_ascii_case(b"chunked") => {
            if lengths.is_empty() {
                return Ok(());
            }
            return Err(Refusal(400, "the request has both `content-length` and `transfer-encoding`"));
        }
        _ => return Err(Refusal(501, "the only supported transfer coding is `chunked`")),
    }
    let Some((length, others)) = lengths.split_first() else { return Ok(()) };
    let is_number = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
    if !is_number || others.iter().any(|other| other != length) {
        return Err(Refusal(400, "`content-length` is not a single number"));
    }
    let length = std::str::from_utf8(length).ok().and_then(|digits| digits.parse::<usize>().ok());
    if length.is_some_and(|length| length <= MAX_BODY) { Ok(()) } else { Err(BODY_TOO_LARGE) }
}

async fn refuse(mut reader: OwnedReadHalf, mut writer: OwnedWriteHalf, refusal: Refusal) -> io::Result<()> {
    let Refusal(status, text) = refusal;
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let reason = reason.unwrap_or_default();
    let length = text.len();
    let response = format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{text}"
    );
    let respond_and_drain = async {
        writer.write_all(response.as_bytes()).await?;
        writer.shutdown().await?;
        // Closing while the client still sends would reset the connection, and lose the response.
        let mut rest = (&mut reader).take(MAX_BODY as u64);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    let _ = timeout(RESPONSE_TIMEOUT, respond_and_drain).await;
    Ok(())
}

#[cfg(test)]
mod tests;
