//! The states of a living message: posted first, edited later.

use super::*;

const FIRST: &str = "evt_0177d9b629cb7fffbfffffffffffffff";

/// Method, URL, content type and body of a state.
fn state(
    endpoint: &TestEndpoint,
    body: &Value,
    edited: Option<&str>,
    file: Option<&Attachment>,
) -> (&'static str, String, String, String) {
    let body = body.to_string();
    let live = Some(Live { first: FIRST, message: edited });
    let message = RenderedMessage { live, ..message(body.as_bytes(), file) };
    let request = endpoint.platform.request(&endpoint.target, &message);
    let text = String::from_utf8_lossy(&request.body).into_owned();
    (request.method, request.url.to_string(), request.content_type.to_string(), text)
}

fn answer(status: u16, body: &Value) -> Answer {
    Answer { status, body: body.to_string().into_bytes(), ..Answer::default() }
}

#[test]
fn a_message_is_edited_in_the_way_of_its_platform() {
    let telegram: &[(&str, &str)] = &[("chat_id", "5")];
    let ntfy: &[(&str, &str)] = &[("topic", "renders")];
    let text = json!({"text": "x", "disable_notification": true});
    for (name, url, keys, body, taken, first, later) in [
        (
            "discord",
            "https://discord.com/api/webhooks/1/t?thread_id=7",
            &[] as &[_],
            json!({"content": "x", "flags": 4096}),
            json!({"id": "99"}),
            "POST https://discord.com/api/webhooks/1/t?thread_id=7&wait=true",
            "PATCH https://discord.com/api/webhooks/1/t/messages/99?thread_id=7",
        ),
        (
            "telegram",
            "https://api.telegram.org/bot1:ab",
            telegram,
            text,
            json!({"ok": true, "result": {"message_id": 9}}),
            "POST https://api.telegram.org/bot1:ab/sendMessage",
            "POST https://api.telegram.org/bot1:ab/editMessageText",
        ),
        (
            "ntfy",
            "https://ntfy.sh/",
            ntfy,
            json!({"message": "x"}),
            json!({"id": "a"}),
            "POST https://ntfy.sh/",
            "POST https://ntfy.sh/",
        ),
        (
            "googlechat",
            "https://chat.googleapis.com/v1/spaces/S/messages?key=K&token=T",
            &[],
            json!({"text": "x"}),
            json!({"name": "spaces/S/messages/M"}),
            "POST https://chat.googleapis.com/v1/spaces/S/messages?key=K&token=T&threadKey=evt_0177d9b629cb7fffbfffffffffffffff&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
            "POST https://chat.googleapis.com/v1/spaces/S/messages?key=K&token=T&threadKey=evt_0177d9b629cb7fffbfffffffffffffff&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
        ),
    ] {
        let endpoint = to(name, url, keys);
        assert!(endpoint.platform.description().edits, "{name}");
        let (method, url, _, sent) = state(&endpoint, &body, None, None);
        assert_eq!(format!("{method} {url}"), first, "{name}");
        let id = endpoint.platform.message_id(&answer(200, &taken), FIRST).unwrap();
        let (method, url, _, edit) = state(&endpoint, &body, Some(&id), None);
        assert_eq!(format!("{method} {url}"), later, "{name}");
        match name {
            "ntfy" => assert!([sent, edit].iter().all(|body| json_of(body)["sequence_id"] == FIRST)),
            "telegram" => assert_eq!(json_of(&edit), json!({"text": "x", "message_id": 9, "chat_id": 5})),
            "discord" => {
                assert_eq!(json_of(&sent)["flags"], 4096);
                assert_eq!(json_of(&edit), json!({"content": "x", "flags": 0}), "an edit cannot set it");
            }
            _ => assert_eq!(sent, edit),
        }
    }
    let pager = to("pagerduty", "https://events.pagerduty.com/v2/enqueue", &[("routing_key", "k")]);
    let event = json!({"payload": {"summary": "x", "source": "s", "severity": "info"}});
    assert_eq!(json_of(&state(&pager, &event, None, None).3)["dedup_key"], FIRST);
}

#[test]
fn telegram_edits_a_caption_and_adds_a_file_to_a_text() {
    let endpoint = to("telegram", "https://api.telegram.org/bot1:ab", &[("chat_id", "5")]);
    let body = json!({"text": "x", "parse_mode": "HTML"});
    let taken = json!({"ok": true, "result": {"message_id": 9, "photo": [{"file_id": "a"}]}});
    let id = endpoint.platform.message_id(&answer(200, &taken), FIRST).unwrap();
    let (_, url, _, text) = state(&endpoint, &body, Some(&id), None);
    assert!(url.ends_with("/editMessageCaption"), "{url}");
    assert_eq!(json_of(&text), json!({"caption": "x", "parse_mode": "HTML", "message_id": 9, "chat_id": 5}));
    for edited in ["9", id.as_str()] {
        let (_, url, kind, text) = state(&endpoint, &body, Some(edited), Some(&picture()));
        assert!(url.ends_with("/editMessageMedia") && kind.starts_with("multipart/form-data"), "{url}");
        for part in ["name=\"media\"", "attach://photo", "\"caption\":\"x\"", "name=\"photo\"; filename"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}

#[test]
fn what_an_answer_to_an_edit_means_is_told_from_other_refusals() {
    let refusal = |words: &str| json!({"ok": false, "error_code": 400, "description": words});
    for (name, status, body, expected) in [
        ("discord", 404, json!({"code": 10008, "message": "Unknown Message"}), Some(EditAnswer::Lost)),
        ("discord", 404, json!({"code": 10015, "message": "Unknown Webhook"}), None),
        ("telegram", 400, refusal("Bad Request: message to edit not found"), Some(EditAnswer::Lost)),
        ("telegram", 400, refusal("Bad Request: message is not modified"), Some(EditAnswer::Unchanged)),
        ("telegram", 400, refusal("Bad Request: chat not found"), None),
    ] {
        assert_eq!(by_name(name).unwrap().edit_answer(&answer(status, &body)), expected, "{name} {body}");
    }
}
