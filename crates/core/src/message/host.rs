//! What templates see as `host`.

use super::Language;

/// `[host]`: what templates see as `host`.
#[derive(Debug, Clone, Default)]
pub struct HostInfo {
    /// The machine's name for people; the system's host name when left out.
    pub name: String,
    /// Prefix of relative output URLs, without a trailing slash.
    pub base_url: Option<String>,
    /// What the cards are written in.
    pub language: Language,
}
