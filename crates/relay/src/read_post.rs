//! From a request to the post in it: bounds, signature, and what the lines say.

use crate::answer::NodeAnswer;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::{Body, Incoming};
use hyper::header::CONTENT_ENCODING;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use taskbell_core::engine::Bell;
use taskbell_core::farm::{EventPost, MAX_POST_BYTES};
use taskbell_core::sign::Verifier;
use tokio::time::timeout;

/// From the head of a request to the last byte of its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// What the first line and the frame of an event add to the largest event.
const FRAME_BYTES: usize = 4096;

/// The most bytes of a refused body that are read before it is answered.
const MAX_THROWN_AWAY: usize = 32 << 20;

/// A post, and how many bytes it takes.
pub struct ReadPost {
    pub post: EventPost,
    pub bytes: usize,
}

/// The bytes of bodies that are being read, of all connections: what nobody has signed yet must not fill the memory.
#[derive(Debug)]
pub struct ReadBudget {
    most: usize,
    used: AtomicUsize,
}

impl ReadBudget {
    pub fn new(most: usize) -> ReadBudget {
        ReadBudget { most, used: AtomicUsize::new(0) }
    }
}

/// The body of one request, as far as it has come.
struct PartialBody<'a> {
    bytes: Vec<u8>,
    budget: &'a ReadBudget,
}

impl PartialBody<'_> {
    fn add(&mut self, piece: &[u8]) -> bool {
        let before = self.budget.used.fetch_add(piece.len(), Ordering::Relaxed);
        self.bytes.extend_from_slice(piece);
        // One alone may always come.
        before + piece.len() <= self.budget.most || before == self.bytes.len() - piece.len()
    }
}

impl Drop for PartialBody<'_> {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

/// Reads the post of a request.
///
/// # Errors
/// The answer to it.
pub async fn read_post(
    request: Request<Incoming>,
    verifier: &Verifier,
    bell: &Bell,
    budget: &ReadBudget,
) -> Result<ReadPost, NodeAnswer> {
    let max_event_bytes = bell.max_event_bytes();
    let most = MAX_POST_BYTES.max(max_event_bytes.saturating_add(FRAME_BYTES));
    let (parts, body) = request.into_parts();
    let body =
        timeout(BODY_TIMEOUT, read_body(body, most, budget)).await.unwrap_or(Err(NodeAnswer::TooSlow))?;
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers: Vec<(String, String)> =
        parts.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect();
    let now = bell.unix_ms().div_euclid(1000);
    verifier.verify(&headers, &body.bytes, now).map_err(|error| NodeAnswer::NotSigned(error.to_string()))?;
    let encoding = parts.headers.get(CONTENT_ENCODING).map(|value| text(value.as_bytes()));
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(NodeAnswer::Encoded);
    }
    let post = EventPost::read(&body.bytes, max_event_bytes)?;
    Ok(ReadPost { bytes: body.bytes.len(), post })
}

/// Reads a body. One that is too large is read on for a while, and thrown away: an answer before its end would be lost.
async fn read_body(
    mut body: Incoming,
    most: usize,
    budget: &ReadBudget,
) -> Result<PartialBody<'_>, NodeAnswer> {
    let mut read = PartialBody { bytes: Vec::new(), budget };
    let mut refusal = (body.size_hint().lower() > most as u64).then_some(NodeAnswer::TooLarge);
    let mut thrown_away = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(NodeAnswer::Malformed("the body of the request is malformed".to_owned()));
        };
        let Some(piece) = frame.data_ref() else { continue };
        if refusal.is_some() {
            thrown_away += piece.len();
            if thrown_away > MAX_THROWN_AWAY {
                break;
            }
        } else if read.bytes.len() + piece.len() > most {
            refusal = Some(NodeAnswer::TooLarge);
        } else if !read.add(piece) {
            refusal = Some(NodeAnswer::Full);
        }
    }
    refusal.map_or(Ok(read), Err)
}
