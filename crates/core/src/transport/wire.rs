//! What ureq speaks HTTP over: a socket, with TLS or without.

use super::buffers::Pair;
use super::exchange::{self, Stage};
use super::socket::Socket;
use rustls::ClientConnection;
use std::io::{self, Read, Write};
use std::time::Instant;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};

/// The most bytes of one answer that are taken from the connection, whatever they decompress to.
const MOST_RECEIVED: usize = 1024 * 1024;

/// Room that the next part of a head or body should find in the output buffer.
const ROOM: usize = 8 * 1024;

/// How a request reaches its receiver through a proxy that is not asked for a tunnel (RFC 9112,
/// section 3.2.2).
#[derive(Debug)]
pub(super) struct ByProxy {
    /// `http://host:port`, put before the path.
    pub(super) origin: String,
    /// A whole header line for the proxy, or nothing.
    pub(super) header: String,
}

/// How much of the request was handed over by ureq.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sending {
    /// Not all of the head.
    Head,
    /// The head, and all but so many bytes of the body.
    Body(usize),
}

/// A connection as ureq sees it. One request at a time.
pub(super) struct Wire {
    socket: Socket,
    tls: Option<Box<ClientConnection>>,
    by_proxy: Option<ByProxy>,
    pair: Pair,
    sending: Sending,
    /// Between two requests.
    resting: bool,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("socket", &self.socket).field("tls", &self.tls.is_some()).finish()
    }
}

impl Wire {
    /// A connection that is ready for its first request.
    pub(super) fn new(socket: Socket, tls: Option<ClientConnection>, by_proxy: Option<ByProxy>) -> Self {
        let tls = tls.map(Box::new);
        Wire { socket, tls, by_proxy, pair: Pair::default(), sending: Sending::Head, resting: false }
    }

    fn hand_over_head(&mut self, amount: usize) {
        self.pair.hold(amount);
        if !self.pair.held().ends_with(b"\r\n\r\n") {
            self.pair.make_room(ROOM);
            return;
        }
        if let Some(by_proxy) = &self.by_proxy {
            let head = by_proxy.rewrite(self.pair.held());
            self.pair.replace_held(&head);
            exchange::with(|exchange| exchange.proxied = true);
        }
        self.sending = Sending::Body(exchange::with(|exchange| exchange.body_len).unwrap_or(0));
    }

    fn flush(&mut self) -> Result<(), ureq::Error> {
        let held = self.pair.held();
        let written = match &mut self.tls {
            None => self.socket.write_all(held),
            Some(tls) => {
                let mut stream = rustls::Stream::new(tls.as_mut(), &mut self.socket);
                stream.write_all(held).and_then(|()| stream.flush())
            }
        };
        self.pair.release();
        written.map_err(|error| {
            let why = self.parting_alert();
            broken(why.unwrap_or(error))
        })
    }

    /// A peer that refuses a certificate says so and hangs up; the word may be waiting behind a write
    /// that failed.
    fn parting_alert(&mut self) -> Option<io::Error> {
        let tls = self.tls.as_mut()?;
        tls.read_tls(&mut self.socket).ok()?;
        tls.process_new_packets().err().map(io::Error::other)
    }

    /// Whether the connection, at rest, is open and holds nothing unread.
    fn is_idle(&mut self) -> bool {
        let tls_idle = self.tls.as_mut().is_none_or(|tls| {
            let state = tls.process_new_packets();
            state.is_ok_and(|state| !state.peer_has_closed() && state.plaintext_bytes_to_read() == 0)
        });
        tls_idle && self.socket.is_silent()
    }

    fn receive(&mut self) -> io::Result<usize> {
        let room = self.pair.input_append_buf();
        match &mut self.tls {
            None => self.socket.read(room),
            Some(tls) => rustls::Stream::new(tls.as_mut(), &mut self.socket).read(room),
        }
    }
}

/// Notes that the connection failed, and the reason if it is TLS's.
fn broken(error: io::Error) -> ureq::Error {
    exchange::with(|exchange| {
        exchange.broken = true;
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        exchange.tls_error = inner.cloned();
    });
    ureq::Error::Io(error)
}

/// Counts what arrived; an error when it is too much.
fn count(amount: usize) -> io::Result<()> {
    let flooded = exchange::with(|exchange| {
        if exchange.received == 0 && amount > 0 {
            exchange.phases.first_byte_us = exchange::micros_since(exchange.started);
        }
        exchange.received = exchange.received.saturating_add(amount);
        exchange.flooded = exchange.received > MOST_RECEIVED;
        exchange.flooded
    });
    if flooded == Some(true) { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(()) }
}

impl Transport for Wire {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.pair
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        self.resting = false;
        match self.sending {
            Sending::Head => {
                exchange::enter(Stage::Send);
                self.hand_over_head(amount);
            }
            Sending::Body(left) => {
                self.pair.hold(amount);
                self.sending = Sending::Body(left.saturating_sub(amount));
            }
        }
        match self.sending {
            Sending::Body(0) => {
                self.flush()?;
                exchange::with(|exchange| {
                    exchange.stage = Stage::Head;
                    exchange.sent = Some(Instant::now());
                });
                Ok(())
            }
            Sending::Body(_) if self.pair.room() < ROOM => self.flush(),
            _ => Ok(()),
        }
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        if !self.pair.held().is_empty() {
            self.flush()?;
        }
        let amount = self.receive().map_err(broken)?;
        self.pair.input_appended(amount);
        count(amount)?;
        Ok(amount > 0)
    }

    /// ureq asks once when it puts a connection into its pool and once when it takes it out. Only the
    /// second answer counts, since only then is something to be lost.
    fn is_open(&mut self) -> bool {
        if !self.resting {
            self.resting = true;
            return true;
        }
        let wanted = exchange::with(|exchange| !exchange.fresh_only).unwrap_or(false);
        if !wanted || !self.is_idle() {
            return false;
        }
        self.pair.clear();
        self.sending = Sending::Head;
        exchange::with(|exchange| exchange.pooled = true);
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
        [method, self.origin.as_bytes(), path, self.header.as_bytes(), rest].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_sees_the_whole_url_and_its_own_header() {
        let by_proxy = ByProxy {
            origin: "http://a.test:80".into(),
            header: "proxy-authorization: Basic eA==\r\n".into(),
        };
        assert_eq!(
            String::from_utf8(by_proxy.rewrite(b"POST /x?y HTTP/1.1\r\nhost: a.test\r\n\r\n")).unwrap(),
            "POST http://a.test:80/x?y HTTP/1.1\r\nproxy-authorization: Basic eA==\r\nhost: a.test\r\n\r\n"
        );
    }
}
