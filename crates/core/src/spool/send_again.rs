//! Sends again what an endpoint has taken: it lost that since. Each delivery keeps its number, its event and its attempts.

use super::{Spool, SpoolError};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

/// Rows that one transaction changes: other hosts that write wait only so long.
const PORTION: usize = 500;

const MEANT: &str = "SELECT seq, 0 FROM arrivals WHERE endpoint = ?1 AND ended_at >= ?2 \
    UNION ALL SELECT seq, 1 FROM deliveries WHERE endpoint = ?1 AND state = 'delivered' AND ended_at >= ?2 ORDER BY 1";

const EVENT: &str = "INSERT INTO events (id, type, accepted_at, unheard, payload) \
    SELECT id, type, accepted_at, 0, payload FROM arrivals WHERE seq = ?1";

const DELIVERY: &str = "INSERT INTO deliveries (seq, event, endpoint, hook, state, attempts, created_at, due_at, ended_at, \
    started_at, status, response, resolve_us, connect_us, tls_us, first_byte_us, total_us, content_type, body, extras, why) \
    SELECT seq, ?2, endpoint, hook, 'delivered', 1, created_at, created_at, ended_at, \
    started_at, status, response, resolve_us, connect_us, tls_us, first_byte_us, total_us, content_type, body, extras, why \
    FROM arrivals_with_body WHERE seq = ?1";

// The attempt with which it arrived, which is not the last one any more.
const ATTEMPT: &str = "INSERT INTO logged_attempts (delivery, number, started_at, status, outcome, response, resolve_us, \
    connect_us, tls_us, first_byte_us, total_us) \
    SELECT seq, 1, started_at, status, 'delivered', response, resolve_us, connect_us, tls_us, first_byte_us, total_us \
    FROM deliveries WHERE seq = ?1 AND started_at IS NOT NULL ON CONFLICT DO NOTHING";

const WAIT: &str = "UPDATE deliveries SET state = 'pending', owner = ?2, due_at = ?3, ended_at = NULL, started_at = NULL \
    WHERE seq = ?1 AND state = 'delivered'";

impl Spool {
    /// Lets wait once more what this endpoint has taken since this time; whoever takes over next has it. Says how many
    /// deliveries. A call that was cut off is made again: those that wait already are left alone.
    ///
    /// # Errors
    /// When the spool cannot be written.
    pub fn send_again(&mut self, endpoint: &str, since_ms: i64, now_ms: i64) -> Result<usize, SpoolError> {
        send_again(&mut self.conn, endpoint, since_ms, now_ms).map_err(self.at())
    }
}

fn send_again(conn: &mut Connection, endpoint: &str, since: i64, now: i64) -> rusqlite::Result<usize> {
    let meant: Vec<(i64, bool)> = conn
        .prepare(MEANT)?
        .query_map(params![endpoint, since], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for portion in meant.chunks(PORTION) {
        let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Nobody's at first, as what an operator sends again.
        transaction.execute("INSERT INTO owners (instance) VALUES (NULL)", [])?;
        let owner = transaction.last_insert_rowid();
        for (seq, is_in_deliveries) in portion {
            if !is_in_deliveries {
                unfold(&transaction, *seq)?;
            }
            transaction.prepare_cached(ATTEMPT)?.execute([seq])?;
            transaction.prepare_cached(WAIT)?.execute(params![seq, owner, now])?;
        }
        transaction.commit()?;
    }
    Ok(meant.len())
}

/// Gives an event that arrived at once the two rows of one that waits.
fn unfold(transaction: &Transaction<'_>, seq: i64) -> rusqlite::Result<()> {
    if transaction.prepare_cached(EVENT)?.execute([seq])? == 0 {
        return Ok(());
    }
    let event = transaction.last_insert_rowid();
    transaction.prepare_cached(DELIVERY)?.execute([seq, event])?;
    transaction.prepare_cached("DELETE FROM arrivals WHERE seq = ?1")?.execute([seq])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{attempt, counts, delivery, event_id, pending, place, ring, spool_at, write};
    use super::super::{AttemptRow, DeliveryEnd, NewEvent, Reader, SpoolReader};

    #[test]
    fn what_an_endpoint_took_since_a_time_waits_once_more_in_its_order_and_nothing_else_does() {
        let (_folder, path) = place();
        let mut spool = spool_at(&path, "me");
        let at_once = |number: u32| AttemptRow {
            outcome: "delivered",
            error: None,
            next_at: None,
            status: Some(204),
            ..attempt(i64::from(number), 1)
        };
        let late = write(&mut spool, |batch| {
            let late = ring(batch, 1, &["farm", "team"]);
            batch.last_attempt(&at_once(late[0] as u32), &DeliveryEnd::Delivered, 900).unwrap();
            batch.end(late[1], &DeliveryEnd::Delivered, 900).unwrap();
            let old = ring(batch, 2, &["farm"])[0];
            batch.end(old, &DeliveryEnd::Delivered, 100).unwrap();
            let dead = ring(batch, 3, &["farm"])[0];
            batch.end(dead, &DeliveryEnd::Dead("no".into()), 900).unwrap();
            for (number, ended) in [(0x1000_0004, 800), (0x1000_0005, 100)] {
                let id = event_id(number);
                let new = NewEvent { id, kind: "task.complete", accepted_at: 5, node: None, payload: b"{}" };
                assert!(
                    batch.arrival(&new, &delivery(0, "farm", 5), &at_once(number), ended).unwrap(),
                    "new"
                );
            }
            late[0]
        });
        assert_eq!(spool.send_again("farm", 500, 1_000).unwrap(), 2);
        assert_eq!(spool.take_over(&[], 1_000).unwrap().deliveries, 2);
        let waits = pending(&spool, "farm");
        let found: Vec<_> = waits.iter().map(|one| (one.seq, one.attempts, one.failures)).collect();
        assert_eq!(found, [(late, 1, 0), (0x1000_0004, 1, 0)]);
        assert_eq!(waits[1].event_id, event_id(0x1000_0004));
        assert_eq!((counts(&spool).delivered, counts(&spool).dead), (3, 1));
        write(&mut spool, |batch| {
            let again = AttemptRow { number: 2, started_at: 2_000, ..at_once(0x1000_0004) };
            assert!(batch.last_attempt(&again, &DeliveryEnd::Delivered, 2_001).unwrap());
        });
        let shown = SpoolReader::open(&path).unwrap().show("268435460").unwrap().unwrap();
        let attempts: Vec<_> = shown.deliveries[0].attempts.iter().map(|one| one.number).collect();
        assert_eq!(attempts, [1, 2]);
        assert_eq!(spool.send_again("farm", 5_000, 9_000).unwrap(), 0);
    }
}
