//! What holds for every platform of the list, each by the trial in its own folder.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

#[test]
fn the_judge_finds_what_is_too_long() {
    let section = json!({"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(2900)}});
    for (platform, body) in [
        ("slack", json!({"text": "x".repeat(4001)})),
        ("slack", json!({"blocks": vec![section; 5]})),
        ("slack", json!({"blocks": [{"type": "section"}]})),
        ("slack", json!({"blocks": []})),
        (
            "discord",
            json!({"embeds": [{"description": "x".repeat(3001)}, {"description": "x".repeat(3000)}]}),
        ),
        ("discord", json!({"embeds": [{"fields": [{"name": " ", "value": "v"}]}]})),
        ("wecom", json!({"markdown": {"content": "汉".repeat(1366)}})),
        ("teams", json!({"text": "x".repeat(20_000)})),
        ("mattermost", json!({"text": "x".repeat(16_384)})),
        ("telegram", json!({"text": "x".repeat(4097)})),
        ("telegram", json!({"text": "<b>x", "parse_mode": "HTML"})),
        ("telegram", json!({"text": "x &am", "parse_mode": "HTML"})),
        ("github", json!({"event_type": "x", "client_payload": {"x": "x".repeat(66_000)}})),
        ("pagerduty", json!({"payload": {"summary": "x"}, "dedup_key": "x".repeat(256)})),
    ] {
        assert!(judge(platform, &body).is_err(), "{platform}: {body}");
    }
    assert_eq!(shown("<b>a &amp; <i>b</i></b> &lt;").as_deref(), Ok("a & b <"));
}

#[test]
fn every_platform_is_found_by_its_name_and_its_urls() {
    for platform in all() {
        assert_eq!(by_name(platform.name()).map(<dyn Platform>::name), Some(platform.name()));
        for url in platform.trial().urls() {
            let found = recognise(&Url::parse(&url).unwrap()).map(<dyn Platform>::name);
            assert_eq!(found, Some(platform.name()), "{url}");
        }
    }
}

#[test]
fn every_platform_has_the_pace_it_documents() {
    for platform in all() {
        let Description { rates, concurrency, .. } = platform.description();
        let rates: Vec<_> = rates.iter().map(|rate| (rate.count, rate.per.as_millis() as u64)).collect();
        assert_eq!((rates, *concurrency), platform.trial().pace(), "{platform:?}");
    }
}

#[test]
fn every_example_has_the_options_that_the_platform_needs() {
    for platform in all() {
        let to = example_target(*platform, &[]);
        assert_eq!(platform.missing_value(&to), None, "{platform:?}");
        for option in platform.description().options {
            let value = to.option(option.name);
            assert!(value.is_some() || !option.required, "{platform:?}: {}", option.name);
            assert!(value.is_none_or(option.accepts), "{platform:?}: {}", option.name);
        }
    }
}

proptest! {
    #![proptest_config(crate::property::cases(64))]

    #[test]
    fn every_card_keeps_the_limits_and_pings_nobody(notice in any_notice(), host in hostile()) {
        let context = context(&host);
        for platform in all() {
            let card = platform.layout(&notice, &context, &target(&[]));
            let sent = serde_json::to_string(&card).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&sent).unwrap(), card.clone());
            platform.trial().check_card(&card);
        }
    }

    #[test]
    fn a_card_is_made_of_any_event(kind in "[a-z]{1,8}\\.[a-z]{1,8}", key in hostile(), value in hostile()) {
        let data = json!({ key: value, "error": {"message": value}, "name": value, "id": value });
        for host in [json!({}), json!({"name": value})] {
            let context = Context::new(json!({
                "event": {"id": "evt_01", "type": kind, "timestamp": 5, "data": data.clone()},
                "task": data.clone(),
                "alert": {"name": value},
                "host": host,
            }));
            for platform in all() {
                platform.trial().check_card(&platform.card(&context, &target(&[])));
            }
        }
    }

    #[test]
    fn every_card_is_sent_within_the_limits_whoever_is_mentioned(
        notice in any_notice(), host in hostile(), mention in hostile(), whom in 0..3_usize,
    ) {
        let context = context(&host);
        let mention = mention.as_str();
        let mentions = [vec![], vec![mention; 30], vec![mention, "@all", "@here"]];
        for platform in all() {
            let to = example_target(*platform, &mentions[whom]);
            let body = platform.layout(&notice, &context, &to).to_string();
            let sent = platform.request(&to, &message(body.as_bytes(), None)).body;
            let verdict = platform.trial().refuse_sent(&sent);
            prop_assert!(verdict.is_ok(), "{:?}: {:?}", platform, verdict);
        }
    }

    #[test]
    fn no_platform_objects_to_its_own_card(notice in any_notice(), all_are_mentioned in any::<bool>()) {
        let mentions: &[&str] = if all_are_mentioned { &["@all"] } else { &[] };
        let context = context("h");
        for platform in all() {
            let to = example_target(*platform, mentions);
            let card = platform.layout(&notice, &context, &to);
            let body = card.to_string();
            let url = platform.request(&to, &message(body.as_bytes(), None)).url;
            let mut faults = platform.faults(&card, url.as_str());
            // What an event says may look like markup of another platform.
            faults.retain(|fault| fault.kind != FaultKind::Typed);
            prop_assert_eq!(faults, vec![], "{:?}", platform);
        }
    }

    #[test]
    fn a_degraded_card_is_another_and_not_longer(notice in any_notice(), host in hostile()) {
        let context = context(&host);
        for platform in all().iter().filter(|platform| platform.description().coalesces) {
            let full = platform.layout(&notice, &context, &target(&[]));
            let length = full.to_string().len();
            for how in [Degradation::NoImage, Degradation::NoMarkup, Degradation::Shorter] {
                let Some(plain) = platform.degrade(&full, how) else { continue };
                prop_assert!(plain != full);
                let plain = plain.to_string().len();
                prop_assert!(plain <= length + 200, "{:?} {:?}", platform, how);
                prop_assert!(plain <= 12_000 || how != Degradation::Shorter, "{:?}", platform);
            }
        }
    }

    #[test]
    fn no_answer_makes_a_reader_fail(status in 0..1000_u16, body in vec(any::<u8>(), 0..200), wait in ".{0,20}") {
        let headers = vec![("retry-after".to_owned(), wait)];
        let answer = Answer { status, headers, body, truncated: true };
        for platform in all() {
            let outcome = platform.read(&answer, NOW_MS);
            prop_assert!(outcome != Outcome::Delivered || (200..300).contains(&status));
        }
    }
}

/// Files outside a platform's folder that may name it, and why.
const NAMING: &[(&str, &str)] = &[
    ("platform/known_address/mod.rs", "knows servers of one's own by the names that people give them"),
    ("config/endpoint_url.rs", "warns of Discord's URLs in the form of Slack and GitHub"),
    ("ntfy/rules.rs", "has a member of this name for mail that ntfy sends"),
    ("config/reference.rs", "shows a configuration"),
    ("sign/scheme.rs", "signature schemes have the names of those who made them"),
    ("sign/documented.rs", "signature schemes have the names of those who made them"),
    ("demo/mod.rs", "shows what one platform makes of a day"),
    ("demo/fixture.rs", "shows what one platform makes of a day"),
    (
        "card_preview/bodies.rs",
        "draws what a card looks like; a platform that it does not know is shown as JSON",
    ),
    ("card_preview/described.rs", "likewise"),
];

#[test]
fn a_platform_is_named_only_in_its_folder_and_the_list() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders = vec![root.join("src"), root.join("crates")];
    let mut named = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            // With `/` on Windows too.
            let path = entry.to_string_lossy().replace('\\', "/");
            let is_test = ["tests", "trials"].iter().any(|name| path.contains(&format!("/{name}/")))
                || path.ends_with("tests.rs");
            if entry.is_dir() {
                folders.push(entry);
            } else if path.ends_with(".rs")
                && !is_test
                && !NAMING.iter().any(|(file, _)| path.ends_with(file))
            {
                let source = std::fs::read_to_string(&entry).unwrap();
                let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
                // Any text may be called JSON.
                for name in names().into_iter().filter(|name| *name != "json") {
                    let own = format!("/platform/{}/", name.replace('-', "_"));
                    let is_described = path.contains("/platform/described/");
                    if !is_described && code.contains(&format!("\"{name}\"")) && !path.contains(&own) {
                        named.push(format!("{name} in {path}"));
                    }
                }
            }
        }
    }
    assert_eq!(named, Vec::<String>::new());
}
