//! What a node is answered. Only 204 means that the relay has the events; everything else comes again, or is a dead letter
//! on the node.

use crate::postgres::LedTimeline;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use std::time::Duration;
use taskbell_core::farm::{
    MAX_POST_BYTES, MAX_POST_EVENTS, PostFault, RESEND_HEADER, RefusedEvent, TIMELINE_HEADER, write_refusals,
};

/// How long a node waits when as much waits here as may, in seconds.
const FULL_FOR_S: u32 = 1;

/// An answer with a sentence for who reads logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeAnswer {
    /// Every event is durable.
    Durable,
    /// The node knows another history of the database: before anything else it posts again what this one may lack.
    SendAgain(Duration),
    /// Another relay leads.
    StandsBy,
    /// The relay ends, or its spool takes nothing.
    NotNow(&'static str),
    /// As much waits as may.
    Full,
    /// The post is not signed with a secret of the farm, or too old.
    NotSigned(String),
    /// It is larger than a post may be.
    TooLarge,
    /// Its body is compressed.
    Encoded,
    /// It did not come in time.
    TooSlow,
    /// These events can never be taken.
    Refused(Vec<RefusedEvent>),
    /// It is no post.
    Malformed(String),
    /// Nothing is at this path.
    NotFound,
    /// Only POST is answered.
    NotAllowed,
}

impl NodeAnswer {
    pub fn status(&self) -> StatusCode {
        match self {
            NodeAnswer::Durable => StatusCode::NO_CONTENT,
            NodeAnswer::SendAgain(_) => StatusCode::CONFLICT,
            NodeAnswer::StandsBy => StatusCode::MISDIRECTED_REQUEST,
            NodeAnswer::NotNow(_) => StatusCode::SERVICE_UNAVAILABLE,
            NodeAnswer::Full => StatusCode::TOO_MANY_REQUESTS,
            NodeAnswer::NotSigned(_) => StatusCode::UNAUTHORIZED,
            NodeAnswer::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            NodeAnswer::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            NodeAnswer::TooSlow => StatusCode::REQUEST_TIMEOUT,
            NodeAnswer::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            NodeAnswer::Malformed(_) => StatusCode::BAD_REQUEST,
            NodeAnswer::NotFound => StatusCode::NOT_FOUND,
            NodeAnswer::NotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    /// The answer in words; nothing where the status says all.
    pub fn text(&self) -> String {
        match self {
            NodeAnswer::Durable => String::new(),
            NodeAnswer::SendAgain(lacks) => format!(
                "the database was replaced or restored: the node posts again what it posted within {} s",
                lacks.as_secs()
            ),
            NodeAnswer::StandsBy => "another relay leads".to_owned(),
            NodeAnswer::NotNow(reason) => (*reason).to_owned(),
            NodeAnswer::Full => "as much waits here as `farm.max_waiting` allows".to_owned(),
            NodeAnswer::NotSigned(reason) | NodeAnswer::Malformed(reason) => reason.clone(),
            NodeAnswer::TooLarge => {
                format!(
                    "a post has at most {MAX_POST_EVENTS} events and {MAX_POST_BYTES} bytes, or one event"
                )
            }
            NodeAnswer::Encoded => {
                "a relay takes posts without `content-encoding`: send the lines as they are".to_owned()
            }
            NodeAnswer::TooSlow => "the post took too long".to_owned(),
            NodeAnswer::Refused(refused) => PostFault::Events(refused.clone()).to_string(),
            NodeAnswer::NotFound => "a relay has nothing at this path".to_owned(),
            NodeAnswer::NotAllowed => "a relay takes POST only".to_owned(),
        }
    }

    /// The response. With the history of the database, which nodes keep.
    pub fn into_response(self, timeline: Option<&LedTimeline>) -> Response<Full<Bytes>> {
        let (kind, body) = match &self {
            NodeAnswer::Refused(refused) => ("application/json", write_refusals(refused)),
            other => ("text/plain; charset=utf-8", other.text().into_bytes()),
        };
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        if self != NodeAnswer::Durable {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        if let Some(name) = timeline.and_then(|timeline| HeaderValue::from_str(&timeline.name).ok())
            && matches!(self, NodeAnswer::Durable | NodeAnswer::SendAgain(_))
        {
            headers.insert(TIMELINE_HEADER, name);
        }
        if let NodeAnswer::SendAgain(lacks) = self {
            headers.insert(RESEND_HEADER, HeaderValue::from(lacks.as_secs()));
        }
        if self == NodeAnswer::Full {
            headers.insert(RETRY_AFTER, HeaderValue::from(FULL_FOR_S));
        }
        response
    }
}

impl From<PostFault> for NodeAnswer {
    fn from(fault: PostFault) -> NodeAnswer {
        match fault {
            PostFault::TooLarge => NodeAnswer::TooLarge,
            PostFault::Events(refused) => NodeAnswer::Refused(refused),
            PostFault::Head(_) => NodeAnswer::Malformed(fault.to_string()),
        }
    }
}
