//! The Rust library, as a Rust program uses it.

use super::command::{SECRET, Serve, closed_port};
use serde_json::{Value as Json, json};
use std::fs;
use std::path::Path;
use std::time::Duration;
use taskbell::{Bell, ErrorKind};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);

/// A configuration for a receiver at this port, signed, in a folder of its own.
fn configuration(port: u16) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taskbell.toml");
    let text = format!(
        "[spool]\npath = \"spool.db\"\n[queue]\nend_delay = \"50ms\"\n[endpoints.here]\n\
         url = \"http://127.0.0.1:{port}/\"\nretry = {{ schedule = [] }}\n\
         sign = [{{ scheme = \"standard-webhooks\", secrets = [\"{SECRET}\"] }}]\n\
         [[hooks]]\non = [\"task.complete\", \"queue.end\"]\nto = [\"here\"]\n"
    );
    fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap().to_owned();
    (folder, file)
}

#[test]
fn a_rust_program_reports_waits_and_reads_the_reports_of_its_deliveries() {
    let mut receiver = Serve::start(&["--count", "2"]);
    let (_folder, config) = configuration(receiver.port);
    let bell = Bell::open(&config).unwrap();
    let event = bell.on_task_complete(&json!({ "name": "frame 1", "duration_s": 41.5 })).unwrap();
    bell.on_queue_end(&json!({})).unwrap();
    bell.wait(event.ticket, LIMIT).unwrap();
    let report = bell.poll().unwrap();
    assert_eq!((&report["event"], &report["state"]), (&json!(event.id), &json!("delivered")));
    assert_eq!(receiver.next()["id"], json!(event.id));
    assert_eq!(bell.close(LIMIT).unwrap(), 0);
    assert!(receiver.next()["id"].is_string());
    assert_eq!(bell.metric("frames", 1.0).unwrap_err().kind, ErrorKind::Closed);
}

#[test]
fn an_error_has_a_kind_and_a_sentence() {
    let missing = Path::new("/missing/taskbell.toml");
    let error = Bell::open(missing.to_str().unwrap()).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Config);
    assert!(error.to_string().contains("/missing/taskbell.toml"), "{error}");
    let (_folder, config) = configuration(closed_port());
    let bell = Bell::open(&config).unwrap();
    assert_eq!(bell.emit("task.complete", &[1, 2]).unwrap_err().kind, ErrorKind::InvalidJson);
    assert_eq!(bell.emit("Task Complete", &json!({})).unwrap_err().kind, ErrorKind::InvalidArgument);
    assert_eq!(bell.wait(7, LIMIT).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(bell.reload("[endpoints.a]\n").unwrap_err().kind, ErrorKind::Config);
}

#[test]
fn a_configuration_is_checked_an_event_previewed_and_a_signature_verified_without_a_bell() {
    let (folder, config) = configuration(9);
    assert_eq!(taskbell::check(&config)["ok"], true);
    let faults = taskbell::check("[endpoints.a]\nurl = \"http://127.0.0.1/\"\ntimout = \"5s\"\n");
    assert_eq!((&faults["ok"], &faults["errors"][0]["line"]), (&json!(false), &json!(3)));
    let preview = taskbell::preview(&config, "task.complete", Some(&json!({ "name": "shot 4" }))).unwrap();
    assert!(preview.to_string().contains("shot 4"), "{preview}");
    assert!(!folder.path().join("spool.db").exists());
    let scheme = json!({ "scheme": "standard-webhooks", "secrets": [SECRET] });
    let headers = json!({ "webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA" });
    let old: Result<(), taskbell::Error> = taskbell::verify(&scheme, &headers, b"{}");
    assert_eq!(old.unwrap_err().kind, ErrorKind::Signature);
    let unknown = taskbell::verify(&json!({ "scheme": "none" }), &Json::Null, b"{}");
    assert_eq!(unknown.unwrap_err().kind, ErrorKind::InvalidArgument);
}

#[test]
fn the_pages_of_the_crate_name_this_version() {
    let (version, _) = taskbell::VERSION.rsplit_once('.').unwrap();
    let line = format!("taskbell = {{ version = \"{version}\", default-features = false }}");
    for page in ["README.md", "src/lib.rs"] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
        assert!(text.contains(&line), "{page} has another version than {version}");
    }
}
