//! What an operator does with deliveries, on a connection of its own and next to a leader: each portion is a transaction that
//! locks the rows it changes, in the order of their numbers, as the leader does.

use super::fault::store_error;
use super::flight::Parameter;
use super::selection::{Conditions, MeantEvent, find_event};
use super::values::{PENDING, key_of, text};
use crate::postgres::{Database, DatabaseFault};
use std::collections::BTreeSet;
use taskbell_core::spool::{
    DROPPED, DeliverySelection, Operator, Replayed, SpoolError, SpoolErrorKind, StateKey, StateKind,
    operator_mark,
};
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

/// Rows that one transaction changes: the leader waits only so long.
const PORTION: usize = 500;

const LOOK: &str =
    "SELECT seq, state, endpoint, event FROM taskbell.deliveries WHERE seq = ANY($1) ORDER BY seq FOR UPDATE";

/// Whoever asks for it now wants it, however old it is.
const REVIVE: &str = "UPDATE taskbell.deliveries SET state = 0, owner = $2, created_at = $3, due_at = $3, ended_at = NULL, \
    reason = NULL, expires_at = NULL, thing = NULL WHERE seq = ANY($1)";

const HURRY: &str = "UPDATE taskbell.deliveries SET due_at = least(due_at, $2) WHERE seq = ANY($1)";

const END: &str =
    "UPDATE taskbell.deliveries SET state = 2, ended_at = $2, reason = $3, owner = NULL WHERE seq = ANY($1)";

const ORPHANS: &str = "WITH gone AS (DELETE FROM taskbell.events e WHERE seq = ANY($1) \
    AND NOT EXISTS (SELECT FROM taskbell.deliveries d WHERE d.event = e.seq) RETURNING seq) \
    DELETE FROM taskbell.fallbacks f USING gone WHERE f.event = gone.seq";

const NO_STATE: &str = "DELETE FROM taskbell.state WHERE kind = $1 AND owner = '' AND key = $2";

const MARK: &str = "INSERT INTO taskbell.state (kind, owner, key, name, value) \
    VALUES ($1, '', $2, '', convert_to(gen_random_uuid()::text, 'UTF8')) \
    ON CONFLICT (kind, owner, key) DO UPDATE SET value = excluded.value";

/// An operator at a store.
pub struct PostgresOperator {
    database: Database,
    name: String,
}

impl PostgresOperator {
    /// Changes deliveries of a store whose tables are there.
    pub fn open(database: Database) -> PostgresOperator {
        PostgresOperator { name: database.name().to_owned(), database }
    }

    /// The numbers of what is meant.
    fn meant(&mut self, choice: &DeliverySelection) -> Result<Vec<i64>, SpoolError> {
        let name = self.name.clone();
        let found = self.database.run("question", async |session| {
            let (mut event, mut number) = (None, None);
            if let Some(id) = &choice.id {
                match find_event(&**session, id).await? {
                    MeantEvent::None => return Ok(Ok(Vec::new())),
                    MeantEvent::One(found) => event = Some(found),
                    MeantEvent::Several(digits) => return Ok(Err(digits)),
                }
                number = id.parse::<i64>().ok();
            }
            let mut conditions = Conditions::default();
            conditions.selection(choice, event, number);
            let sql =
                format!("SELECT seq FROM taskbell.deliveries WHERE TRUE{} ORDER BY seq", conditions.sql);
            let rows = session.query(&sql, &references(&conditions.values)).await?;
            Ok(Ok(rows.iter().map(|row| row.get(0)).collect()))
        });
        found.map_err(|fault| store_error(&name, &fault))?.map_err(|digits| {
            let detail = format!("several events begin with `{digits}`");
            SpoolError::of_database(&name, SpoolErrorKind::Ambiguous, detail)
        })
    }

    /// One transaction, after which the leader sees that something was done.
    fn change<T>(
        &mut self,
        work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, DatabaseFault>,
    ) -> Result<T, SpoolError> {
        let done = self.database.run("transaction", async |session| {
            let transaction = session.transaction().await?;
            let done = work(&transaction).await?;
            let mark = operator_mark();
            transaction.execute(MARK, &[&mark.kind.as_str(), &key_of(&mark)]).await?;
            transaction.commit().await?;
            Ok(done)
        });
        done.map_err(|fault| store_error(&self.name, &fault))
    }
}

impl Operator for PostgresOperator {
    fn replay(&mut self, choice: &DeliverySelection, now_ms: i64) -> Result<Replayed, SpoolError> {
        let mut replayed = Replayed::default();
        for portion in self.meant(choice)?.chunks(PORTION) {
            let done = self.change(async |transaction| replay(transaction, portion, now_ms).await)?;
            replayed.due += done.due;
            replayed.hurried += done.hurried;
            replayed.delivered += done.delivered;
            replayed.lifted += done.lifted;
        }
        if let Some(endpoint) = &choice.endpoint {
            replayed.lifted += self.change(async |transaction| lift(transaction, endpoint).await)?;
        }
        Ok(replayed)
    }

    fn drop_deliveries(
        &mut self,
        choice: &DeliverySelection,
        now_ms: i64,
    ) -> Result<(usize, usize), SpoolError> {
        let (mut ended, mut removed) = (0, 0);
        for portion in self.meant(choice)?.chunks(PORTION) {
            let done = self.change(async |transaction| drop_these(transaction, portion, now_ms).await)?;
            ended += done.0;
            removed += done.1;
        }
        Ok((ended, removed))
    }
}

async fn replay(transaction: &Transaction<'_>, meant: &[i64], now: i64) -> Result<Replayed, DatabaseFault> {
    let (mut dead, mut pending) = (Vec::new(), Vec::new());
    let mut endpoints = BTreeSet::new();
    let mut done = Replayed::default();
    for row in transaction.query(LOOK, &[&meant]).await? {
        let (seq, endpoint): (i64, String) = (row.get(0), row.get(2));
        match row.get::<_, i16>(1) {
            2 => dead.push(seq),
            PENDING => pending.push(seq),
            _ => {
                done.delivered += 1;
                continue;
            }
        }
        endpoints.insert(endpoint);
    }
    (done.due, done.hurried) = (dead.len(), pending.len());
    if !dead.is_empty() {
        // A number of its own: the leader may take the one before at any moment, and would miss what came later.
        let owner = "INSERT INTO taskbell.owners (instance) VALUES (NULL) RETURNING seq";
        let owner: i64 = transaction.query_one(owner, &[]).await?.get(0);
        transaction.execute(REVIVE, &[&dead, &owner, &now]).await?;
    }
    transaction.execute(HURRY, &[&pending, &now]).await?;
    for endpoint in endpoints {
        done.lifted += lift(transaction, &endpoint).await?;
        let gone = StateKey::shared(StateKind::GoneEndpoint, endpoint);
        transaction.execute(NO_STATE, &[&gone.kind.as_str(), &key_of(&gone)]).await?;
    }
    Ok(done)
}

/// Forgets the pause of an endpoint; how many had one.
async fn lift(transaction: &Transaction<'_>, endpoint: &str) -> Result<usize, DatabaseFault> {
    let key = StateKey::shared(StateKind::EndpointHealth, text(endpoint));
    let removed = transaction.execute(NO_STATE, &[&key.kind.as_str(), &key_of(&key)]).await?;
    Ok(usize::from(removed > 0))
}

async fn drop_these(
    transaction: &Transaction<'_>,
    meant: &[i64],
    now: i64,
) -> Result<(usize, usize), DatabaseFault> {
    let (mut pending, mut dead, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for row in transaction.query(LOOK, &[&meant]).await? {
        match row.get::<_, i16>(1) {
            PENDING => pending.push(row.get::<_, i64>(0)),
            2 => {
                dead.push(row.get::<_, i64>(0));
                events.push(row.get::<_, i64>(3));
            }
            _ => {}
        }
    }
    transaction.execute(END, &[&pending, &now, &DROPPED]).await?;
    transaction.execute("DELETE FROM taskbell.attempts WHERE delivery = ANY($1)", &[&dead]).await?;
    transaction.execute("DELETE FROM taskbell.deliveries WHERE seq = ANY($1)", &[&dead]).await?;
    transaction.execute(ORPHANS, &[&events]).await?;
    Ok((pending.len(), dead.len()))
}

fn references<'a>(values: &'a [Parameter<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| &**value as _).collect()
}
