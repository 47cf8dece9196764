//! The responses of this platform, and what each means for a delivery.

use super::super::Degradation::{NoMarkup, Shorter};
use super::super::canned_response::Expected::{Degrade, Delivered, Final, Gone, Retry, RetryAfter};
use super::super::canned_response::{CannedResponse, EMPTY, GATEWAY, PAGE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 200, r#"{"errcode":0,"errmsg":"ok"}"#, "posted", Delivered),
    response("media", 200, r#"{"errcode":0,"errmsg":"ok","type":"file","media_id":"media-1","created_at":"1700000000"}"#, "a file was taken", Delivered),
    response("-1", 200, r#"{"errcode":-1,"errmsg":"system busy"}"#, "WeCom is busy", Retry),
    response("45009", 200, r#"{"errcode":45009,"errmsg":"api freq out of limit, hint: [1700000000], from ip: 192.0.2.1"}"#, "more than 20 messages a minute", RetryAfter(60000)),
    response("45033", 200, r#"{"errcode":45033,"errmsg":"out of concurrency limit"}"#, "too many at once", Retry),
    response("93000", 200, r#"{"errcode":93000,"errmsg":"invalid webhook url, hint: [1700000000]"}"#, "the key is wrong or deleted", Gone),
    response("40058", 200, r#"{"errcode":40058,"errmsg":"markdown.content exceed max length 4096. invalid Request Parameter"}"#, "a field is too long or not valid", Degrade(Shorter)),
    response("45002", 200, r#"{"errcode":45002,"errmsg":"content size out of limit"}"#, "the content is too long", Degrade(Shorter)),
    response("40004", 200, r#"{"errcode":40004,"errmsg":"invalid media type"}"#, "a file is handed over as neither `file` nor `voice`", Final),
    response("40005", 200, r#"{"errcode":40005,"errmsg":"invalid file type"}"#, "neither PNG nor JPEG", Final),
    response("40006", 200, r#"{"errcode":40006,"errmsg":"invalid file size"}"#, "the picture is too large, or the file has 5 bytes or less", Final),
    response("44001", 200, r#"{"errcode":44001,"errmsg":"empty media data"}"#, "no file, or no base64", Final),
    response("301019", 200, r#"{"errcode":301019,"errmsg":"file md5 not match"}"#, "the md5 is not that of the picture", Final),
    response("45001", 200, r#"{"errcode":45001,"errmsg":"media size out of limit"}"#, "the file is too large", Final),
    response("40007", 200, r#"{"errcode":40007,"errmsg":"invalid media_id"}"#, "the media_id is not valid", Final),
    response("40008", 200, r#"{"errcode":40008,"errmsg":"invalid message type"}"#, "there is no such msgtype", Degrade(NoMarkup)),
    response("40033", 200, r#"{"errcode":40033,"errmsg":"invalid charset. not allowed to contain \\uxxxx"}"#, "the body holds escaped characters", Degrade(NoMarkup)),
    response("44004", 200, r#"{"errcode":44004,"errmsg":"empty content"}"#, "the content is empty", Degrade(NoMarkup)),
    response("45034", 200, r#"{"errcode":45034,"errmsg":"invalid url, http:// or https:// is needed"}"#, "a URL lacks http or https", Degrade(NoMarkup)),
    response("47001", 200, r#"{"errcode":47001,"errmsg":"data format error"}"#, "the body is not JSON that WeCom reads", Degrade(NoMarkup)),
    PAGE,
    EMPTY,
    GATEWAY,
];
