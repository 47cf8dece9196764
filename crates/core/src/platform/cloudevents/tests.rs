//! What the platform answers, shows and takes, as it documents it.

use crate::platform::tests::*;

pub(in crate::platform) static TRIAL: Trial =
    Trial { urls: &[], pace: (&[], 4), check_card, refuse_sent, has_no_limit: true, templates };

#[test]
fn cloudevents_answers_mean_what_the_webhook_page_says() {
    for status in [200, 201, 202, 204, 299] {
        assert_eq!(read("cloudevents", status, &[], ""), "delivered");
    }
    for (status, outcome) in [(410, "gone"), (415, "final"), (400, "retry"), (429, "retry"), (503, "retry")] {
        assert_eq!(read("cloudevents", status, &[], ""), outcome, "{status}");
    }
    assert_eq!(read("cloudevents", 429, &[("retry-after", "30")], ""), "after 30000");
}

#[test]
fn a_cloud_event_keeps_its_id_and_names_its_host() {
    let mut to = target(&[]);
    let event = super::card(&context("渲染 7"), &to);
    assert_eq!(event["id"], "evt_01");
    assert_eq!(event["source"], "/taskbell/%E6%B8%B2%E6%9F%93%207");
    assert_eq!(
        (&event["type"], &event["time"]),
        (&json!("taskbell.queue.end"), &json!("2021-02-25T15:02:10.000Z"))
    );
    to.options = vec![("source", crate::secret::Secret::new("urn:farm"))];
    assert_eq!(super::card(&context("h"), &to)["source"], "urn:farm");
}

#[test]
fn cloudevents_are_structured_or_binary_and_wrap_a_template() {
    let event = json!({
        "specversion": "1.0", "id": "evt_01", "source": "/taskbell/h", "type": "taskbell.task.complete",
        "subject": "渲 \"7\" 100%", "datacontenttype": "application/json", "data": {"a": 1},
    });
    let url = "https://ci.example.com/";
    let (_, headers, text) = sent(&to("cloudevents", url, &[]), &event, None);
    assert_eq!(header(&headers, "content-type"), "application/cloudevents+json; charset=utf-8");
    assert_eq!(json_of(&text), event);
    let (_, headers, text) = sent(&to("cloudevents", url, &[("mode", "binary")]), &event, None);
    assert_eq!((text.as_str(), header(&headers, "content-type")), (r#"{"a":1}"#, "application/json"));
    assert_eq!(header(&headers, "ce-subject"), "%E6%B8%B2%20%227%22%20100%25");
    assert_eq!(header(&headers, "ce-specversion"), "1.0");
    assert_eq!(header(&headers, "ce-datacontenttype"), "");
    let bytes = json!({"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data_base64": "aGk="});
    let (_, headers, text) = sent(&to("cloudevents", url, &[("mode", "binary")]), &bytes, None);
    assert_eq!((text.as_str(), header(&headers, "content-type")), ("hi", "application/octet-stream"));
    assert_eq!(header(&headers, "ce-data_base64"), "");
    let (_, _, text) = sent(&to("cloudevents", url, &[]), &json!({"model": "m"}), None);
    let wrapped = json_of(&text);
    assert_eq!((&wrapped["data"], &wrapped["id"]), (&json!({"model": "m"}), &json!("evt_01")));
    assert_eq!(wrapped["time"], "2023-11-14T22:13:15.000Z");
}

fn check_card(event: &Value) {
    assert!(
        !text(&event["source"]).is_empty() && text(&event["source"]).bytes().all(|b| b.is_ascii_graphic())
    );
}

fn refuse_sent(sent: &[u8]) -> Result<(), String> {
    read_json(sent).map(drop)
}

fn templates() -> Vec<Value> {
    vec![json!({"text": HUGE, "list": many(json!(NAME))})]
}
