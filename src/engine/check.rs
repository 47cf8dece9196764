//! A dry run of a configuration.

use crate::config::{Config, ConfigError};
use serde_json::{Value as Json, json};

/// What a dry run found.
#[derive(Debug)]
pub struct CheckReport {
    /// The configuration cannot be used because of these.
    pub errors: Vec<ConfigError>,
    /// It can be used, and these look like mistakes.
    pub warnings: Vec<ConfigError>,
    /// How many endpoints and hooks it has.
    pub counts: (usize, usize),
}

/// Reads a configuration and tries every template and condition on sample events. Sends nothing, and
/// opens no spool.
pub fn check(config: &str) -> CheckReport {
    match Config::load_with_warnings(config) {
        Ok((config, warnings)) => {
            let counts = (config.endpoints.len(), config.hooks.len());
            CheckReport { errors: Vec::new(), warnings, counts }
        }
        Err(errors) => CheckReport { errors: errors.into_vec(), warnings: Vec::new(), counts: (0, 0) },
    }
}

impl CheckReport {
    /// The first error, as a line.
    pub fn first_error(&self) -> Option<String> {
        self.errors.first().map(ToString::to_string)
    }

    /// `ok`, `errors` and `warnings`, each with `file`, `line`, `column`, `key` and `message`.
    pub fn to_json(&self) -> Json {
        let list = |faults: &[ConfigError]| -> Vec<Json> { faults.iter().map(fault).collect() };
        json!({
            "ok": self.errors.is_empty(),
            "errors": list(&self.errors),
            "warnings": list(&self.warnings),
            "endpoints": self.counts.0,
            "hooks": self.counts.1,
        })
    }
}

fn fault(fault: &ConfigError) -> Json {
    json!({
        "file": fault.file.as_ref().map(|file| file.display().to_string()),
        "line": fault.line,
        "column": fault.column,
        "key": fault.key,
        "message": fault.message,
    })
}
