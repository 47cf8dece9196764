//! House rules, as tests over the files of the project.

mod code;
mod documents;
mod layers;
mod names;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Every text file of the project by its path from the root, less what is built.
fn texts() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    gather(root(), &mut found);
    assert!(found.contains_key("Cargo.toml") && found.len() > 100, "{} files", found.len());
    found
}

fn gather(folder: &Path, found: &mut BTreeMap<String, String>) {
    const BUILT: &[&str] = &["target", "__pycache__", ".git", ".venv", ".pytest_cache", ".ruff_cache"];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap().to_owned();
        if BUILT.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            gather(&path, found);
        } else if let Ok(text) = fs::read_to_string(&path) {
            found.insert(from_root(&path), text);
        }
    }
}

fn from_root(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/")
}

/// The sources of the library, its C ABI and the command.
fn sources() -> BTreeMap<String, String> {
    let is_source = |path: &str| path.starts_with("src/") || path.starts_with("crates/");
    texts().into_iter().filter(|(path, _)| is_source(path) && path.ends_with(".rs")).collect()
}

/// The sources less their tests: files that are modules of tests, and what follows `#[cfg(test)]` before
/// a module.
fn code() -> BTreeMap<String, String> {
    let sources = sources();
    let tests = test_files(&sources);
    sources
        .into_iter()
        .filter(|(path, _)| !tests.iter().any(|test| path == test || path.starts_with(&folder_of(test))))
        .map(|(path, text)| (path, without_tests(&text)))
        .collect()
}

/// The files of modules declared under `#[cfg(test)]`.
fn test_files(sources: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for (path, text) in sources {
        let folder = match path.rsplit_once('/') {
            Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder.to_owned(),
            _ => path.trim_end_matches(".rs").to_owned(),
        };
        let beside = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut under_test = false;
        for line in text.lines() {
            if is_test_attribute(line) {
                under_test = true;
            } else if let Some(named) =
                line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]"))
            {
                files.extend(under_test.then(|| format!("{beside}/{named}")));
            } else if let Some(name) = declared_module(line) {
                if under_test {
                    files.insert(format!("{folder}/{name}.rs"));
                    files.insert(format!("{folder}/{name}/mod.rs"));
                }
                under_test = false;
            } else if !line.starts_with("#[") {
                under_test = false;
            }
        }
    }
    files.retain(|file| sources.contains_key(file));
    files
}

/// The module that a line such as `pub(crate) mod name;` declares.
fn declared_module(line: &str) -> Option<&str> {
    let visible =
        line.strip_prefix("pub").map(|rest| rest.trim_start_matches("(crate)").trim_start_matches("(super)"));
    visible.map_or(line, str::trim_start).strip_prefix("mod ")?.strip_suffix(';')
}

fn folder_of(file: &str) -> String {
    let folder = file.strip_suffix("/mod.rs").unwrap_or_else(|| file.trim_end_matches(".rs"));
    format!("{folder}/")
}

fn is_test_attribute(line: &str) -> bool {
    ["#[cfg(test", "#[cfg(all(test", "#[cfg(any(test"].iter().any(|start| line.starts_with(start))
}

/// The text up to its module of tests, which stands last.
fn without_tests(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let end = lines
        .windows(2)
        .position(|pair| is_test_attribute(pair[0]) && pair[1].contains("mod ") && pair[1].ends_with('{'))
        .unwrap_or(lines.len());
    lines[..end].join("\n")
}

/// The lines of a text that are not comments, with their numbers from 1.
fn statements(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let line = line.trim_start();
        (!line.starts_with("//")).then_some((index + 1, line))
    })
}

fn assert_none(rule: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{rule}:\n  {}", faults.join("\n  "));
}
