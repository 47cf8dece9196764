//! Numbers of any length, in conditions and templates.

use super::super::{Condition, ConditionResult, Context, Template, default_body};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// A number as JSON writes it, with the sign in a positive exponent that the parser adds.
fn a_number() -> impl Strategy<Value = String> {
    let integer = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        (any::<bool>(), "[1-9][0-9]{0,60}")
            .prop_map(|(minus, digits)| format!("{}{digits}", if minus { "-" } else { "" })),
        Just("0".to_owned()),
        Just("-0".to_owned()),
    ];
    let fraction = prop_oneof![2 => Just(String::new()), 1 => "\\.[0-9]{1,30}"];
    let exponent = prop_oneof![3 => Just(String::new()), 1 => "e[+-][0-9]{1,3}"];
    (integer, fraction, exponent).prop_map(|(whole, fraction, exponent)| whole + &fraction + &exponent)
}

fn context(number: &str) -> Context {
    let number: Json = serde_json::from_str(number).unwrap();
    let task = json!({"id": number, "params": {"seed": number, "seeds": [number, {"n": number}]}});
    let event =
        json!({"id": "evt_1", "type": "task.complete", "timestamp": "2026-01-01T00:00:00Z", "data": task});
    Context::new(json!({"event": event, "task": task, "host": {}, "vars": {}}))
}

fn holds(condition: &str, context: &Context) -> ConditionResult {
    Condition::compile(condition).unwrap().holds(context)
}

proptest! {
    #[test]
    fn the_body_of_an_event_holds_its_numbers(number in a_number()) {
        let body = serde_json::to_string(&default_body("task.complete", &context(&number))).unwrap();
        for place in [format!("\"id\":{number},"), format!("\"seed\":{number},"), format!("[{number},{{")] {
            prop_assert!(body.contains(&place), "{} in {}", place, body);
        }
    }
}

proptest! {
    #[test]
    fn a_template_prints_a_number_of_the_event_as_it_came(number in a_number()) {
        let context = context(&number);
        let sent = |template: Json| {
            let message = Template::from_json("t", &template).unwrap().render(&context).unwrap();
            String::from_utf8(message.body).unwrap()
        };
        let list = format!("[{number},{{\"n\":{number}}}]");
        for (template, expected) in [
            ("{{ task.id }}", number.clone()),
            ("{{ task.params.seeds.0 }}", number.clone()),
            ("{{ task.params.seeds }}", list.clone()),
            ("{{ task.params }}", format!("{{\"seed\":{number},\"seeds\":{list}}}")),
            ("id {{ task.id }};", format!("\"id {number};\"")),
            ("{{- task.id | tojson -}}", format!("\"{number}\"")),
            ("{{ task['params'].seeds[0] | default(0) }}", number.clone()),
            ("id {{ task.id | default('none') | raw }};", format!("\"id {number};\"")),
            ("{{ 'id ' ~ task.id ~ ';' if task else task.id }}", format!("\"id {number};\"")),
            ("{{ task.id | string | trim }}", format!("\"{number}\"")),
            ("x{{ task.params.seeds | tojson }}", format!("\"x[{number}, {{\\\"n\\\": {number}}}]\"")),
        ] {
            prop_assert_eq!(sent(json!([template])), format!("[{}]", expected));
        }
        let text = "{\"a\": {{ task.id }}, \"b\": {{ task.params.seeds }}}";
        let body = Template::from_text("t.j2", text).unwrap().render(&context).unwrap().body;
        prop_assert_eq!(String::from_utf8(body).unwrap(), format!("{{\"a\": {number}, \"b\": {list}}}"));
        let swarm = "{\"seed\": \"%seed%\"}";
        let body = Template::from_swarmui("t", swarm).unwrap().render(&context).unwrap().body;
        let swarm: Json = serde_json::from_slice(&body).unwrap();
        prop_assert_eq!(&swarm["seed"], &json!(number));
    }
}

#[test]
fn long_numbers_are_compared_with_all_digits() {
    let long = |last: char| format!("1234567890123456789012345678901234567890{last}");
    let seed = context(&long('7'));
    let other = |number: &str| {
        let mut json = seed.json().clone();
        json["vars"]["x"] = serde_json::from_str(number).unwrap();
        Context::new(json)
    };
    for (condition, number, expected) in [
        ("task.id == vars.x", long('7'), true),
        ("task.id == vars.x", long('8'), false),
        ("task.id != vars.x", long('8'), true),
        ("task.id < vars.x", long('8'), true),
        ("task.id > vars.x", long('6'), true),
        ("task.id > 5 and task.id > 2.5 and 1 < task.id", long('7'), true),
        ("task.id < vars.x", "1e400".to_owned(), true),
        ("vars.x < -1e300", "-1e400".to_owned(), true),
        ("vars.x < 0", "-".to_owned() + &long('7'), true),
        ("vars.x > 0 and vars.x < 1e-300", "1e-400".to_owned(), true),
        (
            "vars.x == 2266616331186912456341812302143261679",
            "2266616331186912456341812302143261679".into(),
            true,
        ),
        (
            "vars.x == 2266616331186912456341812302143261678",
            "2266616331186912456341812302143261679".into(),
            false,
        ),
        ("task.id", long('7'), true),
        ("task.id in vars.x", format!("[{}]", long('7')), true),
        ("task.id in vars.x", format!("[{}]", long('8')), false),
    ] {
        let expected = if expected { ConditionResult::True } else { ConditionResult::False };
        assert_eq!(holds(condition, &other(&number)), expected, "{condition} {number}");
    }
    let mixed = holds("task.id > 'a'", &seed);
    assert_eq!(mixed, ConditionResult::Broken("cannot order a number and a text".to_owned()));
}

#[test]
fn templates_print_long_numbers_in_full() {
    let digits = "123456789012345678901234567890123456789012345678";
    for number in [
        digits.to_owned(),
        format!("-{digits}"),
        "1e+400".to_owned(),
        "2266616331186912456341812302143261679".to_owned(),
    ] {
        let context = context(&number);
        let sent = |template: Json| {
            let message = Template::from_json("t", &template).unwrap().render(&context).unwrap();
            String::from_utf8(message.body.to_vec()).unwrap()
        };
        for (template, expected) in [
            (json!(["{{ task.id }}"]), format!("[{number}]")),
            (json!(["{{ task.params.seeds }}"]), format!("[[{number},{{\"n\":{number}}}]]")),
            (
                json!(["{{ task.params }}"]),
                format!("[{{\"seed\":{number},\"seeds\":[{number},{{\"n\":{number}}}]}}]"),
            ),
            (json!(["id {{ task.id }}"]), format!("[\"id {number}\"]")),
            (json!(["{{ 'id ' ~ task.id }}"]), format!("[\"id {number}\"]")),
            (json!(["{{ task.id | tojson }}"]), format!("[\"{number}\"]")),
            (
                json!(["x {{ task.params.seeds | tojson }}"]),
                format!("[\"x [{number}, {{\\\"n\\\": {number}}}]\"]"),
            ),
            (json!(["{{ task.params.nothing | default(task.id) }}"]), format!("[{number}]")),
            (
                json!([{"$for": "x in task.params.seeds", "do": "{{ x }}"}]),
                format!("[{number},{{\"n\":{number}}}]"),
            ),
            (
                json!(["{% for x in task.params.seeds %}{{ x }};{% endfor %}"]),
                format!("[\"{number};{{\\\"n\\\":{number}}};\"]"),
            ),
            (json!([{"$if": "task.id == task.params.seed", "then": "{{ task.id }}"}]), format!("[{number}]")),
        ] {
            assert_eq!(sent(template), expected);
        }
        let text =
            Template::from_text("t.j2", "{\"a\": {{ task.id }}, \"b\": {{ task.params.seeds }}}").unwrap();
        let body = text.render(&context).unwrap().body;
        let expected = format!("{{\"a\": {number}, \"b\": [{number},{{\"n\":{number}}}]}}");
        assert_eq!(std::str::from_utf8(&body).unwrap(), expected);
    }
}
