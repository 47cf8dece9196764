//! The responses of this platform, and what each means for a delivery.

use super::super::Degradation::{NoMarkup, Shorter};
use super::super::canned_response::Expected::{Degrade, Delivered, Final, RetryAfter};
use super::super::canned_response::{CannedResponse, GATEWAY, TROUBLE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 204, "", "taken; a workflow may listen", Delivered),
    response("401", 401, r#"{"message":"Bad credentials","status":"401"}"#, "the token is wrong", Final),
    response("403", 403, r#"{"message":"Resource not accessible by personal access token","status":"403"}"#, "the token may not", Final),
    response("secondary", 403, r#"{"message":"You have exceeded a secondary rate limit"}"#, "the second limit, one second", RetryAfter(1000)).with(&[("retry-after", "1")]),
    response("primary", 403, r#"{"message":"API rate limit exceeded"}"#, "the hourly limit", RetryAfter(31622400000)).with(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "4102444800")]),
    response("404", 404, r#"{"message":"Not Found","status":"404"}"#, "no such repository, or no access", Final),
    response("422", 422, r#"{"message":"Invalid request.","status":"422"}"#, "the form is wrong", Degrade(NoMarkup)),
    response("422-size", 422, r#"{"message":"client_payload is too large. Maximum size is 65536 characters","status":"422"}"#, "the payload is too large", Degrade(Shorter)),
    TROUBLE,
    GATEWAY,
];
