//! Reading an answer within its bounds.

use super::exchange;
use crate::platform::Answer;
use std::io::{self, Read};
use ureq::http::Response;

/// The most of a body that is kept, after decompression.
pub(super) const MOST_BODY: usize = 64 * 1024;

/// Reads the answer. Once the bound is reached the rest is left unread, and with it the connection.
/// A body that is badly compressed or badly chunked is cut where that was found out: status and headers
/// still tell what the receiver meant.
pub(super) fn read(response: Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let (parts, body) = response.into_parts();
    let headers = parts.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let mut answer = Answer {
        status: parts.status.as_u16(),
        headers: headers.collect(),
        body: Vec::new(),
        truncated: false,
    };
    let mut reader = body.into_reader();
    let read = reader.by_ref().take(MOST_BODY as u64).read_to_end(&mut answer.body);
    let more = match read {
        Ok(_) if answer.body.len() == MOST_BODY => probe(&mut reader),
        Ok(_) => Ok(false),
        Err(error) => Err(error),
    };
    match more {
        Ok(more) => answer.truncated = more,
        Err(error) => {
            let error = ureq::Error::from(error);
            if !may_be_cut(&error) {
                return Err(error);
            }
            answer.truncated = true;
        }
    }
    Ok(answer)
}

/// Whether the body goes on.
fn probe(reader: &mut impl Read) -> io::Result<bool> {
    loop {
        match reader.read(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read.map(|amount| amount > 0),
        }
    }
}

/// Whether a body that ended with this error is an answer all the same.
fn may_be_cut(error: &ureq::Error) -> bool {
    let (flooded, broken) =
        exchange::with(|exchange| (exchange.flooded, exchange.broken || exchange.late)).unwrap_or_default();
    flooded || !broken && matches!(error, ureq::Error::Decompress(..) | ureq::Error::Protocol(_))
}
