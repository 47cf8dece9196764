//! Reading an answer within its bounds.

use super::request_state;
use crate::platform::Answer;
use std::io::{self, Read};
use ureq::http::Response;

/// The most of a body that is kept, after decompression.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// Reads the answer. Beyond the bound the rest stays unread, and the connection is not used again. A body that
/// is badly compressed or chunked is cut there: status and headers still say what the receiver means.
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
    let read = reader.by_ref().take(MAX_BODY as u64).read_to_end(&mut answer.body);
    let more = match read {
        Ok(_) if answer.body.len() == MAX_BODY => has_more(&mut reader),
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

fn has_more(reader: &mut impl Read) -> io::Result<bool> {
    loop {
        match reader.read(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read.map(|amount| amount > 0),
        }
    }
}

/// Whether a body that ended with this error is still an answer.
fn may_be_cut(error: &ureq::Error) -> bool {
    let (flooded, broken) =
        request_state::with(|state| (state.flooded, state.broken || state.late)).unwrap_or_default();
    flooded || !broken && matches!(error, ureq::Error::Decompress(..) | ureq::Error::Protocol(_))
}
