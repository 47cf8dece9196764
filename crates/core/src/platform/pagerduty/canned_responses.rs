//! The responses of this platform, and what each means for a delivery.

use super::super::Degradation::{NoMarkup, Shorter};
use super::super::canned_response::Expected::{Degrade, Delivered, Final, RetryAfter};
use super::super::canned_response::{CannedResponse, DOWN, PAGE, TROUBLE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 202, r#"{"status":"success","message":"Event processed","dedup_key":"evt"}"#, "taken", Delivered),
    response("429", 429, r#"{"status":"throttle exceeded","message":"Requests for this integration key are arriving too quickly.","errors":[]}"#, "more than this key takes", RetryAfter(120000)),
    response("400-key", 400, r#"{"status":"invalid event","message":"Event object is invalid","errors":["Length of 'routing_key' is incorrect (should be 32 characters)"]}"#, "check `routing_key`", Final).says(&["routing_key", "routing key"]),
    response("400", 400, r#"{"status":"invalid event","message":"Event object is invalid","errors":["'payload.summary' is missing or blank"]}"#, "the form is wrong", Degrade(NoMarkup)),
    response("413", 413, "", "more than 512 KB", Degrade(Shorter)),
    TROUBLE,
    DOWN,
    PAGE,
];
