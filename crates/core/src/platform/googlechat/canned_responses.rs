//! The responses of this platform, and what each means for a delivery.

use super::super::Degradation::NoMarkup;
use super::super::canned_response::Expected::{Degrade, Delivered, Gone, Retry, RetryAfter};
use super::super::canned_response::{CannedResponse, EMPTY, PAGE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 200, r#"{"name":"spaces/AAAA/messages/BBBB.BBBB","sender":{"type":"BOT"},"createTime":"2026-03-01T18:24:05Z"}"#, "posted", Delivered),
    response("RESOURCE_EXHAUSTED", 429, r#"{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}"#, "more than 60 a minute in the space", RetryAfter(60000)),
    response("API_KEY_INVALID", 400, r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}"#, "the key in the URL is wrong", Gone).says(&["api key not valid", "api_key_invalid"]),
    response("INVALID_ARGUMENT", 400, r#"{"error":{"code":400,"message":"Message cannot be empty.","status":"INVALID_ARGUMENT"}}"#, "it refuses the form of the message", Degrade(NoMarkup)),
    response("UNAUTHENTICATED", 401, r#"{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}"#, "the key or the token in the URL is wrong", Gone),
    response("PERMISSION_DENIED", 403, r#"{"error":{"code":403,"message":"The caller does not have permission","status":"PERMISSION_DENIED"}}"#, "webhooks are forbidden, or closed to this key", Gone),
    response("NOT_FOUND", 404, r#"{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND"}}"#, "the space or the webhook is deleted", Gone),
    response("INTERNAL", 500, r#"{"error":{"code":500,"message":"Internal error encountered.","status":"INTERNAL"}}"#, "Google is in trouble", Retry),
    response("UNAVAILABLE", 503, r#"{"error":{"code":503,"message":"The service is currently unavailable.","status":"UNAVAILABLE"}}"#, "the service is down", Retry),
    PAGE,
    EMPTY,
];
