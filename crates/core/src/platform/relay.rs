//! A relay of the farm as the receiver of a node's posts: what its answers mean. No configuration names it as `platform`.

use super::{Answer, Description, Platform, Target, event_kind, retry_after};
use crate::farm::{RESEND_HEADER, RefusedEvent, TIMELINE_HEADER, read_refusals};
use crate::message::{Context, Notice, default_body};
use serde_json::Value;
use std::time::Duration;

/// The platform of the endpoint that a node's events go to.
pub static RELAY: &dyn Platform = &Relay;

struct Relay;

static DESCRIPTION: Description = Description {
    name: "relay",
    coalesces: false,
    webhook_headers: true,
    refuses_for_good: false,
    ..Description::BASE
};

/// The wait where a relay asks for one and does not say how long.
const WAIT: Duration = Duration::from_secs(1);

/// The longest name of a history that a node keeps.
const MAX_TIMELINE_BYTES: usize = 128;

/// What a relay's answer to a post means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostAnswer {
    /// It has all events of the post.
    Taken,
    /// It leads on another history of its database than the node knows, which has this name, and lacks what was posted within this time.
    SendAgain(String, Duration),
    /// It takes these events never, and the others in another post.
    Refused(Vec<RefusedEvent>),
    /// The post is too large.
    TooLarge(String),
    /// Not before this time has passed.
    Wait(Duration, String),
    /// It does not know the secret.
    Unauthorized(String),
    /// Another relay may take it.
    Elsewhere(String),
}

/// Reads an answer that arrived at this Unix time in milliseconds.
pub fn read_post_answer(answer: &Answer, now_unix_ms: i64) -> PostAnswer {
    let said = answer.words();
    let with = |reason: &str| match said.as_str() {
        "" => format!("answered {}: {reason}", answer.status),
        said => format!("answered {}: {reason} ({said})", answer.status),
    };
    match answer.status {
        200..=299 => PostAnswer::Taken,
        409 => match timeline_of(answer) {
            Some(name) => PostAnswer::SendAgain(name, lacks_of(answer)),
            None => PostAnswer::Elsewhere(with("it does not say of which history its database is")),
        },
        401 | 403 => PostAnswer::Unauthorized(with(
            "the `[farm] secret` of this node is none of the relay's `secrets`, or the clocks of the two differ",
        )),
        413 => PostAnswer::TooLarge(with("the post is too large for it")),
        421 => PostAnswer::Elsewhere(with("it is on standby")),
        422 => match read_refusals(&answer.body) {
            refused if refused.is_empty() => {
                PostAnswer::Elsewhere(with("it takes the post not, and names no event of it"))
            }
            refused => PostAnswer::Refused(refused),
        },
        429 => {
            let wait = retry_after::asked(answer, now_unix_ms).unwrap_or(WAIT);
            PostAnswer::Wait(wait, with("it asks for a wait"))
        }
        400 | 404 | 405 | 415 => PostAnswer::Elsewhere(with(
            "it does not take posts of this kind: it is not a relay, or one of another version",
        )),
        _ => {
            let reason = answer.plain_reason();
            PostAnswer::Elsewhere(if said.is_empty() { reason } else { format!("{reason} ({said})") })
        }
    }
}

/// The history of the relay's database, as its answer names it.
pub fn timeline_of(answer: &Answer) -> Option<String> {
    answer
        .header(TIMELINE_HEADER)
        .filter(|name| (1..=MAX_TIMELINE_BYTES).contains(&name.len()))
        .map(str::to_owned)
}

fn lacks_of(answer: &Answer) -> Duration {
    let seconds = answer.header(RESEND_HEADER).and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(0))
}

impl Platform for Relay {
    fn description(&self) -> &Description {
        &DESCRIPTION
    }

    fn layout(&self, _notice: &Notice, context: &Context, _target: &Target) -> Value {
        default_body(event_kind(context), context)
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        if (200..=299).contains(&answer.status) { Ok(()) } else { Err("not 2xx") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, headers: &[(&str, &str)], body: &str) -> PostAnswer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let answer = Answer { status, headers, body: body.as_bytes().to_vec(), truncated: false };
        read_post_answer(&answer, 1_700_000_000_000)
    }

    #[test]
    fn each_answer_of_a_relay_has_its_meaning() {
        assert_eq!(read(204, &[], ""), PostAnswer::Taken);
        for status in [300, 302, 408, 421, 500, 502, 503, 504] {
            assert!(matches!(read(status, &[], ""), PostAnswer::Elsewhere(_)), "{status}");
        }
        for status in [400, 404, 405, 415] {
            let PostAnswer::Elsewhere(reason) = read(status, &[], "") else { panic!("{status}") };
            assert!(reason.contains("another version"), "{reason}");
        }
        for status in [401, 403] {
            let PostAnswer::Unauthorized(reason) = read(status, &[], "") else { panic!("{status}") };
            assert!(reason.contains("secret"), "{reason}");
        }
        assert!(matches!(read(413, &[], ""), PostAnswer::TooLarge(_)));
        let waits = |headers: &[(&str, &str)]| match read(429, headers, "") {
            PostAnswer::Wait(wait, _) => wait,
            other => panic!("{other:?}"),
        };
        assert_eq!((waits(&[("retry-after", "7")]), waits(&[])), (Duration::from_secs(7), WAIT));
    }

    #[test]
    fn a_relay_that_lacks_something_says_since_when() {
        let timeline = ("taskbell-timeline", "7714153830517371169/2");
        let again = |within| PostAnswer::SendAgain(timeline.1.to_owned(), Duration::from_secs(within));
        assert_eq!(read(409, &[timeline, ("taskbell-resend", "130")], ""), again(130));
        assert_eq!(read(409, &[timeline], ""), again(0));
        assert!(matches!(read(409, &[("taskbell-resend", "130")], ""), PostAnswer::Elsewhere(_)));
        let long = "1".repeat(MAX_TIMELINE_BYTES + 1);
        assert!(matches!(read(409, &[("taskbell-timeline", &long)], ""), PostAnswer::Elsewhere(_)));
    }

    #[test]
    fn events_that_a_relay_refuses_are_named_with_the_reason() {
        let id = crate::event::EventId::new(1_700_000_000_000, 7);
        let body = format!(r#"{{"refused":[{{"place":2,"id":"{id}","reason":"too large"}}]}}"#);
        let PostAnswer::Refused(refused) = read(422, &[], &body) else { panic!("nothing is refused") };
        assert_eq!((refused[0].id, refused[0].reason.as_str()), (Some(id), "too large"));
        for body in ["", "{}", "no", r#"{"refused":[]}"#] {
            assert!(matches!(read(422, &[], body), PostAnswer::Elsewhere(_)), "{body}");
        }
    }
}
