//! The pool of ureq agents of one client, one for each thread that sends at the same time: ureq checks
//! whether a connection is still open while it holds the lock of its own pool, so that all threads with one
//! agent would wait for that system call.

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
}

impl AgentPool {
    /// Agents that `make` gives must share no connections.
    pub(super) fn new(make: Make, max_idle: Duration) -> AgentPool {
        AgentPool { make, max_idle, state: Mutex::default() }
    }

    /// Lends an agent, the one used last if there is one: its connection is the likeliest to be open.
    pub(super) fn with<T>(&self, work: impl FnOnce(&Agent) -> T) -> T {
        let idle = self.state().idle.pop();
        let (number, agent) = idle.map_or_else(|| self.add(), |idle| (idle.number, idle.agent));
        let result = work(&agent);
        self.give_back(number, agent);
        result
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

    fn add(&self) -> (u64, Agent) {
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
        (number, agent)
    }

    /// Agents that were idle for too long are dropped with their connections.
    fn give_back(&self, number: u64, agent: Agent) {
        let now = Instant::now();
        let mut state = self.state();
        if state.closed {
            return;
        }
        state.idle.push(IdleAgent { number, agent, since: now });
        let old = state.idle.iter().take_while(|idle| now - idle.since > self.max_idle).count();
        if old > 0 {
            let gone: Vec<IdleAgent> = state.idle.drain(..old).collect();
            state.all.retain(|(number, _)| gone.iter().all(|old| old.number != *number));
        }
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

    #[test]
    fn threads_that_send_at_once_have_an_agent_each_and_later_ones_reuse_them() {
        let (agents, made) = agents(Duration::from_secs(3600));
        agents.with(|_| agents.with(|_| ()));
        assert_eq!(made.load(Ordering::Relaxed), 2);
        agents.with(|_| agents.with(|_| ()));
        assert_eq!((made.load(Ordering::Relaxed), agents.state().idle.len()), (2, 2));
    }

    #[test]
    fn an_agent_that_was_idle_for_too_long_is_dropped_with_its_connection() {
        let (agents, made) = agents(Duration::from_nanos(1));
        agents.with(|_| agents.with(|_| agents.with(|_| ())));
        assert_eq!(made.load(Ordering::Relaxed), 3);
        while agents.state().idle.len() > 1 {
            agents.with(|_| ());
        }
        assert_eq!((made.load(Ordering::Relaxed), agents.state().all.len()), (3, 1));
    }

    #[test]
    fn after_the_shutdown_nothing_is_kept_and_nothing_is_sent() {
        let (agents, made) = agents(Duration::from_secs(3600));
        agents.with(|agent| {
            agents.shutdown();
            assert!(agent.get("http://127.0.0.1:1/").call().is_err());
        });
        let error = agents.with(|agent| agent.get("http://127.0.0.1:1/").call().unwrap_err());
        assert!(error.to_string().contains("shut down"), "{error}");
        assert_eq!((made.load(Ordering::Relaxed), agents.state().idle.len()), (2, 0));
    }
}
