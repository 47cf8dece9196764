use super::super::sample::context as sample_context;
use super::super::{Condition, Context, Notice, Template, default_body};
use crate::event::KNOWN_TYPES;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

/// Texts that could break a template: quotes, escapes, the engine's own delimiters.
fn nasty() -> impl Strategy<Value = String> {
    let short = [
        "\"", "\\", "{{", "}}", "{%", "%}", "{#", "#}", "$if", "$for", "x in y", "task", "\n", "\u{0}",
        "\u{7f}", "é", "😀", "\u{2028}", "'", "<b>", "a", " ", "|", "or", "not", "(", ")", "[", "]", "-",
        "1", ".", "in", ">=", "if", "else", "~",
    ];
    let long = ["{{ task }}", "{{ 7 * 7 }}", "range(99)", "queue.total"];
    let pieces = prop::sample::select([&short[..], &long].concat());
    prop::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat())
}

fn trees() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        nasty().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let keys = prop_oneof![
            nasty(),
            prop::sample::select(vec!["$if", "then", "else", "$for", "do", "task", "queue"])
                .prop_map(String::from)
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((keys, inner.clone()), 0..4)
                .prop_map(|fields| Json::Object(fields.into_iter().collect())),
            (nasty(), inner.clone()).prop_map(|(when, then)| json!({"$if": when, "then": then})),
            (Just("x in task"), inner.clone()).prop_map(|(head, each)| json!({"$for": head, "do": each})),
        ]
    })
}

fn contexts() -> impl Strategy<Value = Context> {
    trees().prop_map(|task| {
        let mut fields = Map::new();
        fields.insert("event".into(), json!({"data": task}));
        fields.insert("queue".into(), task.clone());
        fields.insert("task".into(), task);
        Context::new(Json::Object(fields))
    })
}

/// The same tree with nothing in it that makes a template.
fn without_marks(json: Json) -> Json {
    let plain = |text: String| text.replace(['{', '$'], "_");
    match json {
        Json::String(text) => Json::String(plain(text)),
        Json::Array(items) => items.into_iter().map(without_marks).collect(),
        Json::Object(fields) => {
            Json::Object(fields.into_iter().map(|(key, value)| (plain(key), without_marks(value))).collect())
        }
        other => other,
    }
}

proptest! {
    #![proptest_config(crate::property::cases(192))]

    #[test]
    fn any_template_and_any_context_give_json_or_an_error(tree in trees(), context in contexts()) {
        if let Ok(template) = Template::from_json("template", &tree) {
            if let Ok(message) = template.render(&context) {
                serde_json::from_slice::<Json>(&message.body).unwrap();
            }
            let _ = template.check("task.complete");
        }
    }

    #[test]
    fn any_text_template_gives_json_or_an_error(text in nasty(), context in contexts()) {
        for text in [text.clone(), format!("[{text}]"), format!("{{\"a\": {text}}}")] {
            if let Ok(template) = Template::from_text("t.j2", &text)
                && let Ok(message) = template.render(&context) {
                serde_json::from_slice::<Json>(&message.body).unwrap();
            }
        }
    }

    #[test]
    fn a_tree_without_marks_yields_itself(tree in trees()) {
        let tree = without_marks(tree);
        let message = Template::from_json("template", &tree).unwrap().render(&sample_context("queue.end")).unwrap();
        prop_assert_eq!(message.body, tree.to_string().into_bytes());
    }

    #[test]
    fn any_condition_is_rejected_or_decided(source in nasty(), context in contexts()) {
        if let Ok(condition) = Condition::compile(&source) {
            condition.holds(&context);
            let _ = condition.check("queue.end");
        }
    }

    #[test]
    fn the_content_of_a_value_is_never_evaluated(value in nasty()) {
        let context = Context::new(json!({"task": {"name": value, "params": {(value.clone()): value}}}));
        let tree = json!({
            "typed": "{{ task.name }}",
            "text": "Task {{ task.name }} done",
            "keys": {"$for": "k, v in task.params", "do": {"{{ k }}": "{{ v }}"}},
            "{{ task.name }}": 1,
        });
        let message = Template::from_json("template", &tree).unwrap().render(&context).unwrap();
        let body: Json = serde_json::from_slice(&message.body).unwrap();
        let mut expected = json!({"typed": value, "text": format!("Task {value} done"), "keys": [{(value.clone()): value}]});
        expected[&value] = json!(1);
        prop_assert_eq!(body, expected);
        let text = "{\"t\": {{ task.name }}, \"u\": {{ \"Task \" ~ task.name }}, \"v\": [{{ task }}]}";
        let message = Template::from_text("t.j2", text).unwrap().render(&context).unwrap();
        let body: Json = serde_json::from_slice(&message.body).unwrap();
        prop_assert_eq!(body, json!({"t": value, "u": format!("Task {value}"), "v": [context.json()["task"]]}));
    }

    #[test]
    fn any_payload_has_a_notice_and_a_default_body(context in contexts(), digest in trees()) {
        for kind in KNOWN_TYPES.iter().chain(&["render.saved"]) {
            Notice::from_context(kind, &context);
            default_body(kind, &context);
        }
        let mut json = context.json().clone();
        json["digest"] = json!({"items": [context.json(), digest]});
        Notice::from_context("task.complete", &Context::new(json));
    }
}
