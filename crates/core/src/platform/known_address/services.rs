//! The services, by the names of their hosts, and those that run at any name.

use super::{KnownAddress, never, own_fields};

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
pub(super) static ADDRESSES: &[KnownAddress] = &[
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
            ".powerautomate.us",
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
    never("WeCom", &[".weixin.qq.com", "weixin.qq.com", "wx.qq.com"], &[], WECOM_HOOK),
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
    never(
        "a page of Zapier, Make or IFTTT",
        &[
            "zapier.com",
            "www.zapier.com",
            "make.com",
            "www.make.com",
            "ifttt.com",
            "eu1.make.com",
            "eu2.make.com",
            "us1.make.com",
            "us2.make.com",
        ],
        &[],
        "this is a page for people; its trigger shows the URL of the webhook, at `hooks.zapier.com`, `hook.….make.com` or \
         `maker.ifttt.com`",
    ),
    never(
        "Webex",
        &["web.webex.com", "teams.webex.com"],
        &[],
        "this is a page for people; create an incoming webhook, whose URL starts with `https://webexapis.com/v1/webhooks/`",
    ),
    never(
        "a service that takes forms",
        &["api.prowlapp.com", "www.pushsafer.com", "api.twilio.com", "api.mailgun.net", "api.eu.mailgun.net"],
        &[],
        "it takes forms and no JSON; send to a relay such as Apprise, with `platform = \"json\"` and a `template`",
    ),
    never(
        "Amazon SNS",
        &["sns.us-east-1.amazonaws.com", "sns.eu-west-1.amazonaws.com", "sns.eu-central-1.amazonaws.com"],
        &[],
        "it takes requests that are signed for AWS; use a function with a URL of its own",
    ),
    own_fields(
        "PushDeer",
        &["api2.pushdeer.com"],
        &[],
        "write `platform = \"json\"` and a `template` with `pushkey`, `text` and `desp`",
    ),
    own_fields(
        "Simplepush",
        &["api.simplepush.io", "simplepu.sh"],
        &[],
        "write `platform = \"json\"` and a `template` with `key`, `title` and `msg`",
    ),
    own_fields(
        "Guilded",
        &["media.guilded.gg", "www.guilded.gg"],
        &[],
        "write `platform = \"json\"` and a `template` with `content`",
    ),
    own_fields(
        "Grafana OnCall",
        &[".grafana.net"],
        &["oncall"],
        "write `platform = \"json\"` and a `template` with `alert_uid`, `title`, `state` and `message`",
    ),
    own_fields(
        "Squadcast",
        &["api.squadcast.com"],
        &[],
        "write `platform = \"json\"` and a `template` with `message`, `description`, `status` and `event_id`",
    ),
    own_fields(
        "an API with fields of its own",
        &[
            "api.chanify.net",
            "push.hellyw.com",
            "www.kookapp.cn",
            "api.notion.com",
            "api.airtable.com",
            "api.trello.com",
            "api.linear.app",
            "chatapi.viber.com",
            "api.revolt.chat",
            "stoat.chat",
            "alertzy.app",
            "joinjoaomgcd.appspot.com",
            "wirepusher.com",
            "api.spontit.com",
            "uptime.betterstack.com",
            "api.sendgrid.com",
            "api.resend.com",
            "api.postmarkapp.com",
            "api.datadoghq.com",
            "api.datadoghq.eu",
            ".ingest.sentry.io",
            ".atlassian.net",
            "mastodon.social",
            "oauth.reddit.com",
            "slack-files.com",
            "graph.microsoft.com",
            "api.pushy.me",
            "fcm.googleapis.com",
            "exp.host",
            "onesignal.com",
            "api.onesignal.com",
        ],
        &[],
        "write `platform = \"json\"`, the `headers` that it asks for and a `template` with the fields that its documentation \
         names",
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
        "write `platform = \"pushover\"` with `token` and `user`, without `url`",
    ),
    own_fields(
        "ServerChan",
        &["sctapi.ftqq.com", "sc.ftqq.com", ".push.ft07.com"],
        &[],
        "the URL of `platform = \"serverchan\"` starts with `https://sctapi.ftqq.com/` and ends with `.send`",
    ),
    own_fields(
        "PushPlus",
        &["www.pushplus.plus", "pushplus.plus"],
        &[],
        "write `platform = \"pushplus\"` with `token`, without `url`",
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

pub(super) static GOTIFY: KnownAddress = own_fields("Gotify", &[], &[], "write `platform = \"gotify\"`");
pub(super) static ROCKET_CHAT: KnownAddress =
    own_fields("Rocket.Chat", &[], &[], "write `platform = \"rocketchat\"`");
pub(super) static MATTERMOST: KnownAddress = own_fields(
    "Mattermost",
    &[],
    &[],
    "write `platform = \"mattermost\"`; the key after `/hooks/` has 26 letters and digits",
);
pub(super) static APPRISE: KnownAddress = own_fields("Apprise", &[], &[], "write `platform = \"apprise\"`");
pub(super) static MATRIX: KnownAddress = never(
    "Matrix",
    &[],
    &[],
    "write `platform = \"matrix\"` with the address of the homeserver, the `room` and a `token`",
);
pub(super) static ZULIP: KnownAddress =
    own_fields("Zulip", &[], &[], "write `platform = \"zulip\"` with the address of the server");
pub(super) static GITLAB: KnownAddress = never(
    "GitLab",
    &[],
    &[],
    "a pipeline starts at `/api/v4/projects/ID/trigger/pipeline`, with the keys `ref` and `token` in place of a query",
);
pub(super) static GITHUB: KnownAddress = never(
    "GitHub",
    &[],
    &[],
    "only `/api/v3/repos/OWNER/NAME/dispatches` starts a workflow here, by `on: repository_dispatch`",
);
pub(super) static NTFY: KnownAddress = own_fields(
    "ntfy",
    &[],
    &[],
    "write `platform = \"ntfy\"` with the `topic`, which is one part of the path",
);
pub(super) static IFTTT: KnownAddress = own_fields(
    "IFTTT",
    &[],
    &[],
    "its older form reads `value1` to `value3` only; write `/json/with/key/` in place of `/with/key/`",
);
pub(super) static MATTERMOST_PAGE: KnownAddress = never(
    "Mattermost",
    &[],
    &[],
    "this is a page for people; create an incoming webhook under Integrations, whose URL has `/hooks/` and a key of 26 letters \
     and digits",
);
pub(super) static HOME_ASSISTANT: KnownAddress = own_fields(
    "Home Assistant",
    &[],
    &[],
    "write `platform = \"home-assistant\"` with the URL of an action, `/api/services/notify/NAME`, or of a webhook",
);
pub(super) static SIGNAL: KnownAddress = own_fields(
    "Signal (signal-cli-rest-api)",
    &[],
    &[],
    "write `platform = \"json\"` and a `template` with `message`, `number` and `recipients`",
);
pub(super) static SYNOLOGY: KnownAddress = never(
    "Synology Chat",
    &[],
    &[],
    "it takes forms with `payload=`; send to a relay such as Apprise, with `platform = \"json\"` and a `template`",
);
/// The hosts of platforms, which a slip of a finger changes.
pub(super) static HOSTS: &[&str] = &[
    "hooks.slack.com",
    "discord.com",
    "discordapp.com",
    "logic.azure.com",
    "api.powerplatform.com",
    "open.feishu.cn",
    "open.larksuite.com",
    "oapi.dingtalk.com",
    "qyapi.weixin.qq.com",
    "chat.googleapis.com",
    "api.telegram.org",
    "events.pagerduty.com",
    "api.github.com",
];
