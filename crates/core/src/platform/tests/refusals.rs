//! What each platform finds wrong in a request, by the name of the response that says so.

use super::*;

fn refused(platform: &str, target: &str, body: &str) -> &'static str {
    let PlayedPlatform { platform, refuses, .. } = played(platform).unwrap();
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    let name = refuses(&ReceivedRequest::post(target, &headers, body.as_bytes())).unwrap_or("ok");
    assert!(
        platform.description().responses.iter().any(|response| response.name == name),
        "{platform:?} has no `{name}`"
    );
    name
}

#[test]
fn every_platform_names_its_responses_once() {
    for platform in all() {
        let mut names: Vec<_> =
            platform.description().responses.iter().map(|response| response.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{platform:?}");
        assert_eq!(platform.description().responses[0].expected, Expected::Delivered, "{platform:?}");
    }
}

#[test]
fn each_platform_finds_what_it_would_find() {
    for (platform, body, name) in [
        ("slack", "{", "invalid_payload"),
        ("slack", "{}", "no_text"),
        ("slack", r#"{"text":"t"}"#, "ok"),
        ("discord", "{}", "50006"),
        ("discord", r#"{"content":"t"}"#, "ok"),
        ("discord", r#"{"embeds":[{"title":"t","fields":[{"name":"n","value":" "}]}]}"#, "50035"),
        ("discord", r##"{"embeds":[{"title":"t","color":"#ff0000"}]}"##, "50035"),
        ("discord", "[]", "50109"),
        ("wecom", r#"{"msgtype":"file","file":{"media_id":"media-1"}}"#, "40007"),
        ("telegram", r#"{"text":"t"}"#, "404"),
        ("slack-workflow", r#"{"title":7}"#, "invalid_workflow"),
        ("teams", "not json", "bad-request"),
        ("teams", r#"{"type":"message","attachments":[]}"#, "bad-request"),
        (
            "teams",
            r#"{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{"type":"AdaptiveCard","version":"1.5","body":[{}]}}]}"#,
            "bad-request",
        ),
        ("dingtalk", r#"{"msgtype":"markdown","markdown":{"text":"t"}}"#, "40035"),
        ("dingtalk", r#"{"msgtype":"text","text":{"content":""}}"#, "40035"),
        ("ntfy", r#"{"topic":"a b","message":"t"}"#, "topic"),
        ("ntfy", r#"{"topic":"t","message":"t","priority":6}"#, "400"),
        (
            "pagerduty",
            r#"{"routing_key":"0123456789abcdef0123456789abcdef","event_action":"trigger","payload":{"summary":"s","source":"h","severity":"bad"}}"#,
            "400",
        ),
        ("gitlab", "token=t&ref=main&model=m", "400"),
        ("gitlab", "token=t&ref=main&variables%5Bm%5D=1", "ok"),
        ("googlechat", "{}", "INVALID_ARGUMENT"),
        ("mattermost", "{}", "no-text"),
        ("mattermost", r#"{"text":"t"}"#, "ok"),
    ] {
        let target =
            by_name(platform).unwrap().description().example.target.replace("/TOKEN", "/TOKEN?wait=true");
        assert_eq!(refused(platform, &target, body), name, "{platform} {body}");
    }
    for (platform, long, name) in [
        ("teams", format!(r#"{{"type":"message","text":"{}"}}"#, "x".repeat(20_000)), "413"),
        ("ntfy", format!(r#"{{"topic":"t","message":"{}"}}"#, "汉".repeat(1366)), "413"),
        ("mattermost", format!(r#"{{"text":"{}"}}"#, "x".repeat(16_384)), "413"),
    ] {
        let target = by_name(platform).unwrap().description().example.target;
        assert_eq!(refused(platform, target, &long), name, "{platform}");
    }
    for (platform, name) in [("slack", "no_service"), ("discord", "10015"), ("mattermost", "invalid")] {
        assert_eq!(refused(platform, "/", "{}"), name, "{platform}");
    }
    let target = by_name("discord").unwrap().description().example.target;
    let half = "x".repeat(3500);
    let total = format!(r#"{{"embeds":[{{"description":"{half}"}},{{"description":"{half}"}}]}}"#);
    assert_eq!(refused("discord", target, &total), "50035");
    assert_eq!(refused("discord", target, r#"{"content":"t"}"#), "204", "without wait=true");
}
