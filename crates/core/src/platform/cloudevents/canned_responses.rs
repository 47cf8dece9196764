//! The responses of this platform, and what each means for a delivery.

use super::super::canned_response::Expected::{Delivered, Final, Gone, Retry, RetryAfter};
use super::super::canned_response::{CannedResponse, DOWN, ONE_SECOND, TROUBLE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 200, "", "taken", Delivered),
    response("202", 202, "", "accepted, status unknown", Delivered),
    response("204", 204, "", "taken, without a body", Delivered),
    response("429", 429, "", "too many requests", RetryAfter(1000)).with(ONE_SECOND),
    response("400", 400, "", "not a CloudEvent", Retry),
    response("410", 410, "", "the receiver wants nothing more at this URL", Gone),
    response("415", 415, "", "it does not take this `mode` of CloudEvents", Final),
    TROUBLE,
    DOWN,
];
