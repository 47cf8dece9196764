use super::*;
use crate::transport::TransportErrorKind;
use crate::transport::answer::MAX_BODY;
use flate2::Compression;
use flate2::write::GzEncoder;

const SHORT: Duration = Duration::from_millis(300);

fn impatient(url: &str) -> Client {
    client(url, |endpoint| endpoint.timeout = SHORT)
}

/// Posts and asserts that the deadline ended it, in the stage that the reason names.
fn assert_late(server: &Server, stage: &str) {
    let start = Instant::now();
    let error = post(&impatient(&server.url()), &server.url()).unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Timeout, "{error}");
    assert!(error.reason.contains(stage), "{error}");
    assert!(start.elapsed() >= SHORT && start.elapsed() < GENEROUS / 3, "{:?}", start.elapsed());
}

#[test]
fn a_receiver_that_reads_nothing_is_abandoned_at_the_deadline() {
    let held: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
    let unread = Arc::clone(&held);
    let server = Server::scripted(move |_, stream| unread.lock().unwrap().extend(stream.try_clone()));
    let client = impatient(&server.url());
    let body = vec![0; 64 * 1024 * 1024];
    let error = client.send("POST", &server.parsed(), &[], &body).0.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Timeout, "{error}");
    assert!(error.reason.contains("did not accept the whole request"), "{error}");
    assert_eq!(held.lock().unwrap().len(), 1, "the connection stayed open");
}

fn drip(stream: &mut TcpStream, start: &[u8]) {
    let mut sent = stream.write_all(start);
    while sent.is_ok() {
        thread::sleep(Duration::from_millis(20));
        sent = stream.write_all(b"x");
    }
}

#[test]
fn a_dripping_head_ends_at_the_deadline() {
    assert_late(&Server::scripted(|_, stream| drip(stream, b"HTTP/1.1 200 OK\r\nx: ")), "did not answer");
}

#[test]
fn the_deadline_holds_above_the_slack_of_socket_timeouts_too() {
    let server = Server::scripted(|_, stream| hang(stream));
    let limit = Duration::from_millis(2300);
    let client = client(&server.url(), |endpoint| endpoint.timeout = limit);
    let start = Instant::now();
    assert_eq!(post(&client, &server.url()).unwrap_err().kind, TransportErrorKind::Timeout);
    assert!(start.elapsed() >= limit && start.elapsed() < GENEROUS / 3, "{:?}", start.elapsed());
}

#[test]
fn a_body_without_end_is_cut_and_its_connection_not_used_again() {
    let server = Server::scripted(|_, stream| {
        let mut reader = reader_of(stream);
        take_request(&mut reader).unwrap();
        let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n");
        while sent.is_ok() {
            sent = stream.write_all(&[b'x'; 65536]);
        }
    });
    let client = client(&server.url(), |_| {});
    for _ in 0..2 {
        let answer = post(&client, &server.url()).unwrap();
        assert_eq!((answer.status, answer.body.len(), answer.truncated), (200, MAX_BODY, true));
    }
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_body_of_exactly_the_bound_is_whole() {
    let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {MAX_BODY}\r\n\r\n").into_bytes();
    answer.extend(vec![b'x'; MAX_BODY]);
    let server = Server::answering(answer);
    let client = client(&server.url(), |_| {});
    for _ in 0..2 {
        let answer = post(&client, &server.url()).unwrap();
        assert_eq!((answer.body.len(), answer.truncated), (MAX_BODY, false));
    }
    assert_eq!(server.connections(), 1);
}

fn gzipped(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn gzip_answer(compressed: &[u8]) -> Vec<u8> {
    let length = compressed.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), compressed].concat()
}

#[test]
fn a_compressed_answer_is_read_and_a_bomb_is_cut() {
    let server = Server::answering(gzip_answer(&gzipped(b"{\"ok\":true}")));
    assert_eq!(post(&client(&server.url(), |_| {}), &server.url()).unwrap().body, b"{\"ok\":true}");

    let bomb = Server::answering(gzip_answer(&gzipped(&vec![0; 50_000_000])));
    let answer = post(&client(&bomb.url(), |_| {}), &bomb.url()).unwrap();
    assert_eq!((answer.status, answer.body.len(), answer.truncated), (200, MAX_BODY, true));
}

#[test]
fn an_answer_that_cannot_be_decompressed_still_has_its_status() {
    let server = Server::answering(gzip_answer(b"this is not gzip"));
    let answer = post(&client(&server.url(), |_| {}), &server.url()).unwrap();
    assert_eq!((answer.status, answer.truncated), (200, true));
}

#[test]
fn compressed_nothing_without_end_is_cut() {
    let server = Server::scripted(|_, stream| {
        take_request(&mut reader_of(stream)).unwrap();
        let nothing = gzipped(b"").repeat(1000);
        let mut sent = stream.write_all(b"HTTP/1.1 202 OK\r\ncontent-encoding: gzip\r\n\r\n");
        while sent.is_ok() {
            sent = stream.write_all(&nothing);
        }
    });
    let answer = post(&client(&server.url(), |_| {}), &server.url()).unwrap();
    assert_eq!((answer.status, answer.truncated), (202, true));
}

#[test]
fn trailers_without_end_are_cut() {
    let server = Server::scripted(|_, stream| {
        take_request(&mut reader_of(stream)).unwrap();
        let mut sent =
            stream.write_all(b"HTTP/1.1 202 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n");
        let trailers = "trailer: x\r\n".repeat(1000);
        while sent.is_ok() {
            sent = stream.write_all(trailers.as_bytes());
        }
    });
    let answer = post(&client(&server.url(), |_| {}), &server.url()).unwrap();
    assert_eq!((answer.status, answer.body.as_slice(), answer.truncated), (202, &b"ok"[..], true));
}

#[test]
fn a_badly_chunked_answer_still_has_its_status() {
    let bad = b"HTTP/1.1 202 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\nnonsense\r\n";
    let server = Server::answering(&bad[..]);
    let client = client(&server.url(), |_| {});
    for _ in 0..2 {
        let answer = post(&client, &server.url()).unwrap();
        assert_eq!((answer.status, answer.truncated), (202, true));
    }
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_head_out_of_bounds_is_refused() {
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(70_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}content-length: 0\r\n\r\n", "x: y\r\n".repeat(500));
    for answer in [long, many] {
        let server = Server::answering(answer);
        let error = post(&client(&server.url(), |_| {}), &server.url()).unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Protocol, "{error}");
    }
    let fits = format!("HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(60_000));
    let server = Server::answering(fits);
    assert_eq!(
        post(&client(&server.url(), |_| {}), &server.url()).unwrap().header("x").unwrap().len(),
        60_000
    );
}

#[test]
fn a_body_that_breaks_off_is_an_error() {
    let server = Server::scripted(|_, stream| {
        take_request(&mut reader_of(stream)).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").unwrap();
    });
    let error = post(&client(&server.url(), |_| {}), &server.url()).unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Broken);
    assert!(error.reason.contains("in the middle of its answer"), "{error}");
}

#[test]
fn bytes_that_arrive_on_an_idle_connection_are_not_an_answer() {
    let (idle, smuggled) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (may, done) = (Arc::clone(&idle), Arc::clone(&smuggled));
    let server = Server::scripted(move |number, stream| {
        take_request(&mut reader_of(stream)).unwrap();
        stream.write_all(OK).unwrap();
        if number == 0 {
            wait_until("the client never rested", || may.load(Ordering::SeqCst));
            stream.write_all(b"HTTP/1.1 500 Smuggled\r\ncontent-length: 0\r\n\r\n").unwrap();
            done.store(true, Ordering::SeqCst);
        }
        hang(stream);
    });
    let client = client(&server.url(), |_| {});
    post(&client, &server.url()).unwrap();
    idle.store(true, Ordering::SeqCst);
    wait_until("the bytes were never sent", || smuggled.load(Ordering::SeqCst));
    assert_eq!(post(&client, &server.url()).unwrap().status, 200);
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_connection_with_unexpected_bytes_is_not_used_again() {
    let server = Server::answering([OK, b"HTTP/1.1 500 Smuggled\r\ncontent-length: 0\r\n\r\n"].concat());
    let client = client(&server.url(), |_| {});
    for _ in 0..3 {
        assert_eq!(post(&client, &server.url()).unwrap().status, 200);
    }
    assert_eq!(server.connections(), 3);
}
