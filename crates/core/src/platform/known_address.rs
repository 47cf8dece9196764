//! Addresses of known services that are not a webhook of one of the platforms: a channel's page in a browser, a
//! service that takes messages in a form of its own, an address that is retired. Each says what to write instead.

use super::path_parts;
use url::Url;

/// A kind of address, and what to write instead.
#[derive(Debug)]
pub struct KnownAddress {
    /// The service, as people call it.
    pub service: &'static str,
    /// Names of hosts; one that starts with a dot is the end of a name.
    hosts: &'static [&'static str],
    /// How the path starts, in whole parts.
    path: &'static [&'static str],
    /// What to write instead.
    pub advice: &'static str,
    /// Whether a body of JSON arrives there, in fields of the service's own.
    pub takes_json: bool,
}

/// No message can arrive there.
const fn never(
    service: &'static str,
    hosts: &'static [&'static str],
    path: &'static [&'static str],
    advice: &'static str,
) -> KnownAddress {
    KnownAddress { service, hosts, path, advice, takes_json: false }
}

/// JSON arrives there in the service's own fields, which a template writes.
const fn own_fields(
    service: &'static str,
    hosts: &'static [&'static str],
    path: &'static [&'static str],
    advice: &'static str,
) -> KnownAddress {
    KnownAddress { service, hosts, path, advice, takes_json: true }
}

const SLACK_PAGE: &str = "this is a page for people; create an incoming webhook for the channel, whose URL starts with \
                          `https://hooks.slack.com/services/`";
const SLACK_HOOK: &str = "this is not a whole webhook; its URL starts with `https://hooks.slack.com/services/` (or \
                          `/triggers/` for a workflow) and goes on with three parts";
const DISCORD_PAGE: &str = "this is a page for people; create a webhook in the channel's settings under Integrations, \
                            whose URL starts with `https://discord.com/api/webhooks/`";
const TEAMS_PAGE: &str = "this is a page for people; create a workflow \"when a Teams webhook request is received\" in \
                          the channel and use its URL";
const TEAMS_HOOK: &str =
    "this is not a whole URL of a workflow, which has `/workflows/` in its path and ends with `sig=`";
const TEAMS_RETIRED: &str = "Office 365 connectors are retired: create a workflow \"when a Teams webhook request is \
                             received\" and use its URL";
const TELEGRAM_PAGE: &str = "this is a page for people; write `platform = \"telegram\"` with the `token` of a bot and the \
                             `chat_id` of the chat, without `url`";
const FEISHU_PAGE: &str = "this is not the URL of a custom bot, which starts with \
                           `https://open.feishu.cn/open-apis/bot/v2/hook/` (Lark: `open.larksuite.com`)";
const DINGTALK_HOOK: &str = "this is not the URL of a custom robot, which starts with \
                             `https://oapi.dingtalk.com/robot/send?access_token=`";
const WECOM_HOOK: &str = "this is not the URL of a group bot, which starts with \
                          `https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=`";
const GOOGLE_CHAT: &str = "this is not the URL of a webhook, which starts with \
                           `https://chat.googleapis.com/v1/spaces/`; create one under Apps & integrations of the space";
const PAGERDUTY_OLD: &str = "this is an integration address of an older API; write `platform = \"pagerduty\"` with the \
                             `routing_key` of an Events API v2 integration, without `url`";
const PAGERDUTY_PAGE: &str = "this is not the Events API; write `platform = \"pagerduty\"` with the `routing_key` of an \
                              Events API v2 integration, without `url`";
const REWRITTEN: &str = "a mail program rewrote this link; copy the URL from where it was created";

/// The first that fits has the URL, so the narrower comes first.
static ADDRESSES: &[KnownAddress] = &[
    never("Slack's Web API", &["slack.com", "www.slack.com"], &["api"], SLACK_PAGE),
    never("Slack", &["hooks.slack.com", "hooks.slack-gov.com"], &[], SLACK_HOOK),
    never("Slack", &["slack.com", ".slack.com", ".slack-gov.com"], &[], SLACK_PAGE),
    never(
        "Discord",
        &["discord.com", ".discord.com", "discordapp.com", ".discordapp.com"],
        &[],
        DISCORD_PAGE,
    ),
    never("Discord", &["discord.gg"], &[], DISCORD_PAGE),
    never(
        "Teams",
        &[".webhook.office.com", "outlook.office.com", "outlook.office365.com"],
        &[],
        TEAMS_RETIRED,
    ),
    never(
        "Teams",
        &[
            "teams.microsoft.com",
            "teams.live.com",
            "teams.cloud.microsoft",
            "gov.teams.microsoft.us",
            "dod.teams.microsoft.us",
            "teams.microsoftonline.cn",
            "teams.microsoft.us",
        ],
        &[],
        TEAMS_PAGE,
    ),
    never(
        "Teams",
        &[
            ".logic.azure.com",
            ".logic.azure.us",
            ".logic.azure.cn",
            ".api.powerplatform.com",
            ".powerplatform.microsoft.us",
            ".api.appsplatform.us",
            ".powerplatform.partner.microsoftonline.cn",
            "make.powerautomate.com",
            ".flow.microsoft.com",
            "flow.microsoft.com",
        ],
        &[],
        TEAMS_HOOK,
    ),
    never(
        "Telegram",
        &["t.me", "telegram.me", "telegram.dog", "telegram.org", ".telegram.org"],
        &[],
        TELEGRAM_PAGE,
    ),
    own_fields(
        "a Feishu or Lark flow",
        &["www.feishu.cn", "www.larksuite.com", ".feishu.cn", ".larksuite.com"],
        &["flow", "api"],
        "it takes the fields that its trigger declares; write `platform = \"json\"` and a `template` with them",
    ),
    never(
        "Feishu",
        &["feishu.cn", ".feishu.cn", "larksuite.com", ".larksuite.com", ".larkoffice.com"],
        &[],
        FEISHU_PAGE,
    ),
    never("DingTalk", &["dingtalk.com", ".dingtalk.com"], &[], DINGTALK_HOOK),
    never(
        "WeCom",
        &["qyapi.weixin.qq.com", "work.weixin.qq.com", "weixin.qq.com", "wx.qq.com"],
        &[],
        WECOM_HOOK,
    ),
    never("Google Chat", &["chat.googleapis.com", "chat.google.com"], &[], GOOGLE_CHAT),
    never("Google Chat", &["mail.google.com"], &["chat"], GOOGLE_CHAT),
    never("PagerDuty", &["events.pagerduty.com", "events.eu.pagerduty.com"], &[], PAGERDUTY_OLD),
    never("PagerDuty", &["pagerduty.com", ".pagerduty.com"], &[], PAGERDUTY_PAGE),
    never(
        "GitHub",
        &["github.com", "www.github.com", "api.github.com"],
        &[],
        "only `https://api.github.com/repos/OWNER/NAME/dispatches` starts a workflow here, by `on: repository_dispatch`",
    ),
    never(
        "GitLab",
        &["gitlab.com"],
        &[],
        "a pipeline starts at `https://gitlab.com/api/v4/projects/ID/trigger/pipeline`, with the keys `ref` and `token`",
    ),
    own_fields(
        "Bark",
        &["api.day.app"],
        &[],
        "write the URL `https://api.day.app/push`, `platform = \"json\"` and a `template` with `device_key`, `title` and \
         `body`",
    ),
    own_fields(
        "Pushover",
        &["api.pushover.net"],
        &[],
        "write `platform = \"json\"` and a `template` with `token`, `user`, `title` and `message`",
    ),
    own_fields(
        "ServerChan",
        &["sctapi.ftqq.com", "sc.ftqq.com", ".push.ft07.com"],
        &[],
        "write `platform = \"json\"` and a `template` with `title` and `desp`",
    ),
    own_fields(
        "PushPlus",
        &["www.pushplus.plus", "pushplus.plus"],
        &[],
        "write `platform = \"json\"` and a `template` with `token`, `title` and `content`",
    ),
    own_fields(
        "WxPusher",
        &["wxpusher.zjiecode.com"],
        &[],
        "write `platform = \"json\"` and a `template` with `appToken`, `content` and `topicIds`",
    ),
    own_fields(
        "Qmsg",
        &["qmsg.zendee.cn"],
        &[],
        "write `platform = \"json\"` with a `/jsend/` URL and a `template` with `msg`",
    ),
    own_fields(
        "Opsgenie",
        &["api.opsgenie.com", "api.eu.opsgenie.com"],
        &[],
        "write `platform = \"json\"`, the header `authorization = \"GenieKey …\"` and a `template` with `message`; one \
         with `alias` groups repetitions",
    ),
    own_fields(
        "Splunk On-Call",
        &["alert.victorops.com"],
        &[],
        "write `platform = \"json\"` and a `template` with `message_type`, `entity_id` and `state_message`",
    ),
    own_fields(
        "incident.io",
        &["api.incident.io"],
        &[],
        "write `platform = \"json\"`, the header `authorization = \"Bearer …\"` and a `template` with `title` and `status`",
    ),
    own_fields(
        "Webex",
        &["webexapis.com", "api.ciscospark.com"],
        &[],
        "write `platform = \"json\"` and a `template` with `markdown`",
    ),
    own_fields(
        "Amazon Chime",
        &["hooks.chime.aws"],
        &[],
        "write `platform = \"json\"` and a `template` with `Content`",
    ),
    own_fields(
        "Zoho Cliq",
        &["cliq.zoho.com", "cliq.zoho.eu", "cliq.zoho.in"],
        &[],
        "write `platform = \"json\"` and a `template` with `text`",
    ),
    own_fields(
        "Pushbullet",
        &["api.pushbullet.com"],
        &[],
        "write `platform = \"json\"`, the header `access-token` and a `template` with `type`, `title` and `body`",
    ),
    own_fields(
        "WhatsApp",
        &["graph.facebook.com"],
        &[],
        "write `platform = \"json\"`, the header `authorization = \"Bearer …\"` and a `template` with the fields of a message",
    ),
    never(
        "LINE Notify",
        &["notify-api.line.me", "notify-bot.line.me"],
        &[],
        "the service ended in 2025; choose another one",
    ),
    own_fields(
        "LINE",
        &["api.line.me"],
        &[],
        "write `platform = \"json\"`, the header `authorization = \"Bearer …\"` and a `template` with `to` and `messages`",
    ),
    never(
        "a mail program's safe link",
        &[
            ".safelinks.protection.outlook.com",
            "urldefense.com",
            "urldefense.proofpoint.com",
            "slack-redir.net",
            "link.zhihu.com",
            "l.facebook.com",
        ],
        &[],
        REWRITTEN,
    ),
    never("a mail program's safe link", &["www.google.com", "google.com"], &["url"], REWRITTEN),
];

const GOTIFY: KnownAddress = own_fields(
    "Gotify",
    &[],
    &[],
    "write `platform = \"json\"` and a `template` with `title`, `message` and `priority`",
);
const ROCKET_CHAT: KnownAddress =
    own_fields("Rocket.Chat", &[], &[], "write `platform = \"mattermost\"`, whose messages it takes too");
const MATTERMOST: KnownAddress = own_fields(
    "Mattermost",
    &[],
    &[],
    "write `platform = \"mattermost\"`; the key after `/hooks/` has 26 letters and digits",
);
const APPRISE: KnownAddress =
    own_fields("Apprise", &[], &[], "write `platform = \"json\"` and a `template` with `title` and `body`");
const MATRIX: KnownAddress = never(
    "Matrix",
    &[],
    &[],
    "a room takes no webhook by itself; use the URL of a bridge such as hookshot, and a `template` with `text`",
);
const ZULIP: KnownAddress = own_fields(
    "Zulip",
    &[],
    &[],
    "write `platform = \"json\"` with the URL of Zulip's JSON integration, `/api/v1/external/json`",
);
const GITLAB: KnownAddress = never(
    "GitLab",
    &[],
    &[],
    "a pipeline starts at `/api/v4/projects/ID/trigger/pipeline`, with the keys `ref` and `token` in place of a query",
);
const GITHUB: KnownAddress = never(
    "GitHub",
    &[],
    &[],
    "only `/api/v3/repos/OWNER/NAME/dispatches` starts a workflow here, by `on: repository_dispatch`",
);
const NTFY: KnownAddress = own_fields(
    "ntfy",
    &[],
    &[],
    "write `platform = \"ntfy\"` with the `topic`, which is one part of the path",
);
const IFTTT: KnownAddress = own_fields(
    "IFTTT",
    &[],
    &[],
    "its older form reads `value1` to `value3` only; write `/json/with/key/` in place of `/with/key/`",
);

/// What this address is, where it is none of a platform's webhooks.
pub fn known_address(url: &Url) -> Option<&'static KnownAddress> {
    let host = url.host_str()?.trim_end_matches('.');
    let parts = path_parts(url);
    let fits = |known: &&KnownAddress| {
        let named = known
            .hosts
            .iter()
            .any(|name| if name.starts_with('.') { host.ends_with(name) } else { host == *name });
        named && parts.starts_with(known.path)
    };
    ADDRESSES.iter().find(fits).or_else(|| by_path(url, host, &parts))
}

/// Services that run at any name, by their paths.
fn by_path(url: &Url, host: &str, parts: &[&str]) -> Option<&'static KnownAddress> {
    let label = |word: &str| host.split('.').any(|label| label == word);
    let has = |name: &str| url.query_pairs().any(|(key, _)| key == name);
    match parts {
        ["trigger", _, "with", "key", ..] if host == "maker.ifttt.com" => Some(&IFTTT),
        ["_matrix", "client", ..] => Some(&MATRIX),
        ["message", ..] if has("token") || label("gotify") => Some(&GOTIFY),
        _ if label("gotify") => Some(&GOTIFY),
        ["notify", ..] if label("apprise") || (parts.len() == 2 && has("tag")) => Some(&APPRISE),
        ["api", "v1", "external", integration] if *integration != "json" && has("api_key") => Some(&ZULIP),
        ["hooks", id, token] if label("rocketchat") || label("rocket") || is_rocket_chat(id, token) => {
            Some(&ROCKET_CHAT)
        }
        _ if label("rocketchat") => Some(&ROCKET_CHAT),
        _ if label("mattermost") => Some(&MATTERMOST),
        _ if label("ntfy") => Some(&NTFY),
        _ if parts.windows(3).any(|parts| parts == ["api", "v4", "projects"]) || label("gitlab") => {
            Some(&GITLAB)
        }
        ["api", "v3", "repos", ..] => Some(&GITHUB),
        _ => None,
    }
}

/// An id of 17 characters or of a database, and a long token.
fn is_rocket_chat(id: &str, token: &str) -> bool {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric());
    plain(id)
        && plain(token)
        && id.contains(|c: char| c.is_ascii_digit())
        && id.len() >= 4
        && token.len() >= 6
}

#[cfg(test)]
mod tests {
    use super::super::recognise;
    use super::*;

    #[test]
    fn every_service_is_named_with_what_to_write_instead() {
        for (service, urls) in [
            (
                "Slack",
                &[
                    "https://app.slack.com/client/T1/C1",
                    "https://acme.slack.com/archives/C0123",
                    "https://hooks.slack.com/",
                ] as &[_],
            ),
            ("Slack's Web API", &["https://slack.com/api/chat.postMessage"]),
            (
                "Discord",
                &[
                    "https://discord.com/channels/1/2",
                    "https://discord.gg/abc",
                    "https://canary.discord.com/channels/@me",
                ],
            ),
            (
                "Teams",
                &[
                    "https://teams.microsoft.com/l/channel/19%3aabc/General?groupId=1",
                    "https://acme.webhook.office.com/webhookb2/1",
                    "https://outlook.office.com/webhook/1",
                    "https://prod-12.westeurope.logic.azure.com/",
                ],
            ),
            (
                "Telegram",
                &["https://t.me/channel", "https://web.telegram.org/k/#-1", "https://api.telegram.org/"],
            ),
            ("Feishu", &["https://open.feishu.cn/", "https://acme.feishu.cn/messenger/"]),
            ("a Feishu or Lark flow", &["https://www.feishu.cn/flow/api/trigger-webhook/ab"]),
            ("DingTalk", &["https://api.dingtalk.com/v1.0/robot/groupMessages/send"]),
            ("WeCom", &["https://qyapi.weixin.qq.com/cgi-bin/message/send?access_token=1"]),
            ("Google Chat", &["https://chat.google.com/room/AAA", "https://mail.google.com/chat/u/0/"]),
            (
                "PagerDuty",
                &[
                    "https://events.pagerduty.com/integration/0/enqueue",
                    "https://events.pagerduty.com/generic/2010-04-15/create_event.json",
                    "https://acme.pagerduty.com/service-directory/P1",
                ],
            ),
            (
                "GitHub",
                &[
                    "https://api.github.com/repos/o/r/actions/workflows/b.yml/dispatches",
                    "https://github.com/o/r",
                ],
            ),
            (
                "GitLab",
                &[
                    "https://gitlab.com/api/v4/projects/42/ref/main/trigger/pipeline?token=T",
                    "https://gitlab.example.com/g/p",
                ],
            ),
            ("Bark", &["https://api.day.app/K1"]),
            ("Gotify", &["https://push.example.com/message?token=A", "https://gotify.example.com/"]),
            ("Pushover", &["https://api.pushover.net/1/messages.json"]),
            (
                "Rocket.Chat",
                &["https://chat.example.com/hooks/64f0/abcdef", "https://rocketchat.example.com/"],
            ),
            ("ServerChan", &["https://sctapi.ftqq.com/SCT1.send", "https://1.push.ft07.com/send/sctp1.send"]),
            ("PushPlus", &["https://www.pushplus.plus/send"]),
            ("Opsgenie", &["https://api.opsgenie.com/v2/alerts", "https://api.eu.opsgenie.com/v2/alerts"]),
            ("Mattermost", &["https://mattermost.example.com/hooks/abc"]),
            ("Matrix", &["https://matrix.example.org/_matrix/client/v3/rooms/!a:b/send/m.room.message"]),
            ("IFTTT", &["https://maker.ifttt.com/trigger/done/with/key/abc"]),
            ("Apprise", &["http://apprise:8000/notify/cfg"]),
            (
                "a mail program's safe link",
                &["https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fx"],
            ),
        ] {
            for url in urls {
                let url = Url::parse(url).unwrap();
                assert!(recognise(&url).is_none(), "{url}");
                let known = known_address(&url).unwrap_or_else(|| panic!("{url} is not known"));
                assert_eq!(known.service, service, "{url}");
            }
        }
    }

    #[test]
    fn a_receiver_that_takes_any_json_is_left_alone() {
        for url in [
            "https://ci.example.com/hooks/training",
            "https://ci.example.com/hooks/build/main",
            "https://ci.example.com/message",
            "https://hooks.zapier.com/hooks/catch/1/abc/",
            "https://maker.ifttt.com/trigger/done/json/with/key/abc",
            "https://ha.example.com/api/webhook/render-done",
            "https://ci.example.com/generic-webhook-trigger/invoke?token=abc",
            "https://notslack.com/archives/C1",
            "http://127.0.0.1:8787/",
        ] {
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
            (
                "teams",
                "https://prod-01.chinaeast2.logic.azure.cn/workflows/a/triggers/manual/paths/invoke?sig=s",
            ),
            ("github", "https://ghe.example.com/api/v3/repos/o/r/dispatches"),
            ("github", "https://api.acme.ghe.com/repos/o/r/dispatches"),
            ("ntfy", "https://ntfy.example.com/renders"),
        ] {
            let found = recognise(&Url::parse(url).unwrap()).map(|platform| platform.name());
            assert_eq!(found, Some(platform), "{url}");
        }
    }
}
