//! The tables of `docs/delivery.md`, and the commands of `docs/tutorial.md` and `docs/troubleshooting.md`,
//! tried on the code.

use serde_json::{Value as Json, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use taskbell_core::{Notify, Task, TaskParams};
use tempfile::TempDir;

fn page(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    fs::read_to_string(folder.join(name)).unwrap().replace("\r\n", "\n")
}

/// The rows of the first table below a heading, cell by cell.
fn table(heading: &str) -> Vec<Vec<String>> {
    let text = page("delivery.md");
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

/// A command of a page with the output shown below it; `…` stands for lines that are left out.
struct Shown {
    words: Vec<String>,
    output: Vec<String>,
    fails: bool,
}

/// The commands in the `console` blocks of a page, indented blocks included.
fn commands(page: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    let mut lines = page.lines();
    while let Some(opening) = lines.next() {
        let Some(kind) = opening.trim_start().strip_prefix("```console") else { continue };
        let indent = opening.len() - opening.trim_start().len();
        for line in lines.by_ref().take_while(|line| line.trim() != "```") {
            let line = line.get(indent..).unwrap_or_default();
            if let Some(command) = line.strip_prefix("$ ") {
                let fails = kind.trim() == "fails";
                found.push(Shown { words: shell_words(command), output: Vec::new(), fails });
            } else if line != "…" {
                found.last_mut().expect("a command precedes its output").output.push(line.to_owned());
            }
        }
    }
    found
}

/// Words parted by spaces; single quotes keep a word together.
fn shell_words(command: &str) -> Vec<String> {
    let split = |(index, part): (usize, &str)| -> Vec<String> {
        let quoted = index % 2 == 1;
        if quoted { vec![part.to_owned()] } else { part.split_whitespace().map(str::to_owned).collect() }
    };
    command.split('\'').enumerate().flat_map(split).collect()
}

struct Workplace {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Workplace {
    fn new(config: &str) -> Workplace {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("taskbell.toml"), config).unwrap();
        Workplace { folder, variables: Vec::new() }
    }

    fn command(&self, words: &[String]) -> Command {
        assert_eq!(words[0], "taskbell");
        let mut command = Command::new(env!("CARGO_BIN_EXE_taskbell"));
        command.args(&words[1..]).current_dir(self.folder.path()).stdin(Stdio::null());
        command.envs(self.variables.iter().cloned()).env("XDG_STATE_HOME", self.folder.path());
        command
    }

    /// Runs a command and compares its exit code and its output with the page.
    fn run(&self, shown: &Shown) {
        let output = self.command(&shown.words).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        let code = output.status.code();
        assert_eq!(code, Some(i32::from(shown.fails)), "{:?}: {text}{errors}", shown.words);
        let mut printed = text.lines();
        for line in &shown.output {
            assert!(printed.any(|found| found == line), "{:?} does not print `{line}`: {text}", shown.words);
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_tutorial_works_as_it_is_written() {
    let text = page("tutorial.md");
    let config = text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let mut place = Workplace::new(config);
    let mut receiver = None;
    let mut ran = 0;
    for shown in commands(&text) {
        if shown.words[0] == "export" {
            let (name, value) = shown.words[1].split_once('=').unwrap();
            place.variables.push((name.to_owned(), value.to_owned()));
        } else if shown.words[1] == "serve" {
            let mut serve = place.command(&shown.words);
            let mut child = serve.args(["--port", "0", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
            let mut welcome = String::new();
            BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut welcome).unwrap();
            receiver = Some(Serving(child));
            let welcome: Json = serde_json::from_str(&welcome).unwrap();
            let url = welcome["listening"].as_str().unwrap();
            let config = config.replace("http://127.0.0.1:8787/", url);
            fs::write(place.folder.path().join("taskbell.toml"), config).unwrap();
        } else {
            place.run(&shown);
            ran += 1;
        }
    }
    assert!(receiver.is_some() && ran >= 6, "{ran} commands");
}

#[test]
fn every_command_of_the_troubleshooting_page_runs() {
    let text = page("troubleshooting.md");
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let config = format!(
        "[spool]\npath = \"spool.db\"\n[endpoints.team]\nurl = \"http://{closed}/\"\n\
         retry = {{ schedule = [] }}\n[[hooks]]\non = [\"queue.end\"]\nto = [\"team\"]\nmin_tasks = 10\n"
    );
    // Delivery 1 is a dead letter, delivery 2 waits.
    let prepared = Workplace::new(&config);
    for (command, fails) in [
        ("taskbell send taskbell.toml queue.end '{\"total\": 40}'", true),
        ("taskbell send taskbell.toml queue.end '{\"total\": 50}'", true),
        ("taskbell replay taskbell.toml 2", false),
    ] {
        prepared.run(&Shown { words: shell_words(command), output: Vec::new(), fails });
    }
    let commands = commands(&text);
    assert!(commands.len() >= 8, "{} commands", commands.len());
    for shown in commands {
        let place = Workplace::new(&config);
        for file in prepared.files().iter().filter(|file| file.is_file()) {
            fs::copy(file, place.folder.path().join(file.file_name().unwrap())).unwrap();
        }
        place.run(&shown);
    }
    let manual = page("cli.md");
    for named in text.split("`taskbell ").skip(1) {
        let name = named.split([' ', '`']).next().unwrap();
        assert!(manual.contains(&format!("\n## {name}\n")), "there is no command `{name}`");
    }
}

#[test]
fn the_index_names_every_page() {
    let index = page("README.md");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let pages = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    for name in pages.filter(|name| name.ends_with(".md") && name != "README.md") {
        assert!(index.contains(&format!("]({name})")), "docs/README.md does not link to {name}");
    }
}

#[test]
fn the_example_in_rust_is_that_of_the_crates_page() {
    let page = include_str!("../../crates/taskbell/src/lib.rs");
    let (_, from) = page.split_once("//! ```no_run\n").unwrap();
    let lines = from.lines().take_while(|line| *line != "//! ```");
    let example: Vec<_> = lines
        .map(|line| line.strip_prefix("//!").unwrap())
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    let document = include_str!("../../docs/languages.md");
    let block = format!("```rust\n{}\n```", example.join("\n"));
    assert!(document.contains(&block), "docs/languages.md has another example than:\n{block}");
}
