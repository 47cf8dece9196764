//! Every known answer, and every card under hostile text.

mod answers;
mod bots;
mod cards;
mod doubts;
mod judges;
mod machines;
mod markup;
mod paces;
mod refusals;
mod requests;
mod responses;
mod takes;
mod trims;
mod voices;
mod workplaces;

use super::*;

#[test]
fn every_platform_is_found_by_its_name_and_its_url() {
    for name in names() {
        assert_eq!(by_name(name).map(Platform::name), Some(name));
    }
    assert!(by_name("carrier-pigeon").is_none());
    assert_eq!(by_name("lark").map(Platform::name), Some("feishu"));
    for (url, name) in [
        ("https://hooks.slack.com/services/T0/B0/key", Some("slack")),
        ("https://hooks.slack-gov.com/services/T0/B0/key", Some("slack")),
        ("https://hooks.slack.com/triggers/T0/1/key", Some("slack-workflow")),
        ("https://hooks.slack.com/workflows/T0/A0/1/key", Some("slack-workflow")),
        ("https://discord.com/api/webhooks/1/token", Some("discord")),
        ("https://ptb.discord.com/api/v10/webhooks/1/token?thread_id=2", Some("discord")),
        ("https://discord.com/api/webhooks/1/token/slack", None),
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k", Some("wecom")),
        ("https://qyapi.weixin.qq.com/cgi-bin/message/send", None),
        (
            "https://prod-07.westeurope.logic.azure.com:443/workflows/a1/triggers/manual/paths/invoke?sig=k",
            Some("teams"),
        ),
        (
            "https://a1.b2.environment.api.powerplatform.com/powerautomate/automations/direct/workflows/c3/triggers/manual/paths/invoke?sig=k",
            Some("teams"),
        ),
        ("https://example.webhook.office.com/webhookb2/1", None),
        ("https://chat.googleapis.com/v1/spaces/AAA/messages?key=k&token=t", Some("googlechat")),
        ("https://chat.googleapis.com/v1/spaces/AAA/members", None),
        ("https://mattermost.example.com/hooks/abcdefghijklmnopqrstuvwxyz", Some("mattermost")),
        ("https://example.com/team/hooks/abcdefghijklmnopqrstuvwxyz", None),
        ("https://oapi.dingtalk.com/robot/send?access_token=t", Some("dingtalk")),
        ("https://oapi.dingtalk.com/topapi/message", None),
        ("https://open.feishu.cn/open-apis/bot/v2/hook/key", Some("feishu")),
        ("https://open.larksuite.com/open-apis/bot/v2/hook/key", Some("feishu")),
        ("https://api.telegram.org/bot1:a/sendMessage", Some("telegram")),
        ("https://ntfy.sh/topic", Some("ntfy")),
        ("https://events.eu.pagerduty.com/v2/enqueue", Some("pagerduty")),
        ("https://events.pagerduty.com/v2/change/enqueue", Some("pagerduty")),
        ("https://api.github.com/repos/o/r/dispatches", Some("github")),
        ("https://api.github.com/repos/o/r/issues", None),
        ("https://gitlab.example.com/sub/api/v4/projects/12/trigger/pipeline", Some("gitlab")),
        ("https://gitlab.example.com/api/v4/projects/g%2Fp/trigger/pipeline", Some("gitlab")),
        ("https://gitlab.example.com/api/v4/projects/12/issues", None),
        ("https://evil.example/hooks.slack.com/services/T0/B0/key", None),
        ("https://ci.example.com/hooks/training", None),
    ] {
        assert_eq!(recognise(&Url::parse(url).unwrap()).map(Platform::name), name, "{url}");
    }
    let webhook_headers: Vec<_> =
        names().into_iter().filter(|name| by_name(name).unwrap().webhook_headers()).collect();
    assert_eq!(webhook_headers, ["json"]);
}

#[test]
fn discord_is_asked_to_wait_and_nothing_else_of_the_url_changes() {
    let target = |url: &str| by_name("discord").unwrap().dial_url(&Url::parse(url).unwrap()).to_string();
    let base = "https://discord.com/api/webhooks/1/token";
    assert_eq!(target(base), format!("{base}?wait=true"));
    assert_eq!(target(&format!("{base}?thread_id=2")), format!("{base}?thread_id=2&wait=true"));
    assert_eq!(target(&format!("{base}?wait=false&thread_id=2")), format!("{base}?thread_id=2&wait=true"));
    assert_eq!(
        target(&format!("{base}?thread_name=a%20b+c&wait")),
        format!("{base}?thread_name=a%20b+c&wait=true")
    );
    let slack = Url::parse("https://hooks.slack.com/services/T0/B0/key").unwrap();
    assert_eq!(by_name("slack").unwrap().dial_url(&slack), slack);
}
