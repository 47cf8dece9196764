use super::*;
use crate::transport::TransportErrorKind;

fn through(proxy: &str, url: &str) -> Client {
    client(url, |endpoint| endpoint.proxy = Proxy::Url(SecretUrl::new(Url::parse(proxy).unwrap())))
}

#[test]
fn an_http_request_reaches_the_proxy_in_absolute_form() {
    let proxy = Server::answering(OK);
    let url = "http://receiver.test/hook?x=1";
    let client = through(&format!("http://us%40er:pw@{}", proxy.address), url);
    for _ in 0..2 {
        assert_eq!(post(&client, url).unwrap().body, b"ok");
    }
    assert_eq!(proxy.connections(), 1);
    for seen in proxy.seen() {
        assert!(seen.head.starts_with("POST http://receiver.test:80/hook?x=1 HTTP/1.1\r\n"), "{}", seen.head);
        assert!(seen.head.contains("\r\nproxy-authorization: Basic dXNAZXI6cHc=\r\n"), "{}", seen.head);
        assert!(seen.head.contains("\r\nhost: receiver.test\r\n"), "{}", seen.head);
        assert_eq!(seen.body, b"{\"hello\":1}");
    }
}

#[test]
fn a_refusal_of_the_proxy_is_not_taken_for_one_of_the_receiver() {
    let proxy = Server::answering(&b"HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n"[..]);
    let address = format!("http://{}", proxy.address);
    for url in ["http://receiver.test/s3cret", "https://receiver.test/s3cret"] {
        let error = post(&through(&address, url), url).unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Connect);
        assert!(error.reason.contains("proxy") && error.reason.contains("407"), "{error}");
        assert!(!error.reason.contains("s3cret"), "{error}");
    }
    let seen = proxy.seen();
    assert!(seen[1].head.starts_with("CONNECT receiver.test:443 HTTP/1.1\r\n"), "{}", seen[1].head);
    let receiver = Server::answering(&b"HTTP/1.1 407 Odd\r\ncontent-length: 0\r\n\r\n"[..]);
    assert_eq!(post(&client(&receiver.url(), |_| {}), &receiver.url()).unwrap().status, 407);
}

#[test]
fn a_proxy_that_hangs_or_hangs_up_is_named() {
    let silent = Server::scripted(|_, stream| hang(stream));
    let gone = Server::scripted(|_, _| {});
    let url = "https://receiver.test/";
    let impatient = client(url, |endpoint| {
        endpoint.connect_timeout = Duration::from_millis(100);
        let proxy = format!("http://{}", silent.address);
        endpoint.proxy = Proxy::Url(SecretUrl::new(Url::parse(&proxy).unwrap()));
    });
    let error = post(&impatient, url).unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Timeout);
    assert!(error.reason.contains("proxy"), "{error}");
    let error = post(&through(&format!("http://{}", gone.address), url), url).unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Connect);
    assert!(error.reason.contains("proxy"), "{error}");
}

#[test]
fn a_refused_address_is_not_reached_through_a_proxy() {
    let proxy = Server::answering(OK);
    let address = format!("http://{}", proxy.address);
    for url in
        ["http://169.254.169.254/", "https://[::ffff:169.254.169.254]/", "http://metadata.google.internal/"]
    {
        assert_eq!(
            post(&through(&address, url), url).unwrap_err().kind,
            TransportErrorKind::Refused,
            "{url}"
        );
    }
    let url = "http://8.8.8.8/";
    let mut settings = endpoint(url);
    settings.proxy = Proxy::Url(SecretUrl::new(Url::parse(&address).unwrap()));
    let public = Client::new(&settings, Reach::Public).unwrap();
    assert_eq!(post(&public, url).unwrap_err().kind, TransportErrorKind::Refused);
    let url = "http://receiver.test/";
    assert_eq!(
        post(&through("http://169.254.1.1:3128", url), url).unwrap_err().kind,
        TransportErrorKind::Refused
    );
    assert_eq!(proxy.connections(), 0);
}
