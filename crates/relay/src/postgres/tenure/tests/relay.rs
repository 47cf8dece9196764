//! A relay of the model. Its keeper, dispatcher and lane make one step at a time, and what they decide is [`Tenure`]'s.

use super::super::{Renewal, Tenure};
use super::database::{BATCH, Granted, Rows, SessionId, SimulatedDatabase};
use super::{LEASE_MS, Rules};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How far it is on its way to lead.
#[derive(Debug, Clone, Copy)]
enum Candidacy {
    Waits,
    Saw { epoch: i64 },
    Locked { asked: Instant },
}

/// A transaction of the dispatcher.
#[derive(Debug, Clone)]
enum Commit {
    None,
    Begun {
        session: SessionId,
    },
    /// Its end is asked for.
    Sent {
        session: SessionId,
        rows: Rows,
    },
    /// It is over there, and nobody said how.
    InDoubt {
        session: SessionId,
        rows: Rows,
    },
}

/// What it has while it leads.
#[derive(Debug)]
struct Office {
    tenure: Tenure,
    /// When the renewal was asked for that is on its way.
    asked: Option<Instant>,
    steps: u64,
    counts: BTreeMap<u64, u64>,
    pending: BTreeSet<u64>,
    /// Tried, and not recorded.
    results: Vec<u64>,
    commit: Commit,
}

/// Events of a node that are not answered.
#[derive(Debug)]
struct Post {
    node: usize,
    events: Vec<u64>,
}

#[derive(Debug)]
pub struct SimulatedRelay {
    /// How fast its clock is, in thousandths of a true one.
    speed: u64,
    start: Instant,
    pub is_paused: bool,
    pub is_cut: bool,
    pub loses_answer: bool,
    /// Whether it looked at its session in this office when that was gone.
    pub could_see: bool,
    candidacy: Candidacy,
    session: Option<SessionId>,
    office: Option<Office>,
    posts: Vec<Post>,
}

impl SimulatedRelay {
    pub fn new(speed: u64) -> SimulatedRelay {
        SimulatedRelay {
            speed,
            start: Instant::now(),
            is_paused: false,
            is_cut: false,
            loses_answer: false,
            could_see: false,
            candidacy: Candidacy::Waits,
            session: None,
            office: None,
            posts: Vec::new(),
        }
    }

    fn at(&self, true_ms: u64) -> Instant {
        self.start + Duration::from_micros(true_ms * self.speed)
    }

    /// Its memory and its connections are gone.
    pub fn crash(&mut self, database: &mut SimulatedDatabase) {
        self.leave(database);
        (self.is_paused, self.loses_answer) = (false, false);
    }

    fn leave(&mut self, database: &mut SimulatedDatabase) {
        let work = self.office.take().and_then(|office| match office.commit {
            Commit::Begun { session } | Commit::Sent { session, .. } => Some(session),
            Commit::None | Commit::InDoubt { .. } => None,
        });
        self.session.take().into_iter().chain(work).for_each(|session| database.disconnect(session));
        self.posts.clear();
        (self.candidacy, self.could_see) = (Candidacy::Waits, false);
    }

    /// Whether the next answer comes.
    fn hears(&mut self) -> bool {
        !std::mem::take(&mut self.loses_answer) && !self.is_cut
    }

    /// The session that it has, or a new one.
    fn connect(&mut self, database: &mut SimulatedDatabase) -> SessionId {
        let kept = self.session.filter(|session| database.is_open(*session));
        *self.session.insert(kept.unwrap_or_else(|| database.connect()))
    }

    /// One step of who takes and keeps the lease.
    pub fn keep(&mut self, database: &mut SimulatedDatabase, true_ms: u64, rules: &Rules) {
        if self.is_paused {
            return;
        }
        let now = self.at(true_ms);
        if self.office.is_none() {
            return self.stand(database, now, rules);
        }
        // A connection that is cut looks as it did.
        let lasts = self.session.is_some_and(|session| self.is_cut || database.is_open(session));
        let Some(office) = &mut self.office else { return };
        let epoch = office.tenure.term().epoch;
        let Some(asked) = office.asked.take() else {
            self.could_see |= !lasts;
            let lasts = lasts || !rules.sees_sessions;
            if office.tenure.may_renew(lasts, Some(office.steps), now) {
                office.asked = Some(now);
            }
            return;
        };
        let renewal = if self.is_cut {
            Renewal::Unanswered
        } else {
            let session = self.connect(database);
            let is_renewed = database.renew(session, epoch, LEASE_MS);
            match (self.hears(), is_renewed) {
                (false, _) => Renewal::Unanswered,
                (true, true) => Renewal::Renewed(rules.term(epoch, asked)),
                (true, false) => Renewal::Deposed,
            }
        };
        if let Some(office) = &mut self.office {
            office.tenure.answer(renewal);
        }
        match renewal {
            Renewal::Renewed(_) => self.could_see = false,
            Renewal::Deposed => self.leave(database),
            Renewal::Unanswered => self.session.take().into_iter().for_each(|one| database.disconnect(one)),
        }
    }

    fn stand(&mut self, database: &mut SimulatedDatabase, now: Instant, rules: &Rules) {
        if self.is_cut {
            return;
        }
        let session = self.connect(database);
        match self.candidacy {
            Candidacy::Waits => {
                if let Some(epoch) = database.look() {
                    self.candidacy = Candidacy::Saw { epoch };
                }
            }
            Candidacy::Saw { epoch } => match database.lock(session, epoch) {
                Granted::Yes => self.candidacy = Candidacy::Locked { asked: now },
                Granted::No => self.candidacy = Candidacy::Waits,
                Granted::Waits => {}
            },
            Candidacy::Locked { asked } => {
                self.candidacy = Candidacy::Waits;
                if !database.holds(session) {
                    return;
                }
                let Some(epoch) = database.take(session, LEASE_MS) else { return };
                if !self.hears() {
                    // Nobody leads until its session is gone.
                    return self.leave(database);
                }
                let term = rules.term(epoch, asked);
                self.office = Some(Office {
                    tenure: Tenure::new(term, Duration::from_millis(LEASE_MS as u64), now),
                    asked: None,
                    steps: 0,
                    counts: database.counts.clone(),
                    pending: database.pending.clone(),
                    results: Vec::new(),
                    commit: Commit::None,
                });
            }
        }
    }

    /// One step of the dispatcher. The nodes whose events are durable, with them.
    pub fn dispatch(&mut self, database: &mut SimulatedDatabase) -> Vec<(usize, Vec<u64>)> {
        if self.is_paused {
            return Vec::new();
        }
        let Some(office) = &mut self.office else { return Vec::new() };
        office.steps += 1;
        if self.is_cut {
            return Vec::new();
        }
        let epoch = office.tenure.term().epoch;
        match std::mem::replace(&mut office.commit, Commit::None) {
            Commit::None => {
                let session = database.connect();
                match database.begin(session, epoch) {
                    Granted::Yes => office.commit = Commit::Begun { session },
                    Granted::Waits => database.disconnect(session),
                    Granted::No => self.leave(database),
                }
            }
            // A transaction whose connection ended is void.
            Commit::Begun { session } if database.is_open(session) => {
                let rows = office.rows(self.posts.iter().flat_map(|post| &post.events), database);
                office.commit = Commit::Sent { session, rows };
            }
            Commit::Sent { session, rows } if database.is_open(session) => {
                database.commit(session, epoch, &rows);
                database.disconnect(session);
                if self.hears() {
                    return self.committed(rows);
                }
                if let Some(office) = &mut self.office {
                    office.commit = Commit::InDoubt { session, rows };
                }
            }
            Commit::InDoubt { session, rows } if database.was_committed(session) => {
                return self.committed(rows);
            }
            Commit::Begun { .. } | Commit::Sent { .. } | Commit::InDoubt { .. } => {}
        }
        Vec::new()
    }

    /// Posts are answered that are durable as a whole.
    fn committed(&mut self, rows: Rows) -> Vec<(usize, Vec<u64>)> {
        let Some(office) = &mut self.office else { return Vec::new() };
        office.pending.extend(&rows.events);
        office.counts = rows.counts;
        office.results.retain(|event| !rows.delivered.contains(event));
        let asked = &rows.asked;
        let (durable, open): (Vec<Post>, Vec<Post>) = std::mem::take(&mut self.posts)
            .into_iter()
            .partition(|post| post.events.iter().all(|event| asked.contains(event)));
        self.posts = open;
        durable.into_iter().map(|post| (post.node, post.events)).collect()
    }

    /// Whether it takes the post of a node.
    pub fn post(&mut self, node: usize, events: &[u64], true_ms: u64) -> bool {
        let takes = !self.is_paused && self.is_trusted(true_ms);
        if takes {
            self.posts.push(Post { node, events: events.to_vec() });
        }
        takes
    }

    pub fn is_posted_by(&self, node: usize) -> bool {
        self.posts.iter().any(|post| post.node == node)
    }

    fn is_trusted(&self, true_ms: u64) -> bool {
        let until = self.office.as_ref().and_then(|office| office.tenure.trusted_until());
        until.is_some_and(|until| self.at(true_ms) < until)
    }

    /// Starts an attempt, if it may: the event, and the epoch in which it is sent.
    pub fn attempt(&mut self, true_ms: u64) -> Option<(u64, i64)> {
        if self.is_paused || !self.is_trusted(true_ms) {
            return None;
        }
        let office = self.office.as_mut()?;
        let event = office.pending.pop_first()?;
        office.results.push(event);
        Some((event, office.tenure.term().epoch))
    }
}

impl Office {
    fn rows<'a>(&self, posted: impl Iterator<Item = &'a u64>, database: &SimulatedDatabase) -> Rows {
        let mut rows =
            Rows { counts: self.counts.clone(), delivered: self.results.clone(), ..Rows::default() };
        for event in posted {
            rows.asked.insert(*event);
            if database.events.contains(event) || rows.events.contains(event) {
                continue;
            }
            rows.events.push(*event);
            let count = rows.counts.entry(event / BATCH).or_default();
            *count += 1;
            if *count == BATCH {
                rows.ended_batches.push(event / BATCH);
            }
        }
        rows
    }
}
