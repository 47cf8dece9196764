//! The configuration: read once from TOML or JSON into typed, checked values. Nothing below this
//! room parses strings, knows `env:` or sees a node of the file.

mod settings;

pub use settings::{
    Config, Endpoint, Files, Hook, HostInfo, Proxy, Queue, Rate, RetryPolicy, SpoolPath, SpoolSettings, Tls,
};
