//! What goes wrong between a relay and its database.

use std::fmt;
use std::time::Duration;

/// A fault of the database, in a sentence that names no password.
#[derive(Debug)]
pub enum DatabaseFault {
    /// The URL cannot be used.
    BadUrl(String),
    /// It did not answer this within its time; the connection is thrown away.
    Silent(&'static str, Duration),
    /// It cannot be reached, or has ended the connection.
    Away(String),
    /// It refuses a statement.
    Refused(ServerRefusal),
    /// It is not one that this relay can use, whatever is tried.
    Unfit(String),
    /// Another relay leads since this epoch: nothing of the transaction is kept.
    Deposed(i64),
    /// Another server took the place of the one that this relay led on: it may lack what was written last.
    Replaced,
    /// The answer to the end of this transaction was lost.
    InDoubt(String),
}

/// What the server says of a statement.
#[derive(Debug)]
pub struct ServerRefusal {
    message: String,
    code: String,
}

impl fmt::Display for ServerRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl DatabaseFault {
    /// The `SQLSTATE` of a statement that was refused; empty for any other fault.
    pub fn code(&self) -> &str {
        match self {
            DatabaseFault::Refused(refusal) => &refusal.code,
            _ => "",
        }
    }

    /// A pooler is between a relay and its database.
    pub fn pooled() -> DatabaseFault {
        DatabaseFault::Unfit(
            "the database gives each transaction another session: name the database itself as `[farm] store`, \
             or a pooler in session mode"
                .to_owned(),
        )
    }

    /// Whether the same call may succeed later without anybody's help.
    pub fn is_transient(&self) -> bool {
        matches!(self, DatabaseFault::Silent(..) | DatabaseFault::Away(_))
    }
}

impl From<tokio_postgres::Error> for DatabaseFault {
    fn from(error: tokio_postgres::Error) -> DatabaseFault {
        match error.as_db_error() {
            // 57P01 to 57P03: it shuts down, or starts up. Class 08: the connection. 53300: too many connections. 25P03: it
            // has ended a session that said nothing.
            Some(refusal)
                if ["57P01", "57P02", "57P03", "53300", "25P03"].contains(&refusal.code().code())
                    || refusal.code().code().starts_with("08") =>
            {
                DatabaseFault::Away(refusal.message().to_owned())
            }
            // A prepared statement that another session has, or this one has not.
            Some(refusal) if ["42P05", "26000"].contains(&refusal.code().code()) => DatabaseFault::pooled(),
            Some(refusal) => {
                let (message, code) = (refusal.message().to_owned(), refusal.code().code().to_owned());
                DatabaseFault::Refused(ServerRefusal { message, code })
            }
            None if lacks_trust(&error) => DatabaseFault::Unfit(format!(
                "the connection to the database cannot be trusted: {}; a farm needs TLS to a database on another machine, \
                 with a certificate of an authority that the system or `[farm] ca_file` names",
                cause_of(&error)
            )),
            None => {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                DatabaseFault::Away(format!("{error}{}", cause.unwrap_or_default()))
            }
        }
    }
}

fn cause_of(error: &tokio_postgres::Error) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    // What verifies certificates says more than the kinds of errors that it has to choose from.
    cause.strip_prefix("unexpected error: ").map_or(cause.clone(), str::to_owned)
}

/// Whether the server has no TLS, or a certificate that is not trusted. A connection that only breaks meanwhile is none.
fn lacks_trust(error: &tokio_postgres::Error) -> bool {
    let is_of_tls = error.to_string().contains("TLS handshake");
    let cause = std::error::Error::source(error);
    let io = cause.and_then(|cause| cause.downcast_ref::<std::io::Error>());
    is_of_tls && io.is_none_or(|error| error.kind() == std::io::ErrorKind::InvalidData)
}

impl fmt::Display for DatabaseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatabaseFault::BadUrl(why) => {
                write!(
                    f,
                    "`[farm] store` is not the URL of a PostgreSQL database: {why}; write it as `postgres://USER:PASSWORD@HOST/DATABASE`"
                )
            }
            DatabaseFault::Silent(what, limit) => {
                write!(f, "the database did not answer a {what} within {} s", limit.as_secs_f32())
            }
            DatabaseFault::Away(why) => write!(f, "the database cannot be reached: {why}"),
            DatabaseFault::Refused(why) => write!(f, "the database refuses a statement: {why}"),
            DatabaseFault::Unfit(why) => f.write_str(why),
            DatabaseFault::InDoubt(transaction) => {
                write!(f, "the database did not say whether transaction {transaction} is kept")
            }
            DatabaseFault::Replaced => f.write_str(
                "another server took the place of the database, or it was restored: it may lack what was written last",
            ),
            DatabaseFault::Deposed(epoch) => write!(f, "another relay leads: epoch {epoch} is over"),
        }
    }
}

impl std::error::Error for DatabaseFault {}
