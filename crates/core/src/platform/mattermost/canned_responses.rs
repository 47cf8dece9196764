//! The responses of this platform, and what each means for a delivery.

use super::super::Degradation::{NoMarkup, Shorter};
use super::super::canned_response::Expected::{Degrade, Delivered, Final, Gone, RetryAfter};
use super::super::canned_response::{CannedResponse, EMPTY, PAGE, TROUBLE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 200, "ok", "posted", Delivered),
    response("429", 429, "limit exceeded", "more than the server allows", RetryAfter(1000)).with(&[("x-ratelimit-limit", "10"), ("x-ratelimit-reset", "1")]),
    response("no-text", 400, r#"{"id":"web.incoming_webhook.text.app_error","message":"No text specified.","status_code":400}"#, "nothing to post", Degrade(NoMarkup)),
    response("parse", 400, r#"{"id":"web.incoming_webhook.parse.app_error","message":"Unable to parse incoming data.","status_code":400}"#, "no JSON, or of the wrong kind", Degrade(NoMarkup)),
    response("permissions", 403, r#"{"id":"web.incoming_webhook.permissions.app_error","message":"Inappropriate channel permissions.","status_code":403}"#, "not into this channel", Final),
    response("invalid", 404, r#"{"id":"web.incoming_webhook.invalid.app_error","message":"Invalid webhook.","status_code":404}"#, "the key is wrong or deleted", Gone),
    response("disabled", 501, r#"{"id":"web.incoming_webhook.disabled.app_error","message":"Incoming webhooks have been disabled by the system admin.","status_code":501}"#, "webhooks are switched off", Final),
    response("length", 400, r#"{"id":"web.incoming_webhook.attachment.app_error","message":"Maximum attachments length is 7900 characters, received size is 8036","status_code":400}"#, "an older server's shorter limit", Degrade(Shorter)),
    response("413", 413, "", "too large", Degrade(Shorter)),
    PAGE,
    EMPTY,
    TROUBLE,
];
