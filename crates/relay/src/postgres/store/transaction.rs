//! A transaction on the server: begun with the first statement, fenced by the epoch, and ended once.

use super::PostgresBatch;
use super::flight::{self, BoundStatement, values};
use super::numbers::RowNumbers;
use crate::postgres::{DatabaseFault, was_committed};
use std::time::{Duration, Instant};
use taskbell_core::spool::{SpoolError, SpoolErrorKind};
use tokio_postgres::Row;

/// How long a leader asks what became of a transaction. Longer than the server keeps one open whose client is gone.
const DOUBT: Duration = Duration::from_secs(20);

/// Between two questions to a server that is away.
const AGAIN: Duration = Duration::from_millis(100);

const FENCE: &str = "SELECT pg_current_xact_id()::text FROM taskbell.leader WHERE epoch = $1 FOR SHARE";

impl PostgresBatch<'_> {
    /// The rows of a statement of this transaction.
    pub(super) fn query(&mut self, call: BoundStatement<'_>) -> Result<Vec<Row>, SpoolError> {
        Ok(self.fly(vec![call])?.pop().unwrap_or_default())
    }

    /// Sends statements of this transaction, and gives the rows of each. After a fault the transaction is void.
    pub(super) fn fly(&mut self, calls: Vec<BoundStatement<'_>>) -> Result<Vec<Vec<Row>>, SpoolError> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let sent = self.send(calls);
        sent.map_err(|fault| self.void(&fault))
    }

    fn send(&mut self, mut calls: Vec<BoundStatement<'_>>) -> Result<Vec<Vec<Row>>, DatabaseFault> {
        let mut database = self.store.database.borrow_mut();
        if self.transaction.is_some() {
            return database.go_on("transaction", async |session| flight::send(session, &calls).await);
        }
        let epoch = self.store.epoch;
        calls.splice(
            0..0,
            [BoundStatement::new("BEGIN", values![]), BoundStatement::new(FENCE, values![epoch])],
        );
        // It has begun, whatever is answered: it is taken back when this is dropped, or the connection would stay in it.
        self.transaction = Some(String::new());
        let mut rows = database.run("transaction", async |session| flight::send(session, &calls).await)?;
        let Some(fence) = rows.get(1).and_then(|rows| rows.first()) else {
            return Err(DatabaseFault::Deposed(epoch));
        };
        self.transaction = Some(fence.get(0));
        rows.drain(..2);
        Ok(rows)
    }

    fn void(&mut self, fault: &DatabaseFault) -> SpoolError {
        // Something may be there that was thought not to be.
        self.store.known.borrow_mut().forget();
        self.fault.insert(self.store.error(fault)).clone()
    }

    /// Sends what is gathered, and ends the transaction.
    pub(super) fn end(&mut self) -> Result<(), SpoolError> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let gathered = std::mem::take(&mut self.rows);
        let mut calls = gathered.calls();
        if calls.is_empty() && self.transaction.is_none() {
            return Ok(());
        }
        let wants_numbers = self.numbers.are_few();
        if wants_numbers {
            calls.push(RowNumbers::question());
        }
        let numbers_at = calls.len().wrapping_sub(1);
        let mut answers = if self.transaction.is_none() {
            // The name of the transaction must be known before its end is asked for.
            let answers = self.fly(calls)?;
            self.finish(Vec::new())?;
            answers
        } else {
            self.finish(calls)?
        };
        if wants_numbers && let Some(row) = answers.get_mut(numbers_at).and_then(|rows| rows.first()) {
            self.numbers.add(row);
        }
        Ok(())
    }

    /// Sends the last statements with the end of the transaction.
    fn finish(&mut self, mut calls: Vec<BoundStatement<'_>>) -> Result<Vec<Vec<Row>>, SpoolError> {
        calls.push(BoundStatement::new("COMMIT", values![]));
        match self.send(calls) {
            Ok(answers) => {
                self.transaction = None;
                Ok(answers)
            }
            Err(fault) if fault.is_transient() => self.resolve_doubt(&fault),
            Err(fault) => Err(self.void(&fault)),
        }
    }

    /// The answer to the end was lost: the server knows what became of it. Until it says so nobody can go on, since what
    /// was written is neither to be written nor sent twice.
    fn resolve_doubt(&mut self, fault: &DatabaseFault) -> Result<Vec<Vec<Row>>, SpoolError> {
        let Some(transaction) = self.transaction.take() else { return Err(self.void(fault)) };
        let until = Instant::now() + DOUBT;
        loop {
            match was_committed(&mut self.store.database.borrow_mut(), &transaction) {
                Ok(true) => return Ok(Vec::new()),
                Ok(false) => break,
                Err(asked) if asked.is_transient() && Instant::now() < until => std::thread::sleep(AGAIN),
                Err(_) => {
                    let fault = DatabaseFault::InDoubt(transaction);
                    let error = self.store.deposed(&format!("{fault}, so this relay no longer leads"));
                    self.store.is_void = Some(error.clone());
                    return Err(self.fault.insert(error).clone());
                }
            }
        }
        Err(self.void(fault))
    }

    /// Takes the transaction back. A connection on which that fails is thrown away.
    pub(super) fn take_back(&mut self) {
        if self.transaction.take().is_none() {
            return;
        }
        let mut database = self.store.database.borrow_mut();
        let undone = database
            .go_on("end of a transaction", async |session| Ok(session.batch_execute("ROLLBACK").await?));
        if undone.is_err() {
            database.forget();
        }
    }

    /// A fault of what was found in the database.
    pub(super) fn unfit(&mut self, detail: &str) -> SpoolError {
        let error = SpoolError::of_database(&self.store.name, SpoolErrorKind::Other, detail);
        self.fault.insert(error).clone()
    }
}
