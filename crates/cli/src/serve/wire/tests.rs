//! Well-formed, hostile and slow requests.

use super::*;
use proptest::prelude::*;
use std::io::Write;
use std::net::TcpListener;
use std::thread;

/// Bytes that come in pieces of this size, and then the end or silence.
struct Script {
    bytes: Vec<u8>,
    piece: usize,
    silent: bool,
    told: Vec<u8>,
}

impl Origin for Script {
    fn read_by(&mut self, buffer: &mut [u8], _: Instant) -> io::Result<usize> {
        if self.bytes.is_empty() && self.silent {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let read = self.piece.min(buffer.len()).min(self.bytes.len());
        for (place, byte) in buffer.iter_mut().zip(self.bytes.drain(..read)) {
            *place = byte;
        }
        Ok(read)
    }

    fn tell(&mut self, text: &[u8]) -> io::Result<()> {
        self.told.extend(text);
        Ok(())
    }
}

fn wire(text: impl AsRef<[u8]>, piece: usize) -> Wire<Script> {
    Wire::new(Script { bytes: text.as_ref().to_vec(), piece, silent: false, told: Vec::new() }, PATIENCE)
}

fn status(text: impl AsRef<[u8]>) -> u16 {
    match wire(text, 4096).next() {
        Ok(request) => panic!("taken: {request:?}"),
        Err(Fault::Refused(status, _)) => status,
        Err(Fault::Gone) => 0,
    }
}

#[test]
fn requests_follow_each_other_on_one_connection_however_they_are_cut() {
    let text = "POST /a HTTP/1.1\r\nContent-Length: 5\r\nX:  y \r\n\r\nhelloPOST /b HTTP/1.1\r\n\
                transfer-encoding: Chunked\r\n\r\n3;ext=1\r\nabc\r\n0a\r\n0123456789\r\n0\r\ntrailer: x\r\n\r\n\
                GET / HTTP/1.0\r\n\r\n";
    for piece in [1, 2, 3, 7, 4096] {
        let mut wire = wire(text, piece);
        let first = wire.next().unwrap();
        assert_eq!((first.target.as_str(), first.body.as_slice()), ("/a", b"hello".as_slice()));
        assert_eq!((first.header("x"), first.keep_alive), (Some("y"), true));
        assert_eq!(wire.next().unwrap().body, b"abc0123456789");
        assert!(!wire.next().unwrap().keep_alive, "HTTP/1.0 closes unless it is asked not to");
        assert_eq!(wire.next(), Err(Fault::Gone));
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    for (status_expected, head) in [
        (400, "POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n"),
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
    ] {
        assert_eq!(status(head), status_expected, "{head:?}");
    }
}

#[test]
fn sizes_are_bounded() {
    assert_eq!(status(format!("POST / HTTP/1.1\r\na: {}", "x".repeat(MOST_HEAD * 2))), 431);
    assert_eq!(status(format!("POST / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(MOST_HEADERS + 1))), 431);
    assert_eq!(status(format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n", MOST_BODY + 1)), 413);
    assert_eq!(status("POST / HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n"), 413);
    let chunked = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
    assert_eq!(status(format!("{chunked}fffffff\r\n")), 413);
    assert_eq!(status(format!("{chunked}fffffffff\r\n")), 400);
    assert_eq!(status(format!("{chunked}{}", "1".repeat(MOST_CHUNK_LINE * 2))), 400);
    assert_eq!(status(format!("{chunked}0\r\n{}", "a: b\r\n".repeat(MOST_HEADERS + 1))), 431);
}

#[test]
fn a_client_that_falls_silent_is_told_and_one_that_leaves_is_not() {
    let script = |text: &str, silent| {
        Wire::new(Script { bytes: text.into(), piece: 64, silent, told: Vec::new() }, PATIENCE).next()
    };
    let half = "POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nhalf";
    assert_eq!(script(half, true), Err(Fault::Refused(408, "the request took too long")));
    assert_eq!(script(half, false), Err(Fault::Gone));
    assert_eq!(script("", true), Err(Fault::Gone), "an idle connection is just closed");
}

#[test]
fn a_client_that_drips_is_cut_at_the_deadline_of_the_whole_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    let drip = thread::spawn(move || {
        // Each byte comes well before a timeout of a single read would end.
        while client.write_all(b"a").is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
    });
    let patience = Patience { idle: Duration::from_secs(30), request: Duration::from_millis(200) };
    let mut wire = Wire::new(server, patience);
    let began = Instant::now();
    assert_eq!(wire.next(), Err(Fault::Refused(408, "the request took too long")));
    assert!(began.elapsed() < Duration::from_secs(10));
    drop(wire);
    drip.join().unwrap();
}

#[test]
fn a_client_that_asks_first_is_told_to_go_on() {
    let mut wire = wire("POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nok", 4096);
    assert_eq!(wire.next().unwrap().body, b"ok");
    assert_eq!(wire.origin().told, b"HTTP/1.1 100 Continue\r\n\r\n");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_hang(bytes in proptest::collection::vec(any::<u8>(), 0..600), piece in 1..50_usize) {
        let mut wire = wire([b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n".as_slice(), &bytes].concat(), piece);
        for _ in 0..20 {
            if wire.next().is_err() {
                break;
            }
        }
    }
}
