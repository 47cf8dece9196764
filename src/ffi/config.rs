//! The configuration that a call is given.

use taskbell_core::config::Config;
use taskbell_core::engine::{Error, ErrorKind};

/// Reads a configuration: a path, or the text itself.
pub fn load(config: &str) -> Result<Config, Error> {
    Config::load(config).map_err(|errors| Error::new(ErrorKind::Config, errors.to_string()))
}
