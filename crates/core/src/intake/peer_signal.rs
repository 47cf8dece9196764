//! Signals between processes that share a spool: "the spool changed". A signal wakes an idle instance,
//! so no instance polls.
//!
//! Each instance has an object with a name that the others can find: a named pipe next to its ring, on Windows a named
//! event. Its dispatcher waits for it together with everything else, which costs neither a thread nor a wake-up. A signal
//! carries no data: the receiver reads the spool. Where no such object can be made, the dispatcher checks the spool at
//! intervals.

#[cfg(windows)]
mod event;
#[cfg(unix)]
mod pipe;

#[cfg(windows)]
pub use event::{EventSignal as PeerSignal, call, sweep};
#[cfg(unix)]
pub use pipe::{PipeSignal as PeerSignal, call, sweep};
