//! The responses of this platform, and what each means for a delivery.

use super::super::Degradation::{NoImage, NoMarkup, Shorter};
use super::super::canned_response::Expected::{Degrade, Delivered, Final, Retry, RetryAfter};
use super::super::canned_response::{CannedResponse, ONE_SECOND, PAGE, TROUBLE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 200, r#"{"id":"hwQ2YpKdmg","time":1700000000,"expires":1700043200,"event":"message","topic":"t"}"#, "published", Delivered),
    response("429", 429, r#"{"code":42901,"http":429,"error":"limit reached: too many requests"}"#, "more than this server takes", RetryAfter(1000)).with(ONE_SECOND),
    response("topic", 400, r#"{"code":40009,"http":400,"error":"invalid request: topic invalid"}"#, "it takes no topic of this name", Final).says(&["topic"]),
    response("attachment", 400, r#"{"code":40013,"http":400,"error":"invalid request: attachment URL is invalid"}"#, "an attachment or an icon is wrong", Degrade(NoImage)).says(&["attach", "icon"]),
    response("400", 400, r#"{"code":40024,"http":400,"error":"invalid request: request body must be valid JSON"}"#, "it refuses the form of the message", Degrade(NoMarkup)),
    response("401", 401, r#"{"code":40101,"http":401,"error":"unauthorized"}"#, "the topic is closed to this `token`", Final),
    response("403", 403, r#"{"code":40301,"http":403,"error":"forbidden"}"#, "the topic is closed to this `token`", Final),
    response("404", 404, "", "no ntfy listens at this URL", Final),
    response("413", 413, r#"{"code":41301,"http":413,"error":"attachment too large, or bandwidth limit reached"}"#, "larger than this server takes", Degrade(Shorter)),
    response("507", 507, r#"{"code":50701,"http":507,"error":"cannot publish to UnifiedPush topic without previously active subscriber"}"#, "no storage", Retry),
    TROUBLE,
    PAGE,
];
