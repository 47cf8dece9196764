//! The `taskbell` command, its configurations and its receiver, for tests.

use serde_json::Value as Json;
use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use tempfile::TempDir;

pub const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

pub fn taskbell(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taskbell"));
    command.args(arguments).env("BELL_SECRET", SECRET).env_remove("TASKBELL_LIBRARY").stdin(Stdio::null());
    command
}

pub fn run(arguments: &[&str]) -> Output {
    taskbell(arguments).output().unwrap()
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The output of a command that succeeds.
pub fn succeeds(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(code(&output), 0, "{arguments:?}: {}{}", stdout(&output), stderr(&output));
    stdout(&output)
}

/// The output of a command that fails, stdout and stderr.
pub fn fails(arguments: &[&str]) -> String {
    let output = run(arguments);
    let text = stdout(&output) + &stderr(&output);
    assert_eq!(code(&output), 1, "{arguments:?}: {text}");
    assert!(!text.contains("panicked"), "{text}");
    text
}

pub fn json_lines(text: &str) -> Vec<Json> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A configuration in a folder of its own, with one endpoint at this port.
pub struct TestConfig {
    pub folder: TempDir,
    pub config: PathBuf,
}

impl TestConfig {
    pub fn new(port: u16, schedule: &str) -> TestConfig {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("taskbell.toml");
        let text = format!(
            "[spool]\npath = \"spool.db\"\n[queue]\nend_delay = \"50ms\"\n[endpoints.here]\n\
             url = \"http://127.0.0.1:{port}/hook/marker-of-the-url\"\n\
             headers = {{ authorization = \"Bearer marker-of-the-token\" }}\n\
             sign = [{{ scheme = \"standard-webhooks\", secrets = [\"env:BELL_SECRET\"] }}]\n\
             retry = {{ schedule = {schedule} }}\n[[hooks]]\nname = \"bell\"\n\
             on = [\"task.complete\", \"queue.end\"]\nto = [\"here\"]\nwhen = \"not event.data.quiet == true\"\n"
        );
        fs::write(&config, text).unwrap();
        TestConfig { folder, config }
    }

    pub fn config(&self) -> &str {
        self.config.to_str().unwrap()
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// A running `serve`, killed at the end of the test.
pub struct Serve {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    pub port: u16,
}

impl Serve {
    pub fn start(arguments: &[&str]) -> Serve {
        let mut command = taskbell(&["serve", "--json", "--port", "0"]);
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let started: Json = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let url = started["listening"].as_str().unwrap();
        let port = url.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap();
        Serve { child, lines, port }
    }

    /// The next request.
    pub fn next(&mut self) -> Json {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }

    /// The exit code, once the command has ended by itself.
    pub fn code(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port without a listener.
pub fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
