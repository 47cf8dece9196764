//! The agents of one client: each thread that sends has one to itself while it does.
//!
//! ureq looks whether a connection is still open while it holds the lock of its pool: a system call for
//! which all threads that share a pool would wait.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use ureq::Agent;

/// Makes an agent.
type Make = Box<dyn Fn() -> Agent + Send + Sync>;

/// The agents of a client.
pub(super) struct Agents {
    make: Make,
    /// How long an agent, and with it its connection, is kept unused.
    most_idle: Duration,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    closed: bool,
    /// Nobody's, the one used last at the end.
    idle: Vec<Resting>,
    /// All that live, to be broken off at shutdown.
    all: Vec<(u64, Agent)>,
    made: u64,
}

struct Resting {
    number: u64,
    agent: Agent,
    since: Instant,
}

impl Agents {
    /// No agent yet. Each that is made must be apart from the others.
    pub(super) fn new(make: Make, most_idle: Duration) -> Agents {
        Agents { make, most_idle, kept: Mutex::default() }
    }

    /// Lends an agent, the one used last if there is one: its connection is the likeliest to be open.
    pub(super) fn with<T>(&self, work: impl FnOnce(&Agent) -> T) -> T {
        let resting = self.kept().idle.pop();
        let (number, agent) = resting.map_or_else(|| self.add(), |resting| (resting.number, resting.agent));
        let result = work(&agent);
        self.give_back(number, agent);
        result
    }

    /// Breaks off what is in flight, and closes the connections. What is begun later fails.
    pub(super) fn shutdown(&self) {
        let agents = {
            let mut kept = self.kept();
            kept.closed = true;
            kept.idle.clear();
            std::mem::take(&mut kept.all)
        };
        agents.into_iter().for_each(|(_, agent)| agent.shutdown());
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self) -> (u64, Agent) {
        let agent = (self.make)();
        let mut kept = self.kept();
        kept.made += 1;
        let number = kept.made;
        if kept.closed {
            drop(kept);
            agent.clone().shutdown();
        } else {
            kept.all.push((number, agent.clone()));
        }
        (number, agent)
    }

    /// Agents that were not needed for a while go, and their connections with them.
    fn give_back(&self, number: u64, agent: Agent) {
        let now = Instant::now();
        let mut kept = self.kept();
        if kept.closed {
            return;
        }
        kept.idle.push(Resting { number, agent, since: now });
        let old = kept.idle.iter().take_while(|resting| now - resting.since > self.most_idle).count();
        if old > 0 {
            let gone: Vec<Resting> = kept.idle.drain(..old).collect();
            kept.all.retain(|(number, _)| gone.iter().all(|old| old.number != *number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn agents(most_idle: Duration) -> (Agents, Arc<AtomicUsize>) {
        let made = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&made);
        let make = move || {
            counter.fetch_add(1, Ordering::Relaxed);
            Agent::new_with_defaults()
        };
        (Agents::new(Box::new(make), most_idle), made)
    }

    #[test]
    fn threads_that_send_at_once_have_an_agent_each_and_later_ones_use_them_again() {
        let (agents, made) = agents(Duration::from_secs(3600));
        agents.with(|_| agents.with(|_| ()));
        assert_eq!(made.load(Ordering::Relaxed), 2);
        agents.with(|_| agents.with(|_| ()));
        assert_eq!((made.load(Ordering::Relaxed), agents.kept().idle.len()), (2, 2));
    }

    #[test]
    fn an_agent_that_was_not_needed_for_a_while_goes_with_its_connection() {
        let (agents, made) = agents(Duration::from_nanos(1));
        agents.with(|_| agents.with(|_| agents.with(|_| ())));
        assert_eq!(made.load(Ordering::Relaxed), 3);
        while agents.kept().idle.len() > 1 {
            agents.with(|_| ());
        }
        assert_eq!((made.load(Ordering::Relaxed), agents.kept().all.len()), (3, 1));
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
        assert_eq!((made.load(Ordering::Relaxed), agents.kept().idle.len()), (2, 0));
    }
}
