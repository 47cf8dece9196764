//! The responses of this platform, and what each means for a delivery.

use super::super::Degradation::{NoImage, NoMarkup, Shorter};
use super::super::canned_response::Expected::{Degrade, Delivered, Final, Gone, Moved, RetryAfter};
use super::super::canned_response::{CannedResponse, EMPTY, GATEWAY, PAGE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 200, r#"{"ok":true,"result":{"message_id":1,"date":1700000000,"chat":{"id":-1001234567890,"type":"supergroup"}}}"#, "sent", Delivered),
    response("429", 429, r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 1","parameters":{"retry_after":1}}"#, "too many, one second", RetryAfter(1000)),
    response("too-long", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: message is too long"}"#, "more than 4096 characters", Degrade(Shorter)),
    response("entities", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: can't parse entities: Unsupported start tag \"x\" at byte offset 0"}"#, "markup that is none", Degrade(NoMarkup)),
    response("empty-text", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: message text is empty"}"#, "nothing to send", Degrade(NoMarkup)),
    response("caption", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: message caption is too long"}"#, "a caption of more than 1024 characters", Degrade(Shorter)),
    response("parse-mode", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: unsupported parse_mode"}"#, "no such parse mode", Degrade(NoMarkup)),
    response("object", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: object expected as reply markup"}"#, "a field of the wrong kind", Degrade(NoMarkup)),
    response("no-photo", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: there is no photo in the request"}"#, "no field `photo`", Degrade(NoImage)),
    response("no-document", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: there is no document in the request"}"#, "no field `document`", Degrade(NoImage)),
    response("empty-file", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: file must be non-empty"}"#, "a file without a byte", Degrade(NoImage)),
    response("no-image", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: IMAGE_PROCESS_FAILED"}"#, "a photo that is none", Degrade(NoImage)),
    response("dimensions", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: PHOTO_INVALID_DIMENSIONS"}"#, "a photo too large or too narrow", Degrade(NoImage)),
    response("413", 413, r#"{"ok":false,"error_code":413,"description":"Request Entity Too Large"}"#, "a photo of more than 10 MB", Degrade(NoImage)),
    response("chat-empty", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: chat_id is empty"}"#, "for no chat", Final),
    response("moved", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1009876543210}}"#, "the group has a new number", Moved(-1009876543210)),
    response("chat", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#, "no such chat", Final),
    response("401", 401, r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#, "the token is wrong", Gone),
    response("403", 403, r#"{"ok":false,"error_code":403,"description":"Forbidden: bot was kicked from the supergroup chat"}"#, "the bot was removed", Gone),
    response("404", 404, r#"{"ok":false,"error_code":404,"description":"Not Found"}"#, "the token is not a token", Gone),
    response("method", 404, r#"{"ok":false,"error_code":404,"description":"Not Found: method not found"}"#, "no such method", Gone),
    PAGE,
    EMPTY,
    GATEWAY,
];
