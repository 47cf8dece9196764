//! The receivers in `docs/signatures.md`, run by Python against what is really signed.

use super::*;
use crate::json::json;
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

const PAGE: &str = include_str!("../../../../docs/signatures.md");

/// Runs one snippet over cases given on standard input, and prints a verdict for each.
const HARNESS: &str = r#"
import base64, json, sys
for case in json.load(sys.stdin):
    try:
        verdict = verify(case["secret"], case["headers"], base64.b64decode(case["body"]))
    except Exception as fault:
        verdict = type(fault).__name__
    print(verdict)
"#;

/// The text of the block whose opening fence names it.
fn snippet(name: &str) -> &'static str {
    let fence = format!("```python {name}\n");
    let (_, after) = PAGE.split_once(&fence).unwrap();
    after.split_once("```").unwrap().0
}

fn case(secret: &str, headers: &[(String, String)], body: &[u8]) -> Value {
    use base64::Engine;
    let headers: serde_json::Map<_, _> =
        headers.iter().cloned().map(|(name, value)| (name, json!(value))).collect();
    json!({"secret": secret, "headers": headers, "body": base64::engine::general_purpose::STANDARD.encode(body)})
}

fn run(name: &str, cases: &[Value]) -> Vec<String> {
    let program = format!("{}\n{HARNESS}", snippet(name));
    let mut python = Command::new(if cfg!(windows) { "python" } else { "python3" })
        .args(["-I", "-c", &program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python 3 is needed to run the examples of the documentation");
    python.stdin.take().unwrap().write_all(json!(cases).to_string().as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_receivers_in_the_documentation_accept_what_is_signed_and_nothing_else() {
    let whsec = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"];
    let plain = ["new-secret", "old-secret"];
    let hmac = json!({"header": "x-render-signature", "content": "{timestamp}.{body}",
        "value": "t={timestamp},v1={signature}", "joiner": ",v1="});
    let body = b"{\"type\":\"queue.end\"}\xff";
    let now = crate::clock::unix_ms() / 1000;
    for (scheme, secrets, more, many, timed) in [
        ("standard-webhooks", whsec, json!({}), true, true),
        ("github", plain, json!({}), false, false),
        ("stripe", plain, json!({}), true, true),
        ("slack", plain, json!({}), false, true),
        ("hmac", plain, hmac, true, true),
    ] {
        let mut entry = json!({"scheme": scheme, "secrets": secrets});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let signer = Signer::from_json(&entry).unwrap();
        let fresh = signer.sign("evt_1", now, body);
        let stale = signer.sign("evt_1", now - 3600, body);
        let verdicts = run(
            &format!("verify-{scheme}"),
            &[
                case(secrets[0], &fresh, body),
                case(secrets[1], &fresh, body),
                case("whsec_AAAA", &fresh, body),
                case(secrets[0], &fresh, b"{\"type\":\"queue.end\"}"),
                case(secrets[0], &stale, body),
                case(secrets[0], &[], body),
            ],
        );
        let word = |verdict: bool| if verdict { "True" } else { "False" };
        assert_eq!(verdicts, ["True", word(many), "False", "False", word(!timed), "KeyError"], "{scheme}");
    }
}

#[test]
fn the_entries_in_the_documentation_are_usable() {
    let lines = PAGE.lines().filter_map(|line| line.strip_prefix("sign = "));
    let entries: Vec<_> =
        lines.map(|line| toml::from_str::<Value>(&format!("sign = {line}")).unwrap()).collect();
    assert_eq!(entries.len(), 3);
    for entry in entries {
        let mut entry = entry["sign"][0].clone();
        entry["secrets"] = json!(["AAAA"]);
        assert!(Signer::from_json(&entry).is_ok(), "{entry}");
    }
    let (_, after) = PAGE.split_once("```json\n").unwrap();
    let scheme = after.split_once("```").unwrap().0;
    let fault = verify(scheme, "{}", b"", 0).unwrap_err();
    assert!(!fault.is_usage(), "{fault}");
}
