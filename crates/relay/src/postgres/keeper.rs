//! Keeps the lease of a relay that leads, on a thread of its own: renews it, and says when it is lost.

use super::clock::DatabaseClock;
use super::fault::DatabaseFault;
use super::lease::{Lease, LedTimeline};
use super::tenure::{Renewal, Tenure, Term};
use crate::log::RelayLog;
use crate::trust::Trust;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use taskbell_core::engine::{Bell, Level};
use tokio::sync::oneshot;

/// How often in its time a lease is renewed.
const RENEWALS: u32 = 4;

/// Between two attempts to renew it while the database does not answer.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// Why a relay does not lead any more.
#[derive(Debug)]
pub enum Lost {
    /// Another one leads.
    Deposed,
    /// It cannot lead on this database at all.
    Unfit(DatabaseFault),
}

/// The lease, as long as this lives. Dropped, it is free at once.
pub struct LeaseKeeper {
    pub trust: Trust,
    pub epoch: i64,
    /// The history on which it leads.
    pub timeline: Arc<LedTimeline>,
    /// The time of the database.
    pub clock: Arc<DatabaseClock>,
    shared: Arc<Shared>,
    lost: oneshot::Receiver<Lost>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    // A leader whose dispatcher hangs must not stay in office.
    bell: OnceLock<Arc<Bell>>,
}

impl Shared {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// As the store has said to the dispatcher.
    fn is_deposed(&self) -> bool {
        self.bell.get().is_some_and(|bell| bell.is_deposed())
    }
}

impl LeaseKeeper {
    /// Keeps the lease that was taken with this term.
    ///
    /// # Errors
    /// The system has no thread.
    pub fn start(lease: Lease, term: Term, log: RelayLog) -> std::io::Result<LeaseKeeper> {
        let tenure = Tenure::new(term, lease.time(), Instant::now());
        let trust = Trust::suspended();
        show(&trust, &tenure);
        let timeline = Arc::new(lease.timeline().cloned().unwrap_or_default());
        let (tell, lost) = oneshot::channel();
        let clock = Arc::clone(lease.clock());
        let shared = Arc::new(Shared::default());
        let work = LeaseWork { lease, tenure, trust: trust.clone(), shared: Arc::clone(&shared), log };
        let thread = thread::Builder::new().name("taskbell-lease".to_owned()).spawn(move || {
            if let Some(why) = work.keep() {
                let _ = tell.send(why);
            }
        })?;
        Ok(LeaseKeeper { trust, epoch: term.epoch, timeline, clock, shared, lost, thread: Some(thread) })
    }

    /// From now on it is renewed only while the dispatcher of this instance works.
    pub fn watch_work(&self, bell: Arc<Bell>) {
        let _ = self.shared.bell.set(bell);
    }

    /// Waits until it is lost.
    pub async fn lost(&mut self) -> Lost {
        // Without a word only when the thread has met a defect.
        (&mut self.lost).await.unwrap_or(Lost::Deposed)
    }
}

impl Drop for LeaseKeeper {
    fn drop(&mut self) {
        self.trust.suspend();
        self.shared.is_over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread has.
struct LeaseWork {
    lease: Lease,
    tenure: Tenure,
    trust: Trust,
    shared: Arc<Shared>,
    log: RelayLog,
}

impl LeaseWork {
    /// Returns when it is lost, and nothing when it is given up.
    fn keep(mut self) -> Option<Lost> {
        let pause = self.lease.time() / RENEWALS;
        // An answer that comes later than the next renewal is worth nothing.
        self.lease.set_limit(pause);
        loop {
            let lasts = self.lease.watch(pause, || self.shared.is_over() || self.shared.is_deposed());
            if self.shared.is_over() {
                return None;
            }
            if self.shared.is_deposed() {
                return Some(self.lose(Lost::Deposed));
            }
            let steps = self.shared.bell.get().map(|bell| bell.steps());
            let may_renew = self.tenure.may_renew(lasts, steps, Instant::now());
            show(&self.trust, &self.tenure);
            if !may_renew {
                self.log.repeat(HANGS, "the dispatcher of this relay hangs: it does not go on leading");
                thread::sleep(TRY_AGAIN);
                continue;
            }
            let asked = self.lease.renew(self.tenure.term());
            let renewal = match &asked {
                Ok(Some(term)) => Renewal::Renewed(*term),
                Ok(None) => Renewal::Deposed,
                Err(_) => Renewal::Unanswered,
            };
            self.tenure.answer(renewal);
            show(&self.trust, &self.tenure);
            match asked {
                Ok(Some(_)) => {}
                Ok(None) => return Some(self.lose(Lost::Deposed)),
                Err(fault @ DatabaseFault::Replaced) => {
                    self.log.write(Level::Warn, &fault.to_string());
                    return Some(self.lose(Lost::Deposed));
                }
                Err(fault) if fault.is_transient() => {
                    self.log.repeat(AWAY, &format!("the lease cannot be renewed yet: {fault}"));
                    thread::sleep(TRY_AGAIN);
                }
                Err(fault) => return Some(self.lose(Lost::Unfit(fault))),
            }
        }
    }

    fn lose(&self, why: Lost) -> Lost {
        self.trust.suspend();
        if let Lost::Deposed = why {
            self.log.write(
                Level::Warn,
                "this relay does not lead any more: it sends nothing, and waits for its turn",
            );
        }
        why
    }
}

/// What lanes and the front go by.
fn show(trust: &Trust, tenure: &Tenure) {
    match tenure.trusted_until() {
        Some(end) => trust.set(end),
        None => trust.suspend(),
    }
}

// The kinds of lines that may come very often; those of answers are statuses of HTTP.
const AWAY: u16 = 1;
const HANGS: u16 = 2;
