//! The part of an endpoint that its platform reads.

use crate::secret::{Secret, SecretUrl};
use std::time::Duration;

/// Where a message goes: the URL, the keys of the platform's own, and who is mentioned.
#[derive(Debug, Clone)]
pub struct Target {
    /// The configured URL.
    pub url: SecretUrl,
    /// The values of the platform's own keys, by name.
    pub options: Vec<(&'static str, Secret)>,
    /// Whom a chat message pings, in the platform's own form.
    pub mentions: Vec<String>,
}

impl Target {
    /// The same with others to ping.
    #[must_use]
    pub fn mentioning(&self, mentions: &[String]) -> Target {
        Target { mentions: mentions.to_vec(), ..self.clone() }
    }

    /// The value of a key of the platform's own.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(key, _)| *key == name).map(|(_, value)| value.expose())
    }
}

/// At most `count` messages in any `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Messages.
    pub count: u32,
    /// In this time.
    pub per: Duration,
}

impl Rate {
    /// At most `count` in any so many milliseconds.
    pub const fn new(count: u32, millis: u64) -> Rate {
        Rate { count, per: Duration::from_millis(millis) }
    }
}
