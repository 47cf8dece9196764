//! A transaction on the server: begun with the first statement, fenced by the epoch, and ended once.

use super::PostgresBatch;
use super::flight::{self, BoundStatement, values};
use super::numbers::RowNumbers;
use crate::postgres::DatabaseFault;
use crate::postgres::fence::{FENCE, LEAVE_MARK, new_mark, was_committed};
use std::time::{Duration, Instant};
use taskbell_core::spool::{SpoolError, SpoolErrorKind};
use tokio_postgres::Row;

/// How long a leader asks what became of a transaction. Longer than the server keeps one open whose client is gone.
const DOUBT: Duration = Duration::from_secs(20);

/// Between two questions to a server that is away.
const AGAIN: Duration = Duration::from_millis(100);

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
        self.transaction = Some(new_mark(epoch));
        let mut rows = database.run("transaction", async |session| flight::send(session, &calls).await)?;
        if rows.get(1).is_none_or(Vec::is_empty) {
            return Err(DatabaseFault::Deposed(epoch));
        }
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
            // It must have begun before its end is asked for: else nobody waits for it who wants to know what became of it.
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
        let mark = self.transaction.clone().unwrap_or_default();
        calls.push(BoundStatement::new(LEAVE_MARK, values![mark]));
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

    /// The answer to the end was lost: its mark is there if it was kept. Until the server says so nobody can go on, since
    /// what was written is neither to be written nor sent twice.
    fn resolve_doubt(&mut self, fault: &DatabaseFault) -> Result<Vec<Vec<Row>>, SpoolError> {
        let Some(mark) = self.transaction.take() else { return Err(self.void(fault)) };
        let until = Instant::now() + DOUBT;
        loop {
            let asked = was_committed(&mut self.store.database.borrow_mut(), self.store.epoch, &mark);
            match asked {
                Ok(true) => return Ok(Vec::new()),
                Ok(false) => break,
                Err(asked) if may_ask_again(&asked) && Instant::now() < until => std::thread::sleep(AGAIN),
                Err(_) => {
                    let fault = DatabaseFault::InDoubt(mark);
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

/// Whether the server may say later what became of a transaction. 55P03: that is not over yet.
fn may_ask_again(fault: &DatabaseFault) -> bool {
    fault.is_transient() || fault.code() == "55P03"
}
