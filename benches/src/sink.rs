//! The receiver on loopback that every sender has in common.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What marks the time at which the host made the event, in nanoseconds since 1970.
pub const AT: &str = r#""at_ns":"#;

/// What it does with a request.
#[derive(Clone, Copy, PartialEq)]
#[repr(u8)]
pub enum Mode {
    /// Answers 204.
    Accept,
    /// The same, and notes how old the event is.
    Time,
    /// The same, and keeps the request.
    Keep,
    /// Answers 503.
    Refuse,
    /// Says nothing.
    Hang,
}

/// It listens until the process ends.
pub struct Sink {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    mode: AtomicU8,
    requests: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    request: Vec<u8>,
    ages: Vec<Duration>,
    first_refused: Option<Instant>,
}

impl Sink {
    pub fn start(mode: Mode) -> Result<Sink, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("loopback: {error}"))?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        let sink = Sink { port, shared: Arc::default() };
        sink.set(mode);
        let shared = Arc::clone(&sink.shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.serve(stream));
            }
        });
        Ok(sink)
    }

    pub fn set(&self, mode: Mode) {
        self.shared.mode.store(mode as u8, Ordering::Release);
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// How many requests have arrived.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Acquire)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// When the first request was refused.
    pub fn first_refused(&self) -> Option<Instant> {
        self.shared.kept().first_refused
    }

    /// The bytes of the last request that was kept.
    pub fn request(&self) -> Vec<u8> {
        self.shared.kept().request.clone()
    }

    /// The ages of the events, in the order of their arrival; forgotten here.
    pub fn take_ages(&self) -> Vec<Duration> {
        std::mem::take(&mut self.shared.kept().ages)
    }
}

impl Shared {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, mut stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut buffer = vec![0; 256 * 1024];
        let mut filled = 0;
        while let Ok(read @ 1..) = stream.read(&mut buffer[filled..]) {
            filled += read;
            let mut done = 0;
            while let Some(length) = request_length(&buffer[done..filled]) {
                if !self.answer(&mut stream, &buffer[done..done + length]) {
                    return;
                }
                done += length;
            }
            buffer.copy_within(done..filled, 0);
            filled -= done;
        }
    }

    fn answer(&self, stream: &mut TcpStream, request: &[u8]) -> bool {
        let mode = self.mode.load(Ordering::Acquire);
        let is = |wanted: Mode| mode == wanted as u8;
        if is(Mode::Time) {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let age = made_at(request).map(|made| now.saturating_sub(made));
            self.kept().ages.extend(age);
        } else if !is(Mode::Accept) {
            let mut kept = self.kept();
            if is(Mode::Refuse) {
                kept.first_refused.get_or_insert_with(Instant::now);
            }
            kept.request.clear();
            kept.request.extend_from_slice(request);
        }
        self.requests.fetch_add(1, Ordering::Release);
        if is(Mode::Hang) {
            return true;
        }
        let refusal = b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n".as_slice();
        let answer = if is(Mode::Refuse) { refusal } else { b"HTTP/1.1 204 No Content\r\n\r\n" };
        stream.write_all(answer).is_ok()
    }
}

fn made_at(request: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(request).ok()?;
    let (_, rest) = text.rsplit_once(AT)?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    rest[..end].parse().ok().map(Duration::from_nanos)
}

/// The length of the request at the beginning, if it is whole.
fn request_length(bytes: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    let (mut line, mut length) = (0, 0);
    loop {
        let end = line + bytes[line..].windows(2).position(|two| two == b"\r\n")?;
        if end == line {
            let whole = end + 2 + length;
            return (bytes.len() >= whole).then_some(whole);
        }
        if bytes[line..end].len() > NAME.len() && bytes[line..line + NAME.len()].eq_ignore_ascii_case(NAME) {
            let value = bytes[line + NAME.len()..end].trim_ascii();
            length = std::str::from_utf8(value).ok()?.parse().ok()?;
        }
        line = end + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_when_its_body_is() {
        let request = b"POST / HTTP/1.1\r\nContent-Length: 3\r\nhost: a\r\n\r\nabc";
        assert_eq!(request_length(request), Some(request.len()));
        assert_eq!(request_length(&request[..request.len() - 1]), None);
        assert_eq!(request_length(&[request.as_slice(), b"POST"].concat()), Some(request.len()));
    }

    #[test]
    fn the_time_of_an_event_is_read_from_its_body() {
        let body = br#"{"data":{"at_ns":1764000000000000001,"x":1}}"#;
        assert_eq!(made_at(body), Some(Duration::from_nanos(1_764_000_000_000_000_001)));
    }
}
