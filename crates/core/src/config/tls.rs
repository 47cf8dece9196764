//! The certificates of an endpoint, read and checked when the configuration is.

use super::reading::{Words, read_bytes};
use super::section::Section;
use crate::endpoint::Tls;
use crate::secret::Secret;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;

/// Reads `ca_file`, `client_cert` and `client_key`.
pub(super) fn read(section: &Section<'_>) -> Tls {
    let ca = certificates(section, "ca_file");
    let chain = certificates(section, "client_cert");
    let key = private_key(section);
    for (name, other) in [("client_cert", "client_key"), ("client_key", "client_cert")] {
        if section.has(name) && !section.has(other) {
            section.fault(name, format!("`{name}` has no effect without `{other}`: give both or neither"));
        }
    }
    Tls { ca, client: chain.zip(key) }
}

fn certificates(section: &Section<'_>, name: &str) -> Option<Arc<[u8]>> {
    let pem = pem(section, name, &section.text(name)?)?;
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        if certificate.is_err() {
            section.fault(name, "a PEM block in it is broken: it cannot be decoded");
            return None;
        }
        count += 1;
    }
    if count == 0 {
        section.fault(name, "no PEM block `BEGIN CERTIFICATE` is in it");
        return None;
    }
    Some(pem.into())
}

fn private_key(section: &Section<'_>) -> Option<Secret> {
    const NAME: &str = "client_key";
    let pem = pem(section, NAME, &section.text(NAME)?)?;
    let Ok(text) = String::from_utf8(pem) else {
        section.fault(NAME, "a PEM file is text, and this one is not");
        return None;
    };
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") {
        section
            .fault(NAME, "this key is encrypted: store it without a passphrase, readable by the host only");
        return None;
    }
    if PrivateKeyDer::from_pem_slice(text.as_bytes()).is_err() {
        section.fault(NAME, "no PEM block `BEGIN PRIVATE KEY` that can be decoded is in it");
        return None;
    }
    section.reading.keep_secret(&text);
    for line in text.lines().filter(|line| !line.starts_with("-----")) {
        section.reading.keep_secret(line.trim());
    }
    Some(Secret::new(text))
}

/// The PEM text itself, or that of the file at this path.
fn pem(section: &Section<'_>, name: &str, words: &Words) -> Option<Vec<u8>> {
    if words.text.contains("-----BEGIN ") {
        return Some(words.text.clone().into_bytes());
    }
    match read_bytes(&section.reading.path(&words.text)) {
        Ok(bytes) => Some(bytes),
        Err(message) => {
            section.fault(name, message);
            None
        }
    }
}
