//! Sources that were made to end or to hold up the process that evaluates them: wherever they stand, what becomes of
//! each is an error or a result, soon.

use super::super::key_expression::KeyExpression;
use super::super::{Condition, Context, Template};
use crate::os;
use serde_json::{Value as Json, json};
use std::time::{Duration, Instant};

/// How long one of them may take, in a build without optimization on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A task as large as an event may be: long lists, a long text, objects in objects.
fn large_task() -> Context {
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!({"a": deep});
    }
    let numbers: Vec<u32> = (0..20_000).collect();
    let names: Vec<Json> = (0..2_000).map(|n| json!({"name": format!("n{n}"), "of": n % 7})).collect();
    let params = json!({"deep": deep, "numbers": numbers, "names": names, "text": "ab ".repeat(40_000)});
    let task = json!({"id": "1", "status": "success", "params": params});
    Context::new(json!({"event": {"id": "evt_1", "type": "task.complete", "data": task}, "task": task}))
}

fn texts() -> Vec<String> {
    let chain = |step: &str, count: usize| step.repeat(count);
    vec![
        "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}".into(),
        "{% macro f(x) %}{{ g(x) }}{% endmacro %}{% macro g(x) %}{{ f(x) }}{{ f(x) }}{% endmacro %}{{ f(1) }}".into(),
        "{% macro f() %}{{ caller() }}{% endmacro %}{% call f() %}{% call f() %}{{ caller() }}{% endcall %}{% endcall %}".into(),
        "{% set n = namespace() %}{% set d = {'n': n} %}{% set n.a = d.n %}{{ n }}".into(),
        "{% set n = namespace() %}{% set d = [n] %}{% set n.a = d | first %}{{ n | tojson }}".into(),
        "{% set n = namespace() %}{% set d = dict(n=n) %}{% set n.a = d %}{{ n == d }}".into(),
        "{% set n = namespace() %}{% set m = namespace(n=n) %}{% set n.a = m.n %}{{ n | string }}".into(),
        format!("{{% set b = 1 %}}{}{{{{ b | tojson }}}}", chain("{% set b = {'a': b} %}", 1900)),
        format!("{{% set b = 1 %}}{}{{{{ b | pprint }}}}", chain("{% set b = [b] %}", 1900)),
        format!("{{% set b = 'x' %}}{}{{{{ b }}}}", chain("{% set b = b ~ b %}", 60)),
        format!("{{% set b = 'x' %}}{}{{{{ b }}}}", chain("{% set b = b | replace('x', 'xxxxxxxxxx') %}", 60)),
        format!("{{% set b = task.params.numbers %}}{}{{{{ b | length }}}}", chain("{% set b = b | map('string') %}", 200)),
        format!("{{% set b = task.params.numbers %}}{}{{{{ b | length }}}}", chain("{% set b = b | reverse %}", 400)),
        "{% for a in range(9000) %}{% for b in range(9000) %}{% for c in range(9000) %}x{% endfor %}{% endfor %}{% endfor %}".into(),
        "{% set n = namespace(t='') %}{% for i in range(9000) %}{% set n.t = n.t ~ task.params.text %}{% endfor %}{{ n.t | length }}".into(),
        "{% for i in range(9000) %}{{ task.params.numbers[-1] }}{{ task.params.numbers[::-1][0] }}{% endfor %}".into(),
        "{% for i in range(9000) %}{{ (task.params.names | sort(attribute='of') | list)[-1] }}{% endfor %}".into(),
        "{% for i in range(9000) %}{{ task.params.text | upper | lower | title | trim | length }}{% endfor %}".into(),
        "{% for i in range(9000) %}{% set x = task.params == task.params %}{% set y = task.params.names == task.params.numbers %}{% endfor %}".into(),
        "{% for i in range(9000) %}{{ 'zz' in task.params.text }}{{ -1 in task.params.numbers }}{% endfor %}".into(),
        "{% for i in range(9000) %}{{ task.params | tojson | length }}{{ task.params | string | length }}{% endfor %}".into(),
        "{% for i in range(9000) %}{% filter upper %}{{ task.params.text }}{% endfilter %}{% endfor %}".into(),
        "{% for i in range(9000) %}{{ task.params.names | groupby('of') | list | length }}{{ task.params.names | unique(attribute='of') | list | length }}{% endfor %}".into(),
        "{% for i in range(9000) %}{{ '%999999999d' | format(1) }}{{ '%*d' | format(99999999, 1) }}{% endfor %}".into(),
        "{% for i in range(9000) %}{{ (task.params.numbers | batch(1) | list)[-1] }}{{ task.params.numbers | slice(3) | list | length }}{% endfor %}".into(),
        "{% for i in range(9000) %}{{ task.params.names | map(attribute='name') | join(', ') | length }}{{ task.params.numbers | sum }}{% endfor %}".into(),
        "{% for i in range(9000) %}{{ task.params.text | split(' ') | length }}{{ task.params.text | indent(9) | length }}{{ task.params.text | urlencode | length }}{% endfor %}".into(),
    ]
}

fn expressions() -> Vec<String> {
    vec![
        "'x' * 999999999".into(),
        "[1] * 999999999".into(),
        "[[1] * 9999] * 9999".into(),
        "[[1] * 9999] * 9999 ~ ''".into(),
        "([[1] * 9999] * 9999) | tojson".into(),
        "([[1] * 9999] * 9999) | string | length".into(),
        "([[1] * 9999] * 9999) | pprint | length".into(),
        "([[1] * 9999] * 9999) | map('string') | list | length".into(),
        "([[1] * 9999] * 9999) | map('tojson') | join | length".into(),
        "([[1] * 9999] * 9999) == ([[1] * 9999] * 9999)".into(),
        "([[1] * 9999] * 9999) < ([[1] * 9999] * 9999)".into(),
        "[1] in ([[1] * 9999 + [2]] * 9999)".into(),
        "([[1] * 9999] * 9999) | sort | list | length".into(),
        "([[1] * 9999] * 9999) | unique | list | length".into(),
        "([[1] * 9999] * 9999) | map('sum') | sum".into(),
        "([[1] * 9999] * 9999) | map('list') | map('list') | list | length".into(),
        "'%s' | format([[1] * 9999] * 9999) | length".into(),
        "{'a': [[1] * 9999] * 9999}".into(),
        "dict(a=[[1] * 9999] * 9999) | dictsort | tojson".into(),
        "range(999999999)".into(),
        "range(10000) | list | tojson | length > 1".into(),
        "(task.params.names + [[1]]) * 9999 ~ ''".into(),
        "(task.params.names | list) * 9999 ~ ''".into(),
        "[[task.params, task.params] + [task.params]] | string | length".into(),
        "10 ** 999999999".into(),
        "9999999999999999999999999999 * 9999999999999999999999999999 * 99999999999999999999999999".into(),
        "'%999999999d' | format(1) | length".into(),
        "'%.999999999f' | format(1.5) | length".into(),
        "('x' * 9999) | replace('x', 'x' * 9999) | replace('x', 'x' * 9999) | length".into(),
        "(['x' * 99999] * 9999) | join('y' * 99999) | length".into(),
        "range(10000)[-1] + range(10000)[::-1][-1] + (range(10000) | list)[-9999]".into(),
        "(range(10000) | map('string') | map('upper') | map('lower') | map('int') | sort | unique | reverse | list)[-1]".into(),
        "range(10000) | groupby('x') | list | length".into(),
        "range(10000) | map('batch', 1) | map('list') | list | length".into(),
        "range(100) | map('string') | map('indent', 999999999) | join | length".into(),
        "1 | indent(999999999) | length".into(),
        "'x' | center(999999999) | length".into(),
        "task.params.numbers == task.params.names or task.params == event.data".into(),
        format!("task{}", ".a".repeat(990)),
        format!("task.params.deep{}", "['a']".repeat(490)),
        format!("{}1{}", "[".repeat(140), "]".repeat(140)),
        format!("{}1{}", "{'a': ".repeat(140), "}".repeat(140)),
        format!("{}1{}", "(".repeat(140), ")".repeat(140)),
        ["task.params.numbers | sort | list | length > 1"; 900].join(" and "),
        ["task.params == event.data"; 900].join(" and "),
        ["(range(10000) | list | length) > 1"; 900].join(" and "),
        ["task.params.text | upper | length > 1"; 300].join(" and "),
        ["(task.params.text | replace('a', 'b')) != 'x'"; 300].join(" and "),
    ]
}

/// Evaluates a source wherever it may stand; an error is as good as a result.
fn evaluate_everywhere(source: &str, is_text: bool) {
    let context = large_task();
    let trees = match is_text {
        true => {
            vec![json!([source]), json!({"$for": "x in [1, 1]", "do": {"$for": "y in [1, 1]", "do": source}})]
        }
        false => vec![
            json!([format!("{{{{ {source} }}}}")]),
            json!([format!("a {{{{ {source} }}}}")]),
            json!({"$if": source, "then": 1, "else": 2}),
            json!({"$for": format!("x in ({source})"), "do": {"$for": format!("y in ({source})"), "do": "{{ x }}{{ y }}"}}),
        ],
    };
    for tree in trees {
        if let Ok(template) = Template::from_json("t", &tree) {
            let _ = template.render(&context);
            let _ = template.render_marked(&context, &|_| {});
            let _ = template.check("task.complete");
            let _ = template.check_ordinary("task.complete", false, &|_, _| true);
        }
    }
    let text = if is_text { format!("[1]{source}") } else { format!("[{{{{ {source} }}}}]") };
    if let Ok(template) = Template::from_text("t.j2", &text) {
        let _ = template.render(&context);
        let _ = template.render_marked(&context, &|_| {});
        let _ = template.check("task.complete");
    }
    if !is_text {
        if let Ok(condition) = Condition::compile(source) {
            let _ = condition.holds(&context);
            let _ = condition.account(&context);
            let _ = condition.check("task.complete");
        }
        if let Ok(key) = KeyExpression::compile(source) {
            let _ = key.of(&context);
            let _ = key.check("task.complete");
        }
    }
}

fn evaluate_all(sources: Vec<String>, are_texts: bool) {
    os::run_to_render("killers", || {
        for source in sources {
            let start = Instant::now();
            evaluate_everywhere(&source, are_texts);
            let took = start.elapsed();
            let head: String = source.chars().take(120).collect();
            assert!(took < PATIENCE, "{head} took {took:?}");
        }
    })
    .unwrap();
}

#[test]
fn a_text_made_to_kill_or_to_hang_ends_soon_wherever_it_stands() {
    evaluate_all(texts(), true);
}

#[test]
fn an_expression_made_to_kill_or_to_hang_ends_soon_wherever_it_stands() {
    evaluate_all(expressions(), false);
}
