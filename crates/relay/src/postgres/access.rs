//! How the database of a farm is reached, as the configuration says.

use super::database::Database;
use super::fault::DatabaseFault;
use super::tls::Connector;
use std::time::Duration;
use taskbell_core::config::{Config, RelaySettings};
use taskbell_core::secret::Secret;
use taskbell_core::transport::client_config;

/// `[farm]` of a relay with a `store`, ready for use.
#[derive(Clone)]
pub struct StoreAccess {
    url: Secret,
    tls: Connector,
    /// Marks of the farm's secrets.
    pub farm: Vec<String>,
    /// How long a lease holds.
    pub lease: Duration,
    /// This relay, for people.
    pub holder: String,
}

impl StoreAccess {
    /// `None` where the relay keeps its farm in its spool.
    ///
    /// # Errors
    /// `BadUrl`; `Unfit` when certificates cannot be used.
    pub fn read(config: &Config, settings: &RelaySettings) -> Option<Result<StoreAccess, DatabaseFault>> {
        let url = settings.store.clone()?;
        let tls = client_config(settings.ca.as_ref()).map(Connector::new).map_err(DatabaseFault::Unfit);
        let access = tls.map(|tls| StoreAccess {
            url,
            tls,
            farm: settings.secret_marks.clone(),
            lease: settings.lease,
            holder: format!("{} (process {})", config.host.name, std::process::id()),
        });
        Some(access.and_then(|access| access.database(settings.lease).map(|_| access)))
    }

    /// A connection that is made when it is used, on which nothing takes longer than this.
    ///
    /// # Errors
    /// `BadUrl`; `Away` when the system gives no sockets.
    pub fn database(&self, limit: Duration) -> Result<Database, DatabaseFault> {
        Database::new(self.url.expose(), self.tls.clone(), limit)
    }
}
