//! Whatever gathers messages (a fold, a digest, a queue's digest, quiet hours) or silences them: what weighs most is
//! named first, and the end of something follows its beginning.

use super::PATIENCE;
use super::receiver::{Receiver, Reply};
use super::shaping::{HOUR, Moved, until};
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::Bell;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use tempfile::TempDir;

const MINUTE: i64 = 60_000;

const EVERYTHING: &str = "['task.complete', 'queue.start', 'queue.end', 'batch.stalled', 'batch.end', 'alert.firing', \
     'alert.resolved', 'server.start', 'server.stop', 'own.event']";

/// A bell with one hook and one endpoint, and what it needs to be opened again.
struct Scene {
    folder: TempDir,
    receiver: Receiver,
    clock: Arc<Moved>,
    endpoint: String,
    hook: String,
    bell: Option<Bell>,
}

impl Scene {
    fn new(endpoint: &str, status: u16, hook: &str) -> Scene {
        let (folder, receiver) = (TempDir::new().unwrap(), Receiver::always(Reply::Status(status)));
        let (endpoint, hook) = (endpoint.to_owned(), hook.to_owned());
        let mut scene = Scene { folder, receiver, clock: Moved::new(), endpoint, hook, bell: None };
        scene.reopen();
        scene
    }

    fn reopen(&mut self) {
        if let Some(bell) = self.bell.take() {
            bell.close(PATIENCE).unwrap();
        }
        let (path, url) = (self.folder.path().join("bell.db").display().to_string(), self.receiver.url());
        let text = format!(
            "spool.path = '{path}'\n[host]\nname = 'h'\n[endpoints.a]\nurl = '{url}'\n{}\n\
             [[hooks]]\non = {EVERYTHING}\nto = ['a']\n{}\n",
            self.endpoint, self.hook
        );
        let config = Config::load(&text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        self.bell = Some(Bell::open_with_clock(config, clock).unwrap());
    }

    fn bell(&self) -> &Bell {
        self.bell.as_ref().unwrap()
    }

    fn emit(&self, kind: &str, payload: &Json) {
        self.bell().emit(kind, payload.to_string().as_bytes()).unwrap();
        self.bell().sync(PATIENCE).unwrap();
    }

    /// Lets time pass, and lets everybody look at the clock.
    fn pass(&self, ms: i64) {
        self.clock.pass(ms);
        self.emit("nobody.listens", &json!({}));
    }

    fn alert(&self, name: &str, fires: bool) {
        let kind = if fires { "alert.firing" } else { "alert.resolved" };
        let since = "2026-01-01T11:00:00Z";
        let alert = json!({"name": name, "metric": "m", "value": 5, "threshold": 10, "since": since});
        self.emit(kind, &alert);
    }

    fn texts(&self, count: usize) -> Vec<String> {
        self.receiver.wait_for(count).iter().map(|request| request.body.to_string()).collect()
    }
}

/// How messages are gathered: the endpoint's keys, the hook's, and the time after which they go.
const WAYS: &[(&str, &str, &str, i64)] = &[
    ("a fold", "rate = '1/10min'", "", 10 * MINUTE),
    ("a digest", "rate = '100/s'", "digest = '15m'", 15 * MINUTE),
    ("a queue's digest", "rate = '100/s'", "digest = 'queue'", MINUTE),
    ("quiet hours", "rate = '100/s'", "quiet_hours = '11:00-13:00'\nquiet_zone = '+00:00'", HOUR),
];

fn assert_order(way: &str, text: &str, parts: &[&str]) {
    let mut before = 0;
    for part in parts {
        let found = text[before..].find(part);
        before += found.unwrap_or_else(|| panic!("{way}: `{part}` is missing or too late in {text}"));
    }
}

fn a_night_of_frames(scene: &Scene) {
    let task = |name: &str, error: Option<&str>| {
        let status = if error.is_some() { "error" } else { "success" };
        let error = error.map(|message| json!({ "message": message }));
        let task = json!({"name": name, "status": status, "error": error, "queue": "night"});
        scene.emit("task.complete", &task);
    };
    for number in 0..30 {
        task(&format!("good-{number}"), None);
    }
    scene.alert("scratch disk", true);
    scene.alert("gpu too hot", true);
    for number in 0..3 {
        task(&format!("bad-{number}"), Some(&format!("out of memory: tried {number} GiB")));
    }
    task("odd", Some("no such model"));
    scene.alert("gpu too hot", false);
    scene.emit("own.event", &json!({"a": 1, "queue": "night"}));
    scene.emit("queue.end", &json!({"name": "night"}));
    scene.pass(2_000);
}

#[test]
fn however_messages_are_gathered_what_weighs_most_is_named_first() {
    for (way, endpoint, hook, wait) in WAYS {
        let scene = Scene::new(&format!("platform = 'slack'\n{endpoint}"), 200, hook);
        if *way == "a fold" {
            // It takes what the rate carries.
            scene.emit("own.event", &json!({"first": true}));
            until(scene.bell(), "delivered", 1);
        }
        a_night_of_frames(&scene);
        scene.pass(*wait);
        if *way == "a fold" {
            // The lane's thread looks at the clock when something is new.
            scene.emit("own.event", &json!({"a": 2}));
        }
        let texts = match *way {
            // An alert belongs to no queue, and waits for none.
            "a queue's digest" => scene.texts(4),
            "a fold" => scene.texts(2),
            _ => scene.texts(1),
        };
        let gathered = texts.last().unwrap();
        if *way == "a queue's digest" {
            assert!(texts[..3].iter().any(|text| text.contains("scratch disk")), "{texts:?}");
        } else {
            assert_order(way, gathered, &["1 alert, ", "4 tasks failed"]);
            assert_order(way, gathered, &["Alert: scratch disk, 5 (Threshold 10)", "out of memory"]);
            assert!(
                !gathered.contains("Alert: gpu too hot"),
                "{way}: what is over does not fire: {gathered}"
            );
            assert_order(way, gathered, &["night", "Alert resolved: gpu too hot", "good-0"]);
        }
        let failures = ["3 × out of memory: tried 0 GiB: bad-0, bad-1, bad-2", "odd: no such model"];
        assert_order(way, gathered, &failures);
        assert_order(
            way,
            gathered,
            &["no such model", "1 queue finished with failures", "30 of 34", "good-0"],
        );
        assert_order(way, gathered, &["30 tasks succeeded", "good-4 and 25 more"]);
        assert!(
            gathered.contains("1 × own.event") || gathered.contains("2 × own.event"),
            "{way}: {gathered}"
        );
        assert!(gathered.contains("#e01e5a"), "{way}: it has the colour of the worst: {gathered}");
    }
}

#[test]
fn a_digest_of_queue_ends_names_each_queue_with_its_counts() {
    for (way, endpoint, hook, wait) in &WAYS[1..] {
        if *way == "a queue's digest" {
            continue;
        }
        let scene = Scene::new(&format!("platform = 'slack'\n{endpoint}"), 200, hook);
        for (queue, tasks) in [("shot 041", 5), ("shot 042", 7)] {
            let end = json!({"name": queue, "total": tasks, "succeeded": tasks, "failed": 0});
            scene.emit("queue.end", &end);
        }
        scene.pass(2_000);
        scene.pass(*wait);
        let text = scene.texts(1).remove(0);
        assert_order(way, &text, &["2 queues finished", "shot 041: all 5", "shot 042: all 7"]);
        assert!(text.contains("#2eb67d"), "{way}: {text}");
    }
}

/// What PagerDuty and a receiver of JSON were told of alerts: `+disk`, `-disk`.
fn told(platform: &str, request: &Json) -> String {
    match platform {
        "pagerduty" => {
            let sign = if request["event_action"] == "trigger" { "+" } else { "-" };
            let key = request["dedup_key"].as_str().unwrap();
            format!("{sign}{}", key.rsplit('/').next().unwrap())
        }
        _ => {
            let sign = if request["type"] == "alert.firing" { "+" } else { "-" };
            format!("{sign}{}", request["data"]["alert"]["name"].as_str().unwrap_or("a digest"))
        }
    }
}

/// What shapes; what happens, where `w` waits for the window and `r` is a restart; and what must be told.
const STATES: &[(&str, &str, &str)] = &[
    ("", "+disk -disk", "+disk -disk"),
    ("cooldown = '10m'", "+disk -disk", "+disk -disk"),
    ("cooldown = '10m'\ncooldown_by = 'alert.name'", "+disk -disk", "+disk -disk"),
    ("cooldown = '10m'", "+disk +gpu -gpu -disk", "+disk -disk"),
    ("cooldown = '10m'", "+disk r +gpu r -gpu -disk", "+disk -disk"),
    // What fires on when the cooldown ends is told then, and so is its end.
    ("cooldown = '10m'", "+disk +gpu w -gpu -disk", "+disk +gpu -gpu -disk"),
    ("cooldown = '10m'", "+disk +gpu r w r -gpu -disk", "+disk +gpu -gpu -disk"),
    ("cooldown = '10m'", "+disk +gpu -gpu +gpu w -gpu", "+disk +gpu -gpu"),
    ("cooldown = '10m'\ncooldown_by = 'alert.name'", "+disk -disk +disk w -disk", "+disk -disk +disk -disk"),
    ("cooldown = '10m'", "+disk +disk w +disk r -disk", "+disk +disk -disk"),
    ("cooldown = '10m'", "+disk -disk +disk -disk w +disk", "+disk -disk +disk"),
    ("digest = '15m'", "+disk +gpu -gpu w", "+disk"),
    ("digest = '15m'", "+disk r +gpu r -gpu w", "+disk"),
    ("digest = '15m'", "+disk w -disk", "+disk -disk"),
    ("digest = '15m'", "+disk w +disk r -disk +gpu -gpu w", "+disk -disk"),
    ("digest = '15m'", "+disk w -disk +disk w", "+disk -disk +disk"),
    ("digest = '15m'", "+disk -disk +disk w", "+disk"),
    ("digest = 'queue'", "+disk -disk", "+disk -disk"),
    (
        "quiet_hours = '12:30-13:00'\nquiet_zone = '+00:00'",
        "+disk w -disk +gpu +cpu -cpu w",
        "+disk -disk +gpu",
    ),
    ("quiet_hours = '11:00-13:00'\nquiet_zone = '+00:00'", "+disk r +gpu -gpu w w", "+disk"),
    ("cooldown = '10m'\ndigest = '15m'", "+disk w -disk", "+disk -disk"),
];

#[test]
fn the_end_of_an_alert_follows_its_beginning_whatever_shapes_the_hook() {
    for platform in ["pagerduty", "json"] {
        let endpoint = match platform {
            "pagerduty" => format!("platform = 'pagerduty'\nrouting_key = '{}'", "0".repeat(32)),
            _ => "platform = 'json'\nconcurrency = 1".to_owned(),
        };
        for (hook, steps, expected) in STATES {
            let case = format!("{platform}, {hook}: {steps}");
            let mut scene = Scene::new(&endpoint, 202, hook);
            for step in steps.split(' ') {
                match step {
                    "w" => scene.pass(31 * MINUTE),
                    "r" => scene.reopen(),
                    name => scene.alert(&name[1..], name.starts_with('+')),
                }
            }
            let expected: Vec<&str> = expected.split(' ').collect();
            scene.receiver.wait_for(expected.len());
            scene.bell().flush(PATIENCE).unwrap();
            let requests = scene.receiver.wait_for(expected.len());
            let heard: Vec<String> = requests.iter().map(|request| told(platform, &request.body)).collect();
            assert_eq!(heard, expected, "{case}");
        }
    }
}

#[test]
fn the_end_of_a_queue_a_stall_or_a_server_is_told_when_its_beginning_was() {
    let of = |scene: &Scene| -> Vec<String> {
        let requests = scene.receiver.wait_for(0);
        requests.iter().map(|request| request.body["type"].as_str().unwrap().to_owned()).collect()
    };
    let endpoint = "platform = 'json'\nconcurrency = 1";
    let hook = "cooldown = '10h'\ncooldown_by = 'event.type ~ \"\" if false else \"all\"'";
    for (begins, ends) in [("server.start", "server.stop"), ("batch.stalled", "batch.end")] {
        let mut scene = Scene::new(endpoint, 204, hook);
        scene.emit(begins, &json!({"id": "b1"}));
        scene.reopen();
        scene.emit(ends, &json!({"id": "b1"}));
        until(scene.bell(), "delivered", 1);
        assert_eq!(of(&scene), [begins, ends]);
    }
    // Of a batch that stalls while the hook is silent one hears when the silence ends, if it still stands still.
    for (ends, heard) in [("", vec!["batch.stalled", "batch.stalled"]), ("batch.end", vec!["batch.stalled"])]
    {
        let mut scene = Scene::new(endpoint, 204, hook);
        for batch in [json!("told"), json!(7)] {
            scene.emit("batch.stalled", &json!({"id": batch}));
        }
        if !ends.is_empty() {
            scene.emit(ends, &json!({"id": 7}));
        }
        scene.reopen();
        scene.pass(601 * MINUTE);
        scene.receiver.wait_for(heard.len());
        scene.bell().flush(PATIENCE).unwrap();
        assert_eq!(of(&scene), heard);
        if heard.len() == 2 {
            assert_eq!(scene.receiver.wait_for(2)[1].body["data"]["batch"]["id"], 7);
        }
    }
    let scene = Scene::new(endpoint, 204, hook);
    for queue in ["first", "second"] {
        scene.emit("queue.start", &json!({"name": queue}));
    }
    for queue in ["second", "first"] {
        scene.emit("queue.end", &json!({"name": queue}));
        scene.pass(2_000);
    }
    until(scene.bell(), "delivered", 2);
    assert_eq!(of(&scene), ["queue.start", "queue.end"]);
    assert_eq!(scene.receiver.wait_for(2)[1].body["data"]["queue"]["name"], "first");
}

#[test]
fn an_end_supersedes_no_beginning_and_nothing_of_another_thing() {
    let endpoint = "platform = 'json'\nconcurrency = 1\nrate = '1/h'";
    let scene = Scene::new(endpoint, 204, "supersede = '\"all\"'");
    scene.alert("disk", true);
    until(scene.bell(), "delivered", 1);
    // All of these wait for the rate; only the repetition is superseded.
    for (name, fires) in [("gpu", true), ("disk", false), ("gpu", true), ("gpu", false)] {
        scene.alert(name, fires);
    }
    until(scene.bell(), "superseded", 1);
    for delivered in 2..=4 {
        scene.clock.pass(HOUR);
        scene.emit("own.event", &json!({}));
        until(scene.bell(), "delivered", delivered);
    }
    let requests = scene.receiver.wait_for(4);
    let heard: Vec<String> = requests.iter().map(|request| told("json", &request.body)).collect();
    assert_eq!(heard, ["+disk", "-disk", "+gpu", "-gpu"]);
}
