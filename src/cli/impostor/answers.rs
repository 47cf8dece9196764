//! What each platform is known to answer, one row an answer, from the pages that its reader in `platform`
//! names too. The first of a platform is success.

use super::Cast;

/// One answer.
#[derive(Debug)]
pub struct Reply {
    /// The name on the command line: the platform's own code, or a word.
    pub name: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Headers beside those of every answer.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body.
    pub body: &'static str,
    /// When it is given.
    pub meaning: &'static str,
}

/// Success without a body.
pub static OK: Reply = reply("ok", 200, "", "taken");

const fn reply(name: &'static str, status: u16, body: &'static str, meaning: &'static str) -> Reply {
    Reply { name, status, headers: &[], body, meaning }
}

const fn wait(
    name: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    meaning: &'static str,
) -> Reply {
    Reply { name, status: 429, headers, body, meaning }
}

const ONE_SECOND: &[(&str, &str)] = &[("retry-after", "1")];

/// What stands before a platform, and is no answer of its own.
const PAGE: Reply = reply("page", 200, "<!doctype html><title>Sign in</title>", "a gateway's page with 200");
const EMPTY: Reply = reply("empty", 200, "", "200 without a word");
const GATEWAY: Reply = reply("502", 502, "<html>Bad gateway</html>", "something before the platform failed");
const TROUBLE: Reply = reply("500", 500, "", "the platform is in trouble");
const DOWN: Reply = reply("503", 503, "", "the platform is down");

pub(super) static CASTS: &[Cast] = &[
    Cast {
        platform: "json",
        replies: &[
            reply("ok", 200, "ok", "taken"),
            reply("202", 202, "", "accepted, status unknown"),
            reply("204", 204, "", "taken, without a body"),
            wait("429", ONE_SECOND, "", "too many requests, one second"),
            reply("302", 302, "", "a redirect, which is never followed"),
            reply("400", 400, "", "refused; still tried again"),
            reply("401", 401, "", "not genuine"),
            reply("410", 410, "", "wants nothing more"),
            TROUBLE,
            DOWN,
        ],
    },
    Cast {
        platform: "slack",
        replies: &[
            reply("ok", 200, "ok", "posted"),
            wait(
                "rate_limited",
                ONE_SECOND,
                r#"{"retry_after":1,"ok":false,"error":"rate_limited"}"#,
                "one second",
            ),
            reply("invalid_payload", 400, "invalid_payload", "no JSON, or of the wrong kind"),
            reply(
                "invalid_blocks",
                400,
                "invalid_blocks",
                "a block is wrong, or its picture cannot be fetched",
            ),
            reply("no_text", 400, "no_text", "nothing to post"),
            reply("user_not_found", 400, "user_not_found", "no such user"),
            reply("too_many_attachments", 400, "too_many_attachments", "more than 100"),
            reply("action_prohibited", 403, "action_prohibited", "forbidden by the workspace"),
            reply("invalid_token", 403, "invalid_token", "the token is revoked"),
            reply("posting_to_general", 403, "posting_to_general_channel_denied", "not into #general"),
            reply("channel_not_found", 404, "channel_not_found", "no such channel"),
            reply("no_service", 404, "no_service", "the webhook is deleted"),
            reply("no_team", 404, "no_team", "the workspace is gone"),
            reply("channel_is_archived", 410, "channel_is_archived", "the channel is archived"),
            reply("rollup_error", 500, "rollup_error", "Slack is in trouble"),
            PAGE,
            EMPTY,
        ],
    },
    Cast {
        platform: "slack-workflow",
        replies: &[
            reply("ok", 200, r#"{"ok":true}"#, "started"),
            reply(
                "invalid_workflow",
                200,
                r#"{"ok":false,"error":"invalid_workflow_input"}"#,
                "a variable is wrong",
            ),
            wait("rate_limited", ONE_SECOND, r#"{"ok":false,"error":"rate_limited"}"#, "one second"),
            reply("no_service", 404, "no_service", "the workflow is deleted"),
            PAGE,
            TROUBLE,
        ],
    },
    Cast {
        platform: "discord",
        replies: &[
            reply(
                "ok",
                200,
                r#"{"id":"1425000000000000001","type":0,"channel_id":"1"}"#,
                "stored (with wait=true)",
            ),
            reply("204", 204, "", "taken (without wait=true)"),
            wait(
                "429",
                &[("retry-after", "1"), ("x-ratelimit-scope", "user")],
                r#"{"message":"You are being rate limited.","retry_after":0.376,"global":false}"#,
                "the webhook's own limit; the header is rounded up",
            ),
            wait("1015", &[], "error code: 1015", "the edge refuses the address"),
            reply(
                "50006",
                400,
                r#"{"message":"Cannot send an empty message","code":50006}"#,
                "nothing to post",
            ),
            reply(
                "50035",
                400,
                r#"{"message":"Invalid Form Body","code":50035,"errors":{"embeds":{"0":{"_errors":[{"code":"MAX_EMBED_SIZE_EXCEEDED","message":"Embed size exceeds maximum size of 6000"}]}}}}"#,
                "a field is wrong or too long",
            ),
            reply(
                "220001",
                400,
                r#"{"message":"Webhooks posted to forum channels must have a thread_name or thread_id","code":220001}"#,
                "a forum needs a thread",
            ),
            reply("50027", 401, r#"{"message":"Invalid Webhook Token","code":50027}"#, "the token is wrong"),
            reply(
                "40333",
                403,
                r#"{"message":"internal network error","code":40333}"#,
                "the edge refuses the request",
            ),
            reply("10015", 404, r#"{"message":"Unknown Webhook","code":10015}"#, "the webhook is deleted"),
            reply(
                "40005",
                413,
                r#"{"message":"Request entity too large","code":40005}"#,
                "the file is too large",
            ),
            PAGE,
            EMPTY,
            GATEWAY,
        ],
    },
    Cast {
        platform: "wecom",
        replies: &[
            reply("ok", 200, r#"{"errcode":0,"errmsg":"ok"}"#, "posted"),
            reply(
                "media",
                200,
                r#"{"errcode":0,"errmsg":"ok","type":"file","media_id":"media-1","created_at":"1700000000"}"#,
                "a file was taken",
            ),
            reply("-1", 200, r#"{"errcode":-1,"errmsg":"system busy"}"#, "busy"),
            reply(
                "45009",
                200,
                r#"{"errcode":45009,"errmsg":"api freq out of limit, hint: [1700000000], from ip: 192.0.2.1"}"#,
                "more than 20 a minute",
            ),
            reply(
                "45033",
                200,
                r#"{"errcode":45033,"errmsg":"out of concurrency limit"}"#,
                "too many at once",
            ),
            reply(
                "93000",
                200,
                r#"{"errcode":93000,"errmsg":"invalid webhook url, hint: [1700000000]"}"#,
                "the key is wrong or deleted",
            ),
            reply(
                "40058",
                200,
                r#"{"errcode":40058,"errmsg":"markdown.content exceed max length 4096. invalid Request Parameter"}"#,
                "markdown of more than 4096 bytes",
            ),
            reply(
                "45002",
                200,
                r#"{"errcode":45002,"errmsg":"content size out of limit"}"#,
                "text of more than 2048 bytes",
            ),
            reply(
                "40006",
                200,
                r#"{"errcode":40006,"errmsg":"invalid file size"}"#,
                "the picture is too large",
            ),
            reply(
                "45001",
                200,
                r#"{"errcode":45001,"errmsg":"media size out of limit"}"#,
                "the file is too large",
            ),
            reply("40007", 200, r#"{"errcode":40007,"errmsg":"invalid media_id"}"#, "the file is not known"),
            reply("40008", 200, r#"{"errcode":40008,"errmsg":"invalid message type"}"#, "no such msgtype"),
            reply(
                "40033",
                200,
                r#"{"errcode":40033,"errmsg":"invalid charset. not allowed to contain \\uxxxx"}"#,
                "escaped characters",
            ),
            reply("44004", 200, r#"{"errcode":44004,"errmsg":"empty content"}"#, "nothing to post"),
            reply(
                "45034",
                200,
                r#"{"errcode":45034,"errmsg":"invalid url, http:// or https:// is needed"}"#,
                "a link is none",
            ),
            reply("47001", 200, r#"{"errcode":47001,"errmsg":"data format error"}"#, "no JSON"),
            PAGE,
            EMPTY,
            GATEWAY,
        ],
    },
    Cast {
        platform: "teams",
        replies: &[
            reply("ok", 202, "", "queued; what fails later shows in the run history alone"),
            wait("429", ONE_SECOND, "", "more than four a second"),
            reply(
                "bad-request",
                400,
                r#"{"error":{"code":"InvalidRequestContent","message":"The request content is not valid and could not be deserialized"}}"#,
                "no JSON",
            ),
            reply(
                "disabled",
                400,
                r#"{"error":{"code":"WorkflowDisabled","message":"The workflow is disabled"}}"#,
                "the workflow is switched off",
            ),
            reply(
                "401",
                401,
                r#"{"error":{"code":"DirectApiAuthorizationRequired","message":"The request must be authenticated"}}"#,
                "the signature in the URL is wrong",
            ),
            reply(
                "404",
                404,
                r#"{"error":{"code":"WorkflowNotFound","message":"The workflow could not be found"}}"#,
                "the workflow is deleted",
            ),
            reply("413", 413, "", "too large"),
            reply(
                "old-413",
                200,
                "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413",
                "an old connector: too large",
            ),
            reply(
                "old-429",
                200,
                "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429",
                "an old connector: too many",
            ),
            PAGE,
            GATEWAY,
            reply("504", 504, "", "the flow took too long to start"),
        ],
    },
    Cast {
        platform: "googlechat",
        replies: &[
            reply(
                "ok",
                200,
                r#"{"name":"spaces/AAAA/messages/BBBB.BBBB","sender":{"type":"BOT"},"createTime":"2026-03-01T18:24:05Z"}"#,
                "posted",
            ),
            wait(
                "RESOURCE_EXHAUSTED",
                &[],
                r#"{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}"#,
                "more than 60 a minute in the space",
            ),
            reply(
                "INVALID_ARGUMENT",
                400,
                r#"{"error":{"code":400,"message":"Message cannot be empty.","status":"INVALID_ARGUMENT"}}"#,
                "empty, too long, or a card that is none",
            ),
            reply(
                "UNAUTHENTICATED",
                401,
                r#"{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}"#,
                "key or token are wrong",
            ),
            reply(
                "PERMISSION_DENIED",
                403,
                r#"{"error":{"code":403,"message":"The caller does not have permission","status":"PERMISSION_DENIED"}}"#,
                "webhooks are forbidden",
            ),
            reply(
                "NOT_FOUND",
                404,
                r#"{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND"}}"#,
                "the space or the webhook is deleted",
            ),
            reply(
                "INTERNAL",
                500,
                r#"{"error":{"code":500,"message":"Internal error encountered.","status":"INTERNAL"}}"#,
                "Google is in trouble",
            ),
            reply(
                "UNAVAILABLE",
                503,
                r#"{"error":{"code":503,"message":"The service is currently unavailable.","status":"UNAVAILABLE"}}"#,
                "the service is down",
            ),
            PAGE,
            EMPTY,
        ],
    },
    Cast {
        platform: "mattermost",
        replies: &[
            reply("ok", 200, "ok", "posted"),
            wait(
                "429",
                &[("x-ratelimit-limit", "10"), ("x-ratelimit-reset", "1")],
                "limit exceeded",
                "more than the server allows",
            ),
            reply(
                "no-text",
                400,
                r#"{"id":"web.incoming_webhook.text.app_error","message":"No text specified.","status_code":400}"#,
                "nothing to post",
            ),
            reply(
                "parse",
                400,
                r#"{"id":"web.incoming_webhook.parse.app_error","message":"Unable to parse incoming data.","status_code":400}"#,
                "no JSON",
            ),
            reply(
                "permissions",
                403,
                r#"{"id":"web.incoming_webhook.permissions.app_error","message":"Inappropriate channel permissions.","status_code":403}"#,
                "not into this channel",
            ),
            reply(
                "invalid",
                404,
                r#"{"id":"web.incoming_webhook.invalid.app_error","message":"Invalid webhook.","status_code":404}"#,
                "the key is wrong or deleted",
            ),
            reply(
                "disabled",
                501,
                r#"{"id":"web.incoming_webhook.disabled.app_error","message":"Incoming webhooks have been disabled by the system admin.","status_code":501}"#,
                "webhooks are switched off",
            ),
            reply("413", 413, "", "too large"),
            PAGE,
            EMPTY,
            TROUBLE,
        ],
    },
];
