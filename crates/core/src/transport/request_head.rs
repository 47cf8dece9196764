//! The head of a request, as HTTP/1.1 writes it (RFC 9112).

use super::error::{TransportError, TransportErrorKind};
use super::route;
use crate::json;
use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use url::Url;

/// The bytes of a body that leave together with the head.
const FIRST: usize = 32 * 1024;

/// Headers that belong to the connection, not to the message; they cannot be given.
const OURS: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "keep-alive",
];

/// A name and a value.
pub type HeaderLine<'h> = (Cow<'h, str>, Cow<'h, str>);

/// A request, written.
pub(super) struct Written<'b> {
    /// The head and the beginning of the body.
    pub(super) first: Vec<u8>,
    /// The rest of the body.
    pub(super) rest: &'b [u8],
}

/// A head that was written. The next one of the same endpoint has its first bytes, up to the first header with another
/// value.
#[derive(Default)]
pub(super) struct LastHead {
    method: String,
    url: Option<Url>,
    headers: Vec<(String, String)>,
    /// Where each header begins.
    starts: Vec<usize>,
    bytes: Vec<u8>,
}

impl LastHead {
    /// Begins such a head with the same bytes. How many headers they hold; `None` when this one has no such beginning.
    fn begin(&self, out: &mut Vec<u8>, method: &str, url: &Url, headers: &[HeaderLine<'_>]) -> Option<usize> {
        let mut pairs = self.headers.iter().zip(headers);
        let is_alike = self.url.as_ref() == Some(url)
            && self.method == method
            && self.headers.len() == headers.len()
            && pairs.clone().all(|((known, _), (name, _))| known == name);
        if !is_alike {
            return None;
        }
        let other = pairs.position(|((_, known), (_, value))| known != value);
        let same = other.unwrap_or(headers.len().saturating_sub(1));
        out.extend_from_slice(self.bytes.get(..*self.starts.get(same)?)?);
        Some(same)
    }
}

/// Writes a request to this URL. `user-agent`, `accept`, `accept-encoding` and `host` are added unless given; user and
/// password of the URL become an `authorization` unless one is given. What it has in common with the last head is taken
/// from there. It is written into `room`, of which nothing but its memory is used.
pub(super) fn write<'b>(
    method: &str,
    url: &Url,
    headers: &[HeaderLine<'_>],
    body: &'b [u8],
    last: &Mutex<LastHead>,
    room: Vec<u8>,
) -> Result<Written<'b>, TransportError> {
    let (front, rest) = body.split_at(body.len().min(FIRST));
    let mut out = room;
    out.clear();
    out.reserve(1024 + front.len());
    let last = || last.lock().unwrap_or_else(PoisonError::into_inner);
    let common = last().begin(&mut out, method, url, headers);
    if common.is_none() {
        begin(&mut out, method, url, headers)?;
    }
    let mut starts = Vec::new();
    for (name, value) in headers.iter().skip(common.unwrap_or(0)) {
        if common.is_none() {
            starts.push(out.len());
        }
        check(name, value)?;
        if !OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name)) {
            add(&mut out, name, value);
        }
    }
    if common.is_none() {
        let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let (method, url) = (method.to_owned(), Some(url.clone()));
        *last() = LastHead { method, url, headers, starts, bytes: out.clone() };
    }
    out.extend_from_slice(b"content-length: ");
    json::write(&body.len(), &mut out);
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(front);
    Ok(Written { first: out, rest })
}

/// Writes the first line, and what is added to the headers.
fn begin(
    out: &mut Vec<u8>,
    method: &str,
    url: &Url,
    headers: &[HeaderLine<'_>],
) -> Result<(), TransportError> {
    let host = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https"));
    let target = url.query().map_or((url.path(), ""), |query| (url.path(), query));
    let is_text = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    let Some(host) = host.filter(|_| is_text(target.0) && is_text(target.1)) else {
        let reason = "the URL must be http:// or https:// with a host";
        return Err(TransportErrorKind::Refused.error(reason));
    };
    for part in [method, " ", target.0] {
        out.extend_from_slice(part.as_bytes());
    }
    if url.query().is_some() {
        out.push(b'?');
        out.extend_from_slice(target.1.as_bytes());
    }
    out.extend_from_slice(b" HTTP/1.1\r\n");
    let given = |name: &str| headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
    if !given("host") {
        match url.port() {
            None => add(out, "host", host),
            Some(port) => add(out, "host", &[host, ":", &port.to_string()].concat()),
        }
    }
    let agent = concat!("taskbell/", env!("CARGO_PKG_VERSION"));
    for (name, value) in [("user-agent", agent), ("accept", "*/*"), ("accept-encoding", "gzip")] {
        if !given(name) {
            add(out, name, value);
        }
    }
    if let Some(credentials) = route::basic(url).filter(|_| !given("authorization")) {
        add(out, "authorization", credentials.expose());
    }
    Ok(())
}

/// Adds a header, its name in small letters.
fn add(out: &mut Vec<u8>, name: &str, value: &str) {
    let start = out.len();
    out.extend_from_slice(name.as_bytes());
    if let Some(name) = out.get_mut(start..) {
        name.make_ascii_lowercase();
    }
    for part in [": ", value, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// A name is a token, and a value has no control characters (RFC 9110, section 5).
fn check(name: &str, value: &str) -> Result<(), TransportError> {
    let refused = |what: &str| {
        let reason = format!("the header {name:?} {what} that HTTP does not allow");
        Err(TransportErrorKind::Refused.error(reason))
    };
    let is_token = |byte: &u8| TOKEN.get(usize::from(*byte)) == Some(&true);
    if name.is_empty() || !name.as_bytes().iter().all(is_token) {
        return refused("has a name");
    }
    // Without an early end, so that the compiler takes many bytes at once.
    let is_control = |byte: &u8| (*byte < b' ' && *byte != b'\t') | (*byte == 0x7f);
    let any = value.as_bytes().iter().fold(false, |any, byte| any | is_control(byte));
    if any { refused("holds a character") } else { Ok(()) }
}

/// The bytes of a token.
const TOKEN: [bool; 128] = {
    let mut tokens = [false; 128];
    let mut byte = 0;
    while byte < 128 {
        tokens[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"!#$%&'*+-.^_`|~";
    let mut index = 0;
    while index < others.len() {
        tokens[others[index] as usize] = true;
        index += 1;
    }
    tokens
};

#[cfg(test)]
mod tests {
    use super::*;

    fn head(url: &str, headers: &[(&str, &str)]) -> String {
        let headers: Vec<HeaderLine<'_>> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let url = Url::parse(url).unwrap();
        let written = write("PUT", &url, &headers, b"", &Mutex::default(), Vec::new()).unwrap();
        String::from_utf8(written.first).unwrap()
    }

    #[test]
    fn a_head_names_the_target_and_the_host_as_the_url_has_them() {
        for (url, target, host) in [
            ("http://a.test", "/", "a.test"),
            ("https://a.test:443/x?", "/x?", "a.test"),
            ("http://[::1]:8080/x?a=b%20c&d#part", "/x?a=b%20c&d", "[::1]:8080"),
            ("https://b\u{fc}cher.test/\u{fc}", "/%C3%BC", "xn--bcher-kva.test"),
        ] {
            let head = head(url, &[]);
            assert!(head.starts_with(&format!("PUT {target} HTTP/1.1\r\nhost: {host}\r\n")), "{head}");
        }
    }

    #[test]
    fn what_is_given_replaces_what_is_added() {
        let given = [("Host", "x"), ("user-agent", "me"), ("accept", "a"), ("accept-encoding", "b")];
        let head = head("http://u:p@a.test/", &[&given[..], &[("authorization", "mine")]].concat());
        for name in ["host", "user-agent", "accept", "accept-encoding", "authorization"] {
            assert_eq!(head.matches(&format!("\r\n{name}: ")).count(), 1, "{name} in {head}");
        }
    }

    #[test]
    fn only_tokens_are_names_and_no_value_holds_a_control_character() {
        for name in ["x", "X-A1", "!#$%&'*+-.^_`|~"] {
            assert!(check(name, "a\tb \u{fc}").is_ok(), "{name}");
        }
        for name in ["", "a b", "a:", "\u{fc}", "a\r", "\u{7f}"] {
            assert!(check(name, "").is_err(), "{name}");
        }
        for value in ["\r", "a\nb", "\u{7f}", "\0"] {
            assert!(check("x", value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn a_long_body_leaves_after_its_beginning_and_without_a_copy() {
        let body = vec![7; 3 * FIRST];
        let url = Url::parse("http://a.test/").unwrap();
        let written = write("POST", &url, &[], &body, &Mutex::default(), Vec::new()).unwrap();
        assert!(written.first.ends_with(&body[..FIRST]) && written.rest.len() == 2 * FIRST);
    }

    #[test]
    fn a_head_is_the_same_whatever_was_written_before() {
        let urls = ["http://a.test/x", "http://u:p@a.test/x", "http://a.test/y?z"];
        let headers: [&[(&str, &str)]; 7] = [
            &[],
            &[("content-type", "a"), ("x", "1"), ("webhook-id", "1")],
            &[("content-type", "a"), ("x", "1"), ("webhook-id", "2")],
            &[("content-type", "a"), ("x", "2"), ("webhook-id", "2")],
            &[("content-type", "a"), ("x", "2"), ("Accept", "2")],
            &[("te", "a"), ("x", "2")],
            &[("te", "b"), ("x", "2")],
        ];
        let last = Mutex::default();
        for turn in 0..200 {
            let (url, headers) = (urls[turn / 3 % 3], headers[(turn * 5 + turn / 11) % 7]);
            let method = if turn % 17 == 0 { "PUT" } else { "POST" };
            let lines: Vec<HeaderLine<'_>> =
                headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            let parsed = Url::parse(url).unwrap();
            let room = || vec![b'x'; turn];
            let (first, write) =
                (Mutex::default(), |last| write(method, &parsed, &lines, b"{}", last, room()));
            let write = |last| write(last).unwrap().first;
            assert_eq!(write(&last), write(&first), "{url} {headers:?}");
            assert_eq!(write(&last), write(&last));
        }
    }

    #[test]
    fn a_value_that_is_not_allowed_is_refused_after_others_that_were() {
        let (last, url) = (Mutex::default(), Url::parse("http://a.test/").unwrap());
        let mut write =
            |value: &str| write("POST", &url, &[("x".into(), value.into())], b"", &last, Vec::new()).is_ok();
        assert_eq!(["a", "b", "b\n", "b"].map(&mut write), [true, true, false, true]);
    }
}
