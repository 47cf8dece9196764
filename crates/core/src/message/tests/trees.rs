use super::super::{Context, MAX_BODY_BYTES, RenderError, Template, TemplateError};
use serde_json::{Value as Json, json};
use std::time::{Duration, Instant};

fn context() -> Context {
    Context::new(json!({
        "task": {
            "name": "run-7", "status": "success", "duration_s": 7500.4, "ok": true, "nothing": null,
            "params": {"steps": 30, "seed": 18446744073709551615_u64, "cfg": 7.5},
            "outputs": [{"name": "a.png"}, {"name": "b.png"}],
        },
        "queue": {"failures": [{"name": "x"}, {"name": "y"}, {"name": "z"}], "total": 12345},
        "vars": {"key": "colour"},
    }))
}

fn render(template: Json) -> Result<Json, RenderError> {
    let template = Template::from_json("hooks[0].template", &template).unwrap();
    let message = template.render(&context())?;
    assert_eq!(message.content_type, "application/json");
    Ok(serde_json::from_slice(&message.body).unwrap())
}

fn refuse(template: Json) -> TemplateError {
    Template::from_json("hooks[0].template", &template).unwrap_err()
}

#[test]
fn a_leaf_that_is_one_expression_keeps_its_type() {
    let table = [
        ("{{ task.params.steps }}", json!(30)),
        ("{{- task.params.cfg -}}", json!(7.5)),
        ("{{ task.params.seed }}", json!(18446744073709551615_u64)),
        ("{{ task.ok }}", json!(true)),
        ("{{ task.nothing }}", json!(null)),
        ("{{ task.outputs }}", json!([{"name": "a.png"}, {"name": "b.png"}])),
        ("{{ {'a': {'b': task.params.steps}} }}", json!({"a": {"b": 30}})),
        ("{{ '}} ' ~ task.name }}", json!("}} run-7")),
        ("{{ range(3) }}", json!([0, 1, 2])),
        ("{{ 1 if false }}", json!(null)),
        ("{{ task.missing|default(0) }}", json!(0)),
        ("{{ 1e300 * 1e300 }}", json!(null)),
        ("{{ 'text' }}", json!("text")),
    ];
    for (leaf, expected) in table {
        assert_eq!(render(json!({ "leaf": leaf })).unwrap(), json!({ "leaf": expected }), "{leaf}");
    }
    assert_eq!(render(json!("{{ task.params }}")).unwrap()["steps"], 30);
}

#[test]
fn any_other_leaf_is_a_text() {
    let table = [
        ("{{ task.params.steps }} ", "30 "),
        ("{{ task.params.steps }}{{ task.ok }}", "30true"),
        ("nothing: {{ task.nothing }}.", "nothing: ."),
        ("{% if task.ok %}yes{% else %}no{% endif %}", "yes"),
        ("list: {{ task.outputs }}", r#"list: [{"name":"a.png"},{"name":"b.png"}]"#),
        ("a{# comment #}b\n", "ab\n"),
        ("took {{ task.duration_s|duration }}", "took 2 h 5 min"),
        ("{{ queue.total|number }} tasks", "12\u{202f}345 tasks"),
        ("<{{ task.name|clip(3) }}>", "<ru…>"),
        ("{% for o in task.outputs %}{{ loop.index }}{{ o.name }} {% endfor %}", "1a.png 2b.png "),
        ("no template { } % \u{202f} ä", "no template { } % \u{202f} ä"),
    ];
    for (leaf, expected) in table {
        assert_eq!(render(json!([leaf])).unwrap(), json!([expected]), "{leaf}");
    }
}

#[test]
fn a_key_may_be_a_template() {
    assert_eq!(
        render(json!({"{{ vars.key }}-{{ task.params.steps }}": 1})).unwrap(),
        json!({"colour-30": 1})
    );
    assert_eq!(render(json!({"{{ '$schema' }}": 1})).unwrap(), json!({"$schema": 1}));
}

#[test]
fn if_chooses_a_branch_and_without_else_omits_it() {
    let choose = |condition: &str| json!({"$if": condition, "then": "{{ task.name }}", "else": {"a": 1}});
    assert_eq!(render(json!({"x": choose("task.ok")})).unwrap(), json!({"x": "run-7"}));
    assert_eq!(render(json!({"x": choose("task.missing.deep > 1")})).unwrap(), json!({"x": {"a": 1}}));
    let maybe = json!({"$if": "task.status == 'error'", "then": 1});
    assert_eq!(render(json!({"x": maybe, "y": [0, maybe, 2]})).unwrap(), json!({"y": [0, 2]}));
    let error = render(maybe).unwrap_err();
    assert!(error.reason.contains("else"), "{error}");
    let error = render(json!({"x": {"$if": "task.name > 3", "then": 1}})).unwrap_err();
    assert_eq!(error.place, "hooks[0].template.x.$if");
}

#[test]
fn for_makes_a_list_and_is_spliced_into_an_outer_one() {
    let each =
        json!({"$for": "f in queue.failures", "do": "{{ loop.index }}/{{ loop.length }} {{ f.name }}"});
    let list = json!(["1/3 x", "2/3 y", "3/3 z"]);
    assert_eq!(render(json!({ "x": each })).unwrap(), json!({ "x": list }));
    assert_eq!(render(each.clone()).unwrap(), list);
    assert_eq!(render(json!([0, each, 9])).unwrap(), json!([0, "1/3 x", "2/3 y", "3/3 z", 9]));

    let flags = json!({"$for": "f in queue.failures", "do": ["{{ loop.index0 }}", "{{ loop.first }}", "{{ loop.last }}"]});
    assert_eq!(render(flags).unwrap(), json!([[0, true, false], [1, false, false], [2, false, true]]));
    let pairs = json!({"$for": "k, v in task.params", "do": {"{{ k }}": "{{ v }}"}});
    assert_eq!(render(pairs).unwrap()[0], json!({"steps": 30}));
    let pairs = json!({"$for": "k, v in task.params|dictsort", "do": "{{ k }}"});
    assert_eq!(render(pairs).unwrap(), json!(["cfg", "seed", "steps"]));
    let filtered =
        json!({"$for": "f in queue.failures", "do": {"$if": "f.name != 'y'", "then": "{{ f.name }}"}});
    assert_eq!(render(filtered).unwrap(), json!(["x", "z"]));
    let nested = json!({"$for": "f in queue.failures", "do":
        {"$for": "o in task.outputs", "do": "{{ f.name }}{{ o.name }}{{ loop.index }}"}});
    assert_eq!(render(nested).unwrap().as_array().unwrap().len(), 6);
    assert_eq!(render(json!({"$for": "f in task.nothing", "do": 1})).unwrap(), json!([]));
    for bad in ["f in task.name", "f in task.missing", "a, b in queue.failures"] {
        assert_eq!(
            render(json!({"x": {"$for": bad, "do": 1}})).unwrap_err().place,
            "hooks[0].template.x.$for",
            "{bad}"
        );
    }
}

#[test]
fn an_invalid_template_is_rejected_with_its_path() {
    let table = [
        (json!({"blocks": [1, 2, {"text": "{{ a "}]}), "hooks[0].template.blocks[2].text", ""),
        (json!({"a": "x\n{% if %}"}), "hooks[0].template.a", ""),
        (json!({"a b": {"$when": 1}}), r#"hooks[0].template["a b"].$when"#, "$when"),
        (json!({"a": {"$if": "x"}}), "hooks[0].template.a", "then"),
        (json!({"a": {"$if": "x ==", "then": 1}}), "hooks[0].template.a.$if", ""),
        (json!({"a": {"$if": true, "then": 1}}), "hooks[0].template.a.$if", "expression"),
        (json!({"a": {"$if": "x", "then": 1, "elif": 2}}), "hooks[0].template.a", "elif"),
        (json!({"a": {"$if": "x", "$for": "x in y", "then": 1}}), "hooks[0].template.a", "$for"),
        (json!({"a": {"$for": "x in y"}}), "hooks[0].template.a", "do"),
        (json!({"a": {"$for": "x of y", "do": 1}}), "hooks[0].template.a.$for", "x in expression"),
        (json!({"a": {"$for": "loop in y", "do": 1}}), "hooks[0].template.a.$for", ""),
        (json!({"a": {"$for": "a, a in y", "do": 1}}), "hooks[0].template.a.$for", ""),
        (json!({"a": {"$for": "x in y", "do": 1, "else": 2}}), "hooks[0].template.a", "else"),
        (json!({"{{ x": 1}), r#"hooks[0].template["{{ x"]"#, ""),
        (json!({"a": "{% include 'x' %}"}), "hooks[0].template.a", "include"),
    ];
    for (template, place, word) in table {
        let error = refuse(template.clone());
        assert_eq!(error.place, place, "{template}");
        assert!(error.reason.contains(word) && !error.reason.is_empty(), "{error}");
    }
    assert_eq!(refuse(json!({"a": "x\ny\n{% if %}"})).line, Some(3));
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    assert!(refuse(deep).reason.contains("deep"));
}

#[test]
fn an_undefined_name_is_an_error_that_names_it() {
    for leaf in "\
        {{ task.nmae }} ¦ a\n{{ task.nmae }} ¦ {{ task.nmae|upper }} ¦ {{ task.nmae.deep }} ¦ \
        {{ task.nmae|clip(3) }} ¦ {{ task.nmae|number }} ¦ {{ task.nmae|duration }} ¦ \
        {{ task.nmae + 1 }} ¦ {% for x in task.nmae %}{% endfor %} ¦ {{ task.nmae|length }}"
        .split(" ¦ ")
    {
        let error = render(json!({"blocks": [{ "text": leaf }]})).unwrap_err();
        assert_eq!(error.place, "hooks[0].template.blocks[0].text");
        assert!(error.reason.contains("task.nmae") && error.reason.contains("undefined"), "{leaf}: {error}");
        assert_eq!(error.line, Some(if leaf.starts_with('a') { 2 } else { 1 }));
    }
    let file = Template::from_json("team.json", &json!({"a": "{{ x }}"})).unwrap();
    assert_eq!(file.render(&context()).unwrap_err().place, "team.json: a");
}

#[test]
fn an_endless_template_stops_soon() {
    let nested = |levels: usize| {
        (0..levels).fold(json!("x"), |inner, _| json!({"$for": "i in range(100)", "do": inner}))
    };
    let templates = [
        json!("{% for i in range(100000) %}x{% endfor %}"),
        json!("{% for i in range(300) %}{% for j in range(300) %}{{ 'y' * 1000 }}{% endfor %}{% endfor %}"),
        json!("{{ range(1000000) }}"),
        json!("{{ 'x' * 100000000 }}"),
        json!(["{{ 'x' * 2000000 }}"]),
        json!({"$for": "i in range(100000)", "do": 1}),
        json!({"$for": "i in range(9000)", "do": "{{ 'x' * 1000 }}"}),
        json!({"$for": "i in range(9000)", "do": "{% for j in range(1000) %}{% endfor %}"}),
        json!({"$for": "i in range(9000)", "do": {"$if": "range(1000)|map('string')|join|length > 1", "then": 1}}),
        json!({"{{ 'k' * 2000000 }}": 1}),
        nested(4),
        json!("{{ range(9000) | batch(3) | map('list') | list }}{{ range(9000) | list | tojson * 9 }}"),
        json!(["x".repeat(MAX_BODY_BYTES)]),
    ];
    for template in templates {
        let started = Instant::now();
        let text = template.to_string();
        let error = render(template).expect_err(&text[..text.len().min(80)]);
        assert!(!error.place.is_empty() && !error.reason.is_empty());
        assert!(started.elapsed() < Duration::from_secs(20), "{error}");
    }
}

#[test]
fn check_renders_every_branch_against_the_sample() {
    let check =
        |leaf: Json, kind: &str| Template::from_json("t", &json!({ "leaf": leaf })).unwrap().check(kind);
    for good in [
        json!("{{ task.params.anything }} {{ task.metrics.loss * 2 }} {{ task.metrics.other|round(2) + 1 }}"),
        json!("{{ vars.mine.deep }} {{ event.data.params.x }} {{ task.params.sizes[0] }}"),
        json!({"$for": "l in task.params.loras", "do": "{{ l.name }} {{ l * 2 }}"}),
        json!({"$for": "k, v in task.metrics", "do": "{{ k }}={{ v }}"}),
        json!({"$if": "task.missing", "then": "{{ task.name }}", "else": "{{ task.user }}"}),
        json!("{{ digest.items[0].task.params.x }}"),
        json!("{% set x = task.name %}{{ x }} {{ range(3) }}"),
    ] {
        check(good.clone(), "task.complete").unwrap_or_else(|error| panic!("{good}: {error}"));
    }
    for (bad, name) in [
        (json!("{{ task.nmae }}"), "task.nmae"),
        (json!("{{ task.params.x }} {{ tsak.name }}"), "tsak"),
        (json!("{% if task.status == 'success' %}{{ tsak.name }}{% endif %}"), "tsak"),
        (json!({"$if": "task.status == 'success'", "then": "{{ task.nmae }}"}), "task.nmae"),
        (json!({"$if": "tsak.ok", "then": 1}), "tsak"),
        (json!({"$for": "o in task.outputs", "do": "{{ o.nmae }}"}), "o.nmae"),
        (json!({"$for": "l in task.params.loras", "do": "{{ ll.name }}"}), "ll"),
        (json!("{{ alert.value }}"), "alert"),
        (json!("{{ event.data.params.x }} {{ event.dtaa }}"), "event.dtaa"),
        (json!("{{ task.name|nofilter }}"), "nofilter"),
    ] {
        let error = check(bad.clone(), "task.complete").expect_err(&bad.to_string());
        assert!(error.reason.contains(name) && error.place.starts_with("t.leaf"), "{bad}: {error}");
    }
    check(json!("{{ event.data.frame }}"), "render.saved").unwrap();
    check(json!("{{ event.data.frame }}"), "alert.firing").unwrap_err();
    check(json!("{{ queue.totl }}"), "queue.end").unwrap_err();
}

#[test]
fn default_works_below_a_missing_parent() {
    let context = Context::new(json!({"task": {"name": "a", "error": null, "outputs": []}}));
    for (text, value) in [
        ("{{ task.metrics.loss | default('-') }}", json!("-")),
        ("{{ task.metrics.loss | d(0.5) }}", json!(0.5)),
        ("{{ task.outputs[0].url | default('none') }}", json!("none")),
        ("{{ task.error.message | default('well') }}", json!("well")),
        ("{{ queue.name | default('no queue') }}", json!("no queue")),
        ("{{ task.name | default('-') }}", json!("a")),
        ("{{ task.metrics.loss is defined }}", json!(false)),
        ("Loss {{ task.metrics.loss | default('-') }}", json!("Loss -")),
        ("{% if task.error.message is defined %}x{% endif %}y", json!("y")),
    ] {
        let message = Template::from_json("t", &json!([text])).unwrap().render(&context).unwrap();
        assert_eq!(serde_json::from_slice::<Json>(&message.body).unwrap(), json!([value]), "{text}");
    }
    let text = Template::from_text("t.j2", "{\"loss\": {{ task.metrics.loss | default('-') }}}").unwrap();
    assert_eq!(text.render(&context).unwrap().body, br#"{"loss": "-"}"#);
    let strict = Template::from_json("t", &json!(["{{ task.metrics.loss }}"])).unwrap();
    assert!(strict.render(&context).unwrap_err().reason.contains("task.metrics"));
}
