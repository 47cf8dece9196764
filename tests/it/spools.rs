//! Which programs share a spool: those with one configuration, and nobody else by accident.

use super::command::Serve;
use serde_json::Value as Json;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A program in a folder of its own with the `taskbell.toml` of every document; all share the user's home.
fn run(home: &Path, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taskbell"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.env("XDG_STATE_HOME", home).env("LOCALAPPDATA", home).output().unwrap()
}

fn configure(folder: &Path, url: &str) {
    fs::create_dir_all(folder).unwrap();
    let text = format!(
        "[endpoints.team]\nurl = \"{url}\"\nretry = {{ schedule = [\"1h\"] }}\n\
         [[hooks]]\non = [\"task.complete\", \"queue.end\"]\nto = [\"team\"]\n"
    );
    fs::write(folder.join("taskbell.toml"), text).unwrap();
}

fn listed(home: &Path, folder: &Path) -> Vec<Json> {
    let output = run(home, folder, &["list", "taskbell.toml", "--json"]);
    let listed: Json = serde_json::from_slice(&output.stdout).unwrap();
    listed["deliveries"].as_array().unwrap().clone()
}

#[test]
fn two_hosts_in_two_folders_know_nothing_of_each_other() {
    let home = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| home.path().join(name));
    let (refusing, mut other) = (Serve::start(&["--fail", "99"]), Serve::start(&[]));
    for (folder, receiver) in [(&one, &refusing), (&two, &other)] {
        configure(folder, &format!("http://127.0.0.1:{}/", receiver.port));
    }
    let send = |folder: &Path, id: &str| {
        let task = format!("{{\"id\": \"{id}\"}}");
        run(home.path(), folder, &["send", "taskbell.toml", "task.complete", &task, "--timeout", "2s"])
    };
    send(&one, "waits");
    assert!(listed(home.path(), &one).iter().any(|row| row["state"] == "pending"), "it waits for its retry");

    let sent = send(&two, "mine");
    assert!(sent.status.success(), "{sent:?}");
    assert_eq!(other.next()["body"]["data"]["task"]["id"], "mine");
    assert!(listed(home.path(), &two).iter().all(|row| row["state"] == "delivered"));
    let rows = listed(home.path(), &one);
    assert!(
        rows.iter().any(|row| row["state"] == "pending") && rows.iter().all(|row| row["state"] != "dead")
    );
}

#[cfg(unix)]
#[test]
fn check_warns_of_a_spool_among_temporary_files() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("one");
    configure(&folder, "http://127.0.0.1:9/");
    let check = |variables: &[(&str, &Path)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_taskbell"));
        command.args(["check", "taskbell.toml"]).current_dir(&folder);
        command.env_remove("XDG_STATE_HOME").env_remove("HOME").envs(variables.iter().copied());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(check(&[]).contains("`HOME` names no folder, so the spool is in "), "{}", check(&[]));
    assert_eq!(check(&[("HOME", home.path())]), "1 endpoint, 1 hook: fine\n");
}
