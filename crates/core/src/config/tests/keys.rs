//! Each declared key is read, and the complete example uses all of them.

use super::*;
use crate::alerts::{Bound, Metric};
use crate::config::declaration::DefaultValue;
use crate::config::load::root_keys;
use crate::config::node::{ConfigNode, ConfigValue, join};
use crate::endpoint::{Proxy, parse_task_url};
use crate::hooks::{Digest, Escalate};
use crate::platform::Rate;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

#[test]
fn every_value_of_the_complete_example_takes_effect() {
    let folder = example_folder();
    let path = written(&folder, "render.toml", reference::EXAMPLE);
    let (config, warnings) = read_all(&path).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(warnings, []);
    assert_eq!(config.host.name, "render-07");
    assert_eq!(config.host.base_url.as_deref(), Some("https://render-07.example.com"));
    assert_eq!(config.host.language.code(), "zh");
    assert_eq!(config.host.words.as_ref().unwrap().tasks, "镜头");
    assert_eq!(config.spool.path, SpoolPath::File(folder.path().join("taskbell.db")));
    assert_eq!(config.spool.retain, Duration::from_secs(14 * 86_400));
    assert_eq!((config.queue.max_event_bytes, config.queue.max_bytes), (256 << 10, 8 << 20));
    assert_eq!(config.queue.end_delay, Duration::from_secs(2));
    assert_eq!(config.queue.idle_end, Some(Duration::from_secs(1200)));
    assert_eq!(config.queue.batch_stall, Some(Duration::from_secs(3600)));
    assert_eq!(config.queue.progress, Some(Duration::from_secs(15)));
    assert!(config.queue.ring_beside_spool);
    assert_eq!(config.files.roots, [folder.path().join("outputs")]);

    let hook = parse_task_url("https://hooks.example.com/users/mira").unwrap();
    assert!(config.task_urls.allow(&hook));

    let names: Vec<&str> = config.endpoints.iter().map(|endpoint| &*endpoint.name).collect();
    assert_eq!(names, ["team", "phone", "ci"]);
    let team = config.endpoint("team").unwrap();
    assert_eq!(team.platform.name(), "slack");
    assert_eq!(team.target.url.expose().as_str(), VARIABLES[0].1);
    assert_eq!(team.target.mentions, ["U012AB3CD"]);
    assert!(config.endpoint("phone").unwrap().silences_successes && !team.silences_successes);
    let rate = |count, seconds| Rate { count, per: Duration::from_secs(seconds) };
    assert_eq!(team.rate, [rate(1, 1), rate(30, 60)]);
    let ci = config.endpoint("ci").unwrap();
    assert_eq!(ci.platform.name(), "json");
    assert_eq!((ci.headers[0].0.as_str(), ci.headers[0].1.expose()), ("authorization", VARIABLES[1].1));
    assert_eq!((ci.timeout, ci.connect_timeout), (Duration::from_secs(20), Duration::from_secs(4)));
    assert_eq!(ci.retry.schedule.iter().map(Duration::as_secs).collect::<Vec<_>>(), [10, 60, 600, 3600]);
    assert_eq!(ci.retry.max_age, Duration::from_secs(43_200));
    assert_eq!((ci.rate.as_slice(), ci.concurrency), (&[rate(30, 60)][..], 4));
    assert!(ci.tls.ca.as_ref().unwrap().starts_with(b"-----BEGIN CERTIFICATE"));
    assert!(ci.tls.client.as_ref().unwrap().1.expose().contains("PRIVATE KEY"));
    assert!(matches!(&ci.proxy, Proxy::Url(url) if url.expose().port() == Some(3128)), "{:?}", ci.proxy);
    assert_eq!(ci.sign.len(), 2);

    let hooks = &config.hooks;
    assert_eq!(
        hooks.iter().map(|hook| &*hook.name).collect::<Vec<_>>(),
        ["batch finished", "hooks[1]", "long batch", "hooks[3]", "hooks[4]", "resources"]
    );
    assert_eq!(
        (hooks[0].on.as_slice(), hooks[0].to.as_slice()),
        (&["queue.end".to_owned()][..], &["team".to_owned()][..])
    );
    assert_eq!(hooks[0].when.as_ref().unwrap().source(), "queue.total >= 10 or queue.failed > 0");
    assert!(hooks[1].template.is_some() && hooks[0].template.is_none());
    assert_eq!((hooks[2].min_tasks, hooks[2].min_duration), (Some(20), Some(Duration::from_secs(600))));
    assert_eq!((hooks[2].relative, hooks[0].relative), (Some(1.5), None));
    let (first, last) = (&hooks[0].shaping, &hooks[2].shaping);
    assert_eq!(first.ttl, Some(Duration::from_secs(6 * 3600)));
    assert_eq!(first.cooldown, Some(Duration::from_secs(600)));
    assert!(first.cooldown_by.is_some() && hooks[1].shaping.supersede.is_some());
    assert!(hooks[4].shaping.live.is_some());
    assert_eq!((hooks[3].silences_successes, hooks[0].silences_successes), (Some(true), None));
    let escalate = Escalate { after: Duration::from_secs(900), to: vec!["ci".to_owned()] };
    assert_eq!(first.escalate.as_ref(), Some(&escalate));
    assert_eq!(last.digest, Some(Digest::Window(Duration::from_secs(3600))));
    assert!(last.quiet.as_ref().unwrap().except.is_some());
    assert_eq!(ci.fallback.as_deref(), Some("team"));
    assert!(hooks[2].only_failures && hooks[2].smart && !hooks[0].only_failures && !hooks[0].smart);
    assert!(hooks[3].manual && hooks[3].template.is_some() && !hooks[0].manual);

    let (disk, backlog) = (&config.alerts[0], &config.alerts[1]);
    assert_eq!((disk.name.as_str(), disk.metric.name()), ("disk", "disk.free_gb:/"));
    assert!(matches!(&disk.metric, Metric::BuiltIn(..)) && matches!(&backlog.metric, Metric::Fed(_)));
    assert_eq!((disk.bound, disk.clear), (Bound::Below(10.0), 20.0));
    let seconds = Duration::from_secs;
    assert_eq!((disk.hold, disk.every, disk.sample), (seconds(60), Some(seconds(6 * 3600)), seconds(30)));
    assert_eq!((backlog.bound, backlog.clear), (Bound::Above(5000.0), 5000.0));
    assert_eq!((backlog.hold, backlog.every, backlog.sample), (seconds(0), None, seconds(10)));
}

#[test]
fn the_complete_example_uses_every_key_with_a_value_that_is_not_the_default() {
    let mut used = BTreeSet::new();
    for example in [&[reference::EXAMPLE][..], &reference::FARM_EXAMPLES].concat() {
        collect(&toml_text::parse(example).unwrap(), "", &mut used);
    }
    for (pattern, table) in root_keys::TABLE.with_nested(String::new()) {
        for key in table.keys {
            let pattern = join(&pattern, key.name);
            assert!(used.iter().any(|(known, _)| *known == pattern), "`{pattern}` is not in the example");
            if let DefaultValue::Toml(default) = key.default {
                let default = toml_text::parse_value(default).unwrap().to_json().to_string();
                let differs = used.iter().any(|(known, value)| *known == pattern && *value != default);
                assert!(differs, "`{pattern}` has its default in the example");
            }
        }
    }
}

/// Every key of a tree by its declared pattern, with its value.
fn collect(tree: &ConfigNode, pattern: &str, used: &mut BTreeSet<(String, String)>) {
    let tables = root_keys::TABLE.with_nested(String::new());
    match &tree.value {
        ConfigValue::Table(entries) => {
            for entry in entries {
                let free = tables.iter().any(|(table, _)| *table == format!("{pattern}.*"));
                let below = if free { format!("{pattern}.*") } else { join(pattern, &entry.name) };
                used.insert((below.clone(), entry.node.to_json().to_string()));
                collect(&entry.node, &below, used);
            }
        }
        ConfigValue::List(members) => {
            members.iter().for_each(|member| collect(member, &format!("{pattern}[]"), used))
        }
        _ => {}
    }
}

#[test]
fn every_declared_key_is_read_and_its_type_is_checked() {
    let base = json!({
        "host": {}, "words": {"task": "frame"}, "spool": {}, "queue": {}, "files": {}, "network": {}, "farm": {},
        "endpoints": {"a": {
            "url": "https://example.com/", "retry": {},
            "sign": [{"scheme": "hmac", "secrets": ["whsec_bWFya2VyLTRmOWMyYTcxZDAtbWFya2VyLTRm"]}],
        }},
        "hooks": [{"on": ["queue.end"], "to": ["a"], "escalate": {}}],
        "alerts": [{"name": "n", "metric": "m", "above": 1}],
    });
    for (pattern, table) in root_keys::TABLE.with_nested(String::new()) {
        for key in table.keys {
            let path = join(&pattern, key.name).replace('*', "a").replace("[]", "[0]");
            let parent = pattern.replace('*', "a").replace("[]", ".0").replace('.', "/");
            let pointer = if parent.is_empty() { parent } else { format!("/{parent}") };
            let wrong = if key.value.type_name() == "`true` or `false`" { json!("yes") } else { json!(true) };
            let mut broken = base.clone();
            let parent = broken.pointer_mut(&pointer).and_then(Json::as_object_mut).unwrap();
            parent.insert(key.name.to_owned(), wrong);
            let errors = read_all(&broken.to_string()).expect_err(&path);
            let error = errors.0.iter().find(|error| error.key == path);
            let error = error.unwrap_or_else(|| panic!("no error of {path} in {errors}"));
            assert!(error.message.contains("expected"), "{error}");
        }
    }
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let text = "[endpoints.a]\nurl = \"https://example.com/\"\n";
    let config = config(text);
    assert_eq!(config.host.language.code(), "en");
    assert!(config.file.is_none() && !config.host.name.is_empty() && config.host.base_url.is_none());
    assert!(
        matches!(&config.spool.path, SpoolPath::File(path) if path.to_string_lossy().contains("taskbell/taskbell-"))
    );
    assert_eq!(config.spool.retain, Duration::from_secs(7 * 86_400));
    assert_eq!((config.queue.max_event_bytes, config.queue.max_bytes), (1 << 20, 2 << 20));
    assert_eq!(config.queue.end_delay, Duration::from_secs(1));
    let a = config.endpoint("a").unwrap();
    assert_eq!(a.platform.name(), "json");
    assert_eq!((a.timeout, a.connect_timeout), (Duration::from_secs(15), Duration::from_secs(5)));
    let hours: Vec<u64> = a.retry.schedule.iter().map(Duration::as_secs).collect();
    assert_eq!(hours, [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
    assert_eq!(a.retry.max_age, Duration::from_secs(4 * 86_400));
    let own = a.platform.description();
    assert_eq!((a.rate.as_slice(), a.concurrency), (own.rates, own.concurrency));
    assert!(matches!(a.proxy, Proxy::Direct) && a.headers.is_empty() && a.sign.is_empty());
    let short = super::tests::config(&endpoint("timeout = \"2s\""));
    assert_eq!(short.endpoints[0].connect_timeout, Duration::from_secs(2));
}

#[test]
fn the_word_for_a_task_is_one_short_line() {
    let words =
        |text: &str| super::tests::config(&format!("{}\n[words]\n{text}", endpoint(""))).host.words.clone();
    let frame = words("task = ' frame '").unwrap();
    assert_eq!((frame.task.as_str(), frame.tasks.as_str()), ("frame", "frame"));
    assert_eq!(words(""), None);
    for wrong in ["task = ''", "task = \"a\\nb\"", "tasks = 'frames'", "task = 5"] {
        let text = format!("{}\n[words]\n{wrong}", endpoint(""));
        let errors = Config::load(&text).unwrap_err().to_string();
        assert!(errors.contains("words.task"), "{wrong}: {errors}");
    }
    let long = format!("{}\n[words]\ntask = '{}'", endpoint(""), "x".repeat(41));
    assert!(Config::load(&long).unwrap_err().to_string().contains("at most 40 characters"));
}
