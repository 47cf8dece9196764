mod rules;

use super::*;
use crate::config::Config;
use crate::event::{EventId, Payload};
use crate::hooks::{Facts, TaskParams};
use crate::message::HostInfo;
use crate::tally::{EndRequest, QueueTally, Task};
use serde_json::{Map, Value as Json, json};

const CONFIG: &str = r#"
[network]
task_urls = ["https://hooks.example.com/users/"]
[endpoints.all]
url = "https://a.example.com/hook"
[endpoints.asked]
url = "https://b.example.com/hook"
[[hooks]]
name = "all"
on = ["task.complete", "queue.end"]
to = ["all"]
[[hooks]]
name = "asked"
on = ["task.complete"]
to = ["asked"]
manual = true
"#;

fn fields(json: Json) -> Map<String, Json> {
    json.as_object().unwrap().clone()
}

fn decided<'a>(config: &'a Config, subject: &Subject) -> Decision<'a> {
    decide(config.rules(), subject, &mut |_, _| Some(0))
}

fn matched(params: Json) -> (Vec<String>, u64) {
    let config = Config::load(CONFIG).unwrap();
    let mut payload = fields(json!({"name": "n", "webhook_params": params}));
    let (params, _) = TaskParams::take(&mut payload);
    let payload: Arc<Payload> = Arc::new(payload.into());
    let facts = facts(&payload, &config.host);
    let subject = Subject::of_task(&facts, params, &Task::read(payload.tree()), None);
    let decision = decided(&config, &subject);
    (names(&decision), decision.ignored_params)
}

fn facts<'a>(payload: &'a Arc<Payload>, host: &'a Arc<HostInfo>) -> Facts<'a> {
    Facts::new(EventId::new(1, 1), "task.complete", 1, payload, host)
}

fn names(decision: &Decision<'_>) -> Vec<String> {
    decision.matches.iter().map(|matched| matched.hook.name.to_string()).collect()
}

#[test]
fn a_manual_hook_matches_only_for_a_task_that_asks_for_it() {
    for (notify, hooks) in [
        ("normal", vec!["all"]),
        ("manual", vec!["all", "asked"]),
        ("manual_at_end", vec!["all"]),
        ("none", vec![]),
    ] {
        assert_eq!(matched(json!({"notify": notify})).0, hooks, "{notify}");
    }
    assert_eq!(matched(json!(null)).0, ["all"]);
}

#[test]
fn the_end_of_a_queue_matches_manual_hooks_for_tasks_that_asked() {
    let config = Config::load(CONFIG).unwrap();
    let payload: Arc<Payload> = Arc::default();
    let facts = Facts { kind: "queue.end", ..facts(&payload, &config.host) };
    let tally = QueueTally::default();
    let end = Subject::of_queue(&facts, &tally);
    assert_eq!(names(&decided(&config, &end)), ["all"]);
    let task = fields(json!({"name": "n", "outputs": [{"url": "x"}]}));
    let subject = Subject::of_asked(&facts, &end, &EndRequest::by(facts.id, &task, &[], &Map::new()));
    assert_eq!(names(&decided(&config, &subject)), ["asked"]);
    assert_eq!(subject.context.text_at(&["task", "name"]), Some("n"));
    assert!(subject.context.at(&["task", "outputs"]).is_none() && subject.context.at(&["queue"]).is_some());
}

#[test]
fn an_allowed_address_gets_the_messages_of_matching_hooks_and_no_other_does() {
    let (hooks, ignored) = matched(json!({"url": "https://hooks.example.com/users/mira"}));
    assert_eq!((hooks, ignored), (vec!["all".to_owned(), "all".to_owned()], 0));
    let (hooks, ignored) = matched(json!({"url": "https://hooks.example.com/"}));
    assert_eq!((hooks, ignored), (vec!["all".to_owned()], 1));
    let quiet = matched(json!({"url": "https://hooks.example.com/users/mira", "notify": "none"}));
    assert_eq!(quiet, (vec![], 0));
}

#[test]
fn a_threshold_that_cannot_be_read_matches_and_is_counted() {
    let decided = |hook: &str, kind: &str, payload: Json| {
        let text = format!(
            "[endpoints.a]\nurl = \"https://a.example.com/hook\"\n[[hooks]]\non = [\"{kind}\"]\nto = [\"a\"]\n{hook}\n"
        );
        let config = Config::load(&text).unwrap();
        let payload: Arc<Payload> = Arc::new(fields(payload).into());
        let facts = Facts { kind, ..facts(&payload, &config.host) };
        let subject = match kind {
            "task.complete" => {
                Subject::of_task(&facts, TaskParams::default(), &Task::read(payload.tree()), None)
            }
            _ => Subject::of_other(&facts),
        };
        let decision = decided(&config, &subject);
        (decision.matches.len(), decision.broken_conditions, decision.remarks.join("; "))
    };
    let long = "min_duration = \"10m\"";
    for (hook, kind, payload) in [
        (long, "task.complete", json!({"duration_s": "soon"})),
        (long, "task.complete", json!({"started_at": "?", "finished_at": "?"})),
        ("smart = true", "task.complete", json!({"duration_s": [1]})),
        ("relative = 2", "task.complete", json!({"duration_s": "?", "usual_s": 3})),
        ("min_tasks = 9", "batch.end", json!({"total": "many"})),
        ("only_failures = true", "batch.end", json!({"failed": "some"})),
    ] {
        let (matches, broken, remark) = decided(hook, kind, payload.clone());
        assert_eq!((matches, broken), (1, 1), "{hook} {payload}");
        assert!(remark.contains("cannot be read"), "{remark}");
    }
    let other = format!("{long}\nwhen = \"task.kind == 'x'\"");
    assert_eq!(decided(&other, "task.complete", json!({"duration_s": "soon", "kind": "y"})).0, 0);
    for (hook, kind, payload, matches) in [
        (long, "task.complete", json!({"duration_s": "1:00:00"}), 1),
        (long, "task.complete", json!({"duration_s": "0:01:00"}), 0),
        (long, "task.complete", json!({}), 0),
        ("min_tasks = 9", "batch.end", json!({"total": "12"}), 1),
        ("only_failures = true", "batch.end", json!({"failed": "0"}), 0),
    ] {
        let (found, broken, _) = decided(hook, kind, payload.clone());
        assert_eq!((found, broken), (matches, 0), "{hook} {payload}");
    }
}

#[test]
fn the_times_that_a_host_tells_of_a_queue_or_a_batch_count_as_its_duration() {
    let hook = "[[hooks]]\non = ['queue.end', 'batch.end']\nto = ['a']\nmin_duration = '30m'";
    let config = Config::load(&format!("[endpoints.a]\nurl = 'https://a.example.com/'\n{hook}")).unwrap();
    let (from, to) = ("2026-01-01T10:00:00", "2026-01-01T11:00:00");
    for (payload, matches, broken) in [
        (json!({"started_at": from, "finished_at": to}), true, 0),
        (json!({"started_at": from, "finished_at": from}), false, 0),
        (json!({"started_at": format!("{from}+0100"), "finished_at": "soon"}), true, 1),
        (json!({"started_at": format!("{from}Z"), "finished_at": to}), true, 1),
        (json!({"started_at": 1_767_261_600_000_u64, "finished_at": "1767265200"}), true, 0),
        (json!({"started_at": from, "finished_at": to, "duration_s": 5}), false, 0),
        (json!({"started_at": from}), false, 0),
    ] {
        let payload = Arc::new(payload.as_object().unwrap().clone().into());
        for kind in ["queue.end", "batch.end"] {
            let facts = Facts { kind, ..facts(&payload, &config.host) };
            let subject = match kind {
                "queue.end" => Subject::of_queue(&facts, &QueueTally::opened_at(1)),
                _ => Subject::of_other(&facts),
            };
            let decision = decided(&config, &subject);
            let found = (!decision.matches.is_empty(), decision.broken_conditions);
            assert_eq!(found, (matches, broken), "{kind} {payload:?}");
        }
    }
}

#[test]
fn hooks_of_overlapping_families_match_once_each() {
    let config = Config::load(
        "[endpoints.a]\nurl = 'https://a.example.com/'\n[endpoints.b]\nurl = 'https://b.example.com/'\n\
         [endpoints.c]\nurl = 'https://c.example.com/'\n\
         [[hooks]]\nname = 'all'\non = ['*']\nto = ['a']\n\
         [[hooks]]\nname = 'family'\non = ['render.*', 'task.complete']\nto = ['b', 'a']\n\
         [[hooks]]\nname = 'one'\non = ['render.saved']\nto = ['c']\nmanual = false",
    )
    .unwrap();
    for (kind, hooks) in [
        ("render.saved", vec!["all", "family", "one"]),
        ("render.frame.saved", vec!["all", "family"]),
        ("task.complete", vec!["all", "family"]),
        ("render", vec!["all"]),
        ("alert.firing", vec!["all"]),
    ] {
        let payload: Arc<Payload> = Arc::default();
        let facts = Facts { kind, ..facts(&payload, &config.host) };
        let subject = Subject::of_task(&facts, TaskParams::default(), &Task::read(payload.tree()), None);
        let decision = decided(&config, &subject);
        assert_eq!(names(&decision), hooks, "{kind}");
        let mut endpoints: Vec<&str> =
            decision.matches.iter().map(|matched| &*matched.endpoint.name).collect();
        endpoints.dedup();
        assert_eq!(endpoints.len(), hooks.len(), "{kind}: each endpoint once");
    }
}
