//! What an operator sees at the command line of deliveries that are on their way, and what can be done with it.

use super::command::{
    SECRET, Serve, TestConfig, code, fails, json_lines, stderr, stdout, succeeds, taskbell,
};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

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
    let in_memory = std::fs::read_to_string(&config).unwrap().replacen(
        "[spool]\npath = ",
        "[spool]\npath = \":memory:\"\n#",
        1,
    );
    let in_memory =
        fails(&["send", &test.file("memory.toml", in_memory), "task.complete", "--timeout", "8s"]);
    let retrying: Vec<&str> = in_memory.lines().filter(|line| line.starts_with("retrying")).collect();
    assert_eq!(retrying.len(), 2, "{in_memory}");
    assert!(
        retrying[1].contains("here: attempt 2 failed and is due again: nowhere.invalid could not"),
        "{in_memory}"
    );
    let pending = text.lines().find(|line| line.starts_with("pending")).unwrap();
    assert!(pending.contains("2 attempts") && pending.contains("next attempt at "), "{pending}");
}

/// The command of the request that `show` prints.
fn printed_command(shown: &str) -> String {
    let lines =
        shown.lines().skip_while(|line| !line.starts_with("  curl ") && !line.starts_with("  printf "));
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_printed_command_sends_what_the_delivery_sent_with_a_signature_that_is_valid_now() {
    let mut serve = Serve::start(&["--secret", "BELL_SECRET", "--count", "4"]);
    let test = TestConfig::new(serve.port, "[]");
    let prompt = "it's \"quoted\", costs $HOME and `pwd`; \\ 渲染完成\nsecond line";
    let short = json!({ "id": "f-1", "name": prompt });
    // Longer than one argument of a program may be.
    let long = json!({ "id": "f-2", "name": prompt.repeat(6_000) });
    for (delivery, task) in [("1", short), ("2", long)] {
        let event = test.file("event.json", task.to_string());
        succeeds(&["send", test.config(), "task.complete", &format!("@{event}")]);
        let first = serve.next();
        let command = printed_command(&succeeds(&["show", test.config(), delivery]));
        let shell = |script: &str| {
            let mut shell = Command::new("sh");
            shell.args(["-c", script]).env_remove("WEBHOOK_URL").env_remove("AUTHORIZATION");
            shell
        };
        // What is not set is asked for, and nothing is sent.
        let script = test.file("command.sh", &command);
        let unset = shell(&format!(". '{script}'")).output().unwrap();
        assert_ne!(code(&unset), 0);
        assert!(stderr(&unset).contains("WEBHOOK_URL: set it to the URL of here"), "{}", stderr(&unset));
        let url = format!("http://127.0.0.1:{}/hook/marker-of-the-url", serve.port);
        let mut run = shell(&format!(". '{script}'"));
        let run =
            run.env("WEBHOOK_URL", url).env("AUTHORIZATION", "Bearer marker-of-the-token").output().unwrap();
        assert_eq!((code(&run), stdout(&run).as_str()), (0, "ok"), "{command}: {}", stderr(&run));
        let second = serve.next();
        assert_eq!(second["verified"], true, "{second}");
        for same in ["body", "id", "target", "type"] {
            assert_eq!(first[same], second[same]);
        }
        assert_eq!(second["headers"]["authorization"], "Bearer marker-of-the-token");
        assert_eq!((&first["attempt"], &second["attempt"]), (&json!(1), &json!(2)));
        assert!(!command.contains("marker") && !command.contains(SECRET), "{command}");
    }
    assert_eq!(serve.code(), 0);
}

#[test]
fn serve_draws_the_card_it_received_and_json_has_it_too() {
    let picture: &[u8] = b"\x89PNG\r\n\x1a\nnot much of a picture";
    for json in [false, true] {
        let words = ["serve", "--port", "0", "--as", "discord", "--count", "1"];
        let mut serve = taskbell(&words);
        let mut serve = serve.args(json.then_some("--json")).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(serve.stdout.take().unwrap()).lines().map(Result::unwrap);
        let first = lines.next().unwrap();
        let address = first.split("http://127.0.0.1:").nth(1).unwrap();
        let port = address.split('/').next().unwrap().parse().unwrap();
        let test = TestConfig::new(port, "[]");
        let path = test.file("frame-7.png", picture);
        let config = format!(
            "[spool]\npath = \":memory:\"\n[files]\nroots = [\".\"]\n[endpoints.chat]\nplatform = \"discord\"\n\
             url = \"http://127.0.0.1:{port}/api/webhooks/1/a\"\n[[hooks]]\non = [\"task.complete\"]\nto = [\"chat\"]\n"
        );
        let config = test.file("chat.toml", config);
        let task = json!({ "name": "Frame 7", "outputs": [{ "path": path, "mime": "image/png" }] });
        succeeds(&["send", &config, "task.complete", &task.to_string()]);
        let drawn = lines.collect::<Vec<_>>().join("\n");
        assert!(serve.wait().unwrap().success());
        if json {
            let request = &json_lines(&drawn)[0];
            assert_eq!(request["card"]["parts"][0], json!({ "kind": "title", "text": "Task done: Frame 7" }));
            assert_eq!(request["body"]["files[0]"]["bytes"], json!(picture.len()), "{request}");
        } else {
            assert!(drawn.contains("answered 200"), "{drawn}");
            assert!(drawn.contains("  ┃ Task done: Frame 7\n"), "{drawn}");
            assert!(drawn.contains(&format!("frame-7.png ({} bytes)", picture.len())), "{drawn}");
        }
    }
}

#[test]
fn serve_says_type_id_and_attempt_above_the_card_of_a_signed_message() {
    let mut serve =
        taskbell(&["serve", "--port", "0", "--secret", "BELL_SECRET", "--fail", "1", "--count", "2"]);
    let mut serve = serve.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(serve.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    let port = first.split("http://127.0.0.1:").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
    let test = TestConfig::new(port, r#"["20ms"]"#);
    let sent = succeeds(&["send", test.config(), "queue.end", r#"{"total": 600}"#]);
    let id = sent.lines().next().unwrap().rsplit(' ').next().unwrap();
    let drawn = lines.collect::<Vec<_>>().join("\n");
    for attempt in [1, 2] {
        let headline = format!("queue.end  {id}  attempt {attempt}  verified (standard-webhooks)  answered ");
        assert!(drawn.contains(&headline), "{headline} in {drawn}");
    }
    assert!(drawn.matches("  ┃ queue.total").count() == 2, "{drawn}");
    assert!(serve.wait().unwrap().success());
}
