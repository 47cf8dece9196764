//! Messages that stand by in case another one does not arrive. They are few: what a transaction has gathered is sent before
//! they are looked at, and the rest is statements.

use super::PostgresBatch;
use super::flight::{BoundStatement, values};
use super::values::{event_id, text};
use taskbell_core::spool::{Batch, Called, Early, NewDelivery, SpoolError, StoredMessage};
use tokio_postgres::Row;

/// The columns of a fallback that is called.
macro_rules! called {
    ($which:literal) => {
        concat!(
            "SELECT r.event, e.id, e.type, r.endpoint, r.hook, r.content_type, r.body, r.extras, r.due_at IS NOT NULL, \
            r.seq FROM taskbell.fallbacks r JOIN taskbell.events e ON e.seq = r.event WHERE ",
            $which
        )
    };
}

const OF_DEAD: &str = called!("r.event = $1 AND r.via = $2 AND r.due_at IS NULL ORDER BY r.seq");

const TOLD_LATER: &str = called!("r.event = $1 AND r.via = $2 AND r.due_at IS NOT NULL ORDER BY r.seq");

const DUE: &str = called!("r.due_at <= $1 ORDER BY r.due_at, r.seq LIMIT 500");

/// Those who would be told later watch the one that was called. A second one for the same way is not kept.
const WATCH: &str = "UPDATE taskbell.fallbacks f SET via = $3 WHERE event = $1 AND via = $2 AND due_at IS NOT NULL \
    AND endpoint <> $3 AND NOT EXISTS (SELECT FROM taskbell.fallbacks o \
    WHERE o.event = f.event AND o.via = $3 AND o.endpoint = f.endpoint)";

/// Drops what stood by an endpoint, and everything of an event of which nothing is under way. Only who is told of an alert
/// that is still on stays.
const DISMISS: &str = "DELETE FROM taskbell.fallbacks f WHERE event = $1 AND alert IS NULL AND (via = $2 OR NOT EXISTS \
    (SELECT FROM taskbell.fallbacks r WHERE r.event = $1 AND r.due_at IS NOT NULL) AND NOT EXISTS \
    (SELECT FROM taskbell.deliveries d WHERE d.event = $1 AND d.state = 0))";

/// What has not arrived yet is still watched for that.
const RESOLVE: &str = "DELETE FROM taskbell.fallbacks f WHERE alert = $1 AND NOT EXISTS (SELECT FROM taskbell.deliveries d \
    WHERE d.event = f.event AND d.endpoint = f.via AND d.state = 0)";

const UNALERT: &str = "UPDATE taskbell.fallbacks SET alert = NULL WHERE alert = $1";

impl PostgresBatch<'_> {
    /// A delivery is dead: whom it falls back to is called now, or else those who would be told later.
    pub(super) fn call_after_dead(&mut self, delivery: i64, now: i64) -> Result<Vec<Called>, SpoolError> {
        let Some((event, via)) = self.watched(delivery)? else { return Ok(Vec::new()) };
        let mut called = self.call(OF_DEAD, event, &via, now)?;
        match called.first() {
            Some(next) => {
                let next = next.endpoint.clone();
                self.query(BoundStatement::new(WATCH, values![event, via.as_str(), text(&next)]))?;
            }
            None => called = self.call(TOLD_LATER, event, &via, now)?,
        }
        self.dismiss(event, &via)?;
        Ok(called)
    }

    /// A delivery has arrived, or is not worth arriving any more: nobody is called for it.
    pub(super) fn stand_down(&mut self, delivery: i64) -> Result<(), SpoolError> {
        match self.watched(delivery)? {
            Some((event, via)) => self.dismiss(event, &via),
            None => Ok(()),
        }
    }

    pub(super) fn resolve_alert(&mut self, alert: &str) -> Result<(), SpoolError> {
        self.ship()?;
        let calls = vec![
            BoundStatement::new(RESOLVE, values![text(alert)]),
            BoundStatement::new(UNALERT, values![text(alert)]),
        ];
        self.fly(calls).map(drop)
    }

    pub(super) fn call_those_due(&mut self, now: i64) -> Result<Vec<Called>, SpoolError> {
        self.ship()?;
        let due = self.query(BoundStatement::new(DUE, values![now]))?;
        self.make_deliveries(&due, now)
    }

    fn call(
        &mut self,
        sql: &'static str,
        event: i64,
        via: &str,
        now: i64,
    ) -> Result<Vec<Called>, SpoolError> {
        let found = self.query(BoundStatement::new(sql, values![event, via]))?;
        self.make_deliveries(&found, now)
    }

    fn dismiss(&mut self, event: i64, via: &str) -> Result<(), SpoolError> {
        // What was called waits, and must be seen to.
        self.ship()?;
        self.query(BoundStatement::new(DISMISS, values![event, via])).map(drop)
    }

    /// The event and the endpoint of a delivery, if a message may stand by for its event.
    fn watched(&mut self, delivery: i64) -> Result<Option<(i64, String)>, SpoolError> {
        let new = self.rows.delivery_at.get(&delivery).and_then(|at| self.rows.deliveries.get(*at));
        let (event, endpoint, mut has_fallbacks) = match new.map(|row| (row.event, row.endpoint.clone())) {
            // Its event may be one of before.
            Some((event, endpoint)) => (event, endpoint, !self.rows.event_at.contains_key(&event)),
            None => match self.find(delivery)? {
                Some(known) => (known.event, known.endpoint, known.has_fallbacks),
                None => return Ok(None),
            },
        };
        has_fallbacks |= self.rows.fallbacks.iter().any(|fallback| fallback.event == event);
        if has_fallbacks {
            self.ship()?;
        }
        Ok(has_fallbacks.then_some((event, endpoint)))
    }

    /// Makes deliveries of fallbacks; an endpoint that gets the event already is left out.
    fn make_deliveries(&mut self, fallbacks: &[Row], now: i64) -> Result<Vec<Called>, SpoolError> {
        let taken: Vec<i64> = fallbacks.iter().map(|row| row.get(9)).collect();
        if taken.is_empty() {
            return Ok(Vec::new());
        }
        self.query(BoundStatement::new(
            "DELETE FROM taskbell.fallbacks WHERE seq = ANY($1)",
            values![taken],
        ))?;
        let mut called = Vec::new();
        for row in fallbacks {
            let (event, mut next): (i64, Called) = (row.get(0), read_called(row));
            if self.delivery_to(event, &next.endpoint)?.is_some() {
                continue;
            }
            let delivery = NewDelivery {
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
            };
            next.seq = self.put_delivery(&delivery, Early::No)?;
            called.push(next);
        }
        Ok(called)
    }
}

fn read_called(row: &Row) -> Called {
    Called {
        seq: 0,
        event_id: event_id(row, 1),
        kind: row.get(2),
        endpoint: row.get(3),
        hook: row.get(4),
        escalated: row.get(8),
        message: StoredMessage { content_type: row.get(5), body: row.get(6), extras: row.get(7) },
    }
}
