//! A database as relays see it, step by step: what the statements of `lease.rs` and `store/transaction.rs` do there, with
//! the locks that they take.

use std::collections::{BTreeMap, BTreeSet};

/// How many events make a batch.
pub const BATCH: u64 = 4;

pub type SessionId = u64;

/// What a statement comes to that may have to wait for a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    Yes,
    /// The row is not there: another relay leads.
    No,
    /// Somebody else holds a lock on it.
    Waits,
}

/// What a leader writes in one transaction.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    pub events: Vec<u64>,
    pub delivered: Vec<u64>,
    /// What was posted, events that were known among them.
    pub asked: BTreeSet<u64>,
    /// How many events of each batch its leader has counted.
    pub counts: BTreeMap<u64, u64>,
    pub ended_batches: Vec<u64>,
}

#[derive(Debug, Default)]
pub struct SimulatedDatabase {
    /// Whether transactions are fenced.
    is_fenced: bool,
    /// Whether who takes the lease looks at it again while nobody else can.
    looks_twice: bool,
    /// By its own clock, in milliseconds.
    pub now: i64,
    pub epoch: i64,
    until: i64,
    holder: Option<SessionId>,
    /// Epochs that ended because their session was gone.
    pub gone: BTreeSet<i64>,
    sessions: BTreeSet<SessionId>,
    last_session: SessionId,
    shared: BTreeSet<SessionId>,
    exclusive: Option<SessionId>,
    committed: BTreeSet<SessionId>,
    pub events: BTreeSet<u64>,
    pub pending: BTreeSet<u64>,
    pub counts: BTreeMap<u64, u64>,
    pub ended_batches: BTreeSet<u64>,
}

impl SimulatedDatabase {
    pub fn new(is_fenced: bool, looks_twice: bool) -> SimulatedDatabase {
        SimulatedDatabase { is_fenced, looks_twice, ..SimulatedDatabase::default() }
    }

    pub fn connect(&mut self) -> SessionId {
        self.last_session += 1;
        self.sessions.insert(self.last_session);
        self.last_session
    }

    pub fn is_open(&self, session: SessionId) -> bool {
        self.sessions.contains(&session)
    }

    /// What it had begun is taken back.
    pub fn disconnect(&mut self, session: SessionId) {
        self.sessions.remove(&session);
        self.unlock(session);
    }

    pub fn disconnect_all(&mut self) {
        self.sessions.clear();
        self.shared.clear();
        self.exclusive = None;
    }

    fn unlock(&mut self, session: SessionId) {
        self.shared.remove(&session);
        self.exclusive = self.exclusive.filter(|held| *held != session);
    }

    fn is_session_gone(&self) -> bool {
        self.holder.is_none_or(|holder| !self.is_open(holder))
    }

    /// The epoch, where the lease is free.
    pub fn look(&self) -> Option<i64> {
        (self.until < self.now || self.is_session_gone()).then_some(self.epoch)
    }

    /// `FOR UPDATE`.
    pub fn lock(&mut self, session: SessionId, epoch: i64) -> Granted {
        if self.exclusive.is_some() || !self.shared.is_empty() {
            return Granted::Waits;
        }
        if self.epoch != epoch {
            return Granted::No;
        }
        self.exclusive = Some(session);
        Granted::Yes
    }

    pub fn holds(&self, session: SessionId) -> bool {
        self.exclusive == Some(session)
    }

    /// The two updates of a takeover, and its end; nothing where the lease is not free any more.
    pub fn take(&mut self, session: SessionId, time: i64) -> Option<i64> {
        if self.looks_twice && self.look().is_none() {
            self.unlock(session);
            return None;
        }
        if self.is_session_gone() {
            self.gone.insert(self.epoch);
        }
        self.epoch += 1;
        (self.holder, self.until) = (Some(session), self.now + time);
        self.unlock(session);
        Some(self.epoch)
    }

    pub fn renew(&mut self, session: SessionId, epoch: i64, time: i64) -> bool {
        if self.epoch == epoch {
            (self.holder, self.until) = (Some(session), self.now + time);
        }
        self.epoch == epoch
    }

    /// `BEGIN` and the fence: `FOR SHARE`.
    pub fn begin(&mut self, session: SessionId, epoch: i64) -> Granted {
        if !self.is_fenced {
            return Granted::Yes;
        }
        if self.exclusive.is_some() {
            return Granted::Waits;
        }
        if self.epoch != epoch {
            return Granted::No;
        }
        self.shared.insert(session);
        Granted::Yes
    }

    /// What nobody may see twice panics here.
    pub fn commit(&mut self, session: SessionId, epoch: i64, rows: &Rows) {
        assert_eq!(epoch, self.epoch, "a former leader commits");
        for event in &rows.events {
            assert!(self.events.insert(*event), "event {event} counts twice");
            self.pending.insert(*event);
        }
        for batch in &rows.ended_batches {
            assert!(self.ended_batches.insert(*batch), "batch {batch} ends twice");
        }
        self.pending.retain(|event| !rows.delivered.contains(event));
        self.counts.extend(&rows.counts);
        self.committed.insert(session);
        self.unlock(session);
    }

    /// By its mark: each transaction of the model has a session of its own.
    pub fn was_committed(&self, session: SessionId) -> bool {
        self.committed.contains(&session)
    }
}
