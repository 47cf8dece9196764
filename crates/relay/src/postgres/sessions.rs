//! Whether a connection is a session. A lease is bound to one, and so are prepared statements: behind a pooler that gives each
//! transaction another session neither holds.

use super::database::Database;
use super::fault::DatabaseFault;

const PID: &str = "SELECT pg_backend_pid()";

/// Looks at the session of one connection, with a transaction on the other one in between: that has another session, and the
/// first one still has its own. No statement is prepared, since other sessions have some of the same name there.
///
/// # Errors
/// `Unfit` behind a pooler; those of a connection.
pub fn check_sessions(one: &mut Database, other: &mut Database) -> Result<(), DatabaseFault> {
    let before = pid(one, PID)?;
    let between = pid(other, "BEGIN; SELECT pg_backend_pid()")?;
    let after = pid(one, PID)?;
    pid(other, "SELECT pg_backend_pid(); COMMIT")?;
    if before == after && before != between { Ok(()) } else { Err(DatabaseFault::pooled()) }
}

fn pid(database: &mut Database, sql: &'static str) -> Result<Option<String>, DatabaseFault> {
    database.run("question about its session", async |session| {
        let said = session.simple_query(sql).await?;
        let pid = |message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        Ok(said.into_iter().find_map(pid))
    })
}
