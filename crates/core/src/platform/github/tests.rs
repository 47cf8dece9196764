//! What the platform answers, shows and takes, as it documents it.

use super::GitHub;
use crate::message::Context;
use crate::platform::tests::*;
use proptest::prelude::*;

pub(in crate::platform) static TRIAL: Trial = Trial {
    urls: &[
        "https://api.github.com/repos/o/r/dispatches",
        "https://api.github.com/repos/o/r/actions/workflows/train.yml/dispatches",
        "https://git.example.com/api/v3/repos/o/r/actions/workflows/17/dispatches",
    ],
    pace: (&[(1, 1000)], 1),
    check_card,
    refuse_sent,
    has_no_limit: false,
    templates,
};

#[test]
fn github_answers_204_and_throttles_with_403_too() {
    let now_s = NOW_MS / 1000;
    let reset = (now_s + 600).to_string();
    for (status, headers, body, outcome) in [
        (204, vec![], "", "delivered"),
        (200, vec![], "", "retry"),
        (200, vec![], r#"{"workflow_run_id":17}"#, "delivered"),
        (200, vec![], r#"{"workflow_run_id":null}"#, "retry"),
        (422, vec![], r#"{"message":"Unexpected inputs provided: [\"a\"]"}"#, "final"),
        (422, vec![], r#"{"message":"No ref found for: trunk"}"#, "final"),
        (422, vec![], r#"{"message":"Workflow does not have 'workflow_dispatch' trigger"}"#, "final"),
        (404, vec![], r#"{"message":"Not Found"}"#, "final"),
        (422, vec![], r#"{"message":"Invalid request"}"#, "plainer NoMarkup"),
        (422, vec![], r#"{"message":"client_payload is too large"}"#, "plainer Shorter"),
        (401, vec![], r#"{"message":"Bad credentials"}"#, "final"),
        (403, vec![], r#"{"message":"Resource not accessible"}"#, "final"),
        (403, vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &reset)], "", "after 600000"),
        (403, vec![("retry-after", "60")], "", "after 60000"),
        (429, vec![], "", "after 60000"),
        (413, vec![], "", "plainer Shorter"),
        (301, vec![], "", "retry"),
        (502, vec![], "", "retry"),
    ] {
        assert_eq!(read("github", status, &headers, body), outcome, "{status} {body}");
    }
}

#[test]
fn github_dispatches_what_a_template_made_under_its_event_type() {
    let keys = [("event_type", "trained"), ("token", "ghp_1")];
    let endpoint = to("github", "https://api.github.com/repos/o/r/dispatches", &keys);
    let (_, headers, text) = sent(&endpoint, &json!({"model": "m"}), None);
    assert_eq!(json_of(&text), json!({"client_payload": {"model": "m"}, "event_type": "trained"}));
    assert_eq!(header(&headers, "authorization"), "Bearer ghp_1");
    assert_eq!(header(&headers, "accept"), "application/vnd.github+json");
    let many: Value = (0..11).map(|n| (format!("k{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
    assert_eq!(json_of(&sent(&endpoint, &many, None).2)["client_payload"]["taskbell"], many);
    let whole = json!({"event_type": "other", "client_payload": {"a": 1}});
    assert_eq!(json_of(&sent(&endpoint, &whole, None).2), whole);
}

const WORKFLOW: &str = "https://api.github.com/repos/o/r/actions/workflows/train.yml/dispatches";

/// "A maximum of 25 top-level properties", 65,535 characters, all of them texts.
fn refuse_workflow(sent: &[u8]) -> Result<(), String> {
    let body = read_json(sent)?;
    let inputs = body["inputs"].as_object().ok_or("no inputs")?;
    if inputs.len() > 25
        || !inputs.values().all(Value::is_string)
        || body["ref"].as_str().is_none_or(str::is_empty)
    {
        return Err(format!("{body}"));
    }
    let length = body["inputs"].to_string().chars().count();
    if length > 65_535 { Err(format!("{length} characters")) } else { Ok(()) }
}

fn played_by(endpoint: &TestEndpoint, sent: &str) -> Option<&'static str> {
    let headers = [
        ("authorization".to_owned(), "Bearer t".to_owned()),
        ("user-agent".to_owned(), "taskbell".to_owned()),
    ];
    let target = endpoint.target.url.expose().path();
    let request = ReceivedRequest::post(target, &headers, sent.as_bytes());
    (played("github").unwrap().refuses)(&request)
}

#[test]
fn a_workflow_gets_its_ref_and_inputs_that_are_texts() {
    let endpoint = to("github", WORKFLOW, &[("ref", "main"), ("token", "ghp_1")]);
    for (template, wanted) in [
        (
            json!({"model": "m", "steps": 30, "ok": true, "none": null, "list": [1]}),
            json!({"inputs": {"model": "m", "steps": "30", "ok": "true", "none": "", "list": "[1]"}, "ref": "main"}),
        ),
        (json!({"ref": "v2", "inputs": {"a": 1}}), json!({"ref": "v2", "inputs": {"a": "1"}})),
        (json!([1, 2]), json!({"inputs": {"taskbell": "[1,2]"}, "ref": "main"})),
    ] {
        let (url, _, text) = sent(&endpoint, &template, None);
        assert_eq!((url.as_str(), json_of(&text)), (WORKFLOW, wanted));
        assert_eq!((refuse_workflow(text.as_bytes()), played_by(&endpoint, &text)), (Ok(()), None));
    }
    let many: Value =
        (0..26).map(|n| (format!("k{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    let text = sent(&endpoint, &many, None).2;
    assert_eq!(json_of(json_of(&text)["inputs"]["taskbell"].as_str().unwrap()), many);
    for wrong in [
        json!({"ref": "main", "inputs": {"a": 1}}),
        json!({"inputs": {"a": "1"}}),
        json!({"ref": "main", "inputs": many}),
    ] {
        assert_eq!(played_by(&endpoint, &wrong.to_string()), Some("422"), "{wrong}");
    }
    let names = to("github", WORKFLOW, &[("ref", "main"), ("token", "t"), ("inputs", "title, outcome,data")]);
    let card = names.platform.layout(&notice("Done"), &context("h"), &names.target);
    let inputs = card["inputs"].as_object().unwrap();
    assert_eq!(inputs.keys().collect::<Vec<_>>(), ["title", "outcome", "data"]);
    assert_eq!((&inputs["title"], &inputs["outcome"]), (&json!("Done"), &json!("good")));
    let short = names.platform.degrade(&card, Degradation::Shorter).unwrap();
    assert_eq!(short["inputs"]["data"], "");
}

#[test]
fn a_url_of_a_workflow_needs_a_ref_and_the_other_an_event_type() {
    let url = "https://api.github.com/repos/o/r/dispatches";
    for (url, keys, missing, odd) in [
        (WORKFLOW, &[][..], Some("ref"), None),
        (WORKFLOW, &[("ref", "main"), ("event_type", "e")], None, Some("event_type")),
        (url, &[], Some("event_type"), None),
        (url, &[("event_type", "e"), ("inputs", "title")], None, Some("inputs")),
    ] {
        let endpoint = to("github", url, keys);
        assert_eq!(endpoint.platform.missing_value(&endpoint.target).map(|(key, _)| key), missing, "{url}");
        assert_eq!(endpoint.platform.odd_value(&endpoint.target).map(|(key, _)| key), odd, "{url}");
    }
    let inputs = GitHub.description().options.iter().find(|option| option.name == "inputs").unwrap();
    assert!((inputs.accepts)("id, title") && !(inputs.accepts)("id, titel") && !(inputs.accepts)(""));
}

proptest! {
    #[test]
    fn whatever_an_event_says_a_workflow_takes_its_inputs(notice in any_notice(), host in hostile(), text in hostile()) {
        for inputs in [None, Some(("inputs", "id,type,timestamp,host,title,outcome,link,data"))] {
            let keys: Vec<_> = [("ref", "main"), ("token", "t")].into_iter().chain(inputs).collect();
            let endpoint = to("github", WORKFLOW, &keys);
            let event = json!({"id": "evt_01", "type": "own.event", "data": {"text": text}});
            let context = Context::new(json!({"event": event, "host": {"name": host}}));
            let card = endpoint.platform.layout(&notice, &context, &endpoint.target);
            for body in [Some(card.clone()), endpoint.platform.degrade(&card, Degradation::Shorter)].into_iter().flatten() {
                let text = sent(&endpoint, &body, None).2;
                prop_assert_eq!(refuse_workflow(text.as_bytes()), Ok(()));
                prop_assert_eq!(played_by(&endpoint, &text), None);
                let own = &json_of(&text)["inputs"]["taskbell"];
                prop_assert!(own.as_str().is_none_or(|own| serde_json::from_str::<Value>(own).is_ok()));
            }
        }
    }
}

fn check_card(dispatch: &Value) {
    assert!(dispatch["client_payload"].to_string().len() < 64 * 1024);
    assert!(dispatch["client_payload"].as_object().unwrap().len() <= 10);
}

fn refuse_body(body: &Value) -> Result<(), String> {
    refuse_lengths(body, &[("event_type", code_points, 1, 100)])?;
    let payload = &body["client_payload"];
    if payload.as_object().is_none_or(|members| members.len() > 10) {
        return Err("more than 10 members".to_owned());
    }
    refuse_size(payload.to_string().as_bytes(), 64 * 1024 - 1)
}

fn refuse_sent(sent: &[u8]) -> Result<(), String> {
    refuse_body(&read_json(sent)?)
}

fn templates() -> Vec<Value> {
    let details =
        json!({"a": NAME, "prompt": HUGE, "list": many(json!(NAME)), "params": "{{ task.params }}"});
    vec![
        json!({"event_type": HUGE, "client_payload": details}),
        json!({"details": many(json!({"a": NAME, "b": NAME, "c": SAID}))}),
    ]
}
