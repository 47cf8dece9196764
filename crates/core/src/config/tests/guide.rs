//! `docs/platforms.md`: each platform has its section and picture, and its examples load.

use super::*;
use crate::platform;
use std::path::Path;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// The sections of the guide: name and text.
fn sections() -> Vec<(String, String)> {
    let guide = std::fs::read_to_string(docs().join("platforms.md")).unwrap().replace("\r\n", "\n");
    let sections = guide.split("\n## ").skip(1);
    sections.map(|section| section.split_once('\n').unwrap()).map(|(n, t)| (n.into(), t.into())).collect()
}

fn variable(name: &str) -> Option<OsString> {
    let value = match name {
        "CI_SECRET" => "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "SLACK_WEBHOOK_URL" => "https://hooks.slack.com/services/T0/B0/0123456789abcdef",
        "SLACK_WORKFLOW_URL" => "https://hooks.slack.com/triggers/T0/1/0123456789abcdef",
        "DISCORD_WEBHOOK_URL" => "https://discord.com/api/webhooks/1/0123456789abcdef",
        "WECOM_WEBHOOK_URL" => "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0123456789abcdef",
        "DINGTALK_WEBHOOK_URL" => "https://oapi.dingtalk.com/robot/send?access_token=0123456789abcdef",
        "DINGTALK_SECRET" => "SEC0123456789abcdef",
        "FEISHU_WEBHOOK_URL" => "https://open.feishu.cn/open-apis/bot/v2/hook/0123456789abcdef",
        "FEISHU_SECRET" => "0123456789abcdef0123",
        "TEAMS_WORKFLOW_URL" => {
            "https://prod-1.westeurope.logic.azure.com:443/workflows/1/triggers/manual/paths/invoke?sig=0123456789"
        }
        "TELEGRAM_TOKEN" => "123456789:ABCdefGhIJKlmNoPQRsTUVwxyZ012345678",
        "GOOGLE_CHAT_URL" => {
            "https://chat.googleapis.com/v1/spaces/A/messages?key=0123456789&token=0123456789"
        }
        "MATTERMOST_WEBHOOK_URL" => "https://chat.example.com/hooks/abcdefghijklmnopqrstuvwxyz",
        "NTFY_TOPIC" => "renders-0123456789abcdef",
        "SLACK_BOT_TOKEN" => "xoxb-0123456789-abcdef",
        "SMTP_PASSWORD" => "0123456789abcdef",
        "PAGERDUTY_KEY" => "0123456789abcdef0123456789abcdef",
        "GITHUB_TOKEN" => "github_pat_0123456789abcdef",
        "APPRISE_URL" => "https://apprise.example.com/notify/renders-7Qm2",
        "BARK_KEY" => "ynJ5Ft4atkMkWeo2PAvFhF",
        "GOTIFY_TOKEN" => "AWH0wZ5r0Mbac.r",
        "HA_TOKEN" => "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl",
        "MATRIX_TOKEN" => "syt_ZmFybQ_aBcDeFgHiJkLmNoPqRsT_0a1b2c",
        "PUSHOVER_TOKEN" => "azGDORePK8gMaC0QOYAMyEL0TeL5dV",
        "PUSHOVER_USER" => "uQiRzpo4DXghDmr9QzzfQu27cmVRsG",
        "PUSHPLUS_TOKEN" => "be8652e98bd04139a13e1bffcd6d0f71",
        "ROCKETCHAT_URL" => {
            "https://rocketchat.example.com/hooks/65f1c0ffee65f1c0ffee65f1/Xq2vJ8zRk3TnW5yB7mC9dF4g"
        }
        "SERVERCHAN_URL" => "https://sctapi.ftqq.com/SCT12345TaBcDeFgHiJkLmNoPqRsTuVwXyZ.send",
        "ZULIP_KEY" => "aBcDeFgHiJkLmNoPqRsTuVwXyZ012345",
        "GITLAB_TRIGGER_TOKEN" => "glptt-0123456789abcdef",
        "HOME" | "LOCALAPPDATA" => "/h",
        _ => return None,
    };
    Some(value.into())
}

#[test]
fn every_platform_has_its_section_and_its_picture() {
    let sections = sections();
    for name in platform::names() {
        let section = sections.iter().find(|(title, _)| title == name);
        let (_, text) = section.unwrap_or_else(|| panic!("docs/platforms.md lacks a section `{name}`"));
        for step in ["\n1. ", "\n2. ", "\n3. ", "```toml\n", "What can go wrong:"] {
            assert!(text.contains(step), "{name} lacks `{}`", step.trim());
        }
        assert!(text.contains(&format!("](cards/{name}.png)")), "{name} shows no picture");
        let picture = std::fs::read(docs().join(format!("cards/{name}.png"))).unwrap_or_default();
        assert!(picture.starts_with(b"\x89PNG\r\n"), "docs/cards/{name}.png: `cargo xtask cards` takes it");
        assert!(picture.len() <= 60 << 10, "docs/cards/{name}.png has {} bytes", picture.len());
    }
}

#[test]
fn the_examples_of_the_guide_load_as_their_platform() {
    let known = platform::names();
    for (name, text) in sections().iter().filter(|(name, _)| known.contains(&name.as_str())) {
        let example = text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        let endpoint = example.split("[endpoints.").nth(1).unwrap().split(']').next().unwrap();
        let whole = format!("{example}\n[[hooks]]\non = [\"queue.end\"]\nto = [\"{endpoint}\"]\n");
        let (config, warnings, _) =
            load(&whole, &variable).unwrap_or_else(|errors| panic!("{name}: {errors}"));
        assert_eq!(config.endpoints[0].platform.name(), name);
        assert_eq!(warnings, [], "{name}");
    }
}
