//! What decides whether a hook fires, and at which endpoints.

use super::*;

/// A configuration with the endpoints `a` and `b`, and these hooks.
fn config(hooks: &str) -> Config {
    let text = format!(
        "[endpoints.a]\nurl = 'http://127.0.0.1:1/a'\n[endpoints.b]\nurl = 'http://127.0.0.1:1/b'\n{hooks}"
    );
    Config::load(&text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// A hook for the ends of queues that rings at `a`, with one more line.
fn queue_hook(line: &str) -> Config {
    config(&format!("[[hooks]]\non = ['queue.end']\nto = ['a']\n{line}"))
}

fn task(payload: Json) -> Subject {
    let mut payload = fields(payload);
    let (params, _) = TaskParams::take(&mut payload);
    let payload: Arc<Payload> = Arc::new(payload.into());
    let config = config("");
    Subject::of_task(&facts(&payload, &config.host), params, &Task::read(payload.tree()), None)
}

fn queue(total: u64, duration_s: f64, failed: u64) -> Subject {
    let passed = json!({"total": total, "duration_s": duration_s, "failed": failed});
    let passed = Arc::new(fields(passed).into());
    let config = config("");
    let facts = Facts { kind: "queue.end", ..facts(&passed, &config.host) };
    Subject::of_queue(&facts, &QueueTally::opened_at(1))
}

fn matched(decision: &Decision<'_>) -> Vec<(String, String)> {
    decision
        .matches
        .iter()
        .map(|matched| (matched.hook.name.to_string(), matched.endpoint.name.to_string()))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(hook, endpoint)| ((*hook).to_owned(), (*endpoint).to_owned())).collect()
}

fn fires(config: &Config, subject: &Subject) -> bool {
    !decided(config, subject).matches.is_empty()
}

#[test]
fn the_shorthands_measure_the_work_and_combine_by_and() {
    let small = queue(9, 59.9, 0);
    for (line, subject, expected) in [
        ("", &small, true),
        ("min_tasks = 9", &small, true),
        ("min_tasks = 10", &small, false),
        ("min_duration = '59s'", &small, true),
        ("min_duration = '1m'", &small, false),
        ("only_failures = true", &small, false),
        ("only_failures = true", &queue(1, 0.0, 1), true),
        ("smart = true", &small, false),
        ("smart = true", &queue(10, 0.0, 0), true),
        ("smart = true", &queue(1, 60.0, 0), true),
        ("smart = true", &queue(1, 0.0, 1), true),
        ("min_tasks = 9\nmin_duration = '1m'", &small, false),
        ("min_tasks = 9\nwhen = 'queue.failed > 0'", &small, false),
        ("min_tasks = 9\nwhen = 'queue.total == 9'", &small, true),
    ] {
        assert_eq!(fires(&queue_hook(line), subject), expected, "{line}");
    }
}

#[test]
fn a_hook_hears_only_the_types_it_names() {
    let config = queue_hook("");
    assert!(!fires(&config, &task(json!({}))));
    assert!(fires(&config, &queue(1, 0.0, 0)));
}

#[test]
fn a_failed_task_is_a_failure_and_a_cancelled_one_is_none() {
    let config = config("[[hooks]]\non = ['task.complete']\nto = ['a']\nonly_failures = true");
    assert!(fires(&config, &task(json!({"status": "error"}))));
    assert!(!fires(&config, &task(json!({"status": "cancelled"}))));
    assert!(!fires(&config, &task(json!({"duration_s": 4000}))));
}

const TWO_HOOKS: &str = "\
    [[hooks]]\nname = 'failures'\non = ['task.complete']\nto = ['a']\nonly_failures = true\n\
    [[hooks]]\nname = 'all'\non = ['task.complete']\nto = ['a', 'b']\n";

#[test]
fn an_endpoint_hears_an_event_once_from_the_first_hook_that_fires() {
    let config = config(TWO_HOOKS);
    let failed = task(json!({"status": "error"}));
    assert_eq!(matched(&decided(&config, &failed)), pairs(&[("failures", "a"), ("all", "b")]));
    assert_eq!(matched(&decided(&config, &task(json!({})))), pairs(&[("all", "a"), ("all", "b")]));
}

#[test]
fn a_task_may_choose_among_the_endpoints_and_be_silent() {
    let config = config(TWO_HOOKS);
    let to_b = task(json!({"webhook_params": {"to": ["b"]}}));
    assert_eq!(matched(&decided(&config, &to_b)), pairs(&[("all", "b")]));
    let silent = task(json!({"status": "error", "webhook_params": {"notify": "none"}}));
    assert!(!fires(&config, &silent));
    let manual = task(json!({"webhook_params": {"notify": "manual"}}));
    assert!(fires(&config, &manual), "what a host means by it is the host's to say");
}

#[test]
fn a_name_that_is_not_configured_is_ignored_and_remarked_without_being_repeated() {
    let config = config(TWO_HOOKS);
    let partly = task(json!({"webhook_params": {"to": ["marker-7c1", "b"]}}));
    let decision = decided(&config, &partly);
    assert_eq!(matched(&decision), pairs(&[("all", "b")]));
    assert_eq!((decision.remarks.len(), decision.ignored_params), (1, 1));
    assert!(!decision.remarks[0].contains("marker-7c1"), "{}", decision.remarks[0]);
    let unknown = task(json!({"webhook_params": {"to": "marker-7c1"}}));
    assert_eq!(matched(&decided(&config, &unknown)), pairs(&[("all", "a"), ("all", "b")]));
}

#[test]
fn a_task_cannot_make_a_hook_fire_that_does_not() {
    let config = queue_hook("");
    assert!(!fires(&config, &task(json!({"webhook_params": {"to": ["a"], "notify": "normal"}}))));
}

#[test]
fn an_undefined_name_is_false_and_a_broken_condition_fires_with_a_remark() {
    let when = |condition: &str| {
        config(&format!("[[hooks]]\nname = 'h'\non = ['task.complete']\nto = ['a']\nwhen = \"{condition}\""))
    };
    let subject = task(json!({"params": {"steps": "thirty"}}));
    let quiet = when("task.params.width > 1000");
    let decision = decided(&quiet, &subject);
    assert!(decision.matches.is_empty() && decision.remarks.is_empty() && decision.broken_conditions == 0);
    let broken = when("task.params.steps > 20");
    let decision = decided(&broken, &subject);
    assert_eq!((decision.matches.len(), decision.broken_conditions), (1, 1));
    assert!(decision.remarks[0].starts_with("`when` of h could not be evaluated"), "{}", decision.remarks[0]);
}

#[test]
fn a_shorthand_that_says_no_spares_a_broken_condition() {
    let config =
        config("[[hooks]]\non = ['task.complete']\nto = ['a']\nonly_failures = true\nwhen = 'task.name > 1'");
    let decision = decided(&config, &task(json!({"name": "n"})));
    assert!(decision.matches.is_empty() && decision.broken_conditions == 0);
}
