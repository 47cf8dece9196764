//! Which of several relays leads: a lease, and an epoch that fences every transaction.
//!
//! Whoever takes the lease counts the epoch up, and each transaction of a leader holds a lock on the row of its own epoch.
//! So a takeover waits for the last transaction of the former leader, and a leader that was paused, or cut off, or whose
//! clock is wrong, writes nothing any more: its epoch is gone.

use super::database::Database;
use super::fault::DatabaseFault;
use super::tables::{check_version, follow_timeline};
use std::time::{Duration, Instant};
use tokio_postgres::Transaction;

/// Free when its time is over, or the session that held it is gone: that is seen at once, and not after the time.
const LOOK: &str = "SELECT l.epoch, l.holder, p.until < clock_timestamp() OR NOT EXISTS ( \
    SELECT FROM pg_stat_activity a WHERE a.pid = p.pid AND a.backend_start = p.started) \
    FROM taskbell.leader l, taskbell.pulse p";

const TAKE_PULSE: &str = "UPDATE taskbell.pulse SET epoch = $2, until = clock_timestamp() + $3 * interval '1 millisecond', \
    pid = pg_backend_pid(), started = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()) \
    WHERE epoch = $1 RETURNING pid";

const FENCE: &str = "SELECT pg_current_xact_id()::text FROM taskbell.leader WHERE epoch = $1 FOR SHARE";

/// The part of its time after which a leader no longer trusts itself, of ten: clocks may differ in their speed.
const TRUSTED_TENTHS: u32 = 8;

/// Who leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// Larger than that of every leader before; 0 before the first one.
    pub epoch: i64,
    /// The relay, for people.
    pub holder: String,
    /// Whether it leads still.
    pub is_leading: bool,
}

/// Who leads, for who looks on.
///
/// # Errors
/// Those of the connection.
pub fn leader(database: &mut Database) -> Result<Leader, DatabaseFault> {
    database.run("question about the leader", async |client| {
        let row = client.query_one(LOOK, &[]).await?;
        Ok(Leader { epoch: row.get(0), holder: row.get(1), is_leading: !row.get::<_, bool>(2) })
    })
}

/// The time in which a relay leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// Larger than that of every leader before.
    pub epoch: i64,
    trusted_until: Instant,
}

/// The history on which a relay leads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedTimeline {
    /// Its name, as [`DatabaseSession::timeline`](super::DatabaseSession::timeline) has it.
    pub name: String,
    /// Of an earlier history the database may lack what was committed since this time, by the monotonic clock.
    lacks_since: Option<(Instant, Duration)>,
}

impl LedTimeline {
    /// How long ago that begins which the database may have forgotten; zero where it has forgotten nothing.
    pub fn lacks(&self, now: Instant) -> Duration {
        let lacks = self.lacks_since.map(|(read, before)| before + now.saturating_duration_since(read));
        lacks.unwrap_or_default()
    }
}

impl Term {
    /// Whether it certainly still leads. What it sends after that, another may send, too.
    pub fn is_trusted(&self, now: Instant) -> bool {
        now < self.trusted_until
    }

    /// Until when.
    pub fn trusted_until(&self) -> Instant {
        self.trusted_until
    }
}

/// The lease, on a connection of its own.
pub struct Lease {
    database: Database,
    holder: String,
    time: Duration,
    // Of the session that took it.
    pid: Option<i32>,
    timeline: Option<LedTimeline>,
}

impl Lease {
    /// Takes nothing yet. `holder` is for people; `time` is how long it holds without being renewed.
    pub fn new(database: Database, holder: &str, time: Duration) -> Lease {
        Lease { database, holder: holder.to_owned(), time, pid: None, timeline: None }
    }

    /// Takes the lease if it is free; `None` when another relay leads. Brings the tables up to date, if an earlier version
    /// of the relay made them.
    ///
    /// # Errors
    /// Those of the connection; `Unfit` for tables of a later version.
    pub fn take(&mut self) -> Result<Option<Term>, DatabaseFault> {
        let (holder, millis) = (&self.holder, self.time.as_millis() as f64);
        let mut asked = Instant::now();
        self.database.follow(None);
        let taken = self.database.run("request for the lease", async |client| {
            let row = client.query_one(LOOK, &[]).await?;
            let (old, is_free): (i64, bool) = (row.get(0), row.get(2));
            if !is_free {
                return Ok(None);
            }
            let timeline = client.timeline()?.to_owned();
            let transaction = client.transaction().await?;
            // Waits for the transaction of the former leader.
            let lock = "SELECT FROM taskbell.leader WHERE epoch = $1 FOR UPDATE";
            if transaction.query_opt(lock, &[&old]).await?.is_none() {
                return Ok(None);
            }
            check_version(&transaction).await?;
            asked = Instant::now();
            // Before the lease is written, whose last time is looked at.
            let lacks = follow_timeline(&transaction, &timeline, millis).await?;
            let epoch = old + 1;
            let lead = "UPDATE taskbell.leader SET epoch = $1, holder = $2";
            transaction.execute(lead, &[&epoch, holder]).await?;
            let pulse = transaction.query_one(TAKE_PULSE, &[&old, &epoch, &millis]).await?;
            transaction.commit().await?;
            let lacks_since = lacks.map(|before| (asked, before));
            Ok(Some((epoch, pulse.get::<_, i32>(0), LedTimeline { name: timeline, lacks_since })))
        })?;
        let Some((epoch, pid, timeline)) = taken else { return Ok(None) };
        self.pid = Some(pid);
        // A server that takes the place of this one may have the same epoch, and lacks what this relay knows.
        self.database.follow(Some(timeline.name.clone()));
        self.timeline = Some(timeline);
        Ok(Some(self.term(epoch, asked)))
    }

    /// The history on which it was taken last.
    pub fn timeline(&self) -> Option<&LedTimeline> {
        self.timeline.as_ref()
    }

    /// Renews it, every quarter of its time. `None` when it is lost: another leads, or the session that took it is gone.
    ///
    /// # Errors
    /// Those of the connection, which may still hold it: the term goes on until it is no longer trusted. `Replaced` by
    /// a server with another history; `Unfit` behind a pooler that gives each transaction another session.
    pub fn renew(&mut self, term: &Term) -> Result<Option<Term>, DatabaseFault> {
        let (epoch, millis) = (term.epoch, self.time.as_millis() as f64);
        let asked = Instant::now();
        let pid = self.database.run("renewal of the lease", async |client| {
            let row = client.query_opt(TAKE_PULSE, &[&epoch, &epoch, &millis]).await?;
            Ok(row.map(|row| row.get::<_, i32>(0)))
        })?;
        let Some(pid) = pid else { return Ok(None) };
        match self.pid.replace(pid) {
            Some(before) if before != pid && !self.database.is_new() => Err(DatabaseFault::pooled()),
            _ => Ok(Some(self.term(epoch, asked))),
        }
    }

    /// As [`Database::set_limit`].
    pub fn set_limit(&mut self, limit: Duration) {
        self.database.set_limit(limit);
    }

    /// How long it holds without being renewed.
    pub fn time(&self) -> Duration {
        self.time
    }

    /// As [`Database::watch`], of the session that holds the lease.
    pub fn watch(&self, time: Duration, is_over: impl Fn() -> bool) -> bool {
        self.database.watch(time, is_over)
    }

    fn term(&self, epoch: i64, asked: Instant) -> Term {
        Term { epoch, trusted_until: asked + self.time * TRUSTED_TENTHS / 10 }
    }
}

/// A transaction of the leader of this epoch: all that the work does is kept, or nothing.
///
/// # Errors
/// `Deposed` when another leads: nothing is kept. `InDoubt` when the answer to its end was lost: [`was_committed`] says
/// what became of it. Any other: nothing is kept.
pub fn transact(
    database: &mut Database,
    epoch: i64,
    work: impl AsyncFnOnce(&Transaction<'_>) -> Result<(), DatabaseFault>,
) -> Result<(), DatabaseFault> {
    let mut ending = None;
    let done = database.run("transaction", async |client| {
        let transaction = client.transaction().await?;
        let Some(row) = transaction.query_opt(FENCE, &[&epoch]).await? else {
            return Err(DatabaseFault::Deposed(epoch));
        };
        let id: String = row.get(0);
        work(&transaction).await?;
        ending = Some(id);
        Ok(transaction.commit().await?)
    });
    match (done, ending) {
        (Err(fault), Some(transaction)) if fault.is_transient() => Err(DatabaseFault::InDoubt(transaction)),
        (done, _) => done,
    }
}

/// What became of a transaction whose answer was lost. Waits while it is in progress, as a server that lost its client
/// only sees later.
///
/// # Errors
/// Those of the connection; `Silent` also while it is in progress for too long. Ask again.
pub fn was_committed(database: &mut Database, transaction: &str) -> Result<bool, DatabaseFault> {
    database.run("question about a transaction", async |client| {
        loop {
            let row = client.query_one("SELECT pg_xact_status($1::text::xid8)", &[&transaction]).await?;
            match row.get::<_, Option<&str>>(0) {
                Some("committed") => return Ok(true),
                Some("aborted") => return Ok(false),
                Some(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                None => {
                    let text =
                        format!("the database no longer knows what became of transaction {transaction}");
                    return Err(DatabaseFault::Unfit(text));
                }
            }
        }
    })
}
