//! What an operator's commands ask of the database of a farm.

use super::access::StoreAccess;
use super::lease::{Leader, leader};
use super::sessions::check_sessions;
use super::store::{PostgresOperator, PostgresReader};
use super::tables::inspect;
use std::fmt::Display;
use std::time::Duration;
use taskbell_core::config::{Config, FarmSettings};
use taskbell_core::spool::{Operator, Reader};

/// What a question may take.
const LIMIT: Duration = Duration::from_secs(10);

/// The database of a farm, for who looks on. Each fault is a sentence.
pub struct FarmStore(StoreAccess);

impl FarmStore {
    /// `None` for a configuration that names no database.
    ///
    /// # Errors
    /// The URL is none, or certificates cannot be used.
    pub fn of(config: &Config) -> Result<Option<FarmStore>, String> {
        match &config.farm {
            Some(FarmSettings::Relay(settings)) => {
                let access = StoreAccess::read(config, settings).transpose().map_err(sentence)?;
                Ok(access.map(FarmStore))
            }
            _ => Ok(None),
        }
    }

    /// Whether a relay can use it, without changing anything in it. `false` where none has used it yet.
    ///
    /// # Errors
    /// Why not.
    pub fn inspect(&self) -> Result<bool, String> {
        let mut database = self.0.database(LIMIT).map_err(sentence)?;
        let mut other = self.0.database(LIMIT).map_err(sentence)?;
        check_sessions(&mut database, &mut other).map_err(sentence)?;
        inspect(&mut database, &self.0.farm).map_err(sentence)
    }

    /// Who leads.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn leader(&self) -> Result<Leader, String> {
        let mut database = self.0.database(LIMIT).map_err(sentence)?;
        leader(&mut database).map_err(sentence)
    }

    /// What the relays keep in it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn reader(&self) -> Result<Box<dyn Reader>, String> {
        let database = self.0.database(LIMIT).map_err(sentence)?;
        Ok(Box::new(PostgresReader::open(database).map_err(sentence)?))
    }

    /// What changes what they keep. Who leads sees it within a second.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn operator(&self) -> Result<Box<dyn Operator>, String> {
        let database = self.0.database(LIMIT).map_err(sentence)?;
        Ok(Box::new(PostgresOperator::open(database)))
    }
}

fn sentence(fault: impl Display) -> String {
    fault.to_string()
}
