//! What `docs/delivery.md` promises in tables, tried on the code.

use serde_json::{Value as Json, json};
use std::fs;
use std::path::Path;
use taskbell_core::hooks::{Notify, TaskParams};
use taskbell_core::tally::Task;

/// The rows of the first table below a heading, cell by cell.
fn table(heading: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/delivery.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, below) = text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let rows =
        below.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    rows.skip(2).map(cells).collect()
}

/// The words in backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn status(payload: Json) -> &'static str {
    Task::read(payload.as_object().unwrap()).status.as_str()
}

#[test]
fn every_word_for_the_end_of_a_task_means_what_the_document_says() {
    let rows = table("### How a task ended");
    let mut words = 0;
    for row in &rows {
        for word in quoted(&row[0]) {
            assert_eq!(status(json!({ "status": word })), quoted(&row[1])[0], "{word}");
            assert_eq!(status(json!({ "status": word.to_uppercase() })), quoted(&row[1])[0], "{word}");
            words += 1;
        }
    }
    assert!(words >= 13, "{words} words");
    assert_eq!(status(json!({"status": "odd"})), "success");
    assert_eq!(status(json!({"status": "odd", "error": {"message": "m"}})), "error");
    assert_eq!(status(json!({"error": null})), "success");
}

#[test]
fn webhook_params_take_what_the_document_says_and_nothing_else() {
    let rows = table("### What a task may ask for: `webhook_params`");
    let read = |params: Json| {
        let mut payload = json!({ "webhook_params": params }).as_object().unwrap().clone();
        let (params, faults) = TaskParams::take(&mut payload);
        assert!(payload.is_empty(), "it never travels");
        (params, faults.len())
    };
    for row in rows.iter().filter(|row| row[0] == "`notify`") {
        for word in quoted(&row[1]) {
            let (params, faults) = read(json!({ "notify": word.trim_matches('"') }));
            assert_eq!(faults, 0, "{word}");
            assert_eq!(params.notify == Notify::None, word == "\"none\"", "{word}");
        }
    }
    let mut keys: Vec<&str> = rows.iter().flat_map(|row| quoted(&row[0])).collect();
    keys.dedup();
    assert_eq!(keys, ["notify", "to", "vars", "url"]);
    assert_eq!(read(json!({"to": "a", "vars": {"x": 1}})).1, 0);
    let (named, faults) = read(json!({"url": "https://example.com/"}));
    assert_eq!((named.url.map(String::from), faults), (Some("https://example.com/".to_owned()), 0));
    assert_eq!(read(json!({"url": "file:///etc/passwd"})).1, 1);
    assert_eq!(read(json!({"notify": "Manual At End"})).0.notify, Notify::ManualAtEnd);
    assert_eq!(read(json!({"retries": 9})).1, 1);
    assert_eq!(read(json!("{\"to\": [\"a\"]}")).0.to, ["a"]);
}
