//! The spool that `list` and `show` look into: named by its configuration, or by its own path.

use super::failure::{Failure, bad_config};
use std::path::{Path, PathBuf};
use taskbell_core::config::Config;
use taskbell_core::spool::SpoolPath;
use taskbell_core::spool::{Reader, SpoolErrorKind};

/// An open spool, and the configuration when one was given.
pub struct Source {
    /// The spool.
    pub reader: Reader,
    /// What it belongs to.
    pub config: Option<Config>,
}

/// Opens the spool that is meant.
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
            "mend the configuration, or give the path of the spool itself (`*.db`), which needs none",
        )
    })?;
    let reader = reader(&file_of(&config, given)?)?;
    Ok(Source { reader, config: Some(config) })
}

/// Reads a configuration for a command that needs nothing else.
pub fn config(given: &str) -> Result<Config, Failure> {
    Config::load(given).map_err(|errors| bad_config(given, &errors))
}

fn file_of(config: &Config, given: &str) -> Result<PathBuf, Failure> {
    match &config.spool.path {
        SpoolPath::File(path) => Ok(path.clone()),
        SpoolPath::Memory => Err(Failure::new(
            format!("{given} keeps its spool in memory, where only the host itself sees it"),
            "set `[spool] path` to a file to look into it",
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
