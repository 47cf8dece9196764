//! What holds for every file, and for the documents.

use super::{assert_none, root, texts};
use std::fs;
use std::path::Path;

/// Words that no file holds, cut in two so that this file does not hold them either.
const FORBIDDEN: &[(&str, &str)] = &[
    ("TO", "DO"),
    ("FIX", "ME"),
    ("XX", "X"),
    ("todo", "!("),
    ("unimplemented", "!("),
    ("dbg", "!("),
    ("/ho", "me/"),
    ("/ro", "ot/"),
    ("/wo", "rk/"),
    ("/fa", "rm/"),
    ("/tmp/", "rooms"),
    ("pypi.org/", "simple"),
    ("files.python", "hosted.org"),
    ("static.crates", ".io"),
    ("index.crates", ".io"),
    ("proxy.golang", ".org"),
    ("arti", "factory"),
    ("Chat", "GPT"),
    ("Clau", "de"),
    ("Anth", "ropic"),
    ("Cop", "ilot"),
    ("AI-", "generated"),
    ("AI-", "assisted"),
];

#[test]
fn no_file_holds_a_word_that_does_not_belong_in_it() {
    let mut faults = Vec::new();
    for (path, text) in texts() {
        for (first, second) in FORBIDDEN {
            let word = format!("{first}{second}");
            for (index, line) in text.lines().enumerate() {
                if holds_word(line, &word) {
                    faults.push(format!("{path}:{}: {word}", index + 1));
                }
            }
        }
    }
    assert_none("these words do not belong in the project", &faults);
}

#[test]
fn every_line_ends_with_its_text_and_every_file_with_a_line() {
    let mut faults = Vec::new();
    for (path, text) in texts() {
        let loose = |line: &str| line.ends_with([' ', '\t', '\r']);
        let lines = text.split('\n').enumerate().filter(|(_, line)| loose(line));
        faults.extend(lines.map(|(index, _)| format!("{path}:{}: space at the end", index + 1)));
        if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
            faults.push(format!("{path}: must end with one line feed"));
        }
    }
    assert_none("loose ends", &faults);
}

/// Whether the word stands in the line by itself.
fn holds_word(line: &str, word: &str) -> bool {
    let edge = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
    let plain = word.chars().all(char::is_alphanumeric);
    line.match_indices(word).any(|(at, _)| {
        !plain || edge(line[..at].chars().next_back()) && edge(line[at + word.len()..].chars().next())
    })
}

#[test]
fn the_change_log_has_this_version() {
    let log = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let heading = format!("## [{}] - ", taskbell_core::VERSION);
    assert!(log.lines().any(|line| line.starts_with(&heading)), "{heading}");
    for (file, before, after) in [
        ("Cargo.toml", "version = \"", "\""),
        ("bindings/hosts/blender/blender_manifest.toml", "version = \"", "\""),
        ("bindings/hosts/swarmui/TaskbellExtension.cs", "Version = \"", "\";"),
    ] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let line = format!("{before}{}{after}", taskbell_core::VERSION);
        assert!(text.lines().any(|found| found.trim() == line), "{file} has another version");
    }
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    let texts = texts();
    let mut faults = Vec::new();
    // A page below `crates` is a part of a document in `docs`, where its links lead from.
    for (path, text) in texts.iter().filter(|(path, _)| path.ends_with(".md") && !path.starts_with("crates/"))
    {
        for target in links(text) {
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let wanted = if file.is_empty() { root().join(path) } else { root().join(folder).join(file) };
            if !wanted.exists() {
                faults.push(format!("{path}: {target} is not there"));
            } else if !anchor.is_empty() && !has_heading(&wanted, anchor) {
                faults.push(format!("{path}: {target} has no such heading"));
            }
        }
    }
    assert_none("links", &faults);
}

/// The targets of links to files of the project.
fn links(text: &str) -> Vec<String> {
    let elsewhere =
        |target: &str| ["http:", "https:", "mailto:", "{{"].iter().any(|kind| target.starts_with(kind));
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        fenced ^= line.starts_with("```");
        if !fenced {
            let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            found.extend(targets.filter(|target| !elsewhere(target)).map(str::to_owned));
        }
    }
    found
}

fn has_heading(file: &Path, anchor: &str) -> bool {
    let slug = |heading: &str| -> String {
        let kept = |letter: &char| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter);
        heading.trim().to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().any(|line| line.starts_with('#') && slug(line.trim_start_matches('#')) == anchor)
}

#[test]
fn no_test_is_empty_or_skipped_without_a_reason() {
    let mut faults = Vec::new();
    for (path, text) in texts() {
        let python = path.starts_with("tests/python/test_") && path.ends_with(".py");
        if python && !text.lines().any(|line| line.starts_with("def test_")) {
            faults.push(format!("{path} holds no test"));
        }
        for (index, line) in text.lines().enumerate() {
            let skips = line.contains("pytest.mark.skip") || line.contains("pytest.mark.xfail");
            if python && skips && !line.contains("reason=") {
                faults.push(format!("{path}:{}: no reason", index + 1));
            }
            if path.ends_with(".rs") && line.trim() == "#[ignore]" {
                faults.push(format!("{path}:{}: no reason", index + 1));
            }
        }
    }
    assert_none("tests", &faults);
}

#[test]
fn every_dependency_comes_from_the_public_registry_of_the_language() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let others: Vec<String> = lock
        .lines()
        .filter(|line| line.starts_with("source = ") && *line != public)
        .map(str::to_owned)
        .collect();
    assert_none("Cargo.lock", &others);
    let pinned = fs::read_to_string(root().join("tests/python/requirements.txt")).unwrap();
    let loose: Vec<String> = pinned
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.contains("=="))
        .map(str::to_owned)
        .collect();
    assert_none("tests/python/requirements.txt pins everything", &loose);
}
