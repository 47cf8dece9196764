//! The pace of each platform when the configuration names none, as the platforms document it.

use super::*;

/// Messages and milliseconds. Below the documented rate where others share it (Google Chat: 60 a minute for
/// all apps of a space; GitLab: 25 pipelines a minute) or where going beyond it is punished (DingTalk: 20 a
/// minute, then ten minutes of silence). ntfy gives 60 at once and then one in five seconds.
const PACES: [(&str, &[(u32, u64)]); 16] = [
    ("slack", &[(1, 1000)]),
    ("slack-workflow", &[(1, 1000)]),
    ("discord", &[(5, 2000), (30, 60_000)]),
    ("wecom", &[(20, 60_000)]),
    ("dingtalk", &[(1, 3200)]),
    ("feishu", &[(5, 1000), (100, 60_000)]),
    ("teams", &[(4, 1000)]),
    ("telegram", &[(1, 1000), (20, 60_000)]),
    ("googlechat", &[(1, 1000), (50, 60_000)]),
    ("mattermost", &[(5, 1000)]),
    ("ntfy", &[(60, 300_000)]),
    ("pagerduty", &[]),
    ("github", &[(1, 1000)]),
    ("gitlab", &[(20, 60_000)]),
    ("cloudevents", &[]),
    ("json", &[]),
];

#[test]
fn every_platform_has_the_pace_it_documents() {
    for name in names() {
        let (_, paces) = PACES.iter().find(|(known, _)| *known == name).expect("a platform of the table");
        let (rates, at_once) = by_name(name).unwrap().pace();
        let rates: Vec<_> = rates.iter().map(|rate| (rate.count, rate.per.as_millis() as u64)).collect();
        assert_eq!(rates, *paces, "{name}");
        let many = matches!(name, "json" | "cloudevents");
        assert_eq!(at_once, if many { 4 } else { 1 }, "{name}: one at a time keeps the order of a chat");
    }
}
