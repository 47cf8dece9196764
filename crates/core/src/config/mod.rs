//! The configuration: read once from TOML or JSON into typed, checked values. Nothing below this
//! room parses strings, knows `env:` or sees a node of the file.
//!
//! Text → tree with places (`toml_text`, `json_text`) → tables read by the schema (`section`) →
//! values (`endpoint`, `hook`, …). Every fault is noted with its place, and the reading goes on, so
//! that one look shows them all.

mod address;
mod alert;
mod endpoint;
mod fault;
mod hook;
mod json_text;
mod kind;
mod machine;
mod node;
mod places;
mod quantity;
mod reading;
mod reference;
mod schema;
mod section;
mod settings;
mod shaping;
mod source;
mod task_urls;
mod template;
mod tls;
mod toml_text;

pub use fault::{ConfigError, ConfigErrors};
pub use places::Places;
pub use reference::reference_markdown;
pub use settings::{Config, Files, Queue, SpoolSettings};

use crate::endpoint::Endpoint;
use crate::hooks::Hook;
use crate::message::{self, HostInfo};
use crate::secret::Scrubber;
use crate::spool::SpoolPath;
use fault::Fault;
use node::Node;
use reading::{Environment, Reading};
use section::Section;
use source::{Language, Source};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Config {
    /// Reads a configuration: `source` is the path of a `.toml` or `.json` file, or the text itself
    /// (JSON when it starts with `{`, TOML when it holds a newline). Reads the files and variables
    /// that the configuration names; opens no connection. May be called from any thread.
    ///
    /// # Errors
    /// Every fault of the text, each with its place; or the one fault that keeps it from being read.
    pub fn load(source: &str) -> Result<Config, ConfigErrors> {
        Config::load_with_warnings(source).map(|(config, _)| config)
    }

    /// Like [`Config::load`], with what is allowed but hardly meant: an endpoint nobody rings, an
    /// event type that looks like a slip of the pen, plain text over a public network.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_with_warnings(source: &str) -> Result<(Config, Vec<ConfigError>), ConfigErrors> {
        Config::load_with_places(source).map(|(config, warnings, _)| (config, warnings))
    }

    /// Like [`Config::load_with_warnings`], with the places of everything, for findings to come.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_with_places(source: &str) -> Result<(Config, Vec<ConfigError>, Places), ConfigErrors> {
        load(source, &|name| std::env::var_os(name))
    }
}

fn load(
    given: &str,
    environment: &Environment<'_>,
) -> Result<(Config, Vec<ConfigError>, Places), ConfigErrors> {
    let source = Source::open(given)?;
    let folder = source.folder();
    let reading = Reading::new(folder.clone(), environment);
    let parsed = match source.language {
        Language::Toml => toml_text::parse(&source.text),
        Language::Json => json_text::parse(&source.text),
    };
    let config = match &parsed {
        Ok(tree) => read(tree, &source, &reading),
        Err(faults) => {
            faults.iter().for_each(|fault| reading.fault(fault.at, &fault.key, fault.message.as_str()));
            None
        }
    };
    let gathered = reading.finish();
    let scrubber = Scrubber::new(gathered.secrets.iter().map(String::as_str));
    let place = |mut faults: Vec<Fault>| {
        // No message is built from a secret; this holds where a message quotes a neighbour of one.
        faults.iter_mut().for_each(|fault| fault.message = scrubber.scrub(&fault.message));
        fault::place(faults, &source.text, source.file.as_ref())
    };
    if let Some(errors) = ConfigErrors::of(place(gathered.faults)) {
        return Err(errors);
    }
    let warnings = place(gathered.warnings);
    match (config, parsed) {
        (Some(config), Ok(tree)) => {
            let places =
                Places { file: source.file, folder, text: source.text, tree, scrubber: scrubber.clone() };
            let told = warnings.iter().map(ToString::to_string).collect();
            Ok((Config { scrubber, warnings: told, ..config }, warnings, places))
        }
        _ => Err(ConfigErrors::without_place(source.file, "this configuration cannot be read".to_owned())),
    }
}

fn read(tree: &Node, source: &Source, reading: &Reading<'_>) -> Option<Config> {
    let root = Section::open(reading, schema::table("")?, String::new(), 0, Some(tree));
    let files = files(&root.table("files")?);
    let (endpoints, names) = endpoint::read_all(&root, &files);
    let hooks = hook::read_all(&root, &names);
    let alerts = alert::read_all(&root, &hooks);
    warn_of_silent_endpoints(reading, &root, &hooks, &endpoints);
    Some(Config {
        file: source.file.clone(),
        host: host(&root.table("host")?),
        spool: spool(&root.table("spool")?, source.name()),
        queue: queue(&root.table("queue")?),
        files,
        task_urls: task_urls::read(&root.table("network")?),
        endpoints,
        hooks,
        alerts,
        scrubber: Scrubber::default(),
        warnings: Vec::new(),
    })
}

fn warn_of_silent_endpoints(
    reading: &Reading<'_>,
    root: &Section<'_>,
    hooks: &[Hook],
    endpoints: &[Arc<Endpoint>],
) {
    let Some(Node { value: node::Value::Table(entries), .. }) = root.node("endpoints") else { return };
    for entry in entries {
        if !hooks.iter().any(|hook| shaping::may_ring(hook, &entry.name, endpoints)) {
            let message = "no hook rings at this endpoint; name it in the `to` of a hook";
            reading.warn(entry.at, &node::join("endpoints", &entry.name), message);
        }
    }
}

fn host(section: &Section<'_>) -> HostInfo {
    let name = match section.text("name") {
        Some(words) => words.text,
        None => machine::host_name(section.reading),
    };
    let base_url = section.text("base_url").and_then(|words| {
        let sound = address::http_url(&words, &["http", "https"]).and_then(|url| {
            if url.query().is_some() || address::has_credentials(&url) {
                return Err("a prefix of URLs has no query and no credentials".to_owned());
            }
            Ok(url.as_str().trim_end_matches('/').to_owned())
        });
        sound.map_err(|message| section.fault("base_url", message)).ok()
    });
    let language = section.text("language").and_then(|words| {
        let language = message::Language::from_code(&words.text);
        if language.is_none() {
            section.fault("language", format!("cards are written in `en` or `zh`, not in {}", words.shown));
        }
        language
    });
    HostInfo { name, base_url, language: language.unwrap_or_default() }
}

fn spool(section: &Section<'_>, name: &str) -> SpoolSettings {
    let path = match section.text("path") {
        Some(words) if words.text == ":memory:" => SpoolPath::Memory,
        Some(words) => SpoolPath::File(section.reading.path(&words.text)),
        None => {
            let folder = machine::state_folder(section.reading).join("taskbell");
            SpoolPath::File(folder.join(format!("{name}.db")))
        }
    };
    SpoolSettings {
        path,
        retain: section.duration("retain").unwrap_or_default(),
        max_bytes: section.size("max_bytes").unwrap_or(u64::MAX),
    }
}

fn queue(section: &Section<'_>) -> Queue {
    let max_event = section.size("max_event_bytes");
    let max = section.size("max_bytes");
    if let (Some(max_event), Some(max)) = (max_event, max)
        && max < max_event * 2
    {
        let given = if section.has("max_bytes") { "max_bytes" } else { "max_event_bytes" };
        let least = quantity::show_size(max_event * 2);
        section.fault(
            given,
            format!("`max_bytes` must be at least twice `max_event_bytes`, so {least} or more"),
        );
    }
    let bytes = |size: Option<u64>| usize::try_from(size.unwrap_or_default()).unwrap_or(usize::MAX);
    Queue {
        max_event_bytes: bytes(max_event),
        max_bytes: bytes(max),
        end_delay: section.duration("end_delay").unwrap_or_default(),
        idle_end: section.duration("idle_end"),
        batch_stall: section.duration("batch_stall"),
        ring_beside_spool: ring_beside_spool(section),
    }
}

fn ring_beside_spool(section: &Section<'_>) -> bool {
    match section.text("ring") {
        None => false,
        Some(words) if words.text == "auto" => false,
        Some(words) if words.text == "beside" => true,
        Some(_) => {
            section.fault("ring", "`ring` is `auto` or `beside`");
            false
        }
    }
}

fn files(section: &Section<'_>) -> Files {
    Files { roots: section.texts("roots").iter().map(|words| section.reading.path(&words.text)).collect() }
}

/// The folder that relative paths of a configuration start at, free of the working directory, which
/// the host may change later.
fn absolute(folder: &Path) -> PathBuf {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

#[cfg(test)]
mod tests;
