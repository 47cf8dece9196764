//! What an operator sees at the command line of deliveries that are on their way, and what can be done with it.

use super::command::{TestConfig, fails, json_lines, stdout, succeeds, taskbell};
use std::net::TcpListener;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

/// What a condition is waited for at most.
const PATIENCE: Duration = Duration::from_secs(30);

/// The first output of these arguments that satisfies a condition.
fn eventually(arguments: &[&str], done: impl Fn(&str) -> bool) -> String {
    let start = Instant::now();
    loop {
        let text = stdout(&taskbell(arguments).output().unwrap());
        if done(&text) {
            return text;
        }
        assert!(start.elapsed() < PATIENCE, "{arguments:?}: {text}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_attempt_in_flight_says_so_and_that_of_a_killed_host_does_not() {
    // Takes connections and never answers.
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let test = TestConfig::new(receiver.local_addr().unwrap().port(), "[]");
    let mut host = taskbell(&["send", test.config(), "task.complete", "--timeout", "60s"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let listed = eventually(&["list", test.config()], |text| text.contains("being sent since "));
    assert!(listed.contains(" UTC (attempt 1)"), "{listed}");
    let shown = succeeds(&["show", test.config(), "1"]);
    assert!(shown.contains("pending, being sent since ") && shown.contains("(attempt 1)"), "{shown}");
    for (command, rest) in [("list", &[] as &[&str]), ("show", &["1"])] {
        let words = [&[command, test.config()], rest, &["--json"]].concat();
        let json = &json_lines(&succeeds(&words))[0];
        let seen = &json["deliveries"][0]["in_flight"];
        assert!(seen["attempt"] == 1 && seen["since"].as_i64() > Some(1_700_000_000_000), "{json}");
    }
    host.kill().unwrap();
    host.wait().unwrap();
    let listed = succeeds(&["list", test.config()]);
    assert!(!listed.contains("being sent") && listed.contains("not tried yet; due now"), "{listed}");
    assert!(!succeeds(&["show", test.config(), "1"]).contains("being sent"));
}

#[test]
fn send_tells_each_failed_attempt_while_it_waits() {
    let test = TestConfig::new(1, r#"["300ms", "1h"]"#);
    let text = std::fs::read_to_string(&test.config).unwrap().replace("127.0.0.1:1/", "nowhere.invalid/");
    let config = test.file("nowhere.toml", text);
    let text = fails(&["send", &config, "task.complete", "--timeout", "8s"]);
    let retrying: Vec<&str> = text.lines().filter(|line| line.starts_with("retrying")).collect();
    assert_eq!(retrying.len(), 2, "{text}");
    for (line, number) in retrying.iter().zip(["1", "2"]) {
        let parts = [
            format!("here (bell)  attempt {number}  nowhere.invalid could not be resolved"),
            "; next attempt ".to_owned(),
        ];
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
    }
    let pending = text.lines().find(|line| line.starts_with("pending")).unwrap();
    assert!(pending.contains("2 attempts") && pending.contains("next attempt at "), "{pending}");
}
