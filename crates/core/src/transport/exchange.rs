//! What one call of `Client::post` carries through ureq: its deadlines, how far it has come, and what
//! went wrong.
//!
//! ureq runs an exchange from the first to the last byte on the thread that called it, and hands
//! nothing of ours to the transport it takes out of its pool. The state therefore belongs to the
//! thread, and threads that share a client cannot see each other's.

use super::{Fault, Phases};
use std::cell::RefCell;
use std::io;
use std::time::{Duration, Instant};

/// How far an exchange has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Looking up the name.
    Resolve,
    /// Opening the TCP connection.
    Connect,
    /// Asking the proxy for a tunnel.
    Tunnel,
    /// Shaking hands.
    Tls,
    /// Sending head and body.
    Send,
    /// Waiting for the head of the answer.
    Head,
    /// Reading the body of the answer.
    Body,
}

impl Stage {
    /// Whether the shorter limit, the one for opening a connection, applies.
    fn is_opening(self) -> bool {
        matches!(self, Stage::Resolve | Stage::Connect | Stage::Tunnel | Stage::Tls)
    }
}

/// The state of one exchange.
#[derive(Debug)]
pub(super) struct Exchange {
    /// When `post` was called.
    pub(super) started: Instant,
    /// When it must be over.
    pub(super) deadline: Instant,
    /// When the connection must be open.
    pub(super) open_deadline: Instant,
    /// How far it has come.
    pub(super) stage: Stage,
    /// What was measured so far.
    pub(super) phases: Phases,
    /// The first fault that was explained.
    pub(super) fault: Option<Fault>,
    /// What TLS had to say when the connection failed.
    pub(super) tls_error: Option<rustls::Error>,
    /// Whether a limit passed.
    pub(super) late: bool,
    /// The length of the request's body.
    pub(super) body_len: usize,
    /// Pooled connections are not to be used.
    pub(super) fresh_only: bool,
    /// The connection came out of the pool.
    pub(super) pooled: bool,
    /// The request went to a proxy in absolute form, so that a 407 is the proxy's.
    pub(super) proxied: bool,
    /// When the request had been handed to the system.
    pub(super) sent: Option<Instant>,
    /// Bytes of the answer received.
    pub(super) received: usize,
    /// The answer is larger on the wire than anything the receiver could want to say.
    pub(super) flooded: bool,
    /// The connection failed while the answer was read.
    pub(super) broken: bool,
}

thread_local! {
    static CURRENT: RefCell<Option<Exchange>> = const { RefCell::new(None) };
}

/// Begins an exchange on this thread.
pub(super) fn begin(started: Instant, timeout: Duration, connect_timeout: Duration, body_len: usize) {
    let far = started + Duration::from_secs(86_400);
    let exchange = Exchange {
        started,
        deadline: started.checked_add(timeout).unwrap_or(far),
        open_deadline: started.checked_add(connect_timeout.min(timeout)).unwrap_or(far),
        stage: Stage::Resolve,
        phases: Phases::default(),
        fault: None,
        tls_error: None,
        late: false,
        body_len,
        fresh_only: false,
        pooled: false,
        proxied: false,
        sent: None,
        received: 0,
        flooded: false,
        broken: false,
    };
    CURRENT.with(|current| *current.borrow_mut() = Some(exchange));
}

/// Ends the exchange of this thread and gives back its state.
pub(super) fn end() -> Option<Exchange> {
    CURRENT.with(|current| current.borrow_mut().take())
}

/// Looks at or changes the exchange of this thread; `None` outside of one.
pub(super) fn with<R>(look: impl FnOnce(&mut Exchange) -> R) -> Option<R> {
    CURRENT.with(|current| current.borrow_mut().as_mut().map(look))
}

/// The time left for the present stage, or `TimedOut` when there is none.
pub(super) fn time_left() -> io::Result<Duration> {
    let left = with(|exchange| {
        let until = if exchange.stage.is_opening() { exchange.open_deadline } else { exchange.deadline };
        let left = until.saturating_duration_since(Instant::now());
        exchange.late |= left.is_zero();
        left
    });
    match left {
        Some(left) if !left.is_zero() => Ok(left),
        _ => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Moves to a stage.
pub(super) fn enter(stage: Stage) {
    with(|exchange| exchange.stage = stage);
}

/// Microseconds since an instant, as [`Phases`] counts them.
pub(super) fn micros_since(start: Instant) -> u32 {
    u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX)
}
