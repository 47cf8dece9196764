//! Plain answers: HTTP/1.1 with a `content-length` or without a body, on a connection that stays open. Nearly all
//! are; every other one is read by ureq.

use super::answer::MAX_BODY;
use crate::platform::Answer;

/// The most headers of a plain answer.
const MAX_HEADERS: usize = 32;

/// The head of a plain answer.
#[derive(Debug)]
pub(super) struct PlainHead {
    /// The answer, its body still empty.
    pub(super) answer: Answer,
    /// The bytes of the head.
    pub(super) head: usize,
    /// The bytes of the body.
    pub(super) body: usize,
}

/// Reads a head; `None` when it is not whole, or not plain.
pub(super) fn read_head(input: &[u8]) -> Option<PlainHead> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(head)) = response.parse(input) else { return None };
    let status = response.code.filter(|code| matches!(code, 200..300 | 400..600))?;
    if response.version != Some(1) {
        return None;
    }
    let mut length = None;
    let mut answer = Answer { status, ..Answer::default() };
    for header in response.headers.iter() {
        let name = header.name.to_ascii_lowercase();
        match name.as_str() {
            "content-length" if length.is_none() => length = Some(number(header.value)?),
            "connection" if header.value.eq_ignore_ascii_case(b"keep-alive") => {}
            "connection" | "content-length" | "content-encoding" | "transfer-encoding" | "upgrade" => {
                return None;
            }
            _ => {}
        }
        answer.headers.push((name, String::from_utf8_lossy(header.value).into_owned()));
    }
    let body = match (status, length) {
        (204, None | Some(0)) => 0,
        (204, Some(_)) => return None,
        (_, length) => length.filter(|length| *length <= MAX_BODY)?,
    };
    Some(PlainHead { answer, head, body })
}

fn number(value: &[u8]) -> Option<usize> {
    let digits =
        std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_answer_is_read_with_its_headers_in_small_letters() {
        let plain = read_head(b"HTTP/1.1 429 Too Many\r\nRetry-After: 3\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok");
        let plain = plain.unwrap();
        assert_eq!((plain.answer.status, plain.head, plain.body), (429, 84, 2));
        assert_eq!(plain.answer.header("retry-after"), Some("3"));
        let empty = read_head(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        assert_eq!((empty.head, empty.body), (27, 0));
    }

    #[test]
    fn what_is_not_plain_is_left_to_ureq() {
        let many = "x: y\r\n".repeat(MAX_HEADERS + 1);
        let too_long = format!("content-length: {}\r\n", MAX_BODY + 1);
        for (line, headers) in [
            ("HTTP/1.1 200 OK", ""),
            ("HTTP/1.0 200 OK", "content-length: 0\r\n"),
            ("HTTP/1.1 100 Continue", ""),
            ("HTTP/1.1 103 Early", "content-length: 0\r\n"),
            ("HTTP/1.1 302 Found", "content-length: 0\r\n"),
            ("HTTP/1.1 204 None", "content-length: 3\r\n"),
            ("HTTP/1.1 999 Odd", "content-length: 0\r\n"),
            ("HTTP/1.1 200 OK", "content-length: 1\r\ncontent-length: 1\r\n"),
            ("HTTP/1.1 200 OK", "content-length: +1\r\n"),
            ("HTTP/1.1 200 OK", "content-length: 1, 1\r\n"),
            ("HTTP/1.1 200 OK", "content-length: 1\r\ntransfer-encoding: chunked\r\n"),
            ("HTTP/1.1 200 OK", "content-length: 1\r\ncontent-encoding: gzip\r\n"),
            ("HTTP/1.1 200 OK", "content-length: 1\r\nconnection: close\r\n"),
            ("HTTP/1.1 200 OK", "content-length: 1\r\nbad name: x\r\n"),
            ("HTTP/1.1 200 OK", &too_long),
            ("HTTP/1.1 200 OK", &many),
            ("SSH-2.0-x", ""),
        ] {
            let head = format!("{line}\r\n{headers}\r\n");
            assert!(read_head(head.as_bytes()).is_none(), "{head}");
        }
        assert!(read_head(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n").is_none(), "half a head");
        assert!(read_head(b"HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\n").is_none());
    }
}
