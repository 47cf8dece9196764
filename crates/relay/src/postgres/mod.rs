//! PostgreSQL as the store of a farm: a connection on which nothing hangs, who of several relays leads, and what is kept.

mod access;
mod clock;
mod database;
mod fault;
mod fence;
mod keeper;
mod lease;
mod look;
mod sessions;
mod store;
mod tables;
mod tenure;
#[cfg(all(test, unix))]
mod tests;
mod tls;

pub use access::StoreAccess;
pub use clock::DatabaseClock;
pub use database::{Database, DatabaseSession};
pub use fault::{DatabaseFault, ServerRefusal};
pub use fence::{transact, was_committed};
pub(crate) use keeper::{LeaseKeeper, Lost};
pub use lease::{Leader, Lease, LedTimeline, leader};
pub use look::FarmStore;
pub use sessions::check_sessions;
pub use store::{PostgresBatch, PostgresOperator, PostgresReader, PostgresStore};
pub use tables::{inspect, prepare};
pub use tenure::Term;
pub use tls::Connector;
