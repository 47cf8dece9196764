//! The connection of those who look on, and what their role may read.

use super::fault::store_error;
use super::flight::{self, BoundStatement, Parameter};
use crate::postgres::{Database, DatabaseFault, DatabaseSession};
use std::cell::RefCell;
use taskbell_core::spool::{SpoolError, SpoolErrorKind};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// A connection that only reads.
pub struct LookOnConnection {
    database: RefCell<Database>,
    name: String,
    /// Whether the role reads what hosts reported, messages and answers.
    pub reads_payloads: bool,
}

impl LookOnConnection {
    /// A connection to a store whose tables are there.
    ///
    /// # Errors
    /// When it cannot be read; of kind `Missing` when there are no tables.
    pub fn open(database: Database) -> Result<LookOnConnection, SpoolError> {
        let name = database.name().to_owned();
        let mut connection =
            LookOnConnection { database: RefCell::new(database), name, reads_payloads: false };
        let sql = "SELECT has_column_privilege('taskbell.events', 'payload', 'SELECT')";
        connection.reads_payloads =
            connection.run(async |session| Ok(session.query_one(sql, &[]).await?.get(0)))?;
        Ok(connection)
    }

    /// What this role reads of a column, or what stands for it.
    pub fn column(&self, column: &str, instead: &str) -> String {
        if self.reads_payloads { column.to_owned() } else { instead.to_owned() }
    }

    /// The rows of a statement.
    pub fn query(&self, statement: BoundStatement<'_>) -> Result<Vec<Row>, SpoolError> {
        let statements = [statement];
        let mut rows = self.run(async |session| flight::send(session, &statements).await)?;
        Ok(rows.pop().unwrap_or_default())
    }

    /// The rows of a statement that was made for the moment.
    pub fn query_text(&self, sql: &str, values: Vec<Parameter<'_>>) -> Result<Vec<Row>, SpoolError> {
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value as _).collect();
        self.run(async |session| Ok(session.query(sql, &values).await?))
    }

    /// Runs the work on the connection.
    pub fn run<T>(
        &self,
        work: impl AsyncFnOnce(&mut DatabaseSession) -> Result<T, DatabaseFault>,
    ) -> Result<T, SpoolError> {
        let done = self.database.borrow_mut().run("question", work);
        done.map_err(|fault| store_error(&self.name, &fault))
    }

    /// A fault of what was asked.
    pub fn error_of(&self, kind: SpoolErrorKind, detail: &str) -> SpoolError {
        SpoolError::of_database(&self.name, kind, detail)
    }
}
