//! A store that the engine is given open: not the spool of its configuration, which it opens itself.

use crate::clock::Clock;
use crate::spool::MessageReader;
use std::sync::Arc;

/// Whether this instance certainly leads; asked before each attempt, from any thread.
pub type MaySend = Arc<dyn Fn() -> bool + Send + Sync>;

/// A store that is open for one instance, with all that the engine needs of it.
pub struct OpenStore<S> {
    /// What the dispatcher writes to.
    pub store: S,
    /// What lanes read messages from, on threads of their own.
    pub reader: Box<dyn MessageReader + Send>,
    /// The name under which the store knows the instance. All others are dead.
    pub instance: String,
    /// The time of the store, which the next instance goes on with.
    pub clock: Arc<dyn Clock>,
    /// No attempt starts while it says no.
    pub may_send: MaySend,
}
