//! A fault of the database, as the engine and the command know faults of a store.

use crate::postgres::DatabaseFault;
use taskbell_core::spool::{SpoolError, SpoolErrorKind};

/// The fault of a store in the database of this name.
pub fn store_error(name: &str, fault: &DatabaseFault) -> SpoolError {
    let kind = match fault {
        DatabaseFault::Deposed(_) | DatabaseFault::Replaced => SpoolErrorKind::Deposed,
        DatabaseFault::Silent(..) | DatabaseFault::Away(_) | DatabaseFault::InDoubt(_) => SpoolErrorKind::Io,
        DatabaseFault::BadUrl(_) | DatabaseFault::Unfit(_) => SpoolErrorKind::Other,
        DatabaseFault::Refused(_) => match fault.code() {
            // A lock that was not given in time, a deadlock, a statement that took too long.
            "55P03" | "40P01" | "40001" | "57014" => SpoolErrorKind::Busy,
            "53100" => SpoolErrorKind::Full,
            // Rights; a transaction or a server that is read-only.
            "42501" | "25006" => SpoolErrorKind::ReadOnly,
            "3F000" | "42P01" => SpoolErrorKind::Missing,
            _ => SpoolErrorKind::Other,
        },
    };
    SpoolError::of_database(name, kind, fault.to_string())
}
