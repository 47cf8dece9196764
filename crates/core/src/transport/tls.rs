//! TLS of one endpoint: the platform's verifier, further roots, a client certificate. Verification
//! cannot be switched off.

use super::certificate_error;
use super::error::{TransportError, TransportErrorKind};
use super::pinned::CaFileVerifier;
use crate::endpoint;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use rustls_platform_verifier::Verifier;
use std::io;
use std::sync::{Arc, OnceLock};

/// The certificates of one endpoint, checked; the platform's roots are read at the first handshake.
#[derive(Debug)]
pub(super) struct TlsSetup {
    provider: Arc<CryptoProvider>,
    roots: Vec<CertificateDer<'static>>,
    client: Option<Arc<SingleCertAndKey>>,
    ready: OnceLock<Arc<ClientConfig>>,
}

impl TlsSetup {
    pub(super) fn read(settings: &endpoint::Tls) -> Result<TlsSetup, TransportError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = match &settings.ca {
            Some(pem) => read_roots(pem)?,
            None => Vec::new(),
        };
        let client = match &settings.client {
            Some((chain, key)) => Some(read_client(chain, key.expose().as_bytes(), &provider)?),
            None => None,
        };
        Ok(TlsSetup { provider, roots, client, ready: OnceLock::new() })
    }

    pub(super) fn begin(&self, host: &str) -> Result<ClientConnection, TransportError> {
        let refused = |error: &dyn std::fmt::Display| {
            TransportErrorKind::Tls.error(format!("TLS with {host} cannot start: {error}"))
        };
        let name = ServerName::try_from(host.to_owned()).map_err(|error| refused(&error))?;
        ClientConnection::new(self.config()?, name).map_err(|error| refused(&error))
    }

    fn config(&self) -> Result<Arc<ClientConfig>, TransportError> {
        if let Some(ready) = self.ready.get() {
            return Ok(Arc::clone(ready));
        }
        let config = self.build().map_err(|error| {
            let reason = format!("the platform's certificates cannot be used: {error}; name a `ca_file`");
            TransportErrorKind::Tls.error(reason)
        })?;
        Ok(Arc::clone(self.ready.get_or_init(|| Arc::new(config))))
    }

    fn build(&self) -> Result<ClientConfig, rustls::Error> {
        let known = self.roots.clone();
        let platform = match known.as_slice() {
            [] => Verifier::new(Arc::clone(&self.provider))?,
            roots => Verifier::new_with_extra_roots(roots.iter().cloned(), Arc::clone(&self.provider))?,
        };
        let verifier = Arc::new(CaFileVerifier { platform, known });
        // The platform's verifier, given as a custom one, checks chain, name and dates.
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        Ok(match &self.client {
            Some(client) => builder.with_client_cert_resolver(Arc::clone(client) as _),
            None => builder.with_no_client_auth(),
        })
    }
}

/// What verifies a server that is spoken to by other means than this module: as an endpoint does.
///
/// # Errors
/// A sentence, where the certificates cannot be used.
pub fn client_config(ca: Option<&Arc<[u8]>>) -> Result<Arc<ClientConfig>, String> {
    let settings = endpoint::Tls { ca: ca.cloned(), client: None };
    let config = TlsSetup::read(&settings).and_then(|setup| setup.config());
    config.map_err(|error| error.to_string())
}

/// Shakes hands to the end over this stream.
pub(super) fn shake_hands(
    tls: &mut ClientConnection,
    stream: &mut (impl io::Read + io::Write),
) -> io::Result<()> {
    while tls.is_handshaking() {
        tls.complete_io(stream)?;
    }
    Ok(())
}

fn unusable(what: &str, why: &dyn std::fmt::Display) -> TransportError {
    TransportErrorKind::Tls.error(format!("{what}: {why}"))
}

fn read_roots(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let roots = read_certificates("`ca_file` is not readable as PEM", "`ca_file` holds no certificate", pem)?;
    let mut store = RootCertStore::empty();
    for root in &roots {
        store.add(root.clone()).map_err(|error| {
            let why = certificate_error::clause(&error);
            unusable("`ca_file` contains something other than certificates", &why)
        })?;
    }
    Ok(roots)
}

fn read_certificates(
    unreadable: &str,
    empty: &str,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates =
        read.map_err(|_| unusable(unreadable, &"expected `-----BEGIN CERTIFICATE-----` blocks"))?;
    if certificates.is_empty() {
        return Err(unusable(empty, &"expected a `-----BEGIN CERTIFICATE-----` block"));
    }
    Ok(certificates)
}

fn read_client(
    chain: &[u8],
    key: &[u8],
    provider: &CryptoProvider,
) -> Result<Arc<SingleCertAndKey>, TransportError> {
    let chain = read_certificates(
        "`client_cert` is not readable as PEM",
        "`client_cert` holds no certificate",
        chain,
    )?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
        unusable("`client_key` holds no private key", &"expected a PEM block in PKCS#8, PKCS#1 or SEC1 form")
    })?;
    let pair = CertifiedKey::from_der(chain, key, provider);
    let pair = pair.map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            unusable("`client_key` does not belong to `client_cert`", &"they must be one pair")
        }
        error => unusable("`client_cert` or `client_key` cannot be used", &error),
    })?;
    Ok(Arc::new(SingleCertAndKey::from(pair)))
}
