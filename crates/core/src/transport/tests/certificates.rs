use super::*;
use crate::secret::Secret;
use crate::transport::TransportErrorKind;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd,
};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

pub(super) struct Authority {
    params: CertificateParams,
    key: KeyPair,
    certificate: Certificate,
}

impl Authority {
    pub(super) fn new() -> Authority {
        Authority::named("the authority of these tests")
    }

    fn named(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Authority { params, key, certificate }
    }

    pub(super) fn pem(&self) -> Option<Arc<[u8]>> {
        Some(self.certificate.pem().into_bytes().into())
    }

    pub(super) fn issue(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.params, &self.key);
        (params.signed_by(&key, &issuer).unwrap(), key)
    }

    /// A server for `localhost`; with `asks` it requires a certificate of this authority.
    fn server(&self, pair: &(Certificate, KeyPair), asks: bool) -> Server {
        let config = self.server_config(pair, asks);
        Server::scripted(move |_, stream| serve_tls(&config, stream))
    }

    pub(super) fn server_config(
        &self,
        (certificate, key): &(Certificate, KeyPair),
        asks: bool,
    ) -> Arc<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let builder = if asks {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).unwrap())
    }
}

fn serve_tls(config: &Arc<ServerConfig>, stream: &mut TcpStream) {
    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    while take_request(&mut reader).is_some() {
        if reader.get_mut().write_all(OK).is_err() {
            break;
        }
    }
}

fn url_of(server: &Server) -> String {
    format!("https://localhost:{}/s3cret-path", server.address.port())
}

fn post_with(tls: Tls, url: &str) -> Result<Answer, TransportError> {
    post(&client(url, |endpoint| endpoint.tls = tls), url)
}

fn assert_untrusted(tls: Tls, url: &str, words: &str) {
    let error = post_with(tls, url).unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Tls, "{error}");
    assert!(error.reason.contains(words) && !error.reason.contains("s3cret"), "{error}");
}

#[test]
fn a_private_authority_is_trusted_through_ca_file_and_its_connection_kept() {
    let authority = Authority::new();
    let server = authority.server(&authority.issue("localhost", |_| {}), false);
    let url = url_of(&server);
    let client = client(&url, |endpoint| endpoint.tls.ca = authority.pem());
    let (answer, phases) = post_timed(&client, &url);
    assert_eq!(answer.unwrap().body, b"ok");
    assert!(phases.tls_us > 0 && phases.resolve_us > 0);
    let (answer, phases) = post_timed(&client, &url);
    assert_eq!((answer.unwrap().status, phases.tls_us), (200, 0));
    assert_eq!(server.connections(), 1);
}

#[test]
fn an_unknown_issuer_an_expired_certificate_and_a_wrong_name_have_their_own_errors() {
    let authority = Authority::new();
    let tls = || Tls { ca: authority.pem(), client: None };
    let good = authority.server(&authority.issue("localhost", |_| {}), false);
    let other = Tls { ca: Authority::named("another").pem(), client: None };
    assert_untrusted(other, &url_of(&good), "unknown issuer");
    assert_untrusted(tls_without(), &url_of(&good), "unknown issuer, `the authority of these tests`");
    let namesake = Tls { ca: Authority::new().pem(), client: None };
    assert_untrusted(namesake, &url_of(&good), "not signed by the authority");

    let expired = authority.server(
        &authority.issue("localhost", |params| {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        }),
        false,
    );
    assert_untrusted(tls(), &url_of(&expired), "the certificate expired");

    let elsewhere = authority.server(&authority.issue("elsewhere.test", |_| {}), false);
    assert_untrusted(tls(), &url_of(&elsewhere), "not in the certificate");

    let address = authority.server(
        &authority.issue("localhost", |params| {
            params.subject_alt_names = vec![SanType::DnsName("127.0.0.1".try_into().unwrap())];
        }),
        false,
    );
    let url = url_of(&address).replace("localhost", "127.0.0.1");
    assert_untrusted(tls(), &url, "as an address; have one issued with `IP:127.0.0.1`");
}

fn tls_without() -> Tls {
    Tls { ca: Authority::named("a third").pem(), client: None }
}

#[test]
fn a_self_signed_certificate_is_called_so_whether_it_is_an_authoritys_or_not() {
    let authority = Authority::new();
    for is_ca in [IsCa::NoCa, IsCa::ExplicitNoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = is_ca;
        let key = KeyPair::generate().unwrap();
        let own = (params.self_signed(&key).unwrap(), key);
        let server = authority.server(&own, false);
        let words = "self-signed; put that very certificate into `ca_file`";
        assert_untrusted(Tls::default(), &url_of(&server), words);
        assert_untrusted(tls_without(), &url_of(&server), "`ca_file`, which has another one");
        let known = Tls { ca: Some(own.0.pem().into_bytes().into()), client: None };
        assert_eq!(post_with(known, &url_of(&server)).unwrap().status, 200);
    }
}

#[test]
fn a_certificate_that_stands_in_ca_file_is_trusted_itself() {
    // As `openssl req -x509` makes it: an authority's, with the names of the server.
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let own = (params.self_signed(&key).unwrap(), key);
    let authority = Authority::new();
    let issued = authority.issue("localhost", |_| {});
    let elsewhere = authority.issue("elsewhere.test", |_| {});
    let expired = authority.issue("localhost", |params| {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    });
    let known =
        |pair: &(Certificate, KeyPair)| Tls { ca: Some(pair.0.pem().into_bytes().into()), client: None };
    for pair in [&own, &issued] {
        let server = authority.server(pair, false);
        assert_eq!(post_with(known(pair), &url_of(&server)).unwrap().status, 200);
    }
    let stranger = authority.server(&issued, false);
    assert_untrusted(known(&own), &url_of(&stranger), "unknown issuer");
    assert_untrusted(known(&elsewhere), &url_of(&authority.server(&elsewhere, false)), "elsewhere.test");
    assert_untrusted(known(&expired), &url_of(&authority.server(&expired, false)), "expired on 2002-01-01");
}

#[test]
fn an_unusable_certificate_is_an_error_at_once() {
    let authority = Authority::new();
    let (certificate, _) = authority.issue("a.test", |_| {});
    let chain: Arc<[u8]> = certificate.pem().into_bytes().into();
    let stranger = Secret::new(KeyPair::generate().unwrap().serialize_pem());
    let garbage = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cases: [(Tls, &str); 5] = [
        (Tls { ca: Some(Arc::from(&b"nonsense"[..])), client: None }, "`ca_file`"),
        (Tls { ca: Some(Arc::from(&garbage[..])), client: None }, "`ca_file`"),
        (Tls { ca: None, client: Some((Arc::from(&b""[..]), stranger.clone())) }, "`client_cert`"),
        (Tls { ca: None, client: Some((Arc::clone(&chain), Secret::new("s3cret"))) }, "`client_key`"),
        (Tls { ca: None, client: Some((chain, stranger)) }, "does not belong"),
    ];
    for (tls, words) in cases {
        let mut settings = endpoint("https://a.test/");
        settings.tls = tls;
        let error = Client::new(&settings, Reach::Configured).unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Tls);
        assert!(error.reason.contains(words) && !error.reason.contains("s3cret"), "{error}");
    }
}

#[test]
fn a_receiver_without_tls_and_one_that_hangs_in_the_handshake_have_their_own_errors() {
    let plain = Server::scripted(|_, stream| {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        hang(stream);
    });
    let tls = || Tls { ca: Authority::new().pem(), client: None };
    assert_untrusted(tls(), &url_of(&plain), "does not speak TLS on this port; write `http://`");
    let silent = Server::scripted(|_, stream| hang(stream));
    let url = url_of(&silent);
    let client = client(&url, |endpoint| {
        endpoint.tls = tls();
        endpoint.connect_timeout = Duration::from_millis(200);
    });
    let error = post(&client, &url).unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Timeout);
    assert!(error.reason.contains("TLS handshake"), "{error}");
}

#[test]
fn a_plain_request_to_a_port_with_tls_is_told_of_https() {
    let authority = Authority::new();
    let server = authority.server(&authority.issue("localhost", |_| {}), false);
    let url = url_of(&server).replace("https:", "http:");
    let error = post(&client(&url, |_| {}), &url).unwrap_err();
    assert!(error.reason.contains("write `https://` in the URL"), "{error}");
}

#[test]
fn an_international_name_is_ascii_on_the_wire_and_readable_in_errors() {
    let authority = Authority::new();
    let config = authority.server_config(&authority.issue("xn--bcher-kva.example", |_| {}), false);
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let notes = Arc::clone(&seen);
    let server = Server::scripted(move |_, stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut reader = BufReader::new(StreamOwned::new(connection, stream));
        let Some(request) = take_request(&mut reader) else { return };
        let name = reader.get_ref().conn.server_name().unwrap_or_default().to_owned();
        notes.lock().unwrap().extend([name, request.head]);
        drop(reader.get_mut().write_all(OK));
    });
    let port = server.address.port();
    let client = |url: &str, ca: &Authority| {
        let mut settings = endpoint(url);
        settings.tls.ca = ca.pem();
        let lookup: Arc<LookupFn> = Arc::new(|name: &str| {
            assert_eq!(name, "xn--bcher-kva.example");
            Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
        });
        Client::with(&settings, Reach::Configured, lookup, &|_| None).unwrap()
    };
    for host in "\
        bücher.example BÜCHER.Example bu\u{308}cher.example bücher。example b%C3%BCcher.example \
        xn--bcher-kva.example XN--BCHER-KVA.example"
        .split_whitespace()
    {
        let url = format!("https://{host}:{port}/straße?ü=1");
        assert_eq!(post(&client(&url, &authority), &url).unwrap().status, 200, "{host}");
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        assert_eq!(seen[0], "xn--bcher-kva.example");
        assert!(seen[1].starts_with("POST /stra%C3%9Fe?%C3%BC=1 HTTP/1.1\r\n"), "{}", seen[1]);
        assert!(seen[1].contains(&format!("\r\nhost: xn--bcher-kva.example:{port}\r\n")), "{}", seen[1]);
    }
    let url = format!("https://bücher.example:{port}/");
    let error = post(&client(&url, &Authority::named("another")), &url).unwrap_err();
    assert!(error.reason.contains(&format!("bücher.example:{port}")), "{error}");
}
