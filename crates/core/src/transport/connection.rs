//! A connection to a receiver: a socket, with TLS or without. One request at a time.

use super::buffers::IoBuffers;
use super::plain_answer::{self, PlainHead};
use super::request_head::Written;
use super::request_state::{self, Stage};
use super::socket::Socket;
use crate::platform::Answer;
use crate::secret::Secret;
use rustls::ClientConnection;
use std::io::{self, Read, Write};
use std::time::Instant;
use ureq::unversioned::transport::Buffers;
use url::Url;

/// The most bytes of one answer that are taken from the connection, whatever they decompress to.
const MAX_RECEIVED: usize = 1024 * 1024;

/// A request to a proxy without a tunnel (RFC 9112, section 3.2.2).
#[derive(Debug)]
pub(super) struct ByProxy {
    /// `http://host:port`, put before the path.
    pub(super) origin: String,
    /// A whole header line for the proxy, or nothing.
    pub(super) header: Secret,
}

/// Where a connection leads.
#[derive(Debug)]
struct Origin {
    scheme: Box<str>,
    host: Box<str>,
    port: Option<u16>,
}

/// A connection that is open.
pub(super) struct HttpConnection {
    socket: Socket,
    tls: Option<Box<ClientConnection>>,
    by_proxy: Option<ByProxy>,
    leads_to: Option<Origin>,
    buffers: IoBuffers,
    /// Why the plain reading ended, for the next reader.
    failed: Option<ureq::Error>,
}

/// The buffers hold secrets.
impl std::fmt::Debug for HttpConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HttpConnection(tls: {})", self.tls.is_some())
    }
}

impl HttpConnection {
    pub(super) fn new(socket: Socket, tls: Option<ClientConnection>, by_proxy: Option<ByProxy>) -> Self {
        HttpConnection {
            socket,
            tls: tls.map(Box::new),
            by_proxy,
            leads_to: None,
            buffers: IoBuffers::default(),
            failed: None,
        }
    }

    /// The same, with a note that it leads to the host of this URL.
    pub(super) fn leading_to(self, url: &Url) -> Self {
        let (scheme, host) = (url.scheme().into(), url.host_str().unwrap_or_default().into());
        HttpConnection { leads_to: Some(Origin { scheme, host, port: url.port_or_known_default() }), ..self }
    }

    /// Whether it leads to the host of this URL: an endpoint may have several.
    pub(super) fn leads_to(&self, url: &Url) -> bool {
        self.leads_to.as_ref().is_some_and(|origin| {
            *origin.scheme == *url.scheme()
                && *origin.host == *url.host_str().unwrap_or_default()
                && origin.port == url.port_or_known_default()
        })
    }

    /// Sends a request; its head leaves with the beginning of its body.
    pub(super) fn send(&mut self, request: &Written<'_>) -> Result<(), ureq::Error> {
        request_state::enter(Stage::Send);
        let sent = match &self.by_proxy {
            None => self.write(&request.first),
            Some(by_proxy) => {
                request_state::with(|state| state.proxied = true);
                let first = by_proxy.rewrite(&request.first);
                self.write(&first)
            }
        };
        let sent =
            sent.and_then(|()| if request.rest.is_empty() { Ok(()) } else { self.write(request.rest) });
        if let Err(error) = sent {
            let why = self.unread_alert();
            return Err(broken(why.unwrap_or(error)));
        }
        request_state::with(|state| {
            state.stage = Stage::Head;
            state.sent = Some(Instant::now());
        });
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.tls {
            None => self.socket.write_all(bytes),
            Some(tls) => {
                let mut stream = rustls::Stream::new(tls.as_mut(), &mut self.socket);
                stream.write_all(bytes).and_then(|()| stream.flush())
            }
        }
    }

    /// Reads a plain answer; `None` when it is another one, or none. What was received stays for the next reader,
    /// and so does an error.
    pub(super) fn plain_answer(&mut self) -> Option<Answer> {
        self.fill_or_keep()?;
        let PlainHead { mut answer, head, body } = plain_answer::read_head(self.buffers.input())?;
        while self.buffers.input().len() < head + body {
            self.fill_or_keep()?;
        }
        answer.body.extend_from_slice(self.buffers.input().get(head..head + body)?);
        self.buffers.input_consume(head + body);
        Some(answer)
    }

    fn fill_or_keep(&mut self) -> Option<()> {
        match self.fill() {
            Ok(true) => Some(()),
            Ok(false) => None,
            Err(error) => {
                self.failed = Some(error);
                None
            }
        }
    }

    /// Waits for bytes of the answer; `false` at its end.
    pub(super) fn fill(&mut self) -> Result<bool, ureq::Error> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let amount = self.receive().map_err(broken)?;
        self.buffers.input_appended(amount);
        count(amount)?;
        Ok(amount > 0)
    }

    pub(super) fn buffers(&mut self) -> &mut IoBuffers {
        &mut self.buffers
    }

    /// Whether all that was received belongs to the answer that was read.
    pub(super) fn is_consumed(&self) -> bool {
        self.buffers.input().is_empty()
    }

    /// Prepares a connection that was used before for the next request; `None` when it is not open any more, or holds
    /// something unread.
    pub(super) fn renewed(mut self: Box<Self>) -> Option<Box<Self>> {
        let is_idle = self.is_idle();
        self.buffers.clear();
        is_idle.then_some(self)
    }

    /// A peer that refuses a certificate sends an alert and closes; the alert may be unread after a write that
    /// failed.
    fn unread_alert(&mut self) -> Option<io::Error> {
        let tls = self.tls.as_mut()?;
        tls.read_tls(&mut self.socket).ok()?;
        tls.process_new_packets().err().map(io::Error::other)
    }

    /// Whether the connection between two requests is open and holds nothing unread.
    fn is_idle(&mut self) -> bool {
        let tls_idle = self.tls.as_mut().is_none_or(|tls| {
            let state = tls.process_new_packets();
            state.is_ok_and(|state| !state.peer_has_closed() && state.plaintext_bytes_to_read() == 0)
        });
        tls_idle && self.socket.is_silent()
    }

    fn receive(&mut self) -> io::Result<usize> {
        let room = self.buffers.input_append_buf();
        match &mut self.tls {
            None => self.socket.read(room),
            Some(tls) => rustls::Stream::new(tls.as_mut(), &mut self.socket).read(room),
        }
    }
}

/// Notes that the connection failed, and the error of TLS if it has one.
fn broken(error: io::Error) -> ureq::Error {
    request_state::with(|state| {
        state.broken = true;
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        state.tls_error = inner.cloned();
    });
    ureq::Error::Io(error)
}

/// Counts received bytes; an error when they are too many.
fn count(amount: usize) -> io::Result<()> {
    let flooded = request_state::with(|state| {
        if state.received == 0 && amount > 0 {
            state.phases.first_byte_us = request_state::micros_since(state.started);
        }
        state.received = state.received.saturating_add(amount);
        state.flooded = state.received > MAX_RECEIVED;
        state.flooded
    });
    if flooded == Some(true) { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(()) }
}

impl ByProxy {
    /// The head of a request with the whole URL in its first line and the proxy's own header.
    fn rewrite(&self, head: &[u8]) -> Vec<u8> {
        let target = head.iter().position(|byte| *byte == b' ').map_or(0, |space| space + 1);
        let line = head.windows(2).position(|pair| pair == b"\r\n").map_or(head.len(), |end| end + 2);
        let (method, rest) = head.split_at(target);
        let (path, rest) = rest.split_at(line.saturating_sub(target));
        [method, self.origin.as_bytes(), path, self.header.expose().as_bytes(), rest].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_sees_the_whole_url_and_its_own_header() {
        let by_proxy = ByProxy {
            origin: "http://a.test:80".into(),
            header: Secret::new("proxy-authorization: Basic eA==\r\n"),
        };
        assert_eq!(
            String::from_utf8(by_proxy.rewrite(b"POST /x?y HTTP/1.1\r\nhost: a.test\r\n\r\n")).unwrap(),
            "POST http://a.test:80/x?y HTTP/1.1\r\nproxy-authorization: Basic eA==\r\nhost: a.test\r\n\r\n"
        );
    }
}
