//! Every known service is named, and receivers of any JSON are left alone.

use super::*;
use crate::platform::recognise;

#[test]
fn every_service_is_named_with_what_to_write_instead() {
    for (service, urls) in [
        (
            "Slack",
            "https://app.slack.com/client/T1/C1 https://acme.slack.com/archives/C0123 \
             https://hooks.slack.com/",
        ),
        (
            "Discord",
            "https://discord.com/channels/1/2 https://discord.gg/abc \
             https://canary.discord.com/channels/@me",
        ),
        (
            "Teams",
            "https://teams.microsoft.com/l/channel/19%3aabc/General?groupId=1 \
             https://acme.webhook.office.com/webhookb2/1 https://outlook.office.com/webhook/1 \
             https://prod-12.westeurope.logic.azure.com/",
        ),
        ("Telegram", "https://t.me/channel https://web.telegram.org/k/#-1 https://api.telegram.org/"),
        ("Feishu", "https://open.feishu.cn/ https://acme.feishu.cn/messenger/"),
        ("a Feishu or Lark flow", "https://www.feishu.cn/flow/api/trigger-webhook/ab"),
        ("DingTalk", "https://api.dingtalk.com/v1.0/robot/groupMessages/send"),
        ("WeCom", "https://qyapi.weixin.qq.com/cgi-bin/message/send?access_token=1"),
        ("Google Chat", "https://chat.google.com/room/AAA https://mail.google.com/chat/u/0/"),
        (
            "PagerDuty",
            "https://events.pagerduty.com/integration/0/enqueue \
             https://events.pagerduty.com/generic/2010-04-15/create_event.json \
             https://acme.pagerduty.com/service-directory/P1",
        ),
        ("GitHub", "https://api.github.com/repos/o/r/actions/workflows/b.yml https://github.com/o/r"),
        (
            "GitLab",
            "https://gitlab.com/api/v4/projects/42/ref/main/trigger/pipeline?token=T \
             https://gitlab.example.com/g/p",
        ),
        ("Home Assistant", "https://ha.example.com/api/services/persistent_notification/create"),
        ("Zulip", "https://chat.example.com/api/v1/external/github?api_key=K"),
        ("a page of Zapier, Make or IFTTT", "https://zapier.com/app/editor/1"),
        ("a service that takes forms", "https://api.twilio.com/2010-04-01/Accounts/A/Messages.json"),
        ("an API with fields of its own", "https://api.notion.com/v1/pages"),
        ("Gotify", "https://push.example.com/message?token=A https://gotify.example.com/app"),
        ("Pushover", "https://api.pushover.net/1/glances.json"),
        ("Rocket.Chat", "https://chat.example.com/hooks/64f0/abcdef https://rocketchat.example.com/"),
        ("ServerChan", "https://sc.ftqq.com/SCU1.send"),
        ("PushPlus", "https://www.pushplus.plus/batchSend"),
        ("Opsgenie", "https://api.opsgenie.com/v2/alerts https://api.eu.opsgenie.com/v2/alerts"),
        (
            "Mattermost",
            "https://mattermost.example.com/hooks/abc https://chat.example.com/team/channels/town-square",
        ),
        ("Matrix", "https://m.example.org/_matrix/client/v3/login"),
        ("IFTTT", "https://maker.ifttt.com/trigger/done/with/key/abc"),
        ("Apprise", "http://notify.lan:8000/notify/cfg?tag=all"),
        ("a mail program's safe link", "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fx"),
        ("Signal (signal-cli-rest-api)", "http://signal.lan:8080/v2/send"),
        ("Synology Chat", "https://nas.example.com/webapi/entry.cgi?api=SYNO.Chat.External"),
        ("ntfy", "https://ntfy.example.com/a/b"),
        ("GitHub", "https://ghe.example.com/api/v3/repos/o/r/issues"),
    ] {
        for url in urls.split_whitespace() {
            let url = Url::parse(url).unwrap();
            assert!(recognise(&url).is_none(), "{url}");
            assert_eq!(known_address(&url).map(|known| known.service), Some(service), "{url}");
        }
    }
}

#[test]
fn a_receiver_that_takes_any_json_is_left_alone() {
    for url in "\
        https://ci.example.com/hooks/training https://ci.example.com/hooks/build/main \
        https://ci.example.com/message https://hooks.zapier.com/hooks/catch/1/abc/ \
        https://maker.ifttt.com/trigger/done/json/with/key/abc \
        https://ha.example.com/api/webhook/render-done \
        https://ci.example.com/generic-webhook-trigger/invoke?token=abc \
        https://notslack.com/archives/C1 http://127.0.0.1:8787/"
        .split_whitespace()
    {
        let known = known_address(&Url::parse(url).unwrap());
        assert!(known.is_none(), "{url}: {known:?}");
    }
}

#[test]
fn the_clouds_of_governments_and_of_china_are_teams_and_own_servers_are_recognised() {
    for (platform, url) in [
        (
            "teams",
            "https://prod-00.usgovtexas.logic.azure.us:443/workflows/a/triggers/manual/paths/invoke?sig=a",
        ),
        (
            "teams",
            "https://a.00.environment.api.gov.powerplatform.microsoft.us/powerautomate/automations/direct/workflows/x/triggers/manual/paths/invoke?sig=s",
        ),
        (
            "teams",
            "https://a.00.environment.api.appsplatform.us/powerautomate/automations/direct/workflows/x?sig=s",
        ),
        ("teams", "https://prod-01.chinaeast2.logic.azure.cn/workflows/a/triggers/manual/paths/invoke?sig=s"),
        ("github", "https://ghe.example.com/api/v3/repos/o/r/dispatches"),
        ("github", "https://api.acme.ghe.com/repos/o/r/dispatches"),
        ("ntfy", "https://ntfy.example.com/renders"),
    ] {
        let found = recognise(&Url::parse(url).unwrap()).map(|platform| platform.name());
        assert_eq!(found, Some(platform), "{url}");
    }
}

#[test]
fn a_host_with_a_wrong_letter_is_found() {
    for (url, meant) in [
        ("https://hooks.slak.com/services/T/B/K", Some("hooks.slack.com")),
        ("https://prod-1.westeurope.logic.azuer.com/workflows/a", Some("logic.azure.com")),
        ("https://qyapi.wiexin.qq.com/cgi-bin/webhook/send?key=a", Some("qyapi.weixin.qq.com")),
        ("https://hooks.slack.com/services/T/B/K", None),
        ("https://ptb.discord.com/api/webhooks/1/a", None),
        ("https://ci.example.com/", None),
        ("http://127.0.0.1:8787/", None),
    ] {
        assert_eq!(near_host(&Url::parse(url).unwrap()), meant, "{url}");
    }
}
