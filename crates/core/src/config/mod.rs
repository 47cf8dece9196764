//! The configuration: TOML or JSON, loaded once into typed, checked values. No other module parses its strings,
//! resolves `env:` or sees its tree.
//!
//! Text → tree with byte offsets (`toml_text`, `json_text`) → tables read by their declarations (`table_reader`,
//! `value_types`) → typed values (`endpoint`, `hook`, …). Each key is declared once, in the file that reads its table;
//! see `declaration`.
//!
//! The reader is our own because serde stops at the first error: this one reports every error at once, each with
//! file, line, column and the nearest known key.

mod alert;
mod bare_url;
mod declaration;
mod diagnostic;
mod endpoint;
mod endpoint_directory;
mod endpoint_url;
mod escalation;
mod fallbacks;
mod farm;
mod hook;
mod hook_keys;
mod host;
mod host_defaults;
#[cfg(test)]
mod json_schema;
mod json_text;
mod load;
mod load_context;
mod names;
mod network;
mod node;
mod platform_options;
mod platforms;
mod proxy;
mod queue;
mod quiet_hours;
#[cfg(test)]
mod reference;
mod request_headers;
mod settings;
mod shaping;
mod signature;
mod source;
mod spans;
mod spool;
mod table_reader;
mod template;
mod tls;
mod toml_text;
mod units;
mod url_text;
mod value_types;

pub use bare_url::is_bare_url;
pub use diagnostic::{ConfigError, ConfigErrors};
pub use settings::{Config, FarmSettings, FileSettings, QueueSettings, RelaySettings, SpoolSettings};
pub use spans::ConfigSpans;

#[cfg(test)]
mod tests;
