//! Signatures.

/// One entry of `sign`: a scheme with its live secrets.
#[derive(Debug)]
pub struct Signer {}

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
