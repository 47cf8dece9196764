//! How a relay comes to lead: by the lock of its spool, or by the lease of a database that several relays share; and how it
//! learns that it does not lead any more.

use crate::leadership::LeaderLock;
use crate::log::RelayLog;
use crate::postgres::{
    DatabaseFault, Lease, LeaseKeeper, LedTimeline, Lost, StoreAccess, check_sessions, prepare,
};
use crate::relay_error::RelayError;
use crate::trust::Trust;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use taskbell_core::engine::{Bell, Level};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// Between two attempts to lead.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What a request for the lease may take: the transaction of a former leader that is cut off ends after 5 s.
const TAKE_LIMIT: Duration = Duration::from_secs(8);

// A kind of line that may come very often.
const AWAY: u16 = 3;

/// What a relay leads on.
pub enum Candidate {
    /// A spool of this machine.
    Spool(PathBuf),
    /// A database.
    Database(StoreAccess),
}

/// The lead, as long as this lives.
pub enum Lead {
    /// The system lets go of it however the process ends.
    Lock(#[expect(dead_code, reason = "it is held")] LeaderLock),
    /// It has to be renewed.
    Lease(LeaseKeeper),
}

impl Lead {
    /// Whether it leads now.
    pub fn trust(&self) -> Trust {
        match self {
            Lead::Lock(_) => Trust::for_ever(),
            Lead::Lease(keeper) => keeper.trust.clone(),
        }
    }

    /// The history of the database on which it leads.
    pub fn timeline(&self) -> Option<Arc<LedTimeline>> {
        match self {
            Lead::Lock(_) => None,
            Lead::Lease(keeper) => Some(Arc::clone(&keeper.timeline)),
        }
    }

    /// It leads only while this instance works.
    pub fn watch_work(&self, bell: &Arc<Bell>) {
        if let Lead::Lease(keeper) = self {
            keeper.watch_work(Arc::clone(bell));
        }
    }

    /// Waits until it is lost.
    pub async fn lost(&mut self) -> Lost {
        match self {
            Lead::Lock(_) => std::future::pending().await,
            Lead::Lease(keeper) => keeper.lost().await,
        }
    }
}

impl Candidate {
    /// Waits until no other relay leads.
    ///
    /// # Errors
    /// It can never lead here.
    pub async fn lead(&self, log: &RelayLog) -> Result<Lead, RelayError> {
        match self {
            Candidate::Spool(spool) => await_lock(spool, log).await.map(Lead::Lock),
            Candidate::Database(access) => await_lease(access, log).await.map(Lead::Lease),
        }
    }
}

async fn await_lock(spool: &std::path::Path, log: &RelayLog) -> Result<LeaderLock, RelayError> {
    let mut is_news = true;
    loop {
        let taken = LeaderLock::take(spool);
        let taken = taken.map_err(|error| {
            RelayError::new(
                format!("the lock of the leader cannot be taken: {error}"),
                "correct `[spool] path`",
            )
        })?;
        if let Some(lock) = taken {
            return Ok(lock);
        }
        if std::mem::take(&mut is_news) {
            log.write(Level::Info, "another relay leads on this spool; this one is on standby");
        }
        sleep(LOOK_EVERY).await;
    }
}

/// While the database is away it waits: relay and database may start in any order.
async fn await_lease(access: &StoreAccess, log: &RelayLog) -> Result<LeaseKeeper, RelayError> {
    let (mut lease, mut is_news) = (None, true);
    loop {
        let (access, held) = (access.clone(), lease.take());
        let asked = spawn_blocking(move || ask(&access, held)).await;
        let Ok((kept, asked)) = asked else { return Err(RelayError::defect()) };
        match (asked, kept) {
            (Ok(Some(term)), Some(kept)) => {
                return LeaseKeeper::start(kept, term, log.clone()).map_err(|error| {
                    RelayError::new(format!("no thread can be started: {error}"), "try again")
                });
            }
            (Ok(_), kept) => {
                lease = kept;
                if std::mem::take(&mut is_news) {
                    log.write(Level::Info, "another relay leads on this database; this one is on standby");
                }
            }
            (Err(fault), kept) if fault.is_transient() => {
                lease = kept;
                log.repeat(AWAY, &format!("{fault}; this relay waits for it"));
            }
            (Err(fault), _) => return Err(RelayError::of_database(&fault)),
        }
        sleep(LOOK_EVERY).await;
    }
}

type Asked = (Option<Lease>, Result<Option<crate::postgres::Term>, DatabaseFault>);

/// Asks for the lease once; the first time after a look at the tables.
fn ask(access: &StoreAccess, held: Option<Lease>) -> Asked {
    let made = match held {
        Some(lease) => Ok(lease),
        None => access.database(TAKE_LIMIT).and_then(|mut database| {
            check_sessions(&mut database, &mut access.database(TAKE_LIMIT)?)?;
            prepare(&mut database, &access.farm)?;
            Ok(Lease::new(database, &access.holder, access.lease))
        }),
    };
    match made {
        Ok(mut lease) => {
            let term = lease.take();
            (Some(lease), term)
        }
        Err(fault) => (None, Err(fault)),
    }
}
