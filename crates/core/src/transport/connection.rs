//! A connection as ureq's transport: a socket, with TLS or without.

use super::buffers::IoBuffers;
use super::request_state::{self, Stage};
use super::socket::Socket;
use crate::secret::Secret;
use rustls::ClientConnection;
use std::io::{self, Read, Write};
use std::time::Instant;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};

/// The most bytes of one answer that are taken from the connection, whatever they decompress to.
const MAX_RECEIVED: usize = 1024 * 1024;

/// The free space that the next part of a head or body needs in the output buffer.
const ROOM: usize = 8 * 1024;

/// A request to a proxy without a tunnel (RFC 9112, section 3.2.2).
#[derive(Debug)]
pub(super) struct ByProxy {
    /// `http://host:port`, put before the path.
    pub(super) origin: String,
    /// A whole header line for the proxy, or nothing.
    pub(super) header: Secret,
}

/// How much of the request ureq has handed over.
#[derive(Clone, Copy)]
enum Sending {
    /// Not all of the head.
    Head,
    /// The head, and all but these bytes of the body.
    Body(usize),
}

/// A connection as ureq sees it. One request at a time.
pub(super) struct HttpConnection {
    socket: Socket,
    tls: Option<Box<ClientConnection>>,
    by_proxy: Option<ByProxy>,
    buffers: IoBuffers,
    sending: Sending,
    /// Between two requests.
    resting: bool,
}

/// The buffers hold secrets.
impl std::fmt::Debug for HttpConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HttpConnection(tls: {})", self.tls.is_some())
    }
}

impl HttpConnection {
    pub(super) fn new(socket: Socket, tls: Option<ClientConnection>, by_proxy: Option<ByProxy>) -> Self {
        let tls = tls.map(Box::new);
        HttpConnection {
            socket,
            tls,
            by_proxy,
            buffers: IoBuffers::default(),
            sending: Sending::Head,
            resting: false,
        }
    }

    fn hand_over_head(&mut self, amount: usize) {
        self.buffers.hold(amount);
        if !self.buffers.held().ends_with(b"\r\n\r\n") {
            self.buffers.make_room(ROOM);
            return;
        }
        if let Some(by_proxy) = &self.by_proxy {
            let head = by_proxy.rewrite(self.buffers.held());
            self.buffers.replace_held(&head);
            request_state::with(|state| state.proxied = true);
        }
        self.sending = Sending::Body(request_state::with(|state| state.body_len).unwrap_or(0));
    }

    fn flush(&mut self) -> Result<(), ureq::Error> {
        let held = self.buffers.held();
        let written = match &mut self.tls {
            None => self.socket.write_all(held),
            Some(tls) => {
                let mut stream = rustls::Stream::new(tls.as_mut(), &mut self.socket);
                stream.write_all(held).and_then(|()| stream.flush())
            }
        };
        self.buffers.release();
        written.map_err(|error| {
            let why = self.unread_alert();
            broken(why.unwrap_or(error))
        })
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

impl Transport for HttpConnection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        self.resting = false;
        match self.sending {
            Sending::Head => {
                request_state::enter(Stage::Send);
                self.hand_over_head(amount);
            }
            Sending::Body(left) => {
                self.buffers.hold(amount);
                self.sending = Sending::Body(left.saturating_sub(amount));
            }
        }
        match self.sending {
            Sending::Body(0) => {
                self.flush()?;
                request_state::with(|state| {
                    state.stage = Stage::Head;
                    state.sent = Some(Instant::now());
                });
                Ok(())
            }
            Sending::Body(_) if self.buffers.room() < ROOM => self.flush(),
            _ => Ok(()),
        }
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        if !self.buffers.held().is_empty() {
            self.flush()?;
        }
        let amount = self.receive().map_err(broken)?;
        self.buffers.input_appended(amount);
        count(amount)?;
        Ok(amount > 0)
    }

    /// ureq calls it once when it puts a connection into its pool and once when it takes it out. Only the second
    /// answer matters.
    fn is_open(&mut self) -> bool {
        if !self.resting {
            self.resting = true;
            return true;
        }
        let wanted = request_state::with(|state| !state.fresh_only).unwrap_or(false);
        if !wanted || !self.is_idle() {
            return false;
        }
        self.buffers.clear();
        self.sending = Sending::Head;
        request_state::with(|state| state.pooled = true);
        true
    }

    fn is_tls(&self) -> bool {
        self.tls.is_some()
    }
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
