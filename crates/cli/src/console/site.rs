//! What the console is over: a spool, and the configuration where one was given.

use super::security::Access;
use super::trouble::Trouble;
use crate::failure::{Failure, shown};
use crate::source::{self, Source};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use taskbell_core::config::{Config, FarmSettings};
use taskbell_core::engine;
use taskbell_core::spool::{EndpointBacklog, Operator, Reader, SpoolOperator};
use taskbell_relay::is_led;
use taskbell_relay::postgres::{FarmStore, Leader};

pub struct Site {
    /// The configuration or the spool as it was given, without a secret.
    pub source: String,
    /// Where the spool lies, or what stands for it.
    pub spool: PathBuf,
    /// The database of a farm, in the place of a spool.
    store: Option<FarmStore>,
    /// The configuration as it was given.
    given: Option<String>,
    loaded: Mutex<Option<Loaded>>,
    pub access: Arc<Access>,
}

struct Loaded {
    changed_at: Option<SystemTime>,
    config: Arc<Config>,
}

impl Site {
    /// Opens the spool once, so that a wrong path is an error now.
    pub fn open(given: &str, access: Access) -> Result<Site, Failure> {
        let Source { spool, store, config, .. } = source::open(given)?;
        let loaded = config.map(|config| Loaded {
            changed_at: changed_at(config.file.as_deref()),
            config: Arc::new(config),
        });
        let is_config = loaded.is_some();
        Ok(Site {
            source: shown(given).to_owned(),
            spool,
            store,
            given: is_config.then(|| given.to_owned()),
            loaded: Mutex::new(loaded),
            access: Arc::new(access),
        })
    }

    /// Whether the page has no button that changes anything.
    pub fn is_read_only(&self) -> bool {
        self.access.read_only
    }

    /// A connection to the spool that only looks on. Each page has its own: a host may have replaced the file.
    pub fn reader(&self) -> Result<Box<dyn Reader>, Trouble> {
        match &self.store {
            Some(store) => Ok(store.reader().map_err(source::bad_store)?),
            None => Ok(source::reader(&self.spool)?),
        }
    }

    /// What changes deliveries.
    pub fn operator(&self) -> Result<Box<dyn Operator>, Trouble> {
        match &self.store {
            Some(store) => Ok(store.operator().map_err(source::bad_store)?),
            None => Ok(Box::new(SpoolOperator::open(&self.spool)?)),
        }
    }

    /// Wakes the running hosts, and counts them. The relay that leads on a database looks by itself.
    pub fn call_hosts(&self) -> usize {
        match &self.store {
            Some(_) => usize::from(self.leader().is_some_and(|leader| leader.is_leading)),
            None => engine::call_hosts(&self.spool, None),
        }
    }

    /// What waits for each endpoint, by name; one of the configuration without a delivery has an empty backlog.
    pub fn backlogs(&self, reader: &dyn Reader) -> Result<BTreeMap<String, EndpointBacklog>, Trouble> {
        let mut backlogs = reader.backlogs()?;
        for endpoint in self.config().iter().flat_map(|config| &config.endpoints) {
            backlogs.entry(endpoint.name.to_string()).or_default();
        }
        Ok(backlogs)
    }

    /// The configuration as it is now; the last one that could be read while it has errors.
    pub fn config(&self) -> Option<Arc<Config>> {
        let given = self.given.as_deref()?;
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let known = loaded.as_mut()?;
        let now = changed_at(known.config.file.as_deref());
        if now != known.changed_at {
            known.changed_at = now;
            if let Ok(config) = Config::load(given) {
                known.config = Arc::new(config);
            }
        }
        Some(Arc::clone(&known.config))
    }

    /// Where this is the relay of a farm: after how many milliseconds without a post a node is lost.
    pub fn relay(&self) -> Option<i64> {
        match self.config()?.farm.as_ref()? {
            FarmSettings::Relay(relay) => i64::try_from(relay.node_lost.as_millis()).ok(),
            FarmSettings::Node(_) => None,
        }
    }

    /// Who leads on the database of a farm.
    pub fn leader(&self) -> Option<Leader> {
        self.store.as_ref()?.leader().ok()
    }

    /// Whether a relay leads on the spool; `None` where nobody can tell.
    pub fn leads_on_spool(&self) -> Option<bool> {
        if self.store.is_none() { is_led(&self.spool) } else { None }
    }

    /// The configuration, read again.
    pub fn fresh_config(&self) -> Result<Config, Trouble> {
        match self.given.as_deref() {
            Some(given) => Ok(source::config(given)?),
            None => Err(Trouble::new(
                404,
                "this console was opened with a spool, which has no endpoints' addresses",
                "start `taskbell console` with the configuration of the host",
            )),
        }
    }
}

fn changed_at(file: Option<&Path>) -> Option<SystemTime> {
    file?.metadata().ok()?.modified().ok()
}
