//! The `taskbell` command as a shell sees it: its output and its exit codes.

use super::command::{
    SECRET, Serve, TestConfig, closed_port, code, fails, json_lines, run, stderr, stdout, succeeds, taskbell,
};
use serde_json::{Value as Json, json};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use taskbell_core::clock;
use taskbell_core::sign::Signer;

#[test]
fn check_accepts_a_valid_configuration_and_locates_an_error() {
    let test = TestConfig::new(1, "[]");
    assert_eq!(succeeds(&["check", test.config()]), "1 endpoint, 1 hook: fine\n");
    let report = json_lines(&succeeds(&["check", test.config(), "--json"]));
    assert_eq!(report[0]["ok"], true);

    let faulty = test.file("faulty.toml", "[endpoints.a]\nurl = \"http://127.0.0.1/\"\ntimout = \"5s\"\n");
    let text = fails(&["check", &faulty]);
    assert!(text.contains("faulty.toml:3:1: endpoints.a") && text.contains("timeout"), "{text}");
    assert!(text.contains("1 error") && text.contains("taskbell check"), "{text}");
    let report: Json = serde_json::from_str(&fails(&["check", &faulty, "--json"])).unwrap();
    assert_eq!((&report["ok"], &report["errors"][0]["line"]), (&json!(false), &json!(3)));
    assert!(fails(&["check", "/missing.toml"]).contains("/missing.toml"));
}

#[test]
fn check_warns_of_a_missing_folder_for_files() {
    let test = TestConfig::new(1, "[]");
    let roots = "[files]\nroots = [\".\", \"outputs\",\n  \"plain\"]\n";
    let config = test.file("roots.toml", fs::read_to_string(&test.config).unwrap() + roots);
    test.file("plain", "");
    let outputs = test.folder.path().join("outputs");
    let report: Json = serde_json::from_str(&succeeds(&["check", &config, "--json"])).unwrap();
    let messages: Vec<_> = report["warnings"].as_array().unwrap().iter().map(|one| &one["message"]).collect();
    let wanted = |path: &Path, what: &str| {
        json!(format!(
            "`{}` {what}: no file below it can go with a message until it is there",
            path.display()
        ))
    };
    let plain = test.folder.path().join("plain");
    assert_eq!(messages, [&wanted(&outputs, "does not exist"), &wanted(&plain, "is not a folder")]);
    assert_eq!((&report["warnings"][0]["key"], &report["ok"]), (&json!("files.roots[1]"), &json!(true)));
    let lines = |one: &Json| one["line"].as_u64().unwrap();
    assert_eq!(lines(&report["warnings"][0]) + 1, lines(&report["warnings"][1]));
    fs::create_dir(&outputs).unwrap();
    fs::remove_file(&plain).unwrap();
    fs::create_dir(&plain).unwrap();
    assert_eq!(succeeds(&["check", &config]), "1 endpoint, 1 hook: fine\n");
}

#[test]
fn preview_shows_the_request_without_secrets_or_why_no_hook_fires() {
    let test = TestConfig::new(9, "[]");
    let text = succeeds(&["preview", test.config(), "task.complete", r#"{"name": "shot 4"}"#]);
    for expected in
        ["here (json), fired by bell", "POST http://127.0.0.1:9/…", "authorization: [redacted]", "shot 4"]
    {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    assert!(!text.contains("marker"), "{text}");
    let event = test.file("event.json", r#"{"quiet": true}"#);
    let text = succeeds(&["preview", test.config(), "task.complete", &format!("@{event}")]);
    assert!(text.contains("No hook fires") && text.contains("not event.data.quiet == true"), "{text}");
    let text = succeeds(&["preview", test.config(), "server.stop"]);
    assert!(text.contains("it listens to task.complete, queue.end"), "{text}");
    let text = succeeds(&["preview", test.config(), "queue.end"]);
    assert!(text.contains("With sample data") && text.contains("\"total\": 200"), "{text}");
    assert!(fails(&["preview", test.config(), "queue.end", "[1]"]).contains("not a JSON object"));
    assert!(fails(&["preview", test.config(), "Queue End"]).contains("next:"));
}

#[test]
fn send_leaves_alerts_to_the_host() {
    let serve = Serve::start(&[]);
    let test = TestConfig::new(serve.port, "[]");
    let alert = "[[hooks]]\non = [\"alert.firing\"]\nto = [\"here\"]\n\
                 [[alerts]]\nname = \"always\"\nmetric = \"process.rss_mb\"\nabove = 0\n";
    let both = test.file("both.toml", fs::read_to_string(&test.config).unwrap() + alert);
    succeeds(&["send", &both, "task.complete"]);
    // An alert that the first command left in the spool would be sent by the second one.
    succeeds(&["send", &both, "task.complete"]);
    let listed = &json_lines(&succeeds(&["list", &both, "--json"]))[0];
    let types: Vec<&Json> = listed["deliveries"].as_array().unwrap().iter().map(|row| &row["type"]).collect();
    assert_eq!(types, [&json!("task.complete"), &json!("task.complete")]);
}

#[test]
fn a_sent_event_is_retried_verified_and_kept_in_the_spool() {
    let mut serve = Serve::start(&["--secret", "BELL_SECRET", "--fail", "1:503", "--count", "2"]);
    let test = TestConfig::new(serve.port, r#"["20ms"]"#);
    let sent = json_lines(&succeeds(&["send", test.config(), "task.complete", r#"{"id": "f-1"}"#, "--json"]));
    assert_eq!((&sent[0]["state"], &sent[0]["attempts"]), (&json!("delivered"), &json!(2)));
    let (first, second) = (serve.next(), serve.next());
    assert_eq!((&first["status"], &second["status"]), (&json!(503), &json!(200)));
    for (request, attempt) in [(&first, 1), (&second, 2)] {
        assert_eq!((&request["verified"], &request["attempt"]), (&json!(true), &json!(attempt)));
        assert_eq!((&request["id"], &request["body"]["data"]["task"]["id"]), (&first["id"], &json!("f-1")));
    }
    assert_eq!(serve.code(), 0);

    let listed = &json_lines(&succeeds(&["list", test.config(), "--delivered", "--json"]))[0];
    assert_eq!(listed["deliveries"][0]["event"], first["id"]);
    assert_eq!(listed["counts"]["delivered"], 1);
    assert!(succeeds(&["list", test.config(), "--dead"]).contains("None of them matches"));
    let spool = test.folder.path().join("spool.db");
    let shown = succeeds(&["show", spool.to_str().unwrap(), first["id"].as_str().unwrap()]);
    assert!(
        shown.contains("answered 503")
            && shown.contains("curl -X POST \"${WEBHOOK_URL:?set it to the URL of here}\""),
        "{shown}"
    );
    let shown = succeeds(&["show", test.config(), "1"]);
    assert!(shown.contains("the URL of here, http://127.0.0.1") && !shown.contains("marker"), "{shown}");
    assert!(fails(&["show", test.config(), "77"]).contains("taskbell list"));
}

#[test]
fn the_end_of_a_queue_is_sent_after_its_delay_and_a_quiet_event_is_not() {
    let mut serve = Serve::start(&["--secret", SECRET, "--count", "1"]);
    let test = TestConfig::new(serve.port, "[]");
    let text = succeeds(&["send", test.config(), "task.complete", r#"{"quiet": true}"#]);
    let reason = "Nothing to deliver: `bell` did not match: `when` is false: `not event.data.quiet == true` where \
                  event.data.quiet is true.";
    assert!(text.contains(reason), "{text}");
    let text = succeeds(&["send", test.config(), "queue.end"]);
    assert!(text.contains("delivered  here (bell)  status 200  1 attempt"), "{text}");
    assert_eq!((&serve.next()["type"], serve.code()), (&json!("queue.end"), 0));

    let reason = "the queue had ended already, and nothing was done since";
    for command in ["send", "explain"] {
        let text = succeeds(&[command, test.config(), "queue.end", "{}"]);
        assert!(text.contains(reason), "{command}: {text}");
        let text = succeeds(&[command, test.config(), "queue.end", "{}", "--json"]);
        assert!(text.contains(reason), "{command}: {text}");
    }
}

#[test]
fn a_dead_letter_and_a_pending_delivery_are_failures_with_a_next_step() {
    let test = TestConfig::new(closed_port(), "[]");
    let text = fails(&["send", test.config(), "task.complete"]);
    assert!(text.contains("dead  here") && text.contains("--dead"), "{text}");

    let test = TestConfig::new(closed_port(), r#"["1h"]"#);
    let text = fails(&["send", test.config(), "task.complete", "--timeout", "300ms"]);
    assert!(text.contains("pending  here") && text.contains("nothing is lost"), "{text}");
    let text = succeeds(&["list", test.config(), "--pending"]);
    assert!(text.contains("1 pending") && text.contains("next attempt in"), "{text}");
}

#[test]
fn a_receiver_with_another_secret_refuses_the_request() {
    let other = "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCBvZiAzMiBi";
    let mut serve = Serve::start(&["--secret", other, "--count", "1"]);
    let test = TestConfig::new(serve.port, "[]");
    assert!(fails(&["send", test.config(), "task.complete"]).contains("401"));
    let request = serve.next();
    assert_eq!((&request["verified"], &request["status"]), (&json!(false), &json!(401)));
    assert_eq!(serve.code(), 1, "a signature was refused");
}

#[test]
fn verify_accepts_only_a_valid_signature() {
    let test = TestConfig::new(1, "[]");
    let entry = json!({ "scheme": "standard-webhooks", "secrets": [SECRET] });
    let now = clock::unix_ms() / 1000;
    let signed = Signer::from_json(&entry).unwrap().sign("evt_1", now, b"{\"a\": 1}");
    let headers = Json::Object(signed.iter().map(|(name, value)| (name.clone(), json!(value))).collect());
    let headers = headers.to_string();
    let lines: String = signed.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    let lines = format!("@{}", test.file("headers", lines));
    let (body, other) = (test.file("body", "{\"a\": 1}"), test.file("other", "{\"a\":1}"));
    let secret = ["--secret", "BELL_SECRET", "--headers"];
    let verify = |headers: &str, body: &str| -> Vec<String> {
        ["verify"].iter().chain(&secret).chain(&[headers, body]).map(|word| (*word).to_owned()).collect()
    };
    let words = |words: &[String]| run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    for headers in [&headers, &lines] {
        let output = words(&verify(headers, &body));
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        assert!(stdout(&output).contains("verified: standard-webhooks, secret 1, id evt_1"));
        assert_eq!(code(&words(&verify(headers, &other))), 1);
    }
    let later = (now + 3600).to_string();
    let text = fails(&["verify", "--secret", SECRET, "--headers", &headers, "--at", &later, &body]);
    assert!(text.contains("3600 s ago"), "{text}");
    let text = fails(&["verify", "--secret", "UNSET_VARIABLE", "--headers", &headers, &body]);
    assert!(text.contains("UNSET_VARIABLE"), "{text}");
}

#[test]
fn a_failure_in_json_is_json() {
    for arguments in [
        ["list", "/missing.db", "--json"].as_slice(),
        &["preview", "/missing.toml", "queue.end", "--json"],
        &["verify", "--secret", "UNSET_VARIABLE", "--headers", "{}", "/missing", "--json"],
    ] {
        let failure: Json = serde_json::from_str(&fails(arguments)).unwrap();
        assert_eq!(failure["ok"], false);
        assert!(failure["error"].is_string() && failure["next"].is_string(), "{failure}");
    }
}

#[test]
fn a_closed_pipe_is_an_error_without_a_message() {
    let test = TestConfig::new(1, "[]");
    let event = test.file("event.json", json!({ "list": (0..20_000).collect::<Vec<_>>() }).to_string());
    let mut command = taskbell(&["preview", test.config(), "task.complete", &format!("@{event}")]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((code(&output), stderr(&output).as_str()), (1, ""));
}

#[test]
fn the_demo_renders_images_and_every_message_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = taskbell(&["demo", "--json", "--keep"]);
    let output = command.env("TMPDIR", folder.path()).output().unwrap();
    assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
    let demo: Json = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((&demo["ok"], &demo["missing"]), (&json!(true), &json!([])));
    let attempts = demo["messages"][0]["attempts"].as_array().unwrap();
    assert_eq!((&attempts[0]["status"], &attempts[1]["status"]), (&json!(503), &json!(200)));
    let at = |attempt: &Json| attempt["at_ms"].as_i64().unwrap();
    assert!(at(&attempts[1]) - at(&attempts[0]) >= 990, "the retry waits as long as the schedule says");
    let summary = &demo["messages"][1]["body"]["data"]["queue"];
    assert_eq!((&summary["total"], &summary["failed"]), (&json!(24), &json!(1)));
    let cards = demo["cards"].as_array().unwrap();
    let titles: Vec<&Json> = cards.iter().map(|card| &card["parts"][0]["text"]).collect();
    assert!(
        titles.iter().any(|title| title.as_str().unwrap().starts_with("Task done: Frame 24 ("))
            && titles.len() == 2,
        "{titles:?}"
    );
    let page = fs::read_to_string(demo["page"].as_str().unwrap()).unwrap();
    assert!(page.contains("Task done: Frame 24") && page.contains("<img src=\"frame-024.png\""), "{page}");
    let kept = fs::read_dir(demo["folder"].as_str().unwrap()).unwrap();
    let is_image =
        |entry: &fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "png");
    assert_eq!(kept.filter(|entry| is_image(entry.as_ref().unwrap())).count(), 23);
}

#[test]
fn a_url_is_a_configuration_for_every_command_and_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Serve::start(&[]);
    let url = format!("http://127.0.0.1:{}/hook/very-secret-path", receiver.port);
    let told = |arguments: &[&str]| {
        let output = taskbell(arguments).env("XDG_STATE_HOME", folder.path()).output().unwrap();
        let text = stdout(&output) + &stderr(&output);
        assert!(!text.contains("very-secret-path"), "{arguments:?}: {text}");
        (code(&output), text)
    };
    assert_eq!(told(&["check", &url]), (0, "1 endpoint, 5 hooks: fine\n".to_owned()));
    let (sent, text) = told(&["send", &url, "queue.end", r#"{"total": 3}"#]);
    assert!(sent == 0 && text.contains("delivered  receiver (ends)"), "{text}");
    let (listed, text) = told(&["list", &url]);
    assert!(listed == 0 && text.contains("queue.end"), "{text}");
    let (shown, text) = told(&["show", &url, "1"]);
    assert!(shown == 0 && text.contains("queue.end"), "{text}");
    assert!(told(&["show", &url, "99"]).1.contains("`taskbell list URL`"));
    assert_eq!(told(&["deliver", &url]), (0, "nothing waits\n".to_owned()));
    let wrong = url.replace("http", "gopher");
    for command in
        [&["check", &wrong] as &[&str], &["send", &wrong, "queue.end"], &["run", &wrong, "--", "true"]]
    {
        let (code, text) = told(command);
        assert!(code != 0 && text.contains("URL"), "{text}");
    }
}
