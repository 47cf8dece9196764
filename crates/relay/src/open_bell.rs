//! Opens the instance of a relay that leads, on what it leads on.

use crate::candidate::{Candidate, Lead};
use crate::log::RelayLog;
use crate::postgres::{DatabaseClock, PostgresReader, PostgresStore, StoreAccess};
use crate::relay_error::RelayError;
use crate::trust::Trust;
use std::sync::Arc;
use std::time::Duration;
use taskbell_core::config::Config;
use taskbell_core::engine::{Bell, Error, ErrorKind, Level, OpenStore, RelayBounds};
use tokio::task::spawn_blocking;

/// What a transaction of the dispatcher may take, and what a lane waits for a message. A silent database is noticed by then;
/// the lease has run out before.
const STORE_LIMIT: Duration = Duration::from_secs(10);

/// `None` where the database went away meanwhile, which is logged: it is tried again.
///
/// # Errors
/// What has to be corrected.
pub async fn open_bell(
    candidate: &Candidate,
    lead: &Lead,
    config: &Arc<Config>,
    bounds: RelayBounds,
    log: &RelayLog,
) -> Result<Option<Arc<Bell>>, RelayError> {
    let config = Arc::clone(config);
    let on_database = match (candidate, lead) {
        (Candidate::Database(access), Lead::Lease(keeper)) => {
            let history = (keeper.epoch, keeper.timeline.name.clone(), Arc::clone(&keeper.clock));
            Some((access.clone(), history, keeper.trust.clone()))
        }
        _ => None,
    };
    let may_pass = on_database.is_some();
    let opened = spawn_blocking(move || match on_database {
        Some((access, history, trust)) => open_on(&access, history, trust, config, bounds),
        None => Bell::open_relay(config, bounds),
    });
    let bell = match opened.await {
        Ok(Ok(bell)) => Arc::new(bell),
        Ok(Err(error)) if may_pass && error.kind == ErrorKind::Spool => {
            log.write(Level::Error, &format!("the store cannot be opened yet: {}", error.message));
            return Ok(None);
        }
        Ok(Err(error)) => {
            return Err(RelayError::new(error.message, "correct what the message names, and start it again"));
        }
        Err(_) => return Err(RelayError::defect()),
    };
    let sink = log.clone();
    if let Err(error) = bell.set_log(Some(Box::new(move |level, text| sink.write(level, text)))) {
        log.write(Level::Warn, &format!("the log of the spool cannot be shown: {error}"));
    }
    Ok(Some(bell))
}

fn open_on(
    access: &StoreAccess,
    (epoch, timeline, clock): (i64, String, Arc<DatabaseClock>),
    trust: Trust,
    config: Arc<Config>,
    bounds: RelayBounds,
) -> Result<Bell, Error> {
    let unread = |error: &dyn std::fmt::Display| Error::new(ErrorKind::Spool, error.to_string());
    let database = || {
        let mut database = access.database(STORE_LIMIT).map_err(|fault| unread(&fault))?;
        database.follow(Some(timeline.clone()));
        Ok(database)
    };
    let instance = format!("farm-{epoch}");
    let store = PostgresStore::open(database()?, epoch, &instance).map_err(|error| unread(&error))?;
    let reader = PostgresReader::open(database()?).map_err(|error| unread(&error))?;
    let (reader, may_send) = (Box::new(reader), Arc::new(move || trust.leads()));
    let opened = OpenStore { store, instance, reader, clock, may_send };
    Bell::open_relay_on(config, bounds, opened)
}
