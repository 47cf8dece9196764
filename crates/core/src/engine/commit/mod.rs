//! Commit: one transaction's worth of decisions and lane reports, written to the spool, and what follows once
//! it is durable.

mod committer;
mod transaction;
mod write;

pub use committer::{Committer, WaitingFallbacks};
pub use transaction::{Committed, Transaction, delivery_report};
