//! TLS of the front: a certificate chain and its key.

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Accepts TLS 1.2 and 1.3 with this chain and key, both in PEM.
///
/// # Errors
/// A sentence without anything of the key.
pub fn acceptor(chain: &[u8], key: &[u8]) -> Result<TlsAcceptor, String> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|_| "`farm.cert` is not a chain of certificates in PEM".to_owned())?;
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_| "`farm.key` is not a private key in PEM".to_owned())?;
    // The provider is named, since the process's own may be any.
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?;
    let config = builder
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| format!("`farm.cert` and `farm.key` do not fit together: {error}"))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
