//! The responses of this platform, and what each means for a delivery.

use super::super::Degradation::{NoImage, NoMarkup, Shorter};
use super::super::canned_response::Expected::{Degrade, Delivered, Final, Gone, Retry, RetryAfter};
use super::super::canned_response::{CannedResponse, EMPTY, ONE_SECOND, PAGE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 200, "ok", "posted", Delivered),
    response("rate_limited", 429, r#"{"retry_after":1,"ok":false,"error":"rate_limited"}"#, "more than one a second", RetryAfter(1000)).with(ONE_SECOND),
    response("invalid_payload", 400, "invalid_payload", "no JSON, or of the wrong kind", Degrade(NoMarkup)),
    response("invalid_blocks", 400, "invalid_blocks", "a block is wrong, or its picture cannot be fetched", Degrade(NoImage)),
    response("invalid_blocks_format", 400, "invalid_blocks_format", "the blocks are not a list", Degrade(NoImage)),
    response("invalid_attachments", 400, "invalid_attachments", "an attachment is wrong", Degrade(NoImage)),
    response("msg_blocks_too_long", 400, "msg_blocks_too_long", "some 13 000 characters in all", Degrade(Shorter)),
    response("msg_too_long", 400, "msg_too_long", "too long", Degrade(Shorter)),
    response("too_many_blocks", 400, "too_many_blocks", "more than 50 blocks", Degrade(Shorter)),
    response("no_text", 400, "no_text", "nothing to post", Degrade(NoMarkup)),
    response("user_not_found", 400, "user_not_found", "there is no such user", Final),
    response("too_many_attachments", 400, "too_many_attachments", "more than 100 attachments", Degrade(Shorter)),
    response("action_prohibited", 403, "action_prohibited", "the workspace forbids it", Final),
    response("invalid_token", 403, "invalid_token", "the token is revoked", Gone),
    response("posting_to_general", 403, "posting_to_general_channel_denied", "the workspace forbids it in #general", Final),
    response("channel_not_found", 404, "channel_not_found", "there is no such channel", Final),
    response("token_revoked", 403, "token_revoked", "the token is revoked", Gone),
    response("team_disabled", 403, "team_disabled", "the workspace is switched off", Gone),
    response("no_service", 404, "no_service", "the webhook is deleted", Gone),
    response("no_team", 404, "no_team", "the workspace is gone", Gone),
    response("channel_is_archived", 410, "channel_is_archived", "the channel is archived", Gone),
    response("rollup_error", 500, "rollup_error", "Slack is in trouble", Retry),
    PAGE,
    EMPTY,
];
