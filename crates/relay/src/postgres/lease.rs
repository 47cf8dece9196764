//! Which of several relays leads: a lease, and an epoch that fences every transaction.
//!
//! Whoever takes the lease counts the epoch up, and each transaction of a leader holds a lock on the row of its own epoch.
//! So a takeover waits for the last transaction of the former leader, and a leader that was paused, or cut off, or whose
//! clock is wrong, writes nothing any more: its epoch is gone.

use super::clock::DatabaseClock;
use super::database::Database;
use super::fault::DatabaseFault;
use super::tables::{check_version, follow_timeline};
use super::tenure::Term;
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskbell_core::clock::Clock;

/// Free when its time is over, or the session that held it is gone: that is seen at once, and not after the time.
const LOOK: &str = "SELECT l.epoch, l.holder, p.until < clock_timestamp() OR NOT EXISTS ( \
    SELECT FROM pg_stat_activity a WHERE a.pid = p.pid AND a.backend_start = p.started) \
    FROM taskbell.leader l, taskbell.pulse p";

/// As [`RENEW`], of a lease that is still free: who held it may have renewed it since it looked free.
const TAKE: &str = "UPDATE taskbell.pulse p SET epoch = $2, until = clock_timestamp() + $3 * interval '1 millisecond', \
    pid = pg_backend_pid(), started = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()) \
    WHERE epoch = $1 AND (until < clock_timestamp() OR NOT EXISTS ( \
        SELECT FROM pg_stat_activity a WHERE a.pid = p.pid AND a.backend_start = p.started)) \
    RETURNING pid, (extract(epoch FROM clock_timestamp()) * 1000)::bigint";

const RENEW: &str = "UPDATE taskbell.pulse SET epoch = $2, until = clock_timestamp() + $3 * interval '1 millisecond', \
    pid = pg_backend_pid(), started = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()) \
    WHERE epoch = $1 RETURNING pid, (extract(epoch FROM clock_timestamp()) * 1000)::bigint";

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

/// The lease, on a connection of its own.
pub struct Lease {
    database: Database,
    holder: String,
    time: Duration,
    // Of the session that took it.
    pid: Option<i32>,
    timeline: Option<LedTimeline>,
    clock: Arc<DatabaseClock>,
}

impl Lease {
    /// Takes nothing yet. `holder` is for people; `time` is how long it holds without being renewed.
    pub fn new(database: Database, holder: &str, time: Duration) -> Lease {
        Lease {
            database,
            holder: holder.to_owned(),
            time,
            pid: None,
            timeline: None,
            clock: Arc::new(DatabaseClock::of_this_machine()),
        }
    }

    /// Takes the lease if it is free; `None` when another relay leads. Brings the tables up to date, if an earlier version
    /// of the relay made them.
    ///
    /// # Errors
    /// Those of the connection; `Unfit` for tables of a later version.
    pub fn take(&mut self) -> Result<Option<Term>, DatabaseFault> {
        let (holder, clock, millis) = (&self.holder, &self.clock, self.time.as_millis() as f64);
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
            let began = clock.monotonic();
            let Some(pulse) = transaction.query_opt(TAKE, &[&old, &epoch, &millis]).await? else {
                return Ok(None);
            };
            clock.set(began, pulse.get(1));
            let lead = "UPDATE taskbell.leader SET epoch = $1, holder = $2";
            transaction.execute(lead, &[&epoch, holder]).await?;
            transaction.commit().await?;
            let lacks_since = lacks.map(|before| (asked, before));
            Ok(Some((epoch, pulse.get::<_, i32>(0), LedTimeline { name: timeline, lacks_since })))
        })?;
        let Some((epoch, pid, timeline)) = taken else { return Ok(None) };
        self.pid = Some(pid);
        // A server that takes the place of this one may have the same epoch, and lacks what this relay knows.
        self.database.follow(Some(timeline.name.clone()));
        self.timeline = Some(timeline);
        Ok(Some(Term::new(epoch, asked, self.time)))
    }

    /// The time of the database.
    pub fn clock(&self) -> &Arc<DatabaseClock> {
        &self.clock
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
        let (asked, began) = (Instant::now(), self.clock.monotonic());
        let renewed = self.database.run("renewal of the lease", async |client| {
            let row = client.query_opt(RENEW, &[&epoch, &epoch, &millis]).await?;
            Ok(row.map(|row| (row.get::<_, i32>(0), row.get(1))))
        })?;
        let Some((pid, unix_ms)) = renewed else { return Ok(None) };
        self.clock.set(began, unix_ms);
        match self.pid.replace(pid) {
            Some(before) if before != pid && !self.database.is_new() => Err(DatabaseFault::pooled()),
            _ => Ok(Some(Term::new(epoch, asked, self.time))),
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
}
