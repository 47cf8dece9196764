//! Well-formed, hostile and slow requests, over a real socket.

use super::*;
use proptest::prelude::*;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;

fn start(request_timeout: Duration) -> (Server, mpsc::Receiver<Request>) {
    let (send, requests) = mpsc::channel();
    let handler = move |request: Request| {
        let send = send.clone();
        let sent = move || send.send(request).unwrap_or_default();
        Response { sent: Some(Box::new(sent)), ..Response::text(200, "ok") }
    };
    (Server::start(("127.0.0.1", 0), request_timeout, Arc::new(handler)).unwrap(), requests)
}

fn connect(server: &Server) -> TcpStream {
    let client = TcpStream::connect(server.address).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    client
}

/// What the server answers to bytes that come in pieces of this size, and then end.
fn exchange(server: &Server, bytes: &[u8], piece: usize) -> String {
    let mut client = connect(server);
    client.set_nodelay(true).unwrap();
    for piece in bytes.chunks(piece) {
        // The server may have answered before the end.
        if client.write_all(piece).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn status(server: &Server, text: impl AsRef<[u8]>) -> u16 {
    let answer = exchange(server, text.as_ref(), usize::MAX);
    answer.split(' ').nth(1).map_or(0, |status| status.parse().unwrap())
}

#[test]
fn a_request_is_read_however_it_is_cut() {
    let (server, requests) = start(REQUEST_TIMEOUT);
    let plain = "POST /a?b=c HTTP/1.1\r\nContent-Length: 5\r\nX:  y \r\n\r\nhello";
    let chunked = "POST /b HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n3;ext=1\r\nabc\r\n0a\r\n0123456789\r\n\
                   0\r\ntrailer: x\r\n\r\n";
    for piece in [1, 2, 3, 7, 4096] {
        let answer = exchange(&server, plain.as_bytes(), piece);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nok"), "{answer}");
        let request = requests.recv().unwrap();
        assert_eq!((request.target.as_str(), request.body.as_slice()), ("/a?b=c", b"hello".as_slice()));
        assert_eq!((request.method.as_str(), request.header("x")), ("POST", Some("y")));
        assert!(exchange(&server, chunked.as_bytes(), piece).starts_with("HTTP/1.1 200 OK\r\n"));
        assert_eq!(requests.recv().unwrap().body, b"abc0123456789");
        assert!(exchange(&server, b"GET / HTTP/1.0\r\n\r\n", piece).starts_with("HTTP/1.0 200 OK\r\n"));
        assert_eq!(requests.recv().unwrap().method, "GET");
    }
}

#[test]
fn an_ambiguous_or_malformed_request_is_refused() {
    let (server, requests) = start(REQUEST_TIMEOUT);
    for (expected, text) in [
        (400, "POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\ncontent-length: +5\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\ncontent-length: \r\n\r\n"),
        (501, "POST / HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\n"),
        (501, "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nname : value\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\na: b\r\n folded: x\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\na: b\nc: d\r\n\r\n"),
        (400, "POST  / HTTP/1.1\r\n\r\n"),
        (400, "post / HTTP/1.1\r\n\r\n"),
        (505, "POST / HTTP/2.0\r\n\r\n"),
        (400, "\x16\x03\x01\x02\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n"),
        (400, "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n"),
        (400, "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
    ] {
        assert_eq!(status(&server, text), expected, "{text:?}");
    }
    assert!(requests.try_recv().is_err(), "no such request reaches the handler");
}

#[test]
fn sizes_are_bounded() {
    let (server, requests) = start(REQUEST_TIMEOUT);
    let head = |headers: &str| format!("POST / HTTP/1.1\r\n{headers}\r\n");
    assert_eq!(status(&server, format!("POST / HTTP/1.1\r\na: {}", "x".repeat(MAX_HEAD * 2))), 431);
    assert_eq!(status(&server, head(&format!("a: {}\r\n", "x".repeat(MAX_HEAD)))), 431);
    assert_eq!(status(&server, head(&"a: b\r\n".repeat(MAX_HEADERS + 1))), 431);
    assert_eq!(status(&server, head(&format!("content-length: {}\r\n", MAX_BODY + 1))), 413);
    assert_eq!(status(&server, head("content-length: 99999999999999999999999\r\n")), 413);
    let chunked = head("transfer-encoding: chunked\r\n");
    let large = format!("{chunked}{:x}\r\n{}\r\n0\r\n\r\n", MAX_BODY + 1, "x".repeat(MAX_BODY + 1));
    assert_eq!(status(&server, large), 413);
    let extension = format!("{chunked}1;{}\r\nx\r\n0\r\n\r\n", "x".repeat(64 * 1024));
    assert_eq!(status(&server, extension), 400);
    let trailers = format!("{chunked}0\r\n{}\r\n", "a: b\r\n".repeat(MAX_HEADERS + 1));
    assert_eq!(status(&server, trailers), 400);
    assert!(requests.try_recv().is_err());
}

#[test]
fn a_silent_or_dripping_client_is_cut_at_the_deadline_of_the_whole_request() {
    let (server, _requests) = start(Duration::from_millis(300));
    let answer = |client: &mut TcpStream| {
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        answer
    };
    assert_eq!(answer(&mut connect(&server)), "", "an idle connection is closed without an answer");
    for half in ["POST / HTTP/1.1\r\nconten", "POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nhalf"] {
        let mut client = connect(&server);
        client.write_all(half.as_bytes()).unwrap();
        assert!(answer(&mut client).starts_with("HTTP/1.1 408 "), "{half}");
    }
    let mut client = connect(&server);
    let began = std::time::Instant::now();
    // Each byte comes well before a timeout of a single read would end.
    client.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    let mut byte = [0];
    while matches!(client.read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
        client.write_all(b"A").unwrap();
    }
    assert!(answer(&mut client).starts_with("TTP/1.1 408 "));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_client_that_leaves_reaches_no_handler() {
    let (server, requests) = start(REQUEST_TIMEOUT);
    for half in ["", "POST / HTT", "POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nhalf"] {
        drop(exchange(&server, half.as_bytes(), 1));
    }
    assert!(requests.try_recv().is_err());
    assert_eq!(status(&server, "GET / HTTP/1.1\r\n\r\n"), 200);
}

#[test]
fn a_dropped_server_stops_listening() {
    let (server, _requests) = start(REQUEST_TIMEOUT);
    let address = server.address;
    drop(server);
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).is_ok() {
        assert!(std::time::Instant::now() < until, "it still listens");
        thread::sleep(Duration::from_millis(5));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_stop_the_server(bytes in proptest::collection::vec(any::<u8>(), 0..600), piece in 1..50_usize) {
        let (server, _requests) = start(REQUEST_TIMEOUT);
        let began = std::time::Instant::now();
        for head in ["", "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"] {
            exchange(&server, &[head.as_bytes(), &bytes].concat(), piece);
        }
        prop_assert_eq!(status(&server, "GET / HTTP/1.1\r\n\r\n"), 200);
        prop_assert!(began.elapsed() < REQUEST_TIMEOUT);
    }
}
