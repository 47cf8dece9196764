//! The responses of this platform, and what each means for a delivery.

use super::super::Degradation::{NoImage, NoMarkup, Shorter};
use super::super::canned_response::Expected::{Degrade, Delivered, Final, Gone, Moved, RetryAfter};
use super::super::canned_response::{CannedResponse, EMPTY, GATEWAY, PAGE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 200, r#"{"ok":true,"result":{"message_id":4711,"date":1700000000,"chat":{"id":-1001234567890,"type":"supergroup"}}}"#, "sent", Delivered),
    response("429", 429, r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 1","parameters":{"retry_after":1}}"#, "more than this chat takes", RetryAfter(1000)),
    response("moved", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1009876543210}}"#, "the group has a new number", Moved(-1009876543210)).says(&["migrate_to_chat_id"]),
    response("same", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message"}"#, "an edit that changes nothing", Final).says(&["message is not modified"]),
    response("no-message", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: message to edit not found"}"#, "the message to edit is deleted", Final).says(&["message to edit not found", "message can't be edited"]),
    response("no-media", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: not enough rights to send photos to the chat"}"#, "the bot may send no files to this chat", Degrade(NoImage)).says(&["to send photos", "to send documents", "to send media", "send_photos", "send_docs", "send_media"]),
    response("chat-empty", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: chat_id is empty"}"#, "for no chat", Final).says(&["chat_id is empty"]),
    response("chat", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#, "there is no such chat, or the bot may not write there", Final).says(&["chat", "thread", "topic", "rights", "peer_id", "deactivated"]),
    response("entities", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: can't parse entities: Unsupported start tag \"x\" at byte offset 0"}"#, "markup that is none", Degrade(NoMarkup)).says(&["can't parse", "can't find end"]),
    response("no-photo", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: there is no photo in the request"}"#, "it refuses the photo", Degrade(NoImage)).says(&["photo", "image", "media"]),
    response("no-document", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: there is no document in the request"}"#, "it refuses the document", Degrade(NoImage)).says(&["document"]),
    response("dimensions", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: PHOTO_INVALID_DIMENSIONS"}"#, "a photo too large or too narrow", Degrade(NoImage)).says(&["dimensions"]),
    response("no-image", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: IMAGE_PROCESS_FAILED"}"#, "a photo that is none", Degrade(NoImage)).says(&["image_process", "webpage", "web page", "http url content"]),
    response("empty-file", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: file must be non-empty"}"#, "a file without a byte", Degrade(NoImage)).says(&["file"]),
    response("413", 413, "Request Entity Too Large", "a file of more than the Bot API takes", Degrade(NoImage)),
    response("413-page", 413, "<html><title>413 Request Entity Too Large</title></html>", "a file of more than the server takes", Degrade(NoImage)),
    response("caption", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: message caption is too long"}"#, "a caption of more than 1024 characters", Degrade(Shorter)).says(&["caption is too long"]),
    response("too-long", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: message is too long"}"#, "more than 4096 characters", Degrade(Shorter)).says(&["is too long", "too_long"]),
    response("empty-text", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: message text is empty"}"#, "nothing to send", Degrade(NoMarkup)).says(&["empty"]),
    response("parse-mode", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: unsupported parse_mode"}"#, "no such parse mode", Degrade(NoMarkup)).says(&["parse_mode"]),
    response("object", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: object expected as reply markup"}"#, "it refuses the form of the message", Degrade(NoMarkup)),
    response("401", 401, r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#, "the bot's token is not valid", Gone),
    response("403", 403, r#"{"ok":false,"error_code":403,"description":"Forbidden: bot was kicked from the supergroup chat"}"#, "the bot may not write to this chat", Gone),
    response("method", 404, r#"{"ok":false,"error_code":404,"description":"Not Found: method not found"}"#, "no such method", Gone).says(&["method not found"]),
    response("404", 404, r#"{"ok":false,"error_code":404,"description":"Not Found"}"#, "the bot's token is not valid", Gone),
    PAGE,
    EMPTY,
    GATEWAY,
];
