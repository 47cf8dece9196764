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
        return Err(format!("no PEM block `BEGIN CERTIFICATE` found{}", found_instead(&pem, false)));
    }
    Ok(pem.into())
}

/// A path, or PEM text with an unencrypted private key.
pub(super) fn parse_private_key(text: &TextValue, context: &LoadContext<'_>) -> Result<Secret, String> {
    let pem = pem(text, context)?;
    if ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"].iter().any(|words| holds(&pem, words)) {
        let message = "this key is encrypted: store it without a passphrase, readable by the host only; \
                       `openssl pkey -in FILE -out FILE.pem` takes the passphrase away";
        return Err(message.to_owned());
    }
    if PrivateKeyDer::from_pem_slice(&pem).is_err() {
        let instead = found_instead(&pem, true);
        return Err(format!("no PEM block `BEGIN PRIVATE KEY` found that can be decoded{instead}"));
    }
    let text = String::from_utf8(pem).map_err(|_| "a PEM file must be text".to_owned())?;
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

/// What stands there in place of the PEM block, and what to do, in words that follow an error; empty where it is unknown.
fn found_instead(bytes: &[u8], is_key: bool) -> &'static str {
    // The first bytes of DER are those of the outermost sequence; the versions of keys and of PKCS#12 follow.
    let is_der = bytes.starts_with(&[0x30]) && !bytes.is_ascii();
    let start = bytes.get(..bytes.len().min(32)).unwrap_or_default();
    let has = |sought: &[u8]| start.windows(sought.len()).any(|part| part == sought);
    let is_pkcs12 = is_der && bytes.get(4..7) == Some(&[2, 1, 3]);
    let is_pkcs7 = is_der && has(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02]);
    match is_key {
        _ if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") => {
            ": the file is UTF-16; save it as UTF-8"
        }
        true if is_pkcs12 => {
            ": the file is PKCS#12; `openssl pkcs12 -in FILE -nocerts -nodes -out FILE.pem` takes the key out"
        }
        true if is_der => ": the file is DER; `openssl pkey -inform der -in FILE -out FILE.pem` converts it",
        true if holds(bytes, "BEGIN CERTIFICATE") => ": it holds a certificate; the key is in another file",
        false if is_pkcs12 => {
            ": the file is PKCS#12; `openssl pkcs12 -in FILE -nokeys -out FILE.pem` takes the certificates out"
        }
        false if is_pkcs7 => {
            ": the file is PKCS#7; `openssl pkcs7 -inform der -print_certs -in FILE -out FILE.pem` converts it"
        }
        false if holds(bytes, "BEGIN PKCS7") => {
            ": the file is PKCS#7; `openssl pkcs7 -print_certs -in FILE -out FILE.pem` converts it"
        }
        false if is_der => ": the file is DER; `openssl x509 -inform der -in FILE -out FILE.pem` converts it",
        false if holds(bytes, "BEGIN TRUSTED CERTIFICATE") => {
            ": it holds OpenSSL's own form; `openssl x509 -in FILE -out FILE.pem` converts it"
        }
        false if holds(bytes, "CERTIFICATE REQUEST") => {
            ": it holds a certificate request; give the certificate that was issued for it"
        }
        false if holds(bytes, "PRIVATE KEY") => {
            ": it holds a private key; the certificate is in another file"
        }
        _ => "",
    }
}

fn holds(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|part| part == words.as_bytes())
}
