//! Asking a proxy for a tunnel to the receiver: `CONNECT` (RFC 9110, section 9.3.6). Our own because ureq's
//! proxy support resolves and connects by itself, past our vetting, deadline and shutdown.

use std::io::{self, Read, Write};

/// The most bytes of the proxy's answer.
const MAX_HEAD: usize = 16 * 1024;

#[derive(Debug)]
pub(super) enum NoTunnel {
    Io(io::Error),
    Status(u16),
    NotHttp,
}

/// Asks for a tunnel to `host:port` and reads the proxy's answer to its end.
pub(super) fn open(
    stream: &mut (impl Read + Write),
    target: &str,
    authorization: Option<&str>,
) -> Result<(), NoTunnel> {
    let version = crate::VERSION;
    let mut request =
        format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\nuser-agent: taskbell/{version}\r\n");
    if let Some(value) = authorization {
        request.push_str("proxy-authorization: ");
        request.push_str(value);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).map_err(NoTunnel::Io)?;
    let head = read_head(stream)?;
    match status(&head) {
        Some(200..=299) => Ok(()),
        Some(status) => Err(NoTunnel::Status(status)),
        None => Err(NoTunnel::NotHttp),
    }
}

/// Reads up to the empty line, byte by byte: what follows belongs to the tunnel.
fn read_head(stream: &mut impl Read) -> Result<Vec<u8>, NoTunnel> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD {
            return Err(NoTunnel::NotHttp);
        }
        if stream.read(&mut byte).map_err(NoTunnel::Io)? == 0 {
            return Err(NoTunnel::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        head.extend_from_slice(&byte);
    }
    Ok(head)
}

fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    words.next()?.starts_with("HTTP/1.").then_some(())?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_a_proxy_is_read_and_other_bytes_are_not_http() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407 x\r\n\r\n"), Some(407));
        assert_eq!(status(b"HTTP/1.1 200\r\n\r\n"), Some(200));
        for nonsense in
            [&b"SSH-2.0-x\r\n\r\n"[..], b"\r\n\r\n", b"HTTP/1.1 x\r\n\r\n", b"HTTP/1.1 \xff\r\n\r\n"]
        {
            assert_eq!(status(nonsense), None);
        }
    }
}
