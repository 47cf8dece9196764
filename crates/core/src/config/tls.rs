//! The certificates of an endpoint, read and checked when the configuration is loaded.

use super::load_context::{LoadContext, TextValue, read_bytes};
use crate::secret::Secret;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;

/// A path, or PEM text with at least one certificate.
pub(super) fn parse_certificates(text: &TextValue, context: &LoadContext<'_>) -> Result<Arc<[u8]>, String> {
    let pem = pem(text, context)?;
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        certificate.map_err(|_| "a PEM block cannot be decoded".to_owned())?;
        count += 1;
    }
    if count == 0 {
        return Err("no PEM block `BEGIN CERTIFICATE` found".to_owned());
    }
    Ok(pem.into())
}

/// A path, or PEM text with an unencrypted private key.
pub(super) fn parse_private_key(text: &TextValue, context: &LoadContext<'_>) -> Result<Secret, String> {
    let text = String::from_utf8(pem(text, context)?).map_err(|_| "a PEM file must be text".to_owned())?;
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") {
        let message = "this key is encrypted: store it without a passphrase, readable by the host only";
        return Err(message.to_owned());
    }
    if PrivateKeyDer::from_pem_slice(text.as_bytes()).is_err() {
        return Err("no PEM block `BEGIN PRIVATE KEY` found that can be decoded".to_owned());
    }
    context.add_secret(&text);
    for line in text.lines().filter(|line| !line.starts_with("-----")) {
        context.add_secret(line.trim());
    }
    Ok(Secret::new(text))
}

fn pem(text: &TextValue, context: &LoadContext<'_>) -> Result<Vec<u8>, String> {
    if text.text.contains("-----BEGIN ") {
        return Ok(text.text.clone().into_bytes());
    }
    let mut bytes = read_bytes(&context.path(&text.text))?;
    // Editors on Windows write a byte order mark, which hides the first block from the parser.
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    Ok(bytes)
}
