//! The responses of this platform, and what each means for a delivery.

use super::super::Degradation::{NoMarkup, Shorter};
use super::super::canned_response::Expected::{Degrade, Delivered, Final, Gone, RetryAfter};
use super::super::canned_response::{CannedResponse, EMPTY, PAGE, TROUBLE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 200, "ok", "posted", Delivered),
    response("429", 429, "limit exceeded", "more than the server allows", RetryAfter(1000)).with(&[("x-ratelimit-limit", "10"), ("x-ratelimit-reset", "1")]),
    response("no-text", 400, r#"{"id":"web.incoming_webhook.text.app_error","message":"No text specified.","status_code":400}"#, "nothing to post", Degrade(NoMarkup)).says(&["text.app_error"]),
    response("parse", 400, r#"{"id":"web.incoming_webhook.parse.app_error","message":"Unable to parse incoming data.","status_code":400}"#, "no JSON, or of the wrong kind", Degrade(NoMarkup)).says(&["parse"]),
    response("permissions", 403, r#"{"id":"web.incoming_webhook.permissions.app_error","message":"Inappropriate channel permissions.","status_code":403}"#, "it may not post into this channel", Final).says(&["app_error"]),
    response("invalid", 404, r#"{"id":"web.incoming_webhook.invalid.app_error","message":"Invalid webhook.","status_code":404}"#, "this webhook no longer exists", Gone).says(&["webhook.invalid"]),
    response("invalid-400", 400, r#"{"id":"web.incoming_webhook.invalid.app_error","message":"Invalid webhook.","status_code":400}"#, "this webhook no longer exists, says an older server", Gone).says(&["webhook.invalid"]),
    response("channel", 404, r#"{"id":"web.incoming_webhook.channel.app_error","message":"Couldn't find the channel.","status_code":404}"#, "there is no such channel, team or user", Final).says(&["app_error"]),
    response("channel-400", 400, r#"{"id":"web.incoming_webhook.channel.app_error","message":"Couldn't find the channel.","status_code":400}"#, "there is no such channel, team or user, says an older server", Final).says(&["webhook.channel", "webhook.user", "webhook.permissions", "channel.get", "user.get", "team.get"]),
    response("401", 401, r#"{"id":"api.context.session_expired.app_error","message":"Invalid or expired session, please login again.","status_code":401}"#, "the server takes nothing without a session", Final).says(&["app_error"]),
    response("disabled", 501, r#"{"id":"web.incoming_webhook.disabled.app_error","message":"Incoming webhooks have been disabled by the system admin.","status_code":501}"#, "webhooks are switched off", Final).says(&["app_error"]),
    response("length", 400, r#"{"id":"web.incoming_webhook.attachment.app_error","message":"Maximum attachments length is 7900 characters, received size is 8036","status_code":400}"#, "longer than this server takes", Degrade(Shorter)).says(&["attachment.app_error", "text.length", "message_length", "is_valid.msg", "is_valid.props"]),
    response("413", 413, "", "too large", Degrade(Shorter)),
    PAGE,
    EMPTY,
    TROUBLE,
];
