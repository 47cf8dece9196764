//! A TCP connection whose reads and writes end at the deadline of the request on this thread. Our own because
//! ureq's sockets restart their timeout with each byte, which a slow receiver can stretch without end, and
//! cannot be broken by a shutdown.

use super::request_state;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use ureq::unversioned::transport::ShutdownHandle;

/// How far a socket timeout may be below the time left before it is set again. Setting it costs a system call;
/// waking early costs one more, and only on a connection that hangs.
const SLACK: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Socket {
    stream: Arc<TcpStream>,
    /// After the shutdown of the client an end of stream is not the end of an answer.
    closed: Arc<AtomicBool>,
    read_timeout: Duration,
    write_timeout: Duration,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, closed: Arc<AtomicBool>) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Socket {
            stream: Arc::new(stream),
            closed,
            read_timeout: Duration::ZERO,
            write_timeout: Duration::ZERO,
        })
    }

    /// Breaks this connection from another thread.
    pub(super) fn shutdown_handle(&self) -> Weak<dyn ShutdownHandle> {
        let handle: Arc<dyn ShutdownHandle> = Arc::clone(&self.stream) as _;
        Arc::downgrade(&handle)
    }

    /// This end's address.
    pub(super) fn own_address(&self) -> io::Result<IpAddr> {
        Ok(self.stream.local_addr()?.ip())
    }

    /// Whether an idle connection is still usable: open, and silent.
    pub(super) fn is_silent(&self) -> bool {
        !self.closed.load(Ordering::Acquire) && is_silent(&self.stream)
    }

    /// Repeats one system call until it has done something or the deadline has passed.
    fn until_deadline(
        &self,
        armed: &mut Duration,
        arm: fn(&TcpStream, Option<Duration>) -> io::Result<()>,
        mut attempt: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> io::Result<usize> {
        loop {
            let left = request_state::time_left()?;
            if armed.is_zero() || *armed > left || *armed + SLACK < left {
                let timeout = if left > 2 * SLACK { left - SLACK / 2 } else { left };
                match arm(&self.stream, Some(timeout)) {
                    Ok(()) => *armed = timeout,
                    // macOS refuses this on a connection that the peer has closed; what it sent
                    // before can still be read.
                    Err(e) if e.kind() == ErrorKind::InvalidInput => {}
                    Err(e) => return Err(e),
                }
            }
            match attempt(&self.stream) {
                Err(e) if is_transient(&e) => {}
                done => return done,
            }
        }
    }
}

#[cfg(unix)]
fn is_silent(stream: &TcpStream) -> bool {
    use std::os::fd::AsFd;
    crate::os::wait::is_silent(stream.as_fd())
}

#[cfg(not(unix))]
fn is_silent(stream: &TcpStream) -> bool {
    let is_open = stream.set_nonblocking(true).is_ok();
    let silent = matches!(stream.peek(&mut [0]), Err(e) if e.kind() == ErrorKind::WouldBlock);
    stream.set_nonblocking(false).is_ok() && is_open && silent
}

/// Whether a failed call is repeated: after a signal, or a socket timeout that may have been early.
fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut armed = self.read_timeout;
        let read = self.until_deadline(&mut armed, TcpStream::set_read_timeout, |mut stream| {
            Read::read(&mut stream, into)
        });
        self.read_timeout = armed;
        match read {
            Ok(0) if !into.is_empty() && self.closed.load(Ordering::Acquire) => {
                Err(ErrorKind::NotConnected.into())
            }
            read => read,
        }
    }
}

impl Write for Socket {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let mut armed = self.write_timeout;
        let written = self.until_deadline(&mut armed, TcpStream::set_write_timeout, |mut stream| {
            Write::write(&mut stream, from)
        });
        self.write_timeout = armed;
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
