//! The pool of ureq agents of one client, one for each thread that sends at the same time: ureq checks
//! whether a connection is still open while it holds the lock of its own pool, so that all threads with one
//! agent would wait for that system call.

use super::connection_limit::ConnectionSlot;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use ureq::Agent;

type Make = Box<dyn Fn() -> Agent + Send + Sync>;

pub(super) struct AgentPool {
    make: Make,
    /// How long an unused agent is kept.
    max_idle: Duration,
    state: Mutex<PoolState>,
}

#[derive(Default)]
struct PoolState {
    closed: bool,
    /// The one used last at the end.
    idle: Vec<IdleAgent>,
    /// For the shutdown.
    all: Vec<(u64, Agent)>,
    made: u64,
}

struct IdleAgent {
    number: u64,
    agent: Agent,
    since: Instant,
    slot: ConnectionSlot,
}

/// An agent in use; it goes back when this is dropped.
pub(super) struct LentAgent<'a> {
    pool: &'a AgentPool,
    number: u64,
    lent: Option<(Agent, ConnectionSlot)>,
}

impl LentAgent<'_> {
    /// The agent; `None` never while it is lent.
    pub(super) fn agent(&self) -> Option<&Agent> {
        self.lent.as_ref().map(|(agent, _)| agent)
    }
}

impl Drop for LentAgent<'_> {
    fn drop(&mut self) {
        if let Some((agent, slot)) = self.lent.take() {
            self.pool.give_back(self.number, agent, slot);
        }
    }
}

impl PoolState {
    /// Takes agents out, the longest unused first, for as long as this holds.
    fn take_idle(&mut self, is_meant: impl Fn(&IdleAgent) -> bool) -> Vec<(IdleAgent, Option<Agent>)> {
        let count = self.idle.iter().take_while(|idle| is_meant(idle)).count();
        let gone: Vec<IdleAgent> = self.idle.drain(..count).collect();
        let of = |all: &mut Vec<(u64, Agent)>, number: u64| {
            let at = all.iter().position(|(other, _)| *other == number)?;
            Some(all.swap_remove(at).1)
        };
        gone.into_iter()
            .map(|idle| {
                let twin = of(&mut self.all, idle.number);
                (idle, twin)
            })
            .collect()
    }
}

impl AgentPool {
    /// Agents that `make` gives must share no connections.
    pub(super) fn new(make: Make, max_idle: Duration) -> AgentPool {
        AgentPool { make, max_idle, state: Mutex::default() }
    }

    /// Lends an agent, the one used last if there is one: its connection is the likeliest to be open. A new one
    /// waits until the process may open another connection; `None` when `is_cancelled` says so meanwhile.
    pub(super) fn lend(&self, is_cancelled: impl Fn() -> bool) -> Option<LentAgent<'_>> {
        let idle = self.state().idle.pop();
        let (number, agent, slot) = match idle {
            Some(idle) => (idle.number, idle.agent, idle.slot),
            None => self.add(ConnectionSlot::take(is_cancelled)?),
        };
        Some(LentAgent { pool: self, number, lent: Some((agent, slot)) })
    }

    /// Whether a connection may be open that nothing uses.
    pub(super) fn keeps_any(&self) -> bool {
        !self.state().idle.is_empty()
    }

    /// Closes the connections that nothing has used for this time.
    pub(super) fn close_idle(&self, unused_for: Duration) {
        let now = Instant::now();
        let gone = self.state().take_idle(|idle| now - idle.since >= unused_for);
        // Outside of the lock: closing a connection is a system call.
        drop(gone);
    }

    /// Breaks off what is in flight and closes the connections. Later requests fail.
    pub(super) fn shutdown(&self) {
        let agents = {
            let mut state = self.state();
            state.closed = true;
            state.idle.clear();
            std::mem::take(&mut state.all)
        };
        agents.into_iter().for_each(|(_, agent)| agent.shutdown());
    }

    fn state(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, slot: ConnectionSlot) -> (u64, Agent, ConnectionSlot) {
        let agent = (self.make)();
        let mut state = self.state();
        state.made += 1;
        let number = state.made;
        if state.closed {
            drop(state);
            agent.clone().shutdown();
        } else {
            state.all.push((number, agent.clone()));
        }
        (number, agent, slot)
    }

    /// Agents that were idle for too long are dropped with their connections. While few connections may still be
    /// opened, none is kept.
    fn give_back(&self, number: u64, agent: Agent, slot: ConnectionSlot) {
        let now = Instant::now();
        let max_idle = if slot.is_wanted() { Duration::ZERO } else { self.max_idle };
        let mut state = self.state();
        if state.closed {
            return;
        }
        state.idle.push(IdleAgent { number, agent, since: now, slot });
        let gone = state.take_idle(|idle| max_idle.is_zero() || now - idle.since > max_idle);
        drop(state);
        drop(gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn agents(max_idle: Duration) -> (AgentPool, Arc<AtomicUsize>) {
        let made = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&made);
        let make = move || {
            counter.fetch_add(1, Ordering::Relaxed);
            Agent::new_with_defaults()
        };
        (AgentPool::new(Box::new(make), max_idle), made)
    }

    fn with<T>(agents: &AgentPool, work: impl FnOnce(&Agent) -> T) -> T {
        let lent = agents.lend(|| false).unwrap();
        work(lent.agent().unwrap())
    }

    #[test]
    fn threads_that_send_at_once_have_an_agent_each_and_later_ones_reuse_them() {
        let (agents, made) = agents(Duration::from_secs(3600));
        with(&agents, |_| with(&agents, |_| ()));
        assert_eq!(made.load(Ordering::Relaxed), 2);
        with(&agents, |_| with(&agents, |_| ()));
        assert_eq!((made.load(Ordering::Relaxed), agents.state().idle.len()), (2, 2));
    }

    #[test]
    fn an_agent_that_was_idle_for_too_long_is_dropped_with_its_connection() {
        let (agents, made) = agents(Duration::from_nanos(1));
        with(&agents, |_| with(&agents, |_| with(&agents, |_| ())));
        assert_eq!(made.load(Ordering::Relaxed), 3);
        while agents.state().idle.len() > 1 {
            with(&agents, |_| ());
        }
        assert_eq!((made.load(Ordering::Relaxed), agents.state().all.len()), (3, 1));
    }

    #[test]
    fn after_the_shutdown_nothing_is_kept_and_nothing_is_sent() {
        let (agents, made) = agents(Duration::from_secs(3600));
        with(&agents, |agent| {
            agents.shutdown();
            assert!(agent.get("http://127.0.0.1:1/").call().is_err());
        });
        let error = with(&agents, |agent| agent.get("http://127.0.0.1:1/").call().unwrap_err());
        assert!(error.to_string().contains("shut down"), "{error}");
        assert_eq!((made.load(Ordering::Relaxed), agents.state().idle.len()), (2, 0));
    }

    #[test]
    fn connections_without_use_are_closed_by_time_and_those_in_use_are_not() {
        let (agents, made) = agents(Duration::from_secs(3600));
        with(&agents, |_| {
            with(&agents, |_| ());
            agents.close_idle(Duration::from_secs(3600));
            assert!(agents.keeps_any());
            agents.close_idle(Duration::ZERO);
            assert!(!agents.keeps_any());
            assert_eq!(agents.state().all.len(), 1);
        });
        assert!(agents.keeps_any());
        with(&agents, |_| ());
        assert_eq!(made.load(Ordering::Relaxed), 2);
    }
}
