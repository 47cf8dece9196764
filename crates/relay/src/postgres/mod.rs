//! PostgreSQL as the store of a farm: a connection on which nothing hangs, and who of several relays leads.

mod access;
mod database;
mod fault;
mod lease;
#[cfg(all(test, unix))]
mod tests;
mod tls;

pub use access::StoreAccess;
pub use database::Database;
pub use fault::DatabaseFault;
pub use lease::{Leader, Lease, Term, inspect, leader, prepare, transact, was_committed};
pub use tls::Connector;
