//! The responses of this platform, and what each means for a delivery.

use super::super::Degradation::{NoImage, NoMarkup, Shorter};
use super::super::canned_response::Expected::{Degrade, Delivered, Final, Gone, Retry, RetryAfter};
use super::super::canned_response::{CannedResponse, EMPTY, GATEWAY, PAGE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 200, r#"{"id":"1425000000000000001","type":0,"channel_id":"1"}"#, "stored (with wait=true)", Delivered),
    response("204", 204, "", "taken (without wait=true)", Delivered),
    response("429", 429, r#"{"message":"You are being rate limited.","retry_after":0.376,"global":false}"#, "more than this webhook takes", RetryAfter(1000)).with(&[("retry-after", "1"), ("x-ratelimit-scope", "user")]),
    response("1015", 429, "error code: 1015", "the edge refuses the address", Retry),
    response("50006", 400, r#"{"message":"Cannot send an empty message","code":50006}"#, "nothing to post", Degrade(NoMarkup)),
    response("50035", 400, r#"{"message":"Invalid Form Body","code":50035,"errors":{"embeds":{"0":{"_errors":[{"code":"MAX_EMBED_SIZE_EXCEEDED","message":"Embed size exceeds maximum size of 6000"}]}}}}"#, "a field is wrong or too long", Degrade(Shorter)).says(&["max_embed_size_exceeded", "base_type_max_length"]),
    response("50109", 400, r#"{"message":"The request body contains invalid JSON.","code":50109}"#, "no JSON", Degrade(NoMarkup)),
    response("220001", 400, r#"{"message":"Webhooks posted to forum channels must have a thread_name or thread_id","code":220001}"#, "a forum needs a thread", Final),
    response("220003", 400, r#"{"message":"Webhooks can only create threads in forum channels","code":220003}"#, "a thread is named, and the channel is not a forum", Final),
    response("50013", 403, r#"{"message":"Missing Permissions","code":50013}"#, "it may not write in the channel", Final),
    response("50027", 401, r#"{"message":"Invalid Webhook Token","code":50027}"#, "the token is wrong", Gone),
    response("40333", 403, r#"{"message":"internal network error","code":40333}"#, "the edge refuses the request", Retry),
    response("10008", 404, r#"{"message":"Unknown Message","code":10008}"#, "the message to edit is deleted", Final),
    response("10015", 404, r#"{"message":"Unknown Webhook","code":10015}"#, "the webhook is deleted", Gone),
    response("404", 404, "", "no webhook has this URL", Final),
    response("40005", 413, r#"{"message":"Request entity too large","code":40005}"#, "the file is too large", Degrade(NoImage)),
    response("413", 413, "<html>Request Entity Too Large</html>", "too large for the edge", Degrade(NoImage)),
    PAGE,
    EMPTY,
    GATEWAY,
];
