//! The connections of one client that nothing uses at present.

use super::connection::HttpConnection;
use super::connection_limit::ConnectionSlot;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(super) struct ConnectionPool {
    /// How long an unused connection is kept.
    max_idle: Duration,
    state: Mutex<PoolState>,
}

#[derive(Default)]
struct PoolState {
    closed: bool,
    /// The one used last at the end.
    idle: Vec<IdleConnection>,
}

struct IdleConnection {
    connection: Box<HttpConnection>,
    since: Instant,
    slot: ConnectionSlot,
    room: Vec<u8>,
}

/// The right to one connection, and a connection that was used before if there is one.
pub(super) struct LentConnection {
    pub(super) connection: Option<Box<HttpConnection>>,
    slot: ConnectionSlot,
    /// Memory for the next request that is written to it. It holds the last one, with its secrets.
    pub(super) room: Vec<u8>,
}

/// The most bytes of memory for requests that a connection keeps.
const MAX_ROOM: usize = 8 * 1024;

impl PoolState {
    /// Takes connections out, the longest unused first, for as long as this holds.
    fn take_idle(&mut self, is_meant: impl Fn(&IdleConnection) -> bool) -> Vec<IdleConnection> {
        let count = self.idle.iter().take_while(|idle| is_meant(idle)).count();
        self.idle.drain(..count).collect()
    }
}

impl ConnectionPool {
    pub(super) fn new(max_idle: Duration) -> ConnectionPool {
        ConnectionPool { max_idle, state: Mutex::default() }
    }

    /// Lends a connection, the one used last if there is one: it is the likeliest to be open. Without one it waits
    /// until the process may open another; `None` when `is_cancelled` says so meanwhile.
    pub(super) fn lend(&self, is_cancelled: impl Fn() -> bool) -> Option<LentConnection> {
        let idle = self.state().idle.pop();
        Some(match idle {
            Some(IdleConnection { connection, since, slot, room }) => {
                let connection = Some(connection).filter(|_| since.elapsed() < self.max_idle);
                LentConnection { connection, slot, room }
            }
            None => {
                let slot = ConnectionSlot::take(is_cancelled)?;
                LentConnection { connection: None, slot, room: Vec::new() }
            }
        })
    }

    /// Whether a connection is open that nothing uses.
    pub(super) fn keeps_any(&self) -> bool {
        !self.state().idle.is_empty()
    }

    /// Closes the connections that nothing has used for this time.
    pub(super) fn close_idle(&self, unused_for: Duration) {
        if !self.keeps_any() {
            return;
        }
        let now = Instant::now();
        let gone = self.state().take_idle(|idle| now - idle.since >= unused_for);
        // Outside of the lock: closing a connection is a system call.
        drop(gone);
    }

    /// Closes the connections. Those that are given back later are closed, too.
    pub(super) fn shutdown(&self) {
        let mut state = self.state();
        state.closed = true;
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        drop(idle);
    }

    /// Keeps what was lent for the next request, unless it was idle for too long. While few connections may still be
    /// opened, none is kept.
    pub(super) fn give_back(&self, lent: LentConnection) {
        let LentConnection { connection: Some(connection), slot, mut room } = lent else { return };
        if room.capacity() > MAX_ROOM {
            room = Vec::new();
        }
        let now = Instant::now();
        let max_idle = if slot.is_wanted() { Duration::ZERO } else { self.max_idle };
        let mut state = self.state();
        if state.closed {
            return;
        }
        state.idle.push(IdleConnection { connection, since: now, slot, room });
        let gone = state.take_idle(|idle| max_idle.is_zero() || now - idle.since > max_idle);
        drop(state);
        drop(gone);
    }

    fn state(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::socket::Socket;
    use super::*;
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    const LONG: Duration = Duration::from_secs(3600);

    /// Lends as many at once as this, each with a connection, and gives them back; the number of those that were new.
    fn use_at_once(pool: &ConnectionPool, count: usize) -> usize {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let open = || {
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            Box::new(HttpConnection::new(Socket::new(stream, Default::default()).unwrap(), None, None))
        };
        let mut lent: Vec<_> = (0..count).map(|_| pool.lend(|| false).unwrap()).collect();
        let mut new = 0;
        for one in &mut lent {
            new += usize::from(one.connection.is_none());
            one.connection.get_or_insert_with(open);
        }
        lent.into_iter().for_each(|one| pool.give_back(one));
        new
    }

    #[test]
    fn threads_that_send_at_once_have_a_connection_each_and_later_ones_reuse_them() {
        let pool = ConnectionPool::new(LONG);
        assert_eq!((use_at_once(&pool, 2), use_at_once(&pool, 2), use_at_once(&pool, 1)), (2, 0, 0));
        assert_eq!(pool.state().idle.len(), 2);
    }

    #[test]
    fn a_connection_that_was_idle_for_too_long_is_not_used_again() {
        let pool = ConnectionPool::new(Duration::from_nanos(1));
        assert_eq!((use_at_once(&pool, 3), use_at_once(&pool, 1)), (3, 1));
        assert_eq!(pool.state().idle.len(), 1);
    }

    #[test]
    fn after_the_shutdown_nothing_is_kept() {
        let pool = ConnectionPool::new(LONG);
        use_at_once(&pool, 1);
        pool.shutdown();
        assert_eq!(use_at_once(&pool, 1), 1);
        assert!(!pool.keeps_any());
    }

    #[test]
    fn connections_without_use_are_closed_by_time_and_those_in_use_are_not() {
        let pool = ConnectionPool::new(LONG);
        use_at_once(&pool, 2);
        let lent = pool.lend(|| false).unwrap();
        pool.close_idle(LONG);
        assert!(pool.keeps_any());
        pool.close_idle(Duration::ZERO);
        assert!(!pool.keeps_any());
        assert!(lent.connection.is_some());
        pool.give_back(lent);
        assert_eq!(use_at_once(&pool, 1), 0);
    }
}
