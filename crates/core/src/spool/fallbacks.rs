//! Messages that are ready in case another one does not arrive: for the endpoint that a dead one falls
//! back to, and for those who are told after a time. They become deliveries in the transaction that ends
//! the one they stand by, so that no crash comes between.

use super::{
    Called, NewDelivery, NewFallback, Spool, SpoolError, SpoolTransaction, StoredMessage, read_event_id,
};
use rusqlite::{OptionalExtension, Row, params};

const COLUMNS: &str = "r.event, e.id, e.type, r.endpoint, r.hook, r.content_type, r.body, r.seq, r.due_at IS NOT NULL, \
    r.extras";

impl SpoolTransaction<'_> {
    /// Keeps a message ready; a second one for the same way is not kept.
    pub fn add_fallback(&mut self, new: &NewFallback<'_>) -> Result<(), SpoolError> {
        self.run(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO fallbacks (event, via, endpoint, hook, due_at, alert, content_type, body, \
                     extras) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    new.event,
                    new.via,
                    new.endpoint,
                    new.hook,
                    new.due_at,
                    new.alert,
                    new.content_type,
                    new.body,
                    new.extras
                ])
                .map(drop)
        })
    }

    /// A delivery is dead: whom it falls back to is called now. Where there is nobody, those are called who
    /// would be told later; otherwise they watch the one that was called.
    pub(super) fn call_after_dead(&mut self, delivery: i64, now: i64) -> Result<Vec<Called>, SpoolError> {
        let Some((event, via)) = self.place_of(delivery)? else { return Ok(Vec::new()) };
        let wanted = |later: bool| {
            let due = if later { "NOT NULL" } else { "NULL" };
            format!(
                "SELECT {COLUMNS} FROM fallbacks r JOIN events e ON e.seq = r.event \
                 WHERE r.event = ?1 AND r.via = ?2 AND r.due_at IS {due}"
            )
        };
        let fallbacks = self.fallbacks(&wanted(false), params![event, via])?;
        let called = self.call(fallbacks, now)?;
        let called = match called.first() {
            Some(next) => {
                let next = next.endpoint.clone();
                self.run(|transaction| {
                    transaction
                        .prepare_cached(
                            "UPDATE OR IGNORE fallbacks SET via = ?3 \
                             WHERE event = ?1 AND via = ?2 AND due_at IS NOT NULL AND endpoint <> ?3",
                        )?
                        .execute(params![event, via, next])
                })?;
                called
            }
            None => {
                let told = self.fallbacks(&wanted(true), params![event, via])?;
                self.call(told, now)?
            }
        };
        self.dismiss(event, &via)?;
        Ok(called)
    }

    /// A delivery has arrived, or is not worth arriving any more: nobody is called for it.
    pub(super) fn stand_down(&mut self, delivery: i64) -> Result<(), SpoolError> {
        match self.place_of(delivery)? {
            Some((event, via)) => self.dismiss(event, &via),
            None => Ok(()),
        }
    }

    /// The alert of this name is resolved: nobody is told of it any more for its being on.
    pub fn resolve(&mut self, alert: &str) -> Result<(), SpoolError> {
        self.run(|transaction| {
            // What has not arrived yet is still watched for that.
            transaction
                .prepare_cached(
                    "DELETE FROM fallbacks WHERE alert = ?1 AND NOT EXISTS (SELECT 1 FROM deliveries d \
                     WHERE d.event = fallbacks.event AND d.endpoint = via AND d.state = 'pending')",
                )?
                .execute([alert])?;
            transaction
                .prepare_cached("UPDATE fallbacks SET alert = NULL WHERE alert = ?1")?
                .execute([alert])
                .map(drop)
        })
    }

    /// Calls those whose time has come.
    pub fn call_due(&mut self, now: i64) -> Result<Vec<Called>, SpoolError> {
        let due = self.fallbacks(
            &format!(
                "SELECT {COLUMNS} FROM fallbacks r INDEXED BY fallbacks_due JOIN events e ON e.seq = r.event \
                 WHERE r.due_at <= ?1 ORDER BY r.due_at LIMIT 500"
            ),
            params![now],
        )?;
        self.call(due, now)
    }

    /// Makes deliveries of fallbacks; an endpoint that gets the event already is left out.
    fn call(&mut self, fallbacks: Vec<(i64, Called)>, now: i64) -> Result<Vec<Called>, SpoolError> {
        let mut called = Vec::new();
        for (event, mut next) in fallbacks {
            let seq = next.seq;
            self.run(|transaction| {
                transaction.prepare_cached("DELETE FROM fallbacks WHERE seq = ?1")?.execute([seq])
            })?;
            let endpoint = next.endpoint.clone();
            let known = self.run(|transaction| {
                transaction
                    .prepare_cached("SELECT 1 FROM deliveries WHERE event = ?1 AND endpoint = ?2")?
                    .exists(params![event, endpoint])
            })?;
            if known {
                continue;
            }
            next.seq = self.delivery(&NewDelivery {
                event,
                endpoint: &next.endpoint,
                hook: &next.hook,
                content_type: &next.message.content_type,
                body: &next.message.body,
                extras: next.message.extras.as_deref(),
                created_at: now,
                due_at: now,
                dead: None,
                why: Some(next.reason()),
                expires_at: None,
                thing: None,
                live: None,
            })?;
            called.push(next);
        }
        Ok(called)
    }

    fn place_of(&mut self, delivery: i64) -> Result<Option<(i64, String)>, SpoolError> {
        self.run(|transaction| {
            transaction
                .prepare_cached("SELECT event, endpoint FROM deliveries WHERE seq = ?1")?
                .query_row([delivery], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
    }

    /// Drops what stood by an endpoint, and everything of an event of which nothing is under way. Only who
    /// is told of an alert that is still on stays.
    fn dismiss(&mut self, event: i64, via: &str) -> Result<(), SpoolError> {
        self.run(|transaction| {
            transaction
                .prepare_cached(
                    "DELETE FROM fallbacks WHERE event = ?1 AND alert IS NULL AND (via = ?2 OR NOT EXISTS \
                     (SELECT 1 FROM fallbacks r WHERE r.event = ?1 AND r.due_at IS NOT NULL) AND NOT EXISTS \
                     (SELECT 1 FROM deliveries d WHERE d.event = ?1 AND d.state = 'pending'))",
                )?
                .execute(params![event, via])
                .map(drop)
        })
    }

    fn fallbacks(
        &mut self,
        sql: &str,
        params: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<(i64, Called)>, SpoolError> {
        self.run(|transaction| transaction.prepare_cached(sql)?.query_map(params, read)?.collect())
    }
}

/// The number of the event, and the fallback under its own number.
fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Called)> {
    let called = Called {
        seq: row.get(7)?,
        event_id: read_event_id(row, 1)?,
        kind: row.get(2)?,
        endpoint: row.get(3)?,
        hook: row.get(4)?,
        escalated: row.get(8)?,
        message: StoredMessage { content_type: row.get(5)?, body: row.get(6)?, extras: row.get(9)? },
    };
    Ok((row.get(0)?, called))
}

impl Spool {
    /// Whether a message stands by, and when the first is due that has a time.
    pub fn waiting_fallbacks(&self) -> Result<(bool, Option<i64>), SpoolError> {
        let read = || {
            let any = self.conn.prepare_cached("SELECT 1 FROM fallbacks")?.exists([])?;
            let due = self
                .conn
                .prepare_cached("SELECT min(due_at) FROM fallbacks WHERE due_at IS NOT NULL")?
                .query_row([], |row| row.get(0))?;
            Ok((any, due))
        };
        read().map_err(self.at())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{event_id, ring, spool};
    use super::super::{Batch, DeliveryEnd, NewFallback};
    use super::*;

    fn ready(
        batch: &mut SpoolTransaction<'_>,
        via: &str,
        endpoint: &str,
        due_at: Option<i64>,
        alert: Option<&str>,
    ) {
        let event = batch.row_of(event_id(1)).unwrap().unwrap();
        let (hook, content_type, body) = ("h", "application/json", endpoint.as_bytes());
        let extras = Some(endpoint);
        let new = NewFallback { event, via, endpoint, hook, due_at, alert, content_type, body, extras };
        batch.add_fallback(&new).unwrap();
    }

    fn names(called: &[Called]) -> Vec<&str> {
        called.iter().map(|called| called.endpoint.as_str()).collect()
    }

    fn die(batch: &mut SpoolTransaction<'_>, seq: i64) -> Vec<Called> {
        batch.end(seq, &DeliveryEnd::Dead("no".into()), 10).unwrap();
        batch.call_after(seq, true, 10).unwrap()
    }

    #[test]
    fn the_dead_fall_back_along_the_chain_and_the_last_one_is_told_to_others() {
        let mut spool = spool("me");
        let mut batch = spool.begin().unwrap();
        let a = ring(&mut batch, 1, &["a"])[0];
        ready(&mut batch, "a", "b", None, None);
        ready(&mut batch, "b", "c", None, None);
        ready(&mut batch, "a", "ops", Some(900), None);
        let b = die(&mut batch, a);
        assert_eq!(
            (names(&b), b[0].message.body.as_slice(), b[0].event_id),
            (vec!["b"], &b"b"[..], event_id(1))
        );
        assert_eq!(
            b[0].message.extras.as_deref(),
            Some("b"),
            "what goes with a message goes with it here too"
        );
        assert!(batch.call_due(899).unwrap().is_empty());
        let c = die(&mut batch, b[0].seq);
        assert_eq!(names(&c), ["c"]);
        assert_eq!(names(&die(&mut batch, c[0].seq)), ["ops"], "nobody is left, so it does not wait");
        batch.commit().unwrap();
        assert_eq!(spool.waiting_fallbacks().unwrap(), (false, None));
    }

    #[test]
    fn what_has_arrived_calls_nobody_and_what_has_not_is_told_once() {
        let mut spool = spool("me");
        let mut batch = spool.begin().unwrap();
        let both = ring(&mut batch, 1, &["a", "b"]);
        for via in ["a", "b"] {
            ready(&mut batch, via, "ops", Some(900), None);
        }
        ready(&mut batch, "a", "b", None, None);
        batch.end(both[0], &DeliveryEnd::Delivered, 5).unwrap();
        batch.stand_down(both[0]).unwrap();
        assert_eq!(names(&batch.call_due(900).unwrap()), ["ops"]);
        assert!(batch.call_due(901).unwrap().is_empty());
        assert!(die(&mut batch, both[1]).is_empty(), "it was told already");
        batch.commit().unwrap();
        assert_eq!(spool.waiting_fallbacks().unwrap(), (false, None));
    }

    #[test]
    fn an_alert_that_is_on_is_told_although_it_was_delivered_and_one_that_is_resolved_is_not() {
        let mut spool = spool("me");
        for (resolved, told) in [(false, vec!["ops"]), (true, vec![])] {
            let mut batch = spool.begin().unwrap();
            let a = ring(&mut batch, 1, &["a"])[0];
            ready(&mut batch, "a", "ops", Some(900), Some("disk"));
            batch.end(a, &DeliveryEnd::Delivered, 5).unwrap();
            batch.stand_down(a).unwrap();
            if resolved {
                batch.resolve("disk").unwrap();
            }
            assert_eq!(names(&batch.call_due(1000).unwrap()), told);
        }
    }
}
