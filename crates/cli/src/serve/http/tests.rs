//! Well-formed, hostile and slow requests, over a real socket.

use super::*;
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

/// What the server answers to bytes that then end.
fn exchange(server: &Server, bytes: &[u8]) -> String {
    let mut client = connect(server);
    // The server may have answered before the end.
    let _ = client.write_all(bytes);
    let _ = client.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn status(server: &Server, text: impl AsRef<[u8]>) -> u16 {
    let answer = exchange(server, text.as_ref());
    answer.split(' ').nth(1).map_or(0, |status| status.parse().unwrap())
}

#[test]
fn a_request_reaches_the_handler_whole() {
    let (server, requests) = start(REQUEST_TIMEOUT);
    let plain = "POST /a?b=c HTTP/1.1\r\nContent-Length: 5\r\nX:  y \r\n\r\nhello";
    let answer = exchange(&server, plain.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nok"), "{answer}");
    let request = requests.recv().unwrap();
    assert_eq!((request.target.as_str(), request.body.as_slice()), ("/a?b=c", b"hello".as_slice()));
    assert_eq!((request.method.as_str(), request.header("x")), ("POST", Some("y")));
    let chunked =
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0a\r\n0123456789\r\n0\r\n\r\n";
    assert_eq!(status(&server, chunked), 200);
    assert_eq!(requests.recv().unwrap().body, b"abc0123456789");
}

#[test]
fn what_is_malformed_or_too_large_is_refused() {
    let (server, requests) = start(REQUEST_TIMEOUT);
    let head = |headers: &str| format!("POST / HTTP/1.1\r\n{headers}\r\n");
    let chunked = head("transfer-encoding: chunked\r\n");
    for (expected, text) in [
        (400, head("content-length: 5\r\ncontent-length: 6\r\n")),
        (400, head("name : value\r\n")),
        (400, "\x16\x03\x01\x02\r\n\r\n".to_owned()),
        (400, format!("{chunked}-1\r\n")),
        (400, format!("{chunked}2\r\nabc\r\n")),
        (431, head(&format!("a: {}\r\n", "x".repeat(4 * MAX_HEAD)))),
        (431, head(&"a: b\r\n".repeat(101))),
        (413, head(&format!("content-length: {}\r\n", MAX_BODY + 1))),
        (413, format!("{chunked}{:x}\r\n{}", MAX_BODY + 1, "x".repeat(MAX_BODY + 1))),
    ] {
        assert_eq!(status(&server, &text), expected, "{:?}", text.get(..200).unwrap_or(&text));
    }
    assert!(requests.try_recv().is_err(), "no such request reaches the handler");
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
    let mut client = connect(&server);
    client.write_all(b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nhalf").unwrap();
    assert!(answer(&mut client).starts_with("HTTP/1.1 408 "));
    let mut client = connect(&server);
    let began = std::time::Instant::now();
    // Each byte comes well before a timeout of a single read would end.
    client.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    while matches!(client.read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
        let _ = client.write_all(b"A");
    }
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_client_that_leaves_reaches_no_handler() {
    let (server, requests) = start(REQUEST_TIMEOUT);
    for half in ["", "POST / HTT", "POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nhalf"] {
        drop(exchange(&server, half.as_bytes()));
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
