//! What the platform answers, shows and takes, as it documents it.

use crate::platform::tests::*;

pub(in crate::platform) static TRIAL: Trial = Trial {
    urls: &["https://chat.googleapis.com/v1/spaces/AAA/messages?key=k&token=t"],
    pace: (&[(1, 1000), (50, 60_000)], 1),
    check_card,
    refuse_sent,
    has_no_limit: false,
    templates,
};

#[test]
fn google_chat_answers_with_the_message_it_stored() {
    let error = |status: &str| json!({"error": {"code": 4, "message": "m", "status": status}}).to_string();
    for (status, headers, body, outcome) in [
        (200, vec![], r#"{"name":"spaces/A/messages/B"}"#.to_owned(), "delivered"),
        (200, vec![], "{}".to_owned(), "retry"),
        (200, vec![], "<html>".to_owned(), "retry"),
        (200, vec![], String::new(), "retry"),
        (204, vec![], String::new(), "retry"),
        (400, vec![], error("INVALID_ARGUMENT"), "plainer NoMarkup"),
        (
            400,
            vec![],
            r#"{"error":{"message":"API key not valid.","status":"INVALID_ARGUMENT"}}"#.to_owned(),
            "gone",
        ),
        (413, vec![], String::new(), "plainer Shorter"),
        (401, vec![], error("UNAUTHENTICATED"), "gone"),
        (403, vec![], error("PERMISSION_DENIED"), "gone"),
        (404, vec![], error("NOT_FOUND"), "gone"),
        (403, vec![], "<html>Blocked by the proxy</html>".to_owned(), "retry"),
        (404, vec![], String::new(), "retry"),
        (410, vec![], String::new(), "gone"),
        (429, vec![], error("RESOURCE_EXHAUSTED"), "after 60000"),
        (429, vec![("retry-after", "90")], error("RESOURCE_EXHAUSTED"), "after 90000"),
        (500, vec![], error("INTERNAL"), "retry"),
        (503, vec![("retry-after", "5")], error("UNAVAILABLE"), "after 5000"),
    ] {
        assert_eq!(read("googlechat", status, &headers, &body), outcome, "{status} {body}");
    }
    let long =
        Answer { status: 200, body: b"{\"name\": \"spa".to_vec(), truncated: true, ..Answer::default() };
    assert_eq!(by_name("googlechat").unwrap().read(&long, NOW_MS), Outcome::Delivered);
}

#[test]
fn a_google_chat_card_pings_only_whom_the_configuration_names() {
    let card =
        |mentions: &[&str]| super::card(&notice("a <users/all> & b"), &context("h"), &target(mentions));
    let quiet = card(&[]);
    assert_eq!((quiet.get("text"), &quiet["fallbackText"]), (None, &json!("a ＜users/all＞ & b")));
    let inner = &quiet["cardsV2"][0]["card"];
    assert_eq!(inner["header"]["title"], "🟢 a <users/all> & b");
    assert_eq!(
        inner["sections"][0]["widgets"][0]["textParagraph"]["text"],
        "<b>Failures</b><br>• frame-07: out of memory"
    );
    assert_eq!(
        inner["sections"][1]["widgets"][0]["decoratedText"],
        json!({"topLabel": "Tasks", "text": "12", "wrapText": true})
    );
    let loud = card(&["@all", "users/1234567", "<users/7654321>", "ada*"]);
    assert_eq!(loud["text"], "<users/all> <users/1234567> <users/7654321> ada＊");
}

/// Those of a section, and of its columns.
fn widgets(section: &Value) -> Vec<&Value> {
    let inner = |widget: &'_ Value| at(widget, "columns.columnItems.*.widgets.*").is_empty();
    let (single, rows): (Vec<_>, Vec<_>) =
        at(section, "widgets.*").into_iter().partition(|widget| inner(widget));
    single
        .into_iter()
        .chain(rows.into_iter().flat_map(|row| at(row, "columns.columnItems.*.widgets.*")))
        .collect()
}

fn check_card(card: &Value) {
    assert!(card.to_string().len() <= super::WHOLE, "{} bytes", card.to_string().len());
    assert_eq!(card.get("text"), None);
    assert!(!text(&card["fallbackText"]).contains(['<', '>']));
    let card = &card["cardsV2"][0]["card"];
    assert!(text(&card["header"]["title"]).chars().count() > 2);
    let sections = card["sections"].as_array().unwrap();
    assert!(!sections.is_empty());
    for widget in sections.iter().flat_map(widgets) {
        let shown = match widget.as_object().unwrap().keys().next().unwrap().as_str() {
            "textParagraph" => text(&widget["textParagraph"]["text"]),
            "decoratedText" => text(&widget["decoratedText"]["text"]),
            "image" | "buttonList" | "grid" => continue,
            other => panic!("a widget of type {other}"),
        };
        assert!(!shown.is_empty());
        for tag in shown.split('<').skip(1) {
            let known = ["b>", "/b>", "i>", "/i>", "br>", "font color=\"#", "/font>"];
            assert!(known.iter().any(|known| tag.starts_with(known)), "{shown}");
        }
    }
}

fn refuse_sent(sent: &[u8]) -> Result<(), String> {
    read_json(sent)?;
    refuse_size(sent, 32_000)
}

fn templates() -> Vec<Value> {
    let widgets = many(json!({"decoratedText": {"topLabel": SAID, "text": NAME}}));
    vec![
        json!({"text": HUGE}),
        json!({"text": SAID, "cardsV2": [{"cardId": "c", "card": {"header": {"title": NAME},
                              "sections": [{"widgets": widgets}, {"widgets": [{"textParagraph": {"text": HUGE}}]}]}}]}),
    ]
}
