//! The configuration or the spool that a command reads.

use super::failure::{Failure, bad_config};
use super::input;
use std::path::{Path, PathBuf};
use taskbell_core::config::{Config, is_bare_url};
use taskbell_core::spool::SpoolPath;
use taskbell_core::spool::{Reader, SpoolErrorKind, SpoolReader};
use taskbell_relay::postgres::FarmStore;

/// An open spool, and the configuration when one was given.
pub struct Source {
    pub reader: Box<dyn Reader>,
    /// Where the spool lies, or what stands for it.
    pub spool: PathBuf,
    /// The database of a farm, in the place of a spool.
    pub store: Option<FarmStore>,
    pub config: Option<Config>,
}

/// Opens a spool by its own path, or by the path of its configuration.
pub fn open(given: &str) -> Result<Source, Failure> {
    let extension = Path::new(given).extension().and_then(|extension| extension.to_str());
    let is_config = is_bare_url(given)
        || extension.is_some_and(|name| ["toml", "json"].contains(&name.to_ascii_lowercase().as_str()));
    if !is_config {
        return opened(Path::new(given), None);
    }
    let config = Config::load(given).map_err(|errors| {
        Failure::new(
            errors.to_string(),
            "correct the configuration, or give the path of the spool itself (`*.db`)",
        )
    })?;
    if let Some(store) = FarmStore::of(&config).map_err(bad_store)? {
        let reader = store.reader().map_err(bad_store)?;
        let spool = PathBuf::from("the database of the farm");
        return Ok(Source { reader, spool, store: Some(store), config: Some(config) });
    }
    let spool = spool_file(&config, given)?.to_owned();
    opened(&spool, Some(config))
}

fn opened(spool: &Path, config: Option<Config>) -> Result<Source, Failure> {
    let reader = reader(spool)?;
    let spool = reader.file().unwrap_or(spool).to_owned();
    Ok(Source { reader, spool, store: None, config })
}

/// The failure of a database that cannot be used; the sentence says why.
pub fn bad_store(fault: String) -> Failure {
    Failure::new(fault, "correct `[farm] store` or the database")
}

pub const DEFAULT: &str = "taskbell.toml";

/// The given configuration, else the one of this folder.
pub fn config_path(given: Option<&str>) -> Result<String, Failure> {
    match given {
        Some(given) => Ok(given.to_owned()),
        None if Path::new(DEFAULT).is_file() => Ok(DEFAULT.to_owned()),
        None => Err(Failure::new(
            format!("no configuration is given, and this folder has no {DEFAULT}"),
            "give the path of one, or write one with `taskbell init URL`",
        )),
    }
}

/// The source and the id of `[CONFIG|SPOOL.db] [ID]`: a single word that is no path is the id.
pub fn source_and_id(first: Option<&str>, second: Option<&str>) -> Result<(String, Option<String>), Failure> {
    let is_source =
        |word: &str| is_path(word) || word.to_ascii_lowercase().ends_with(".db") || Path::new(word).exists();
    match first.filter(|word| second.is_none() && !is_source(word)) {
        Some(id) => Ok((config_path(None)?, Some(id.to_owned()))),
        None => Ok((config_path(first)?, second.map(str::to_owned))),
    }
}

/// The arguments `[CONFIG] TYPE [JSON]`.
#[derive(Debug, clap::Args)]
pub struct EventArgs {
    /// A `.toml` or `.json` file (`taskbell.toml` by default), the event's type, such as `queue.end`, and the event
    /// as JSON, `@file`, or `-` for standard input
    #[arg(value_name = "TYPE", required = true, num_args = 1..=3)]
    pub words: Vec<String>,
}

/// An event and the configuration for it, as the command line names them.
#[derive(Debug)]
pub struct GivenEvent {
    pub config: String,
    /// The type; for `explain`, perhaps a file.
    pub kind: String,
    pub payload: Option<String>,
}

impl EventArgs {
    /// Tells the three words apart: a configuration has an extension or a separator of paths, a type has neither.
    pub fn given(&self) -> Result<GivenEvent, Failure> {
        let first_is_config = self.words.len() == 3 || (self.words.len() == 2 && is_path(&self.words[0]));
        let (config, rest) = match self.words.split_first() {
            Some((first, rest)) if first_is_config => (Some(first.as_str()), rest),
            _ => (None, &self.words[..]),
        };
        Ok(GivenEvent {
            config: config_path(config)?,
            kind: rest.first().cloned().unwrap_or_default(),
            payload: rest.get(1).map(|payload| input::text(payload)).transpose()?,
        })
    }

    /// As `given`, for a command whose event is never a file.
    pub fn typed(&self) -> Result<GivenEvent, Failure> {
        match self.words.as_slice() {
            [only] if is_path(only) => Err(Failure::new(
                "the type of the event is missing",
                format!("name it after the configuration: `{only} task.complete`"),
            )),
            _ => self.given(),
        }
    }
}

/// Whether a word is a path rather than an event's type.
pub fn is_path(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    is_bare_url(word) || lower.ends_with(".toml") || lower.ends_with(".json") || word.contains(['/', '\\'])
}

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

/// Opens a spool by its own path.
pub fn reader(path: &Path) -> Result<Box<dyn Reader>, Failure> {
    let opened = SpoolReader::open(path).map(|reader| Box::new(reader) as Box<dyn Reader>);
    opened.map_err(|error| {
        let next = match error.kind() {
            SpoolErrorKind::Missing => {
                "give the configuration the host runs with, or the path of its spool (`*.db`)"
            }
            _ => "follow the advice above, then try again",
        };
        Failure::new(error.to_string(), next)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_may_be_left_out_before_the_type() {
        let given = |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            EventArgs { words }.typed()
        };
        let three = given(&["a.toml", "queue.end", "{}"]).unwrap();
        assert_eq!((three.config.as_str(), three.kind.as_str()), ("a.toml", "queue.end"));
        assert_eq!(three.payload.as_deref(), Some("{}"));
        let two = given(&["b/a", "queue.end"]).unwrap();
        assert_eq!((two.config.as_str(), two.kind.as_str(), two.payload), ("b/a", "queue.end", None));
        // The folder of this test has no taskbell.toml.
        for words in [&["queue.end"] as &[_], &["queue.end", "{}"], &["a.toml"]] {
            let Err(Failure::Message { what, next }) = given(words) else { panic!("{words:?}") };
            assert!(what.contains("no taskbell.toml") || what.contains("type of the event"), "{what}");
            assert!(next.contains("taskbell init URL") || next.contains("task.complete"), "{next}");
        }
    }
}
