//! Which instance sends a delivery: a pending delivery belongs to one instance at any time, and that of a
//! dead instance to the one that takes over.

use super::state_key::{self, StateKey, StateKind};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

/// Rows that one statement changes.
const PORTION: usize = 1000;

/// The owner numbers of this instance: its own, and those it took over.
pub(super) fn held_by(conn: &Connection, instance: &str) -> rusqlite::Result<Vec<i64>> {
    conn.prepare_cached("SELECT seq FROM owners WHERE instance = ?1")?
        .query_map([instance], |row| row.get(0))?
        .collect()
}

/// Notes in a new spool which configuration it belongs to, and returns that of another.
pub(super) fn claim(conn: &Connection, configuration: &str) -> rusqlite::Result<Option<String>> {
    let key = StateKey::shared(StateKind::Configuration, "");
    if let Some(kept) = state_key::read(conn, &key)? {
        return Ok((kept != configuration.as_bytes()).then(|| String::from_utf8_lossy(&kept).into_owned()));
    }
    state_key::write(conn, &key, Some(configuration.as_bytes())).map(|()| None)
}

/// What was taken over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Takeover {
    /// The owner numbers that changed hands.
    pub owners: Vec<i64>,
    /// How many deliveries wait under them; a store may stop at 10,000.
    pub deliveries: usize,
}

pub(super) fn holders(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    conn.prepare_cached(
        "SELECT instance FROM owners WHERE instance IS NOT NULL UNION SELECT owner FROM state WHERE owner <> ''",
    )?
    .query_map([], |row| row.get(0))?
    .collect()
}

/// Takes over the owner numbers of dead instances, and those without an instance.
pub(super) fn take_over(
    conn: &mut Connection,
    instance: &str,
    dead: &[String],
    now: i64,
) -> rusqlite::Result<Takeover> {
    forget_in_flight(conn, dead)?;
    if orphans(conn, dead)?.is_empty() {
        return Ok(Takeover::default());
    }
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut taken = Takeover::default();
    // Read again under the lock: another instance may have been quicker.
    for owner in orphans(&transaction, dead)? {
        let pending: i64 = transaction
            .prepare_cached(
                "SELECT count(*) FROM deliveries INDEXED BY deliveries_pending \
                 WHERE state = 'pending' AND owner = ?1",
            )?
            .query_row([owner], |row| row.get(0))?;
        if pending == 0 {
            transaction.execute("DELETE FROM owners WHERE seq = ?1", [owner])?;
        } else {
            heed_clock(&transaction, owner, now)?;
            transaction
                .execute("UPDATE owners SET instance = ?2 WHERE seq = ?1", params![owner, instance])?;
            taken.deliveries += usize::try_from(pending).unwrap_or(0);
            taken.owners.push(owner);
        }
    }
    transaction.commit()?;
    Ok(taken)
}

/// Nothing that a dead instance sent is in flight any more.
fn forget_in_flight(conn: &Connection, dead: &[String]) -> rusqlite::Result<()> {
    for (key, _) in state_key::read_all(conn, StateKind::InFlight)? {
        if dead.contains(&key.owner) {
            state_key::write(conn, &key, None)?;
        }
    }
    Ok(())
}

/// Takes this instance's name from all it holds.
pub(super) fn release(conn: &Connection, instance: &str) -> rusqlite::Result<()> {
    if held_by(conn, instance)?.is_empty() {
        return Ok(());
    }
    conn.execute("UPDATE owners SET instance = NULL WHERE instance = ?1", [instance]).map(drop)
}

/// The numbers that one of the dead holds, or nobody.
fn orphans(conn: &Connection, dead: &[String]) -> rusqlite::Result<Vec<i64>> {
    let mut statement = conn.prepare_cached("SELECT seq, instance FROM owners")?;
    let all = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?)))?;
    let mut orphans = Vec::new();
    for owner in all {
        let (seq, holder) = owner?;
        if holder.is_none_or(|name| dead.contains(&name)) {
            orphans.push(seq);
        }
    }
    Ok(orphans)
}

/// Makes due what was made in the future, if anything was; the newest delivery tells.
fn heed_clock(transaction: &Transaction<'_>, owner: i64, now: i64) -> rusqlite::Result<()> {
    let set_back: bool = transaction.query_row(
        "SELECT created_at > ?1 FROM all_deliveries ORDER BY seq DESC LIMIT 1",
        [now],
        |row| row.get(0),
    )?;
    // In portions: SQLite keeps what a statement has changed in memory until it ends.
    let mut changed = if set_back { PORTION } else { 0 };
    while changed == PORTION {
        changed = transaction
            .prepare_cached(
                "UPDATE deliveries SET due_at = ?2 WHERE seq IN ( \
                 SELECT seq FROM deliveries INDEXED BY deliveries_pending \
                 WHERE state = 'pending' AND owner = ?1 AND created_at > ?2 AND due_at > ?2 LIMIT ?3)",
            )?
            .execute(params![owner, now, PORTION as i64])?;
    }
    Ok(())
}
