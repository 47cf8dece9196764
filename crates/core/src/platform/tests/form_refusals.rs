//! A refusal for the form of a message, in the words of each platform: it is never waited for, its words are in the
//! reason, and a plainer form is tried where there is one.

use super::*;
use crate::message::{Context, Template};
use serde_json::json;

/// What platforms, their gateways and their older versions have answered to a message whose form they refuse: by platform,
/// status, body, and words that the reason must have.
const REFUSALS: &[(&str, u16, &str, &str)] = &[
    ("slack", 400, "invalid_blocks", "invalid_blocks"),
    ("slack", 400, "invalid_attachments", "invalid_attachments"),
    ("slack", 400, "invalid_payload", "invalid_payload"),
    ("slack", 400, "no_text", "no_text"),
    ("slack", 400, "invalid_blocks: [ERROR] must be less than 3001 characters", "3001 characters"),
    (
        "slack",
        400,
        r#"{"ok":false,"error":"invalid_blocks","response_metadata":{"messages":["[ERROR] missing required field: alt_text"]}}"#,
        "alt_text",
    ),
    ("slack", 400, "Invalid JSON payload received", "Invalid JSON payload"),
    ("slack", 400, "", "400"),
    ("slack", 413, "<html><title>413 Request Entity Too Large</title></html>", "Request Entity Too Large"),
    ("slack", 200, r#"{"ok":false,"error":"invalid_blocks"}"#, "invalid_blocks"),
    ("discord", 400, r#"{"embeds":["0"]}"#, "embeds"),
    ("discord", 400, r#"{"content":["Must be 2000 or fewer in length."]}"#, "2000 or fewer"),
    ("discord", 400, r#"{"_misc":["Cannot send an empty message"]}"#, "empty message"),
    ("discord", 400, r#"{"username":["Username cannot contain \"discord\""]}"#, "cannot contain"),
    ("discord", 400, r#"{"message":"400: Bad Request","code":0}"#, "Bad Request"),
    (
        "discord",
        400,
        r#"{"message":"Invalid Form Body","code":50035,"errors":{"components":{"0":{"_errors":[{"code":"X","message":"bad component"}]}}}}"#,
        "components.0: bad component",
    ),
    ("discord", 400, r#"{"message":"Cannot send an empty message","code":50006}"#, "empty message"),
    ("discord", 413, "<html><title>413</title></html>", "413"),
    (
        "googlechat",
        400,
        r#"{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"blocks\": Cannot find field.","status":"INVALID_ARGUMENT"}}"#,
        "Unknown name",
    ),
    (
        "googlechat",
        400,
        r#"{"error":{"code":400,"message":"Image URL must be https","status":"INVALID_ARGUMENT"}}"#,
        "Image URL",
    ),
    (
        "googlechat",
        400,
        r#"{"error":{"code":400,"message":"Message is too long: at most 32000 bytes","status":"INVALID_ARGUMENT"}}"#,
        "too long",
    ),
    ("googlechat", 400, "<html><title>Error 400 (Bad Request)!!1</title></html>", "Error 400"),
    ("googlechat", 413, "", "413"),
    (
        "teams",
        400,
        r#"{"error":{"code":"InvalidRequestContent","message":"The request content is not valid"}}"#,
        "InvalidRequestContent",
    ),
    (
        "teams",
        400,
        r#"{"error":{"code":"TriggerInputSchemaMismatch","message":"Required properties are missing: attachments"}}"#,
        "attachments",
    ),
    ("teams", 400, "Summary or Text is required.", "Summary or Text is required"),
    (
        "teams",
        200,
        "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 400 with ContextId",
        "HTTP error 400",
    ),
    ("teams", 413, "", "413"),
    ("teams", 415, r#"{"error":{"code":"UnsupportedMediaType"}}"#, "UnsupportedMediaType"),
    (
        "mattermost",
        400,
        r#"{"id":"web.incoming_webhook.parse.app_error","message":"Unable to parse incoming data."}"#,
        "Unable to parse",
    ),
    (
        "mattermost",
        400,
        r#"{"id":"web.incoming_webhook.decode.app_error","message":"Failed to decode the payload of media type application/json"}"#,
        "media type",
    ),
    (
        "mattermost",
        400,
        r#"{"id":"api.post.create_post.text.length.app_error","message":"Nachricht zu lang"}"#,
        "zu lang",
    ),
    ("mattermost", 400, r#"{"id":"x","message":"Maximum attachments length is 7900 characters"}"#, "7900"),
    (
        "mattermost",
        400,
        r#"{"success":false,"error":"error-invalid-attachment"}"#,
        "error-invalid-attachment",
    ),
    ("mattermost", 400, "Unable to parse incoming data", "Unable to parse"),
    ("mattermost", 413, "<html><title>413 Request Entity Too Large</title></html>", "Too Large"),
    ("dingtalk", 200, r#"{"errcode":400403,"errmsg":"msgtype is null"}"#, "msgtype is null"),
    ("dingtalk", 200, r#"{"errcode":400105,"errmsg":"不支持的消息类型"}"#, "不支持的消息类型"),
    ("dingtalk", 200, r#"{"errcode":40035,"errmsg":"不合法的参数"}"#, "不合法的参数"),
    ("dingtalk", 200, r#"{"errcode":400002,"errmsg":"参数错误"}"#, "参数错误"),
    ("dingtalk", 200, r#"{"errcode":460400,"errmsg":"消息内容不能为空"}"#, "不能为空"),
    ("dingtalk", 200, r#"{"errcode":43004,"errmsg":"无效的HTTP HEADER Content-Type"}"#, "Content-Type"),
    ("dingtalk", 200, r#"{"errcode":460199,"errmsg":"invalid actionCard"}"#, "invalid actionCard"),
    ("dingtalk", 400, r#"{"errcode":400403,"errmsg":"text is null"}"#, "text is null"),
    ("dingtalk", 400, r#"{"code":"invalidParameter","message":"msgtype is empty"}"#, "msgtype is empty"),
    ("dingtalk", 413, "<html><title>413</title></html>", "413"),
    ("feishu", 400, r#"{"code":9499,"msg":"Bad Request"}"#, "Bad Request"),
    ("feishu", 200, r#"{"code":19002,"msg":"params error, unknown card value"}"#, "unknown card value"),
    ("feishu", 400, r#"{"code":230099,"msg":"Failed to create card content, ext=ErrCode: 11310"}"#, "11310"),
    ("feishu", 200, r#"{"StatusCode":19002,"StatusMessage":"params error"}"#, "params error"),
    ("feishu", 200, r#"{"code":10208,"msg":"invalid message content"}"#, "invalid message content"),
    ("feishu", 400, "", "400"),
    ("feishu", 413, "", "413"),
    (
        "wecom",
        200,
        r#"{"errcode":40008,"errmsg":"invalid message type, hint: [1], from ip: 192.0.2.1"}"#,
        "invalid message type",
    ),
    (
        "wecom",
        200,
        r#"{"errcode":40058,"errmsg":"markdown.content exceed max length 4096. invalid Request Parameter"}"#,
        "exceed max length",
    ),
    ("wecom", 200, r#"{"errcode":42014,"errmsg":"invalid template card"}"#, "invalid template card"),
    ("wecom", 200, r#"{"errcode":44004,"errmsg":"empty content"}"#, "empty content"),
    ("wecom", 413, "<html><title>413</title></html>", "413"),
    (
        "telegram",
        400,
        r#"{"ok":false,"error_code":400,"description":"Bad Request: unsupported parse_mode"}"#,
        "unsupported parse_mode",
    ),
    (
        "telegram",
        400,
        r#"{"ok":false,"error_code":400,"description":"Bad Request: BUTTON_URL_INVALID"}"#,
        "BUTTON_URL_INVALID",
    ),
    (
        "telegram",
        400,
        r#"{"ok":false,"error_code":400,"description":"Bad Request: can't parse inline keyboard button: Text buttons are unallowed"}"#,
        "inline keyboard",
    ),
    (
        "telegram",
        400,
        r#"{"ok":false,"error_code":400,"description":"Bad Request: object expected as reply markup"}"#,
        "object expected",
    ),
    (
        "telegram",
        400,
        r#"{"ok":false,"error_code":400,"description":"Bad Request: wrong type of the web page content"}"#,
        "web page",
    ),
    (
        "ntfy",
        400,
        r#"{"code":40018,"error":"invalid request: actions invalid; unknown type"}"#,
        "actions invalid",
    ),
    ("ntfy", 400, r#"{"code":40007,"error":"invalid request: invalid priority"}"#, "invalid priority"),
    ("ntfy", 400, "", "400"),
    (
        "pagerduty",
        400,
        r#"{"status":"invalid event","message":"Event object is invalid","errors":["'payload.severity' is invalid","'links[0].href' is not a URL"]}"#,
        "links[0].href",
    ),
    (
        "pagerduty",
        400,
        r#"{"error":{"message":"Invalid Input Provided","errors":["images is invalid"]}}"#,
        "Invalid Input",
    ),
    (
        "github",
        422,
        r#"{"message":"Invalid request.\n\nNo more than 10 properties are allowed; 12 were supplied."}"#,
        "10 properties",
    ),
    (
        "github",
        422,
        r#"{"message":"Validation Failed","errors":[{"resource":"Dispatch","field":"client_payload","code":"invalid"}]}"#,
        "client_payload: invalid",
    ),
    (
        "github",
        422,
        r#"{"message":"client_payload is too large. Maximum size is 65536 characters"}"#,
        "65536",
    ),
    ("github", 400, r#"{"message":"Problems parsing JSON"}"#, "Problems parsing JSON"),
    ("gitlab", 400, r#"{"message":{"base":["Reference not found"]}}"#, "Reference not found"),
    ("gitlab", 400, r#"{"error":"variables is invalid"}"#, "variables is invalid"),
    (
        "gitlab",
        400,
        r#"{"message":{"variables":["must be a map of string keys"]}}"#,
        "variables: must be a map",
    ),
    ("gitlab", 413, "", "413"),
    ("gitlab", 422, r#"{"message":"422 Unprocessable Entity"}"#, "Unprocessable"),
    ("slack-workflow", 400, r#"{"ok":false,"error":"invalid_workflow_input"}"#, "invalid_workflow_input"),
    (
        "slack-workflow",
        400,
        r#"{"ok":false,"error":"parameter_validation_failed"}"#,
        "parameter_validation_failed",
    ),
];

fn reason_of(outcome: &Outcome) -> Option<&str> {
    match outcome {
        Outcome::Final(reason) | Outcome::Degrade(_, reason) => Some(reason),
        _ => None,
    }
}

#[test]
fn a_refusal_for_form_is_never_waited_for_and_tells_its_words() {
    let mut wrong = Vec::new();
    for (platform, status, body, words) in REFUSALS {
        let answer = Answer { status: *status, body: (*body).into(), ..Answer::default() };
        let outcome = by_name(platform).unwrap().read(&answer, NOW_MS);
        let is_right = reason_of(&outcome).is_some_and(|reason| {
            let words = reason.matches(words).count();
            words > 0 && !reason.contains('\n') && reason.chars().count() < 420
        });
        if !is_right {
            wrong.push(format!("{platform} {status} {body}: {outcome:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_platform_for_people_has_a_plainer_form_of_cards_and_of_templates() {
    let templates = [
        json!({"text": "<b>frame_07</b> *done*", "blocks": {"a": 1}, "attachments": 7, "embeds": {}, "cardsV2": 5}),
        json!({"message": "frame_07", "title": "done", "priority": {"x": 1}, "actions": [{}], "reply_markup": 1}),
        json!({"content": "frame_07 done", "components": [{"type": 9}], "msgtype": "x", "msg_type": "x"}),
        json!({"attachments": [{"fields": [{"title": "frame_07", "value": "done"}]}], "sections": [{}]}),
    ];
    let context = Context::new(json!({"event": {"type": "task.complete"}, "task": {"name": "n"}}));
    for platform in all().iter().filter(|platform| platform.description().markup.is_some()) {
        if platform.name() == "slack-workflow" {
            continue;
        }
        let card = platform.layout(&notice("frame_07 done"), &context, &target(&[]));
        for body in templates.iter().chain([&card]) {
            let plain = platform.degrade(body, Degradation::NoMarkup);
            let text = plain.map(|plain| plain.to_string()).unwrap_or_default();
            let is_plain_already = faults_in(*platform, body).is_none() && body != &card;
            assert!(is_plain_already || text.contains("frame"), "{platform:?}: {body} as {text}");
        }
        let _ = Template::from_json("template", &templates[0]).unwrap();
    }
}

#[test]
fn what_a_plainer_form_says_is_taken_by_its_platform() {
    for platform in all().iter().filter(|platform| platform.description().markup.is_some()) {
        let card = platform.layout(&notice("frame_07 done"), &context("h"), &target(&[]));
        for how in [Degradation::NoImage, Degradation::NoMarkup, Degradation::Shorter] {
            let Some(plain) = platform.degrade(&card, how) else { continue };
            assert_eq!(faults_in(*platform, &plain), None, "{platform:?} {how:?}: {plain}");
        }
    }
}

#[test]
fn a_plainer_form_pings_nobody_by_a_value_that_was_shown_as_it_is() {
    let text =
        json!({"type": "rich_text_section", "elements": [{"type": "text", "text": "{{ task.name }}"}]});
    let label = json!({"type": "plain_text", "text": "open"});
    let slack = json!({"blocks": [{"type": "rich_text", "elements": [text]}, {"type": "actions", "elements": [
        {"type": "button", "text": label, "action_id": "a", "value": "{{ task.name }}"}]}]});
    let google = json!({"cardsV2": [{"card": {"header": {"title": "{{ task.name }}"}, "sections": []}}]});
    let telegram = json!({"text": "<b>it is</b> {{ task.name }}", "parse_mode": "HTML"});
    for (platform, template, value, live, shown) in [
        ("slack", &slack, "<!channel> <@U0123ABCD>", "<", "&lt;!channel&gt; &lt;@U0123ABCD&gt;"),
        ("googlechat", &google, "<users/all>", "<users", "＜users/all＞"),
        ("telegram", &telegram, "it's <b> &amp;", "<i>", "it is it's <b> &amp;"),
    ] {
        let body = rendered_for(platform, template, value);
        let plain = by_name(platform).unwrap().degrade(&body, Degradation::NoMarkup).unwrap();
        let text = plain["text"].as_str().unwrap();
        assert!(!text.contains(live) && text.contains(shown), "{platform}: {plain}");
    }
}
