//! The configuration or the spool that a command reads.

use super::failure::{Failure, bad_config};
use std::path::Path;
use taskbell_core::config::Config;
use taskbell_core::spool::SpoolPath;
use taskbell_core::spool::{Reader, SpoolErrorKind};

/// An open spool, and the configuration when one was given.
pub struct Source {
    pub reader: Reader,
    pub config: Option<Config>,
}

/// Opens a spool by its own path, or by the path of its configuration.
pub fn open(given: &str) -> Result<Source, Failure> {
    let extension = Path::new(given).extension().and_then(|extension| extension.to_str());
    let is_config =
        extension.is_some_and(|name| ["toml", "json"].contains(&name.to_ascii_lowercase().as_str()));
    if !is_config {
        return Ok(Source { reader: reader(Path::new(given))?, config: None });
    }
    let config = Config::load(given).map_err(|errors| {
        Failure::new(
            errors.to_string(),
            "correct the configuration, or give the path of the spool itself (`*.db`)",
        )
    })?;
    let reader = reader(spool_file(&config, given)?)?;
    Ok(Source { reader, config: Some(config) })
}

/// Reads a configuration for a command that needs nothing else.
pub fn config(given: &str) -> Result<Config, Failure> {
    Config::load(given).map_err(|errors| bad_config(given, &errors))
}

fn spool_file<'a>(config: &'a Config, given: &str) -> Result<&'a Path, Failure> {
    match &config.spool.path {
        SpoolPath::File(path) => Ok(path),
        SpoolPath::Memory => Err(Failure::new(
            format!("{given} keeps its spool in memory, where only the host can read it"),
            "set `[spool] path` to a file to read it",
        )),
    }
}

fn reader(path: &Path) -> Result<Reader, Failure> {
    Reader::open(path).map_err(|error| {
        let next = match error.kind() {
            SpoolErrorKind::Missing => {
                "give the configuration the host runs with, or the path of its spool (`*.db`)"
            }
            _ => "follow the advice above, then try again",
        };
        Failure::new(error.to_string(), next)
    })
}
