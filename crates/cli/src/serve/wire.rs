//! HTTP/1.1 requests off the wire (RFC 9112), within bounds of size and time. What is ambiguous is
//! refused rather than guessed.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The most bytes of a request line with its headers.
const MOST_HEAD: usize = 32 * 1024;

/// The most headers.
const MOST_HEADERS: usize = 100;

/// The most bytes of a body: the largest event there can be, and room for what a template adds.
const MOST_BODY: usize = 32 << 20;

/// The longest line of a chunked body that is no data.
const MOST_CHUNK_LINE: usize = 1024;

/// How long the other side may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// A kept connection, until its next request.
    pub idle: Duration,
    /// A request, from its first byte to its last.
    pub request: Duration,
}

/// Enough for a host on the same machine or network.
pub const PATIENCE: Patience = Patience { idle: Duration::from_secs(120), request: Duration::from_secs(20) };

/// A request as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `POST`, as a rule.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case, values as UTF-8 as far as they are.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Vec<u8>,
    /// Whether the connection goes on after the answer.
    pub keep_alive: bool,
}

impl Request {
    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no request.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// The other side is gone, or said nothing for long; there is nobody to answer.
    Gone,
    /// The request is to be refused with this status, for this reason.
    Refused(u16, &'static str),
}

/// Where bytes come from.
pub trait Origin {
    /// Reads some bytes, by this time at the latest; 0 at the end.
    fn read_by(&mut self, buffer: &mut [u8], deadline: Instant) -> io::Result<usize>;

    /// Sends an interim answer.
    fn tell(&mut self, text: &[u8]) -> io::Result<()>;
}

impl Origin for TcpStream {
    fn read_by(&mut self, buffer: &mut [u8], deadline: Instant) -> io::Result<usize> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        io::Read::read(self, buffer)
    }

    fn tell(&mut self, text: &[u8]) -> io::Result<()> {
        io::Write::write_all(self, text)
    }
}

/// Reads one request after another.
pub struct Wire<O> {
    origin: O,
    patience: Patience,
    buffer: Vec<u8>,
    /// Of the buffer, what was used already.
    used: usize,
}

impl<O: Origin> Wire<O> {
    /// A wire at its beginning.
    pub fn new(origin: O, patience: Patience) -> Wire<O> {
        Wire { origin, patience, buffer: Vec::new(), used: 0 }
    }

    /// The other side.
    pub fn origin(&mut self) -> &mut O {
        &mut self.origin
    }

    /// The next request.
    pub fn next(&mut self) -> Result<Request, Fault> {
        self.buffer.drain(..self.used);
        self.used = 0;
        if self.buffer.is_empty() {
            self.fill(Instant::now() + self.patience.idle).map_err(|_| Fault::Gone)?;
        }
        let deadline = Instant::now() + self.patience.request;
        let end = self.head_end(deadline)?;
        let head = self.buffer.get(..end).unwrap_or_default();
        let mut request = parse_head(head)?;
        self.used = end;
        let framing = framing(&request)?;
        if framing != Framing::Length(0)
            && request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
        {
            self.origin.tell(b"HTTP/1.1 100 Continue\r\n\r\n").map_err(|_| Fault::Gone)?;
        }
        request.body = match framing {
            Framing::Length(length) => self.take(length, deadline)?,
            Framing::Chunked => self.chunks(deadline)?,
        };
        Ok(request)
    }

    /// The offset after the blank line that ends the head.
    fn head_end(&mut self, deadline: Instant) -> Result<usize, Fault> {
        let mut looked = 0_usize;
        loop {
            let from = looked.saturating_sub(3);
            let rest = self.buffer.get(from..).unwrap_or_default();
            if let Some(at) = rest.windows(4).position(|window| window == b"\r\n\r\n") {
                return Ok(from + at + 4);
            }
            looked = self.buffer.len();
            if looked > MOST_HEAD {
                return Err(Fault::Refused(431, "the head of the request is too long"));
            }
            self.fill(deadline)?;
        }
    }

    fn take(&mut self, length: usize, deadline: Instant) -> Result<Vec<u8>, Fault> {
        while self.buffer.len() - self.used < length {
            self.fill(deadline)?;
        }
        let end = self.used + length;
        let taken = self.buffer.get(self.used..end).unwrap_or_default().to_vec();
        self.used = end;
        Ok(taken)
    }

    fn chunks(&mut self, deadline: Instant) -> Result<Vec<u8>, Fault> {
        let mut body = Vec::new();
        loop {
            let size = chunk_size(&self.line(deadline)?)?;
            if size == 0 {
                break;
            }
            if body.len() + size > MOST_BODY {
                return Err(Fault::Refused(413, "the body is too large"));
            }
            body.extend(self.take(size, deadline)?);
            if self.take(2, deadline)? != b"\r\n" {
                return Err(Fault::Refused(400, "a chunk does not end where its size says"));
            }
        }
        // Trailers are read and passed over.
        for _ in 0..MOST_HEADERS {
            if self.line(deadline)?.is_empty() {
                return Ok(body);
            }
        }
        Err(Fault::Refused(431, "there are too many trailers"))
    }

    /// A short line without its end.
    fn line(&mut self, deadline: Instant) -> Result<Vec<u8>, Fault> {
        loop {
            let rest = self.buffer.get(self.used..).unwrap_or_default();
            if let Some(at) = rest.windows(2).position(|window| window == b"\r\n") {
                let line = rest.get(..at).unwrap_or_default().to_vec();
                self.used += at + 2;
                return Ok(line);
            }
            if rest.len() > MOST_CHUNK_LINE {
                return Err(Fault::Refused(400, "a line of the chunked body is too long"));
            }
            self.fill(deadline)?;
        }
    }

    fn fill(&mut self, deadline: Instant) -> Result<(), Fault> {
        // What was used already would otherwise grow with every chunk.
        if self.used > MOST_HEAD {
            self.buffer.drain(..self.used);
            self.used = 0;
        }
        let mut piece = [0; 16 * 1024];
        loop {
            return match self.origin.read_by(&mut piece, deadline) {
                Ok(0) => Err(Fault::Gone),
                Ok(read) => {
                    self.buffer.extend(piece.iter().take(read));
                    Ok(())
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => {
                    Err(Fault::Refused(408, "the request took too long"))
                }
                Err(_) => Err(Fault::Gone),
            };
        }
    }
}

/// How a body ends.
#[derive(Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
}

fn parse_head(head: &[u8]) -> Result<Request, Fault> {
    let malformed = Fault::Refused(400, "the head of the request is malformed");
    let text = String::from_utf8_lossy(head);
    let mut lines = text.strip_suffix("\r\n\r\n").unwrap_or(&text).split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(malformed);
    };
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) || target.is_empty() {
        return Err(malformed);
    }
    let newer = match version {
        "HTTP/1.1" => true,
        "HTTP/1.0" => false,
        _ => return Err(Fault::Refused(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")),
    };
    let mut headers = Vec::new();
    for line in lines {
        headers.push(parse_header(line).ok_or(Fault::Refused(400, "a header is malformed"))?);
        if headers.len() > MOST_HEADERS {
            return Err(Fault::Refused(431, "there are too many headers"));
        }
    }
    let mut request = Request {
        method: method.into(),
        target: target.into(),
        headers,
        body: Vec::new(),
        keep_alive: newer,
    };
    if let Some(connection) = request.header("connection") {
        let says = |word: &str| connection.split(',').any(|part| part.trim().eq_ignore_ascii_case(word));
        request.keep_alive = if newer { !says("close") } else { says("keep-alive") };
    }
    Ok(request)
}

/// A header, its name in lower case. A name is a token, and nothing stands between it and the colon.
fn parse_header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let sound = !name.is_empty() && name.bytes().all(token) && !value.contains(['\r', '\n', '\0']);
    sound.then(|| (name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned()))
}

/// How long the body is. Two answers to that question are how requests are smuggled, so they are refused.
fn framing(request: &Request) -> Result<Framing, Fault> {
    let all = |name: &'static str| request.headers.iter().filter(move |(key, _)| key == name).map(|(_, v)| v);
    let mut codings = all("transfer-encoding");
    if let Some(coding) = codings.next() {
        if codings.next().is_some() || !coding.eq_ignore_ascii_case("chunked") {
            return Err(Fault::Refused(501, "the only transfer coding spoken here is `chunked`"));
        }
        if request.header("content-length").is_some() {
            return Err(Fault::Refused(400, "both `content-length` and `transfer-encoding` are given"));
        }
        return Ok(Framing::Chunked);
    }
    let mut lengths = all("content-length");
    let Some(length) = lengths.next() else { return Ok(Framing::Length(0)) };
    let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || lengths.any(|other| other != length) {
        return Err(Fault::Refused(400, "`content-length` is no single number"));
    }
    match length.parse() {
        Ok(length) if length <= MOST_BODY => Ok(Framing::Length(length)),
        _ => Err(Fault::Refused(413, "the body is too large")),
    }
}

fn chunk_size(line: &[u8]) -> Result<usize, Fault> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii_end();
    let sound = (1..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    let size = std::str::from_utf8(digits).ok().filter(|_| sound);
    size.and_then(|digits| usize::from_str_radix(digits, 16).ok())
        .ok_or(Fault::Refused(400, "the size of a chunk is no hexadecimal number"))
}

#[cfg(test)]
mod tests;
