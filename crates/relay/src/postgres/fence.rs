//! Transactions of a leader: fenced by its epoch, and each with a mark, so that the leader finds out what became of one whose
//! answer was lost.
//!
//! The number that the server gives to a transaction does not say so: a server that crashes forgets those of which nothing
//! was on the disk, and gives the same ones to others.

use super::database::Database;
use super::fault::DatabaseFault;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_postgres::Transaction;

/// No row where another relay leads. Held until the transaction ends, so that a takeover waits for that.
pub const FENCE: &str = "SELECT FROM taskbell.leader WHERE epoch = $1 FOR SHARE";

/// Leaves the mark of the transaction.
pub const LEAVE_MARK: &str = "INSERT INTO taskbell.state (kind, owner, key, name, value) \
    VALUES ('last_commit', '', '', '', convert_to($1, 'UTF8')) \
    ON CONFLICT (kind, owner, key) DO UPDATE SET value = excluded.value";

const FIND_MARK: &str = "SELECT FROM taskbell.state WHERE kind = 'last_commit' AND owner = '' AND key = '' \
    AND value = convert_to($1, 'UTF8')";

/// As [`FENCE`], once no other transaction of this leader is under way.
const FENCE_ALONE: &str = "SELECT FROM taskbell.leader WHERE epoch = $1 FOR UPDATE";

/// Of the transactions of this process, which has an epoch for itself.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A mark that no other transaction has.
pub fn new_mark(epoch: i64) -> String {
    format!("{epoch}/{}", NEXT.fetch_add(1, Ordering::Relaxed))
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
    let (mark, mut is_ending) = (new_mark(epoch), false);
    let done = database.run("transaction", async |client| {
        let transaction = client.transaction().await?;
        if transaction.query_opt(FENCE, &[&epoch]).await?.is_none() {
            return Err(DatabaseFault::Deposed(epoch));
        }
        work(&transaction).await?;
        transaction.execute(LEAVE_MARK, &[&mark]).await?;
        is_ending = true;
        Ok(transaction.commit().await?)
    });
    match done {
        Err(fault) if is_ending && fault.is_transient() => Err(DatabaseFault::InDoubt(mark)),
        done => done,
    }
}

/// What became of the last transaction of this leader, whose answer was lost. Waits while it is in progress, as a server
/// that lost its client only sees later.
///
/// # Errors
/// Those of the connection; `Silent` also while it is in progress for too long: ask again. `Deposed` when another leads.
pub fn was_committed(database: &mut Database, epoch: i64, mark: &str) -> Result<bool, DatabaseFault> {
    database.run("question about a transaction", async |client| {
        let transaction = client.transaction().await?;
        if transaction.query_opt(FENCE_ALONE, &[&epoch]).await?.is_none() {
            return Err(DatabaseFault::Deposed(epoch));
        }
        let found = transaction.query_opt(FIND_MARK, &[&mark]).await?.is_some();
        transaction.rollback().await?;
        Ok(found)
    })
}
