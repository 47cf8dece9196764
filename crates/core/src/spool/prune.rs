//! Removing what ended long ago, a bounded number of rows at a time.

use super::connection::PAGE_BYTES;
use super::{arrivals, batches, live};
use crate::clock;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

/// The most deliveries, and the most events, that one call removes: what waits for the disk
/// meanwhile waits a few hundredths of a second.
pub(super) const MOST: usize = 500;

/// The most bytes that one call gives back to the disk.
const MOST_BYTES: u64 = 1024 * 1024;

/// Removes deliveries and batches that ended before this instant, and events that nobody refers to; says how
/// many of all.
pub(super) fn prune(conn: &mut Connection, before: i64) -> rusqlite::Result<usize> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let arrived = arrivals::remove_ended(&transaction, before, MOST)?;
    let mut ended = remove_ended(&transaction, "delivered", before, MOST - arrived)?;
    ended.extend(remove_ended(&transaction, "dead", before, MOST - arrived - ended.len())?);
    let mut events = remove_with_last(&transaction, &ended)?;
    events += transaction
        .prepare_cached(
            "DELETE FROM events WHERE seq IN ( \
             SELECT e.seq FROM events e INDEXED BY events_unheard \
             WHERE e.unheard = 1 AND e.accepted_at < ?1 \
             AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = e.seq) \
             AND NOT EXISTS (SELECT 1 FROM fallbacks r WHERE r.event = e.seq AND r.due_at IS NOT NULL) LIMIT ?2)",
        )?
        .execute(params![before, MOST as i64])?;
    live::prune(&transaction, before)?;
    let batches = batches::prune(&transaction, before.min(clock::unix_ms() - batches::REMEMBER_MS))?;
    transaction.commit()?;
    let removed = arrived + events + ended.len();
    if removed > 0 {
        give_back_space(conn)?;
    }
    Ok(removed + batches)
}

/// Removes deliveries to this endpoint that arrived before this instant, with the events that have no other ones; how
/// many deliveries.
pub(super) fn prune_delivered(conn: &mut Connection, endpoint: &str, before: i64) -> rusqlite::Result<usize> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let arrived = arrivals::remove_delivered(&transaction, endpoint, before, MOST)?;
    let ended: Vec<(i64, i64)> = transaction
        .prepare_cached(
            "SELECT seq, event FROM deliveries INDEXED BY deliveries_ended \
             WHERE state = 'delivered' AND ended_at < ?1 AND endpoint = ?2 ORDER BY ended_at LIMIT ?3",
        )?
        .query_map(params![before, endpoint, (MOST - arrived) as i64], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let events = remove_deliveries(&transaction, &ended)?;
    remove_with_last(&transaction, &events)?;
    transaction.commit()?;
    let removed = arrived + ended.len();
    if removed > 0 {
        give_back_space(conn)?;
    }
    Ok(removed)
}

/// Removes the events of deliveries that were removed, where those were the last ones. One that fallbacks still wait
/// for is found by its age later.
fn remove_with_last(transaction: &Transaction<'_>, events: &[i64]) -> rusqlite::Result<usize> {
    let mut remove = transaction.prepare_cached(
        "DELETE FROM events WHERE seq = ?1 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = ?1) \
         AND NOT EXISTS (SELECT 1 FROM fallbacks WHERE event = ?1 AND due_at IS NOT NULL)",
    )?;
    let mut keep = transaction.prepare_cached(
        "UPDATE events SET unheard = 1 WHERE seq = ?1 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = ?1)",
    )?;
    let mut removed = 0;
    for event in events {
        let is_removed = remove.execute([event])?;
        if is_removed == 0 {
            keep.execute([event])?;
        }
        removed += is_removed;
    }
    Ok(removed)
}

/// Removes the oldest deliveries that arrived, with the events that have no other ones; how many rows.
pub(super) fn remove_oldest_arrived(transaction: &Transaction<'_>, most: usize) -> rusqlite::Result<usize> {
    let at_once = arrivals::oldest_end(transaction)?;
    let later: Option<i64> = transaction
        .prepare_cached(
            "SELECT min(ended_at) FROM deliveries INDEXED BY deliveries_ended \
             WHERE state = 'delivered' AND ended_at IS NOT NULL",
        )?
        .query_row([], |row| row.get(0))?;
    match (at_once, later) {
        (Some(at_once), later) if later.is_none_or(|later| at_once <= later) => {
            arrivals::remove_oldest(transaction, most)
        }
        _ => remove_oldest(transaction, "delivered", most),
    }
}

/// Removes the oldest deliveries in this state with the events that have no other ones; how many rows of
/// both.
pub(super) fn remove_oldest(
    transaction: &Transaction<'_>,
    state: &str,
    most: usize,
) -> rusqlite::Result<usize> {
    let mut orphaned = transaction.prepare_cached(
        "DELETE FROM events WHERE seq = ?1 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = ?1)",
    )?;
    let mut removed = 0;
    for event in remove_ended(transaction, state, i64::MAX, most)? {
        removed += 1 + orphaned.execute([event])?;
    }
    Ok(removed)
}

/// Removes the oldest deliveries in this state that ended before this time; gives the event of each.
fn remove_ended(
    transaction: &Transaction<'_>,
    state: &str,
    before: i64,
    most: usize,
) -> rusqlite::Result<Vec<i64>> {
    let ended: Vec<(i64, i64)> = transaction
        .prepare_cached(
            "SELECT seq, event FROM deliveries INDEXED BY deliveries_ended \
             WHERE state = ?1 AND ended_at < ?2 ORDER BY ended_at LIMIT ?3",
        )?
        .query_map(params![state, before, most as i64], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    remove_deliveries(transaction, &ended)
}

/// Removes deliveries by their numbers; gives the event of each.
fn remove_deliveries(transaction: &Transaction<'_>, ended: &[(i64, i64)]) -> rusqlite::Result<Vec<i64>> {
    let mut attempts = transaction.prepare_cached("DELETE FROM logged_attempts WHERE delivery = ?1")?;
    let mut deliveries = transaction.prepare_cached("DELETE FROM deliveries WHERE seq = ?1")?;
    for (seq, _) in ended {
        attempts.execute([seq])?;
        deliveries.execute([seq])?;
    }
    Ok(ended.iter().map(|(_, event)| *event).collect())
}

/// Shrinks the file once more than a quarter of it is empty; less than that will be used again soon.
pub(super) fn give_back_space(conn: &Connection) -> rusqlite::Result<()> {
    let pragma = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if pragma("freelist_count")? > pragma("page_count")? / 4 {
        free_pages(conn, MOST_BYTES)?;
    }
    Ok(())
}

/// Shrinks the file by so many bytes of its empty pages at most; says how many pages.
pub(super) fn free_pages(conn: &Connection, bytes: u64) -> rusqlite::Result<usize> {
    let count = || conn.pragma_query_value(None, "page_count", |row| row.get::<_, i64>(0));
    let before = count()?;
    let mut vacuum = conn.prepare(&format!("PRAGMA incremental_vacuum({})", bytes / PAGE_BYTES))?;
    let mut steps = vacuum.query([])?;
    while steps.next()?.is_some() {}
    drop(steps);
    Ok(usize::try_from(before - count()?).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{attempt, counts, event_id, ring, spool, waiting, write};
    use super::super::{Counts, DeliveryEnd, NewEvent};

    #[test]
    fn pruning_takes_what_ended_long_ago_and_nothing_else() {
        let mut spool = spool("me");
        let mut batch = spool.begin().unwrap();
        let old = ring(&mut batch, 1, &["ci", "team"]);
        let late = ring(&mut batch, 2, &["ci"]);
        let waiting = ring(&mut batch, 3, &["ci"]);
        let dead = ring(&mut batch, 4, &["ci"]);
        let silent =
            NewEvent { id: event_id(5), kind: "task.complete", accepted_at: 5, node: None, payload: b"{}" };
        batch.event(&silent).unwrap().unwrap();
        for (seq, at) in [(old[0], 100), (old[1], 900), (late[0], 900)] {
            batch.attempt(&attempt(seq, 1)).unwrap();
            batch.end(seq, &DeliveryEnd::Delivered, at).unwrap();
        }
        batch.end(dead[0], &DeliveryEnd::Dead("no".into()), 100).unwrap();
        batch.commit().unwrap();

        assert_eq!(spool.prune(500).unwrap(), 4, "two deliveries, the dead one's event and the silent one");
        assert_eq!(spool.prune(500).unwrap(), 0);
        let left = |number: &str, table: &str| -> Vec<i64> {
            let sql = format!("SELECT {number} FROM {table} ORDER BY {number}");
            spool
                .conn
                .prepare(&sql)
                .unwrap()
                .query_map([], |row| row.get(0))
                .unwrap()
                .map(Result::unwrap)
                .collect()
        };
        assert_eq!(left("seq", "deliveries"), [old[1], late[0], waiting[0]]);
        assert_eq!(left("seq", "events"), [1, 2, 3]);
        assert_eq!(left("delivery", "attempts"), [old[1], late[0]]);
    }

    #[test]
    fn what_arrived_at_one_endpoint_goes_earlier_and_nothing_else() {
        let mut spool = spool("me");
        let mut batch = spool.begin().unwrap();
        let both = ring(&mut batch, 1, &["farm", "team"]);
        let forwarded = ring(&mut batch, 2, &["farm"])[0];
        let late = ring(&mut batch, 3, &["farm"])[0];
        let refused = ring(&mut batch, 4, &["farm"])[0];
        ring(&mut batch, 5, &["farm"]);
        for (seq, at) in [(both[0], 100), (both[1], 100), (forwarded, 100), (late, 900)] {
            batch.attempt(&attempt(seq, 1)).unwrap();
            batch.end(seq, &DeliveryEnd::Delivered, at).unwrap();
        }
        batch.end(refused, &DeliveryEnd::Dead("no".into()), 100).unwrap();
        batch.commit().unwrap();
        assert_eq!(
            (spool.prune_delivered("farm", 500).unwrap(), spool.prune_delivered("farm", 500).unwrap()),
            (2, 0)
        );
        let Counts { pending, delivered, dead, .. } = counts(&spool);
        assert_eq!((pending, delivered, dead), (1, 2, 1));
        let events: i64 = spool.conn.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
        assert_eq!(events, 4, "the event of the other endpoint's delivery stays");
    }

    #[test]
    fn one_call_is_bounded_the_counts_follow_and_the_file_shrinks() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = super::super::tests::spool_at(&dir.path().join("x.db"), "me");
        let mut batch = spool.begin().unwrap();
        for number in 0..700 {
            let seq = ring(&mut batch, number, &["ci"])[0];
            batch.end(seq, &DeliveryEnd::Delivered, 10).unwrap();
        }
        batch.commit().unwrap();
        let pages = |spool: &super::super::Spool| -> i64 {
            spool.conn.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap()
        };
        let (full, counted) = (pages(&spool), counts(&spool));
        assert_eq!(counted.delivered, 700);
        assert_eq!(spool.prune(10_000).unwrap(), 1000, "500 deliveries and their events");
        assert_eq!(counts(&spool).delivered, 200);
        assert_eq!(spool.prune(10_000).unwrap(), 400);
        let Counts { pending, delivered, dead, .. } = counts(&spool);
        assert_eq!((pending, delivered, dead), (0, 0, 0));
        assert!(pages(&spool) < full, "{} pages of {full}", pages(&spool));
    }

    #[test]
    fn a_number_is_never_used_again() {
        let mut spool = spool("me");
        let mut batch = spool.begin().unwrap();
        let first = ring(&mut batch, 1, &["ci"])[0];
        batch.end(first, &DeliveryEnd::Delivered, 10).unwrap();
        batch.commit().unwrap();
        spool.prune(i64::MAX).unwrap();
        let second = write(&mut spool, |batch| ring(batch, 2, &["ci"])[0]);
        assert!(second > first);
        assert_eq!(waiting(&spool, "ci"), [second]);
    }
}
