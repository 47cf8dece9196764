//! The responses of this platform, and what each means for a delivery.

use super::super::Degradation::NoMarkup;
use super::super::canned_response::Expected::{Degrade, Delivered, Final, RetryAfter};
use super::super::canned_response::{CannedResponse, GATEWAY, ONE_SECOND, PAGE, TROUBLE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 201, r#"{"id":8,"web_url":"https://gitlab.example.com/example/models/-/pipelines/8","status":"created"}"#, "the pipeline was created", Delivered),
    response("429", 429, "Retry later", "too many", RetryAfter(1000)).with(ONE_SECOND),
    response("400", 400, r#"{"message":{"base":["Reference not found"]}}"#, "no such branch, or no jobs", Degrade(NoMarkup)),
    response("403", 403, r#"{"message":"403 Forbidden"}"#, "not allowed", Final),
    response("404", 404, r#"{"message":"404 Not Found"}"#, "token, project or branch are wrong", Final),
    TROUBLE,
    GATEWAY,
    PAGE,
];
