//! What phones, operations, pipelines and receivers of one's own answer.

use super::super::Cast;
use super::{DOWN, EMPTY, GATEWAY, ONE_SECOND, PAGE, TROUBLE, reply, wait, with_headers};

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
        platform: "cloudevents",
        replies: &[
            reply("ok", 200, "", "taken"),
            reply("202", 202, "", "accepted, status unknown"),
            reply("204", 204, "", "taken, without a body"),
            wait("429", ONE_SECOND, "", "too many, one second"),
            reply("400", 400, "", "not a CloudEvent"),
            reply("410", 410, "", "wants nothing more"),
            reply("415", 415, "", "the other form is wanted"),
            TROUBLE,
            DOWN,
        ],
    },
    Cast {
        platform: "telegram",
        replies: &[
            reply(
                "ok",
                200,
                r#"{"ok":true,"result":{"message_id":1,"date":1700000000,"chat":{"id":-1001234567890,"type":"supergroup"}}}"#,
                "sent",
            ),
            wait(
                "429",
                &[],
                r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 1","parameters":{"retry_after":1}}"#,
                "too many, one second",
            ),
            reply(
                "too-long",
                400,
                r#"{"ok":false,"error_code":400,"description":"Bad Request: message is too long"}"#,
                "more than 4096 characters",
            ),
            reply(
                "entities",
                400,
                r#"{"ok":false,"error_code":400,"description":"Bad Request: can't parse entities: Unsupported start tag \"x\" at byte offset 0"}"#,
                "markup that is none",
            ),
            reply(
                "empty-text",
                400,
                r#"{"ok":false,"error_code":400,"description":"Bad Request: message text is empty"}"#,
                "nothing to send",
            ),
            reply(
                "chat",
                400,
                r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#,
                "no such chat",
            ),
            reply(
                "401",
                401,
                r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#,
                "the token is wrong",
            ),
            reply(
                "403",
                403,
                r#"{"ok":false,"error_code":403,"description":"Forbidden: bot was kicked from the supergroup chat"}"#,
                "the bot was removed",
            ),
            reply(
                "404",
                404,
                r#"{"ok":false,"error_code":404,"description":"Not Found"}"#,
                "the token is no token",
            ),
            PAGE,
            EMPTY,
            GATEWAY,
        ],
    },
    Cast {
        platform: "ntfy",
        replies: &[
            reply(
                "ok",
                200,
                r#"{"id":"hwQ2YpKdmg","time":1700000000,"expires":1700043200,"event":"message","topic":"t"}"#,
                "published",
            ),
            wait(
                "429",
                ONE_SECOND,
                r#"{"code":42901,"http":429,"error":"limit reached: too many requests"}"#,
                "too many",
            ),
            reply(
                "400",
                400,
                r#"{"code":40024,"http":400,"error":"invalid request: request body must be valid JSON"}"#,
                "no JSON",
            ),
            reply(
                "topic",
                400,
                r#"{"code":40009,"http":400,"error":"invalid request: topic invalid"}"#,
                "no topic",
            ),
            reply("401", 401, r#"{"code":40101,"http":401,"error":"unauthorized"}"#, "the token is wrong"),
            reply(
                "403",
                403,
                r#"{"code":40301,"http":403,"error":"forbidden"}"#,
                "the topic is closed to it",
            ),
            reply(
                "413",
                413,
                r#"{"code":41301,"http":413,"error":"attachment too large, or bandwidth limit reached"}"#,
                "too large",
            ),
            reply(
                "507",
                507,
                r#"{"code":50701,"http":507,"error":"cannot publish to UnifiedPush topic without previously active subscriber"}"#,
                "no storage",
            ),
            TROUBLE,
            PAGE,
        ],
    },
    Cast {
        platform: "pagerduty",
        replies: &[
            reply(
                "ok",
                202,
                r#"{"status":"success","message":"Event processed","dedup_key":"evt"}"#,
                "taken",
            ),
            wait(
                "429",
                &[],
                r#"{"status":"throttle exceeded","message":"Requests for this integration key are arriving too quickly.","errors":[]}"#,
                "too many; some minutes",
            ),
            reply(
                "400",
                400,
                r#"{"status":"invalid event","message":"Event object is invalid","errors":["Length of 'routing_key' is incorrect (should be 32 characters)"]}"#,
                "the form or the key is wrong",
            ),
            reply("413", 413, "", "more than 512 KB"),
            TROUBLE,
            DOWN,
            PAGE,
        ],
    },
    Cast {
        platform: "github",
        replies: &[
            reply("ok", 204, "", "taken; a workflow may listen"),
            reply("401", 401, r#"{"message":"Bad credentials","status":"401"}"#, "the token is wrong"),
            reply(
                "403",
                403,
                r#"{"message":"Resource not accessible by personal access token","status":"403"}"#,
                "the token may not",
            ),
            with_headers(
                "secondary",
                403,
                &[("retry-after", "1")],
                r#"{"message":"You have exceeded a secondary rate limit"}"#,
                "the second limit, one second",
            ),
            with_headers(
                "primary",
                403,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "4102444800")],
                r#"{"message":"API rate limit exceeded"}"#,
                "the hourly limit",
            ),
            reply(
                "404",
                404,
                r#"{"message":"Not Found","status":"404"}"#,
                "no such repository, or no access",
            ),
            reply("422", 422, r#"{"message":"Invalid request.","status":"422"}"#, "the form is wrong"),
            TROUBLE,
            GATEWAY,
        ],
    },
    Cast {
        platform: "gitlab",
        replies: &[
            reply(
                "ok",
                201,
                r#"{"id":8,"web_url":"https://gitlab.example.com/example/models/-/pipelines/8","status":"created"}"#,
                "the pipeline was created",
            ),
            wait("429", ONE_SECOND, "Retry later", "too many"),
            reply(
                "400",
                400,
                r#"{"message":{"base":["Reference not found"]}}"#,
                "no such branch, or no jobs",
            ),
            reply("403", 403, r#"{"message":"403 Forbidden"}"#, "not allowed"),
            reply("404", 404, r#"{"message":"404 Not Found"}"#, "token, project or branch are wrong"),
            TROUBLE,
            GATEWAY,
            PAGE,
        ],
    },
];
