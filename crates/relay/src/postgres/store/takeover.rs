//! Who owns what waits. Everybody but the leader is dead: it takes over by writing its name, however much that is.

use super::flight::{BoundStatement, values};
use super::{PostgresBatch, PostgresStore};
use taskbell_core::spool::{Batch, SpoolError, StateKind, Store, Takeover};
use tokio_postgres::Row;

const HOLDERS: &str = "SELECT instance FROM taskbell.owners WHERE instance IS NOT NULL \
    UNION SELECT owner FROM taskbell.state WHERE owner <> ''";

const HELD: &str = "SELECT seq FROM taskbell.owners WHERE instance = $1 ORDER BY seq";

/// The numbers that one of the dead holds, or nobody, each with how much waits under it, as far as that is counted.
const ORPHANS: &str = "SELECT o.seq, (SELECT count(*) FROM (SELECT FROM taskbell.deliveries d \
    WHERE d.state = 0 AND d.owner = o.seq LIMIT 10000) c) FROM taskbell.owners o WHERE o.instance IS NULL OR o.instance = ANY($1) ORDER BY o.seq FOR UPDATE OF o";

const NEWEST: &str = "SELECT created_at FROM taskbell.deliveries ORDER BY seq DESC LIMIT 1";

const MAKE_DUE: &str = "UPDATE taskbell.deliveries SET due_at = $2 \
    WHERE state = 0 AND owner = ANY($1) AND created_at > $2 AND due_at > $2";

impl PostgresStore {
    pub(super) fn read_holders(&self) -> Result<Vec<String>, SpoolError> {
        Ok(self.query(BoundStatement::new(HOLDERS, values![]))?.iter().map(|row| row.get(0)).collect())
    }

    pub(super) fn read_held(&self) -> Result<Vec<i64>, SpoolError> {
        let instance = self.instance.as_str();
        Ok(self.query(BoundStatement::new(HELD, values![instance]))?.iter().map(|row| row.get(0)).collect())
    }

    /// What waits for a later time goes on waiting; only where the clock was set back, what was made in that future is due
    /// now.
    pub(super) fn take_owners_over(&mut self, dead: &[String], now_ms: i64) -> Result<Takeover, SpoolError> {
        let instance = self.instance.clone();
        self.owner = None;
        let mut batch = self.begin()?;
        let in_flight = "DELETE FROM taskbell.state WHERE kind = $1 AND owner = ANY($2)";
        batch.query(BoundStatement::new(in_flight, values![StateKind::InFlight.as_str(), dead]))?;
        let orphans = batch.query(BoundStatement::new(ORPHANS, values![dead]))?;
        let waits = |row: &&Row| row.get::<_, i64>(1) > 0;
        let owners: Vec<i64> = orphans.iter().filter(waits).map(|row| row.get(0)).collect();
        let deliveries: i64 = orphans.iter().map(|row| row.get::<_, i64>(1)).sum();
        let empty: Vec<i64> = orphans.iter().filter(|row| !waits(row)).map(|row| row.get(0)).collect();
        if !empty.is_empty() {
            batch.query(BoundStatement::new(
                "DELETE FROM taskbell.owners WHERE seq = ANY($1)",
                values![empty],
            ))?;
        }
        if !owners.is_empty() {
            heed_clock(&mut batch, &owners, now_ms)?;
            let sql = "UPDATE taskbell.owners SET instance = $2 WHERE seq = ANY($1)";
            batch.query(BoundStatement::new(sql, values![&owners, instance.as_str()]))?;
        }
        batch.commit()?;
        // That is the newest of those it holds, if it had none.
        self.owner = None;
        Ok(Takeover { owners, deliveries: usize::try_from(deliveries).unwrap_or(0) })
    }

    pub(super) fn release_owners(&mut self) -> Result<(), SpoolError> {
        let instance = self.instance.clone();
        let mut batch = self.begin()?;
        let sql = "UPDATE taskbell.owners SET instance = NULL WHERE instance = $1";
        batch.query(BoundStatement::new(sql, values![instance.as_str()]))?;
        batch.commit()?;
        self.owner = None;
        Ok(())
    }
}

/// Makes due what was made in the future, if anything was; the newest delivery tells.
fn heed_clock(batch: &mut PostgresBatch<'_>, owners: &[i64], now_ms: i64) -> Result<(), SpoolError> {
    let newest = batch.query(BoundStatement::new(NEWEST, values![]))?;
    if newest.first().is_some_and(|row| row.get::<_, i64>(0) > now_ms) {
        batch.query(BoundStatement::new(MAKE_DUE, values![owners, now_ms]))?;
    }
    Ok(())
}
