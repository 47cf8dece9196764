//! The responses of this platform, and what each means for a delivery.

use super::super::Degradation::NoMarkup;
use super::super::canned_response::Expected::{Degrade, Delivered, Final, RetryAfter};
use super::super::canned_response::{CannedResponse, GATEWAY, ONE_SECOND, PAGE, TROUBLE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 201, r#"{"id":8,"web_url":"https://gitlab.example.com/example/models/-/pipelines/8","status":"created"}"#, "the pipeline was created", Delivered),
    response("429", 429, "Retry later", "too many requests", RetryAfter(1000)).with(ONE_SECOND),
    response("400", 400, r#"{"message":{"base":["Reference not found"]}}"#, "no pipeline can be made of it: there is no such branch, or none with jobs, or the variables are refused", Degrade(NoMarkup)),
    response("401", 401, "", "the `token` is not valid", Final),
    response("403", 403, r#"{"message":"403 Forbidden"}"#, "not allowed", Final),
    response("404", 404, r#"{"message":"404 Not Found"}"#, "the project, the `ref` or the `token` is not known there", Final),
    TROUBLE,
    GATEWAY,
    PAGE,
];
