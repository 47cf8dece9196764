//! The configuration of a node in the hands of the `taskbell` command.

use super::command::{SECRET, Serve, TestConfig, closed_port, fails, succeeds};
#[cfg(unix)]
use super::command::{code, stderr, stdout, taskbell};
use serde_json::Value as Json;

/// A node with these relays, and the file that it is in.
fn node(test: &TestConfig, relays: &[u16]) -> String {
    let relays: Vec<String> = relays.iter().map(|port| format!("\"http://127.0.0.1:{port}\"")).collect();
    let farm = format!("[farm]\nrelays = [{}]\nsecret = \"env:BELL_SECRET\"\n", relays.join(", "));
    test.file("node.toml", format!("{farm}[spool]\npath = \"node.db\"\n"))
}

#[test]
fn check_asks_the_relays_of_a_node_and_says_what_is_wrong_with_each() {
    let takes = Serve::start(&["--secret", SECRET]);
    let standby = Serve::start(&["--fail", "9:421"]);
    let test = TestConfig::new(1, "[]");
    let fine = node(&test, &[takes.port, standby.port]);
    assert_eq!(succeeds(&["check", &fine]), "2 relays, 0 endpoints, 0 hooks: fine\n", "it asks nobody");
    let said = succeeds(&["check", &fine, "--relays"]);
    assert!(said.contains(&format!("relay http://127.0.0.1:{}: takes posts\n", takes.port)), "{said}");
    assert!(said.contains(&format!("relay http://127.0.0.1:{}: is on standby\n", standby.port)), "{said}");

    let other = Serve::start(&["--secret", "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCBvZiAzMiBi"]);
    let wrong = node(&test, &[other.port, closed_port()]);
    let said = fails(&["check", &wrong, "--relays"]);
    assert!(said.contains("answered 401: the `[farm] secret` of this node is none of the relay's"), "{said}");
    assert!(said.contains("refused"), "{said}");
    assert!(!said.contains(SECRET), "{said}");
    let report: Json = serde_json::from_str(&fails(&["check", &wrong, "--relays", "--json"])).unwrap();
    assert_eq!((&report["relays"], &report["asked"][0]["ok"]), (&2.into(), &false.into()));
    assert!(fails(&["check", test.config(), "--relays"]).contains("the relays of a node"));
}

#[test]
fn an_event_of_a_node_goes_to_its_relay_as_explain_and_preview_say() {
    let mut relay = Serve::start(&["--secret", SECRET]);
    let test = TestConfig::new(1, "[]");
    let node = node(&test, &[relay.port]);
    for command in ["explain", "preview"] {
        let said = succeeds(&[command, &node, "render.saved", "{}"]);
        assert!(said.contains("the event also goes to its relay"), "{said}");
    }
    succeeds(&["send", &node, "render.saved", r#"{"frame": 7}"#]);
    let post = relay.next();
    assert_eq!((&post["verified"], &post["target"]), (&true.into(), &"/v1/events".into()), "{post}");
    assert!(post["body"].as_str().unwrap().contains(r#""data":{"frame": 7}"#), "{post}");
    let listed = succeeds(&["list", &node]);
    assert!(listed.contains("farm") && listed.contains("delivered"), "{listed}");
}

#[cfg(unix)]
#[test]
fn the_demo_of_a_farm_adds_up_although_a_node_and_the_leading_relay_are_killed() {
    for (options, store) in [(&["--embedded"] as &[&str], Some("embedded")), (&[], None)] {
        let demo = demo_of_a_farm(options);
        // Without PostgreSQL on the machine both are embedded.
        assert!(store.is_none_or(|store| demo["store"] == store), "{demo}");
    }
}

#[cfg(unix)]
fn demo_of_a_farm(options: &[&str]) -> Json {
    let folder = tempfile::tempdir().unwrap();
    // The server of a database may run as another user.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let mut command = taskbell(&["demo", "--farm", "--json"]);
    let output = command.args(options).env("TMPDIR", folder.path()).output().unwrap();
    assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
    let demo: Json = serde_json::from_str(&stdout(&output)).unwrap();
    for (name, expected) in [
        ("accepted", 48),
        ("delivered", 48),
        ("batch_ends", 1),
        ("queue_ends", 1),
        ("pending", 0),
        ("dead", 0),
        ("killed_nodes", 1),
    ] {
        assert_eq!(demo[name], expected, "{name}: {demo}");
    }
    assert!(demo["takeover_s"].is_number() && demo["missing"] == Json::Array(Vec::new()), "{demo}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "its files are removed");
    demo
}
