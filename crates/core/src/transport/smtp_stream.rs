//! The connection of an SMTP dialogue: whole commands out, whole replies in, each within bounds and the one deadline.

use super::dial::{Dialer, Peer};
use super::error::{TransportError, TransportErrorKind};
use super::error_text;
use super::request_state::{self, Stage};
use super::socket::Socket;
use rustls::ClientConnection;
use std::io::{self, ErrorKind, Read, Write};
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The longest line of a reply; RFC 5321, section 4.5.3.1.5, allows 512 bytes.
const MAX_LINE: usize = 2048;

/// The most lines of a reply.
const MAX_LINES: usize = 100;

/// A reply of the server.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) code: u16,
    /// Without codes; control characters are replaced.
    pub(super) lines: Vec<String>,
}

impl Reply {
    /// Whether the server took the command, or awaits what follows it.
    pub(super) fn is_good(&self) -> bool {
        (200..=399).contains(&self.code)
    }
}

pub(super) struct SmtpStream<'d> {
    dialer: &'d Dialer,
    peer: Peer<'d>,
    socket: Socket,
    tls: Option<Box<ClientConnection>>,
    /// What was received and not read.
    unread: Vec<u8>,
}

impl<'d> SmtpStream<'d> {
    pub(super) fn open(dialer: &'d Dialer, peer: Peer<'d>) -> Result<SmtpStream<'d>, TransportError> {
        let socket = dialer.dial_mail(peer)?;
        Ok(SmtpStream { dialer, peer, socket, tls: None, unread: Vec::new() })
    }

    pub(super) fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    pub(super) fn own_address(&self) -> Option<IpAddr> {
        self.socket.own_address().ok()
    }

    /// Shakes hands. The limit for opening a connection holds from here: a server may be slow to greet on purpose.
    pub(super) fn secure(&mut self) -> Result<(), TransportError> {
        if !self.unread.is_empty() {
            // What came in clear would be read as if it had come by TLS.
            return Err(self.nonsense("goes on in clear after it agreed to TLS"));
        }
        let limit = self.dialer.open_limit;
        request_state::with(|state| {
            state.open_deadline = (Instant::now() + limit).min(state.deadline);
        });
        self.tls = Some(Box::new(self.dialer.shake_hands(&mut self.socket, self.peer)?));
        Ok(())
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        request_state::enter(Stage::Send);
        let sent = match &mut self.tls {
            None => self.socket.write_all(bytes),
            Some(tls) => {
                let mut stream = rustls::Stream::new(tls.as_mut(), &mut self.socket);
                stream.write_all(bytes).and_then(|()| stream.flush())
            }
        };
        sent.map_err(|error| self.failed(&error))
    }

    /// Reads one reply, which may have several lines (RFC 5321, section 4.2.1).
    pub(super) fn reply(&mut self) -> Result<Reply, TransportError> {
        request_state::enter(Stage::Head);
        let mut reply = Reply { code: 0, lines: Vec::new() };
        loop {
            let line = self.line()?;
            let (code, rest) = line.split_at_checked(3).unwrap_or_default();
            let is_last = !rest.starts_with('-');
            let code = code.parse().ok().filter(|code| (200..=599).contains(code));
            let Some(code) = code.filter(|_| rest.is_empty() || rest.starts_with([' ', '-'])) else {
                return Err(self.nonsense("does not speak SMTP on this port"));
            };
            if reply.lines.len() == MAX_LINES || !reply.lines.is_empty() && code != reply.code {
                return Err(self.nonsense("gave a reply that is not one"));
            }
            reply.code = code;
            reply.lines.push(rest.get(1..).unwrap_or_default().trim().to_owned());
            if is_last {
                return Ok(reply);
            }
        }
    }

    fn line(&mut self) -> Result<String, TransportError> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                let line = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
                return Ok(line.replace(char::is_control, " "));
            }
            if self.unread.len() > MAX_LINE {
                return Err(self.nonsense("sends an endless reply"));
            }
            let mut part = [0; 1024];
            let read = match &mut self.tls {
                None => self.socket.read(&mut part),
                Some(tls) => rustls::Stream::new(tls.as_mut(), &mut self.socket).read(&mut part),
            };
            match read {
                Ok(0) => return Err(self.failed(&ErrorKind::UnexpectedEof.into())),
                Ok(amount) => self.unread.extend_from_slice(part.get(..amount).unwrap_or_default()),
                Err(error) => return Err(self.failed(&error)),
            }
            request_state::with(|state| {
                if state.phases.first_byte_us == 0 {
                    state.phases.first_byte_us = request_state::micros_since(state.started);
                }
            });
        }
    }

    /// A fault of the server, which begins with its name.
    pub(super) fn nonsense(&self, what: &str) -> TransportError {
        TransportErrorKind::Protocol.error(format!("{} {what}", self.peer))
    }

    fn failed(&self, error: &io::Error) -> TransportError {
        let peer = self.peer.to_string();
        let (stage, late) =
            request_state::with(|state| (state.stage, state.late)).unwrap_or((Stage::Head, false));
        if self.dialer.closed.load(Ordering::Acquire) {
            return error_text::cancelled();
        }
        if late {
            return error_text::late(stage, &peer, self.dialer.open_limit, self.dialer.limit);
        }
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(inner) => error_text::tls(&peer, inner, self.dialer.plain_scheme),
            None => error_text::broken(stage, &peer, error),
        }
    }
}
