//! The state of one request: its deadlines, its stage, and its first error.
//!
//! A request runs from the first to the last byte on the calling thread, through TLS and ureq, which pass nothing
//! of ours to the socket. The state is therefore thread-local.

use super::error::TransportError;
use std::cell::RefCell;
use std::io;
use std::time::{Duration, Instant};

/// How long the phases of an attempt took, in microseconds; 0 for one that did not take place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Phases {
    /// Looking up the name.
    pub resolve_us: u32,
    /// Opening the TCP connection; 0 on a connection that was open already.
    pub connect_us: u32,
    /// The TLS handshake.
    pub tls_us: u32,
    /// From the start of the attempt to the first byte of the answer.
    pub first_byte_us: u32,
    /// The whole attempt.
    pub total_us: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Resolve,
    Connect,
    Tunnel,
    Tls,
    Send,
    Head,
    Body,
}

impl Stage {
    /// Whether the shorter limit, the one for opening a connection, applies.
    fn is_opening(self) -> bool {
        matches!(self, Stage::Resolve | Stage::Connect | Stage::Tunnel | Stage::Tls)
    }
}

#[derive(Debug)]
pub(super) struct RequestState {
    pub(super) started: Instant,
    pub(super) deadline: Instant,
    /// When the connection must be open.
    pub(super) open_deadline: Instant,
    pub(super) stage: Stage,
    pub(super) phases: Phases,
    /// The first error that was explained.
    pub(super) error: Option<TransportError>,
    /// The error of TLS, if that is why the connection failed.
    pub(super) tls_error: Option<rustls::Error>,
    pub(super) late: bool,
    pub(super) pooled: bool,
    /// The request went to a proxy in absolute form, so that a 407 is the proxy's.
    pub(super) proxied: bool,
    /// When the request had been handed to the system.
    pub(super) sent: Option<Instant>,
    pub(super) received: usize,
    /// The answer exceeds the bound of received bytes.
    pub(super) flooded: bool,
    pub(super) broken: bool,
}

thread_local! {
    static CURRENT: RefCell<Option<RequestState>> = const { RefCell::new(None) };
}

pub(super) fn begin(started: Instant, timeout: Duration, connect_timeout: Duration) {
    let far = started + Duration::from_secs(86_400);
    let state = RequestState {
        started,
        deadline: started.checked_add(timeout).unwrap_or(far),
        open_deadline: started.checked_add(connect_timeout.min(timeout)).unwrap_or(far),
        stage: Stage::Resolve,
        phases: Phases::default(),
        error: None,
        tls_error: None,
        late: false,
        pooled: false,
        proxied: false,
        sent: None,
        received: 0,
        flooded: false,
        broken: false,
    };
    CURRENT.with(|current| *current.borrow_mut() = Some(state));
}

pub(super) fn end() -> Option<RequestState> {
    CURRENT.with(|current| current.borrow_mut().take())
}

/// Reads or changes the state of this thread's request; `None` outside of one.
pub(super) fn with<R>(look: impl FnOnce(&mut RequestState) -> R) -> Option<R> {
    CURRENT.with(|current| current.borrow_mut().as_mut().map(look))
}

/// The time left for the current stage, or `TimedOut`.
pub(super) fn time_left() -> io::Result<Duration> {
    let left = with(|state| {
        let until = if state.stage.is_opening() { state.open_deadline } else { state.deadline };
        let left = until.saturating_duration_since(Instant::now());
        state.late |= left.is_zero();
        left
    });
    match left {
        Some(left) if !left.is_zero() => Ok(left),
        _ => Err(io::ErrorKind::TimedOut.into()),
    }
}

pub(super) fn enter(stage: Stage) {
    with(|state| state.stage = stage);
}

/// Microseconds since an instant, as [`Phases`] counts them.
pub(super) fn micros_since(start: Instant) -> u32 {
    u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX)
}
