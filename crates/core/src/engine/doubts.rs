//! Probable mistakes of a configuration: conditions that are never true, names near a field, and templates that
//! fail for an ordinary event.

use crate::config::{Config, ConfigError, ConfigSpans};
use crate::hooks::Hook;
use crate::message::{Condition, ConditionResult, Context, Template, known_fields};

/// The most failures of one template that are told for one event type.
const SHOWN_FAILURES: usize = 4;

pub(super) fn warnings(config: &Config, places: &ConfigSpans) -> Vec<ConfigError> {
    let mut found: Vec<ConfigError> = Vec::new();
    for (index, hook) in config.hooks.iter().enumerate() {
        let key = |name: &str| format!("hooks[{index}].{name}");
        let except = hook.shaping.quiet.as_ref().and_then(|quiet| quiet.except.as_ref());
        for (name, condition) in [("when", hook.when.as_ref()), ("quiet_except", except)] {
            let doubts = condition.map(|condition| condition_doubts(hook, condition)).unwrap_or_default();
            found.extend(doubts.iter().map(|doubt| places.at(&key(name), doubt)));
        }
        if let Some(template) = &hook.template {
            found.extend(
                template_doubts(hook, template)
                    .into_iter()
                    .map(|(place, line, doubt)| places.in_template(index, &place, line, &doubt)),
            );
        }
    }
    let mut once: Vec<ConfigError> = Vec::new();
    for warning in found {
        if !once.contains(&warning) {
            once.push(warning);
        }
    }
    once
}

/// The reason of an undefined name, with the field that is probably meant.
pub(super) fn with_nearest(reason: &str) -> String {
    let name = reason.split('`').nth(1).unwrap_or_default();
    match known_fields::nearest(name) {
        Some(meant) if !reason.contains("did you mean") => format!("{reason}; did you mean `{meant}`?"),
        _ => reason.to_owned(),
    }
}

fn condition_doubts(hook: &Hook, condition: &Condition) -> Vec<String> {
    let mut found = condition.doubts();
    let mut missing: Vec<String> =
        condition.names().iter().filter_map(|name| name.split('.').next()).map(str::to_owned).collect();
    missing.retain(|root| !hook.manual && !hook.on.iter().any(|kind| has_root(kind, root)));
    missing.dedup();
    // A manual hook gets tasks in addition to its own types.
    if missing.is_empty() && !hook.manual {
        let never = condition.never_true(&hook.sampled_kinds());
        // What is no status is told already, with the one that is meant.
        found.extend(never.into_iter().filter(|_| found.is_empty()).collect::<Vec<_>>());
    }
    found.extend(missing.iter().map(|root| {
        let kinds = hook.on.join(", ");
        let own = kinds.split('.').next().unwrap_or_default();
        let instead = match own {
            "task" | "queue" | "batch" | "alert" => format!("use `{own}`"),
            _ => "use `event.data`".to_owned(),
        };
        format!("{kinds} has no `{root}`, so a comparison with it is always false; {instead}")
    }));
    found
}

fn has_root(kind: &str, root: &str) -> bool {
    let family = kind.split('.').next().unwrap_or_default();
    match root {
        "task" | "batch" | "alert" => family == root || family == "*",
        "queue" => matches!(family, "queue" | "task" | "*"),
        // It is made of events that fired, after their conditions were asked.
        "digest" => false,
        _ => true,
    }
}

type PlacedDoubt = (String, Option<usize>, String);

fn template_doubts(hook: &Hook, template: &Template) -> Vec<PlacedDoubt> {
    let kinds = hook.sampled_kinds();
    let failed: Vec<String> =
        kinds.iter().filter_map(|kind| template.check(kind).err()).map(|error| error.place).collect();
    // A name that is an error already says so with its nearest field.
    let mut found: Vec<PlacedDoubt> = template
        .doubts()
        .into_iter()
        .filter(|doubt| !(failed.contains(&doubt.place) && doubt.reason.contains("did you mean")))
        .map(|doubt| (doubt.place, doubt.line, doubt.reason))
        .collect();
    if !failed.is_empty() {
        return found;
    }
    let in_digest = hook.shaping.digest.is_some() || hook.shaping.quiet.is_some();
    for kind in &kinds {
        let failures =
            template.check_ordinary(kind, in_digest, &|context, full| may_get(hook, kind, context, full));
        found.extend(failures.into_iter().take(SHOWN_FAILURES).map(|(words, error)| {
            let field = words.split('`').nth(1).unwrap_or_default();
            let family = kind.split('.').next().unwrap_or_default();
            let other = known_fields::stand_in(&format!("{family}.{field}"));
            let advice = if error.reason.starts_with('`') {
                format!("write `| default({other})` directly after the name, or choose with `if`")
            } else if error.reason.contains("0 / 0") || field.is_empty() {
                "choose with `if` whether it can be calculated".to_owned()
            } else {
                format!("write `| default({other}, true)` directly after the name, which replaces null and empty values too")
            };
            let reason = format!("for {words} no message can be rendered: {}; {advice}", error.reason);
            (error.place, error.line, reason)
        }));
    }
    found
}

/// Whether the hook may get this event, given that it gets the full sample.
fn may_get(hook: &Hook, kind: &str, context: &Context, full: &Context) -> bool {
    let family = kind.split('.').next().unwrap_or_default();
    let refuses = |condition: &Condition| condition.holds(context) == ConditionResult::False;
    let decides = |condition: &&Condition| condition.holds(full) != ConditionResult::False;
    let has = |field: &str| context.at(&[family, field]).is_some();
    let failed = family != "task" || context.text_at(&["task", "status"]) == Some("error");
    !hook.when.as_ref().filter(decides).is_some_and(refuses)
        && (failed || !hook.only_failures)
        && (has("duration_s") || hook.min_duration.is_none() && hook.relative.is_none())
        && (has("usual_s") || hook.relative.is_none())
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use serde_json::{Value as Json, json};

    fn told(hook: Json) -> String {
        let config = json!({
            "spool": {"path": ":memory:"}, "endpoints": {"a": {"url": "http://127.0.0.1:9/x"}}, "hooks": [hook],
        });
        let report = check(&config.to_string());
        report.errors.iter().chain(&report.warnings).map(|told| format!("{told}\n")).collect()
    }

    fn template(kind: &str, template: Json) -> String {
        told(json!({"on": [kind], "to": ["a"], "template": template}))
    }

    #[test]
    fn a_template_that_dies_on_an_ordinary_event_is_warned_of_with_field_and_place() {
        for (kind, text, words) in [
            ("task.complete", "{{ task.name }}: {{ task.error.message }}", "a task without `name`"),
            ("task.complete", "{{ task.error.message }}", "a task without `error`"),
            ("task.complete", "{{ task.outputs[0].url }}", "a task without `outputs`"),
            (
                "task.complete",
                "{% if task.outputs is defined %}{{ task.outputs[0].url }}{% endif %}",
                "a null `outputs`",
            ),
            ("task.complete", "{{ task.user }} is done", "a task without `user`"),
            ("task.complete", "{{ task.metrics.loss | default(0) | round(4) }}", "a null `metrics.loss`"),
            ("task.complete", "{{ task.metrics.psnr }}", "without `metrics`"),
            ("queue.end", "{{ queue.failures[0].name }}", "an empty `failures`"),
            ("queue.end", "{{ queue.usual_s | duration }}", "a queue without `usual_s`"),
        ] {
            let told = template(kind, json!({"text": text}));
            assert!(told.contains(words) && told.contains("hooks[0].template.text"), "{text}: {told}");
            assert!(told.contains("default("), "{text}: {told}");
        }
        for (kind, text) in [
            ("task.complete", "{{ task.name | default('-') }} {{ task.params.model | default('unknown') }}"),
            ("queue.end", "{{ queue.succeeded }} of {{ queue.total }}: {{ queue.users | join(', ') }}"),
            ("alert.firing", "{{ alert.name }} {{ alert.value }}"),
            ("render.saved", "{{ event.data.file }}"),
        ] {
            assert_eq!(template(kind, json!({"text": text})), "", "{text}");
        }
    }

    #[test]
    fn a_right_template_of_any_platform_is_told_nothing_of() {
        let list: Vec<(String, String, Json)> =
            serde_json::from_str(include_str!("../platform/tests/right_templates.json")).unwrap();
        let told: Vec<String> = list
            .into_iter()
            .filter_map(|(name, kind, template)| {
                let example = crate::platform::by_name(&name).unwrap().description().example;
                let mut endpoint =
                    json!({"platform": name, "url": format!("http://127.0.0.1:9{}", example.target)});
                for (option, value) in example.options {
                    endpoint[*option] = json!(value);
                }
                let hook = json!({"on": [kind], "to": ["a"], "template": template});
                let config =
                    json!({"spool": {"path": ":memory:"}, "endpoints": {"a": endpoint}, "hooks": [hook]});
                let report = check(&config.to_string());
                let told: String =
                    report.errors.iter().chain(&report.warnings).map(|told| format!("{told}\n")).collect();
                (!told.is_empty()).then(|| format!("{name} {template}: {told}"))
            })
            .collect();
        assert!(told.is_empty(), "{}", told.join("\n"));
    }

    #[test]
    fn what_stands_in_for_a_missing_value_is_of_its_kind() {
        for (kind, text, advice) in [
            ("task.complete", "{{ task.duration_s / 60 }}", "`| default(0, true)`"),
            ("task.complete", "{% for o in task.outputs %}x{% endfor %}", "`| default([])`"),
            ("task.complete", "{{ task.name }}", "`| default(\"-\")`"),
            ("queue.end", "{{ queue.failed / queue.total }}", "for a queue that has 0 tasks"),
            ("task.complete", "{{ vars.channel }}", "for a task without `webhook_params.vars`"),
        ] {
            let told = template(kind, json!({"text": text}));
            assert!(told.contains(advice), "{text}: {told}");
        }
        assert_eq!(template("task.complete", json!({"$schema": "x", "text": "done"})), "");
    }

    #[test]
    fn what_the_hook_never_gets_is_no_ordinary_event() {
        let told = told(json!({
            "on": ["task.complete"], "to": ["a"], "relative": 2.0, "when": "task.error.message != ''",
            "template": {"text": "{{ task.usual_s | duration }} {{ task.error.message }}"},
        }));
        assert_eq!(told, "");
    }

    #[test]
    fn a_condition_that_is_never_true_is_warned_of() {
        for (kind, when, words) in [
            ("task.complete", "task.status == 'failed'", "reports it as `error`"),
            ("task.complete", "'canceled' != task.status", "reports it as `cancelled`"),
            ("task.complete", "task.status in ['Error', 'failed']", "never `failed`"),
            ("task.complete", "task.status | lower == 'crashed'", "are the statuses"),
            ("task.complete", "task.duration > 600", "did you mean `task.duration_s`"),
            ("queue.end", "queue.errors > 0", "did you mean `queue.failed`"),
            ("queue.end", "task.status == 'error'", "queue.end has no `task`"),
            ("render.saved", "task.name == 'a'", "use `event.data`"),
            ("alert.firing", "alert.direction == 'up'", "only `above` or `below`"),
            ("task.complete", "task.duration_s == '60'", "is a number"),
            ("task.complete", "task.name == 10", "write the value in quotes"),
            ("task.complete", "event.type == 'task.completed'", "did you mean `task.complete`"),
            ("task.complete", "task.error == 'OutOfMemory'", "compare `task.error.message`"),
            ("task.complete", "'fail' in task.status", "never true"),
            ("task.complete", "task.status not in ['success', 'error', 'cancelled']", "never true"),
            ("task.complete", "task.status == 'success' and task.status == 'error'", "exclude each other"),
            ("queue.end", "queue.failed > 5 and queue.failed < 3", "exclude each other"),
            ("queue.end", "queue.failed < 0", "never true"),
            ("queue.end", "queue.failures == 0", "| length` counts it"),
            ("queue.end", "1 > 2", "never true"),
            ("task.complete", "task.status == 'error' or 'cancelled'", "always true"),
            ("task.complete", "task.user == 'a' or task.user == 'b' or 'c'", "write each comparison whole"),
            ("task.complete", "task.outputs.length > 0", "`task.outputs | length`"),
            ("task.complete", "task.parameters.steps > 5", "did you mean `task.params`"),
            ("task.complete", "task.params == 'x'", "is an object"),
            ("task.complete", "digest.count > 3", "has no `digest`"),
            ("queue.end", "queue.fail_count > 0", "did you mean `queue.failed`"),
            ("alert.firing", "alert.current > 5", "did you mean `alert.value`"),
            ("task.complete", "duration > 5", "did you mean `task.duration_s`"),
            ("task.complete", "hostname == 'a'", "did you mean `host.name`"),
            ("task.complete", "len(task.outputs) > 0", "`task.outputs | length`"),
            ("task.complete", "task.name.startswith('x')", "is startingwith"),
            ("task.complete", "task.duration_s >= '5 min'", "a number has no quotes"),
            ("task.complete", "task.duration_s => 5", "`=>` is `>=`"),
            ("task.complete", "task.status eq 'error'", "`eq` is `==`"),
            ("task.complete", "task.status is 'error'", "a comparison is `==`"),
            ("task.complete", "task.error exists", "is defined"),
            ("task.complete", "$task.status == 'error'", "without `$`"),
            ("task.complete", "if task.status == 'error' then", "without `if`"),
            ("task.complete", "task.user == 'a' & task.name == 'b'", "`&` is `and`"),
        ] {
            let told = told(json!({"on": [kind], "to": ["a"], "when": when}));
            assert!(told.contains(words) && told.contains("hooks[0].when"), "{when}: {told}");
        }
        for (kind, when) in [
            ("task.complete", "task.status == 'error' or task.shot == 'a12' or queue.total > 3"),
            ("task.complete", "task.params.duration > 3 and task.status not in ['success']"),
            ("render.saved", "event.data.count > 3"),
            ("task.complete", "task.id == 5 or task.progress == 100 or task.user == vars.owner"),
            ("task.complete", "'final' in task.name and task.duration_s > task.usual_s * 2"),
            ("queue.end", "queue.cancelled > 0 and queue.failed == 0"),
            ("queue.end", "queue.failed > 2 and queue.failed < 3.5 and 'mira' in queue.users"),
            ("alert.firing", "alert.reminder == 0 and alert.value < -5.5"),
            ("task.complete", "5 < task.duration_s < 10 and task.result.score > 3"),
            ("task.complete", "task.title == 'a' or task.files or task.length > 3"),
            ("queue.end", "queue.id == 5 or queue.failed * 10 > queue.total"),
            ("task.complete", "'error' in task.error.message and 'a' != task.user"),
        ] {
            assert_eq!(told(json!({"on": [kind], "to": ["a"], "when": when})), "", "{when}");
        }
        let two =
            json!({"on": ["queue.end", "task.complete"], "to": ["a"], "when": "task.status == 'error'"});
        assert_eq!(told(two), "");
    }

    #[test]
    fn a_hook_of_a_family_is_checked_with_the_types_that_its_condition_can_be_about() {
        let of = |on: Json, when: &str, text: &str| {
            told(json!({"on": on, "to": ["a"], "when": when, "template": {"text": text}}))
        };
        for on in [json!(["*"]), json!(["task.*"])] {
            assert_eq!(
                of(on.clone(), "task.status == 'error'", "{{ task.name | default('-') }}"),
                "",
                "{on}"
            );
            for (when, text, words) in [
                ("task.status == 'failed'", "x", "reports it as `error`"),
                ("task.name == 10", "x", "write the value in quotes"),
                ("tsak.status == 'error'", "x", "did you mean `task`"),
                ("task.status == 'error'", "{{ task.nam }}", "did you mean `task.name`"),
                ("task.status == 'error'", "{{ queue.failures[0].name }}", "an empty `failures`"),
            ] {
                let told = of(on.clone(), when, text);
                assert!(told.contains(words) || text.contains("queue"), "{on} {when} {text}: {told}");
            }
        }
        let told = of(json!(["*"]), "event.type != 'x'", "{{ task.name }}");
        assert!(told.contains("`task` is undefined"), "{told}");
        let told = of(json!(["render.*"]), "task.status == 'error'", "x");
        assert!(told.contains("render.* has no `task`"), "{told}");
        assert_eq!(of(json!(["render.*"]), "event.data.count > 3", "{{ event.data.file }}"), "");
    }

    #[test]
    fn the_syntax_of_another_system_and_a_misspelt_field_are_named() {
        for (text, words) in [
            ("{{ task.nam }} done", "did you mean `task.name`"),
            ("${task.name} done", "`${task.name}` is sent as it is"),
            ("{task.name} done", "`{task.name}` is sent as it is"),
            ("%prompt% done", "syntax = \"swarmui\""),
            ("{{ task.name done", "`{{` is not closed"),
            ("{{ .task.name }}", "Go templates"),
            ("{{#if task.error}}x{{/if}}", "Handlebars"),
            ("{{ 1 if task.status == 'failed' else 2 }}", "reports it as `error`"),
        ] {
            let told = template("task.complete", json!({"text": text}));
            assert!(told.contains(words) && told.contains("hooks[0].template.text"), "{text}: {told}");
        }
    }
}
