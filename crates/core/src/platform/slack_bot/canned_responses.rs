//! The responses of this platform, and what each means for a delivery: docs.slack.dev/reference/methods/chat.postMessage.

use super::super::Degradation::{NoImage, NoMarkup, Shorter};
use super::super::canned_response::Expected::{Degrade, Delivered, Final, Gone, Retry, RetryAfter};
use super::super::canned_response::{CannedResponse, EMPTY, GATEWAY, ONE_SECOND, PAGE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 200, r#"{"ok":true,"channel":"C0123ABCD","ts":"1700000000.000100","message":{"text":"t"}}"#, "posted", Delivered),
    response("ratelimited", 429, r#"{"ok":false,"error":"ratelimited"}"#, "more than one a second in a channel", RetryAfter(1000)).with(ONE_SECOND),
    response("rate_limited", 200, r#"{"ok":false,"error":"rate_limited"}"#, "more than one a second in a channel", Retry),
    response("invalid_auth", 200, r#"{"ok":false,"error":"invalid_auth"}"#, "Slack does not know the token", Gone),
    response("not_authed", 200, r#"{"ok":false,"error":"not_authed"}"#, "the token did not arrive", Final),
    response("account_inactive", 200, r#"{"ok":false,"error":"account_inactive"}"#, "the bot, or its workspace, is deleted", Gone),
    response("token_revoked", 200, r#"{"ok":false,"error":"token_revoked"}"#, "the token is revoked", Gone),
    response("token_expired", 200, r#"{"ok":false,"error":"token_expired"}"#, "the token has expired", Gone),
    response("missing_scope", 200, r#"{"ok":false,"error":"missing_scope","needed":"chat:write"}"#, "the bot lacks the scope `chat:write`", Final),
    response("not_in_channel", 200, r#"{"ok":false,"error":"not_in_channel"}"#, "the bot is not in the channel: invite it", Final),
    response("channel_not_found", 200, r#"{"ok":false,"error":"channel_not_found"}"#, "there is no such channel, or it is private and the bot is not in it", Final),
    response("is_archived", 200, r#"{"ok":false,"error":"is_archived"}"#, "the channel is archived", Final),
    response("message_not_found", 200, r#"{"ok":false,"error":"message_not_found"}"#, "the message to edit is gone", Final),
    response("restricted_action", 200, r#"{"ok":false,"error":"restricted_action"}"#, "the workspace forbids it", Final),
    response("unknown_method", 200, r#"{"ok":false,"error":"unknown_method"}"#, "Slack's API is not at this URL", Final),
    response("invalid_json", 200, r#"{"ok":false,"error":"invalid_json"}"#, "no JSON", Degrade(NoMarkup)),
    response("invalid_arguments", 200, r#"{"ok":false,"error":"invalid_arguments"}"#, "a member is of the wrong kind", Degrade(NoMarkup)),
    response("invalid_blocks", 200, r#"{"ok":false,"error":"invalid_blocks"}"#, "a block is wrong, or its picture cannot be fetched", Degrade(NoImage)),
    response("invalid_blocks_format", 200, r#"{"ok":false,"error":"invalid_blocks_format"}"#, "the blocks are not a list", Degrade(NoImage)),
    response("invalid_attachments", 200, r#"{"ok":false,"error":"invalid_attachments"}"#, "an attachment is wrong", Degrade(NoImage)),
    response("no_text", 200, r#"{"ok":false,"error":"no_text"}"#, "nothing to post", Degrade(NoMarkup)),
    response("msg_too_long", 200, r#"{"ok":false,"error":"msg_too_long"}"#, "too long", Degrade(Shorter)),
    response("msg_blocks_too_long", 200, r#"{"ok":false,"error":"msg_blocks_too_long"}"#, "some 13 000 characters in all", Degrade(Shorter)),
    response("too_many_attachments", 200, r#"{"ok":false,"error":"too_many_attachments"}"#, "more than 100 attachments", Degrade(Shorter)),
    response("internal_error", 200, r#"{"ok":false,"error":"internal_error"}"#, "Slack is in trouble", Retry),
    response("fatal_error", 500, r#"{"ok":false,"error":"fatal_error"}"#, "Slack is in trouble", Retry),
    response("service_unavailable", 503, r#"{"ok":false,"error":"service_unavailable"}"#, "Slack is in trouble", Retry),
    PAGE,
    EMPTY,
    GATEWAY,
];
