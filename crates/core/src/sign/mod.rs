//! Signatures: they prove to a receiver who sent a request, and that nobody altered it.
//!
//! A scheme is a set of parameters: how the secret becomes a key, the signed content, the hash, the encoding
//! and the header. [`Signer`] signs, [`Verifier`] and [`verify()`] check. Both work on raw bytes: a body need
//! not be UTF-8.
//!
//! Wire formats: Standard Webhooks 1.0.0, and the webhook pages of GitHub, Stripe and Slack;
//! `docs/signatures.md` describes what each signs and how a receiver checks it.

mod key;
mod scheme;
mod template;
mod verify;

pub use verify::{Verified, Verifier, VerifyError, verify};

use scheme::{Scheme, SchemeUse};
use std::fmt;

/// One entry of `sign`: a scheme with its secrets. Threads may share it.
pub struct Signer(Scheme);

impl Signer {
    /// Reads an entry such as `{ "scheme": "standard-webhooks", "secrets": ["whsec_…"] }`, its secrets
    /// already resolved.
    ///
    /// # Errors
    /// A sentence that names the wrong key, and never contains a secret.
    ///
    /// Schemes: `standard-webhooks`, `github`, `stripe`, `slack` take `secrets` only. `hmac` takes
    /// `header` and, optionally, `key`, `content`, `hash`, `encoding`, `value`, `joiner`,
    /// `timestamp_header` and `id_header`.
    pub fn from_json(entry: &serde_json::Value) -> Result<Signer, String> {
        Scheme::read(entry, SchemeUse::Sender).map(Signer)
    }

    /// The headers that sign these body bytes for this attempt, names in lower case: the signature, and id
    /// and timestamp where the scheme has headers for them. They replace headers of the same name:
    /// `webhook-id` and `webhook-timestamp` may be among them, with the values a `json` endpoint sends anyway.
    ///
    /// `timestamp_s` is the time of the attempt in Unix seconds. Every secret signs; under `github` and
    /// `slack`, whose receivers read one signature, only the first does.
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> Vec<(String, String)> {
        let row = &self.0.row;
        let timestamp = timestamp_s.to_string();
        let feed = |take: &mut dyn FnMut(&[u8])| row.content.feed(id, &timestamp, body, take);
        let signing = if row.joiner.is_some() { self.0.keys.len() } else { 1 };
        let mut joined = String::with_capacity(96);
        for key in self.0.keys.iter().take(signing) {
            let end = joined.len();
            if end > 0 {
                joined.push_str(row.joiner.as_deref().unwrap_or_default());
            }
            if !key.sign(&feed, &mut joined) {
                joined.truncate(end);
            }
        }
        let mut headers = Vec::with_capacity(3);
        if let Some(name) = &row.id_header {
            headers.push((name.clone(), id.to_owned()));
        }
        if let Some(name) = &row.timestamp_header {
            headers.push((name.clone(), timestamp.clone()));
        }
        headers.push((row.header.clone(), row.value.fill(id, &timestamp, &joined)));
        headers
    }

    /// The name of the scheme.
    pub fn scheme(&self) -> &'static str {
        self.0.row.name
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, {}, {} secrets)", self.0.row.name, self.0.row.header, self.0.keys.len())
    }
}

#[cfg(test)]
mod documented;
#[cfg(test)]
mod tests;
