//! The responses of this platform, and what each means for a delivery.

use super::super::canned_response::Expected::{Delivered, Gone, Retry, RetryAfter};
use super::super::canned_response::{CannedResponse, DOWN, ONE_SECOND, TROUBLE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 200, "ok", "taken", Delivered),
    response("202", 202, "", "accepted, status unknown", Delivered),
    response("204", 204, "", "taken, without a body", Delivered),
    response("429", 429, "", "too many requests", RetryAfter(1000)).with(ONE_SECOND),
    response("302", 302, "", "a redirect, which is never followed", Retry),
    response("400", 400, "", "refused; still tried again", Retry),
    response("401", 401, "", "not genuine", Retry),
    response("410", 410, "", "the receiver wants nothing more at this URL", Gone),
    TROUBLE,
    DOWN,
];
