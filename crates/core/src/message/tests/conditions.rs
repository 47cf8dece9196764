use super::super::{Condition, ConditionResult, Context};
use crate::event::KNOWN_TYPES;
use proptest::prelude::*;
use serde_json::json;

fn verdict(source: &str, context: &Context) -> ConditionResult {
    Condition::compile(source).unwrap_or_else(|reason| panic!("{source}: {reason}")).holds(context)
}

/// For each condition, whether it holds for the task.
fn assert_holds(table: &[(&str, bool)]) {
    let context = task();
    for (source, holds) in table {
        let wanted = if *holds { ConditionResult::True } else { ConditionResult::False };
        assert_eq!(verdict(source, &context), wanted, "{source}");
    }
}

fn task() -> Context {
    Context::new(json!({
        "task": {
            "name": "run-7", "status": "success", "kind": "training", "duration_s": 90.7, "nothing": null,
            "params": {"steps": 30, "text": "30", "tags": ["a", "b"], "odd key": 1},
        },
        "queue": {"duration_s": 600},
        "host": {"name": "render-07"},
    }))
}

#[test]
fn comparisons_of_defined_names_decide() {
    let table = [
        ("task.status == 'success' and task.kind == 'training'", true),
        ("task.params.steps > 20 and task.status == 'success'", true),
        ("task.params.steps > 30", false),
        ("1 < task.params.steps <= 30", true),
        ("task.params.steps * 2 == 60", true),
        ("'a' in task.params.tags", true),
        ("'c' not in task.params.tags", true),
        ("task.kind in ['training', 'image']", true),
        ("task.kind is in ['training']", true),
        ("task.params.tags|length > 1", true),
        ("task.name is startingwith('run')", true),
        ("task['kind'] == 'training'", true),
        ("(task.status == 'error' or task.duration_s >= 60) and not task.params.steps > 100", true),
        ("true", true),
        ("task", true),
        ("''", false),
        ("'x' if task.status == 'error'", false),
        ("task.duration_s|round == 91", true),
        ("true == (task.kind == 'training')", true),
    ];
    assert_holds(&table);
}

#[test]
fn an_undefined_name_makes_only_its_comparison_false() {
    let table = [
        ("queue.total >= 10 or queue.duration_s >= 300", true),
        ("queue.duration_s >= 300 or queue.total >= 10", true),
        ("queue.total >= 10 or queue.duration_s >= 3000", false),
        ("queue.total < 10", false),
        ("queue.total >= 10 and queue.duration_s >= 300", false),
        ("not task.error", true),
        ("not task.error.message", true),
        ("not queue.total >= 10", true),
        ("task.error", false),
        ("task.metrics.loss > 1", false),
        ("task.metrics.loss < 1", false),
        ("task.metrics.loss == 1", false),
        ("task.metrics.loss != 1", false),
        ("10 > task.metrics.deep.loss", false),
        ("task.metrics.loss + 1 > 0", false),
        ("task.metrics.loss|round(2) > 0", false),
        ("task.metrics.loss|abs < 5", false),
        ("task.users|length == 0", false),
        ("task.missing|upper == ''", false),
        ("task.missing.startswith('a')", false),
        ("task.metrics.get('a') == 1", false),
        ("task.missing[0] == 1", false),
        ("task.params['no key'] > 0", false),
        ("'x' in task.missing", false),
        ("'x' not in task.missing", false),
        ("task.missing in ['x']", false),
        ("task.missing ~ 'x' == 'x'", false),
        ("-task.missing < 0", false),
        ("alert.value > 3 or task.kind == 'training'", true),
        ("nonsense.deep.name > 3 or true", true),
        ("task.missing is defined", false),
        ("task.missing is not defined", true),
        ("task.missing is undefined or false", true),
        ("task.missing|default(5) > 3", true),
        ("(task.missing or task.kind) == 'training'", true),
        ("(task.kind == 'x' or task.missing > 1) or task.params.steps > 1", true),
        ("1 if task.missing else 2", true),
        ("task.name.nothing", false),
    ];
    assert_holds(&table);
}

#[test]
fn null_is_neither_smaller_nor_larger_than_a_number() {
    let context = task();
    for source in
        ["task.nothing < 1", "task.nothing > 1", "task.nothing <= 1", "1 < task.nothing", "1 in task.nothing"]
    {
        assert_eq!(verdict(source, &context), ConditionResult::False, "{source}");
    }
    assert_eq!(verdict("task.nothing == none", &context), ConditionResult::True);
    assert_eq!(verdict("task.nothing is none", &context), ConditionResult::True);
    assert_eq!(verdict("task.kind != none", &context), ConditionResult::True);
}

#[test]
fn an_error_is_broken_not_false() {
    let context = task();
    let table = [
        ("task.params.text > 20", "order a text and a number"),
        ("task.name + 1 > 3", ""),
        ("task.name|nofilter", "nofilter"),
        ("task.missing|nofilter", "nofilter"),
        ("task.name is notest", "notest"),
        ("nofunction(1)", "nofunction"),
        ("task.name.nomethod()", "nomethod"),
        ("range(100000)|map('string')|join|length > 1", "steps"),
        ("('x' * 100000000)|length > 1", "steps"),
    ];
    for (source, names) in table {
        match verdict(source, &context) {
            ConditionResult::Broken(reason) => assert!(reason.contains(names), "{source}: {reason}"),
            verdict => panic!("{source}: {verdict:?}"),
        }
    }
}

#[test]
fn an_invalid_expression_is_rejected_with_a_reason() {
    for bad in ["", "a >", "a and", "(a", "a b", "{{ a }}", "a }} b", "'x", "a = 1", "not", "{% if a %}"] {
        let reason = Condition::compile(bad).expect_err(bad);
        assert!(!reason.is_empty());
    }
}

#[test]
fn check_finds_names_that_no_event_has() {
    let reason =
        Condition::compile("true or tsak.status == 'x'").unwrap().check("task.complete").unwrap_err();
    assert!(reason.contains("`tsak`") && reason.contains("did you mean `task`?"), "{reason}");
    let reason =
        Condition::compile("task.name|uper == 'X' or true").unwrap().check("task.complete").unwrap_err();
    assert!(reason.contains("uper"), "{reason}");
    let sound =
        "queue.total >= 10 or task.metrics.other * 2 > 1 or task.params.size|round > 3 or alert.value > 1";
    for kind in KNOWN_TYPES.iter().chain(&["render.saved"]) {
        Condition::compile(sound).unwrap().check(kind).unwrap();
    }
}

/// Parts of conditions, with and without blanks between them.
fn expressions() -> impl Strategy<Value = String> {
    let short = [
        "a", "b", "n", "t.a", "t.or", "10", "2.5", "0xA", "1_0", "1e1", "10.", ".5", "not", "and", "or",
        "in", "is", "if", "else", "==", "!=", "<", "<=", ">", ">=", "(", ")", "[", "]", "{", "}", ",", ":",
        "+", "-", "*", "**", "/", "//", "~", "|", "|length", "|int", "true", "'or'", "\"x'\"", "r'x'", "odd",
        "number", "é", "1or", "2and", "[1, 2]", "(a or b)", "{'a': 1}",
    ];
    let long = ["divisibleby"];
    let pieces = prop::sample::select([&short[..], &long].concat());
    prop::collection::vec((pieces, prop::bool::ANY), 1..12).prop_map(|pieces| {
        pieces.into_iter().map(|(piece, blank)| format!("{piece}{}", if blank { " " } else { "" })).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_condition_and_the_engine_read_the_same(source in expressions()) {
        let scope = minijinja::context!(
            a => true, b => false, n => 3, t => minijinja::context!(a => 10, or => 0), odd => 1, number => 2,
        );
        let mut engine = minijinja::Environment::new();
        engine.set_undefined_behavior(minijinja::UndefinedBehavior::SemiStrict);
        let whole = engine.compile_expression(&source).and_then(|whole| whole.eval(&scope));
        if let (Ok(value), Ok(condition)) = (whole, Condition::compile(&source))
            && !value.is_undefined()
            && let Ok(holds) = condition.decide(&scope, &mut 0)
        {
            prop_assert_eq!(holds, value.is_true(), "{}", source);
        }
    }
}

#[test]
fn a_number_that_runs_into_a_keyword_loses_nothing() {
    let queue = Context::new(json!({"queue": {"total": 3, "failed": 1, "name": "q"}}));
    for source in "\
        queue.total >= 10or queue.failed > 0 ¦ not(queue.total >= 10)or queue.failed>9 ¦ \
        queue.total>=10 or(queue.failed>0) ¦ queue.name=='x'or queue.failed>0 ¦ \
        queue.total >= 1_0 or queue.failed > 0 ¦ queue.total >= 1e1or queue.failed > 0 ¦ \
        queue.total >= 0xAor queue.failed > 0 ¦ queue.total > 2and queue.total < 100"
        .split(" ¦ ")
    {
        assert_eq!(verdict(source, &queue), ConditionResult::True, "{source}");
    }
}
