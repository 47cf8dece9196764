//! `host` in templates.

use super::strings::Language;

/// `[host]`: `host` in templates.
#[derive(Debug, Clone, Default)]
pub struct HostInfo {
    /// The machine's display name; the system's host name by default.
    pub name: String,
    /// Prefix of relative output URLs, without a trailing slash.
    pub base_url: Option<String>,
    /// The language of the cards.
    pub language: Language,
}
