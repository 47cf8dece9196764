//! Signatures: what proves to a receiver that a request is ours and not altered.
//!
//! A scheme is one row of parameters: how the secret becomes a key, what is signed, with which hash, how
//! the result is written, in which header. [`Signer`] puts signatures on, [`Verifier`] and [`verify`]
//! check them. Both sign and check raw bytes: a body need not be UTF-8.
//!
//! Wire formats: Standard Webhooks 1.0.0, and the webhook pages of GitHub, Stripe and Slack;
//! `docs/signatures.md` says what each signs and how a receiver checks it.

mod key;
mod scheme;
mod template;
mod verify;

pub use verify::{Verified, Verifier, VerifyError, verify};

use scheme::{Scheme, SchemeUse};
use std::fmt;

/// One entry of `sign`: a scheme with its live secrets. May be shared by any number of threads.
pub struct Signer(Scheme);

impl Signer {
    /// Reads an entry such as `{ "scheme": "standard-webhooks", "secrets": ["whsec_…"] }`, its secrets
    /// already resolved. The fault is a sentence that names the key at fault and never a secret.
    ///
    /// Schemes: `standard-webhooks`, `github`, `stripe`, `slack` take `secrets` only. `hmac` takes
    /// `header` and, optionally, `key`, `content`, `hash`, `encoding`, `value`, `joiner`,
    /// `timestamp_header` and `id_header`.
    pub fn from_json(entry: &serde_json::Value) -> Result<Signer, String> {
        Scheme::read(entry, SchemeUse::Sender).map(Signer)
    }

    /// The headers that sign these body bytes for this attempt, names in lower case: the signature, and
    /// the id and timestamp where the scheme carries them in headers of their own. The caller sets
    /// them by name in place of any header of that name: `webhook-id` and `webhook-timestamp` may be among
    /// them, with the same values a `json` endpoint sends anyway.
    ///
    /// `timestamp_s` is the time of the attempt in Unix seconds. Several secrets sign side by side;
    /// under `github` and `slack`, whose receivers read one signature, the first signs.
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> Vec<(String, String)> {
        let row = &self.0.row;
        let timestamp = timestamp_s.to_string();
        let feed = |take: &mut dyn FnMut(&[u8])| row.content.feed(id, &timestamp, body, take);
        let signing = if row.joiner.is_some() { self.0.keys.len() } else { 1 };
        let signatures: Vec<_> = self.0.keys.iter().take(signing).filter_map(|key| key.sign(&feed)).collect();
        let joined = signatures.join(row.joiner.as_deref().unwrap_or_default());
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
