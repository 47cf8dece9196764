//! House rules, as tests over the files of the project.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The longest a source file may be; a longer one holds more than one idea.
const MAX_LINES: usize = 500;

/// Files that may be longer, with the reason.
const LONGER: &[(&str, &str)] = &[];

/// Where `unsafe` may stand: what speaks C, what speaks to the system, and the mapped ring.
const UNSAFE: &[&str] = &["src/ffi/mod.rs", "src/os.rs", "src/intake/region.rs"];

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

/// What a guest in a foreign process does not do; the command may.
const NO_GUEST_DOES: &[&str] = &[
    "println!",
    "eprintln!",
    "print!(",
    "eprint!(",
    "set_var(",
    "remove_var(",
    "set_current_dir(",
    "process::exit",
    "process::abort",
    "atexit(",
    "global_allocator",
    "install_default(",
];

/// What ends in a panic when it meets something unforeseen.
const PANICS: &[&str] = &[".unwrap()", ".expect(", "panic!(", "unreachable!("];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
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

/// The sources of the crate.
fn sources() -> BTreeMap<String, String> {
    texts().into_iter().filter(|(path, _)| path.starts_with("src/") && path.ends_with(".rs")).collect()
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
            Some((folder, "mod.rs" | "lib.rs")) => folder.to_owned(),
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
            } else if let Some(name) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
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

/// The folder of the modules below a file.
fn folder_of(file: &str) -> String {
    let folder = file.strip_suffix("/mod.rs").unwrap_or_else(|| file.trim_end_matches(".rs"));
    format!("{folder}/")
}

fn is_test_attribute(line: &str) -> bool {
    line.starts_with("#[cfg(test") || line.starts_with("#[cfg(all(test")
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

/// Whether the word stands in the line by itself.
fn holds_word(line: &str, word: &str) -> bool {
    let edge = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
    let plain = word.chars().all(char::is_alphanumeric);
    line.match_indices(word).any(|(at, _)| {
        !plain || edge(line[..at].chars().next_back()) && edge(line[at + word.len()..].chars().next())
    })
}

fn assert_none(rule: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{rule}:\n  {}", faults.join("\n  "));
}

#[test]
fn the_header_declares_each_exported_function_once() {
    let mut exported: Vec<String> = Vec::new();
    for (path, text) in code() {
        if !path.starts_with("src/ffi/") {
            continue;
        }
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2).filter(|pair| pair[0] == "#[unsafe(no_mangle)]") {
            let name = pair[1].split("fn ").nth(1).and_then(|rest| rest.split('(').next());
            exported
                .push(name.unwrap_or_else(|| panic!("no function follows in {path}: {}", pair[1])).into());
        }
    }
    let header = fs::read_to_string(root().join("include/taskbell.h")).unwrap();
    let mut declared: Vec<String> = header
        .lines()
        .filter(|line| ["int32_t ", "uint32_t ", "const char *"].iter().any(|kind| line.starts_with(kind)))
        .filter_map(|line| line.split('(').next()?.rsplit([' ', '*']).next().map(str::to_owned))
        .collect();
    exported.sort_unstable();
    declared.sort_unstable();
    assert!(exported.len() >= 21, "{exported:?}");
    assert_eq!(declared, exported, "`cargo build` writes include/taskbell.h anew");
}

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

#[test]
fn a_source_file_holds_one_idea_and_says_which() {
    let tests = test_files(&sources());
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        let allowed = LONGER.iter().any(|(longer, _)| *longer == path);
        if lines > MAX_LINES && !allowed {
            faults.push(format!("{path} has {lines} lines"));
        }
        let of_tests = tests.iter().any(|test| path == *test || path.starts_with(&folder_of(test)));
        if !of_tests && !text.starts_with("//! ") {
            faults.push(format!("{path} does not begin with what it is for (`//! …`)"));
        }
        let name = path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
        if ["util", "utils", "helper", "helpers", "common", "manager", "misc"].contains(&name) {
            faults.push(format!("{path} has a name that says nothing"));
        }
    }
    assert_none("source files", &faults);
}

#[test]
fn unsafe_stands_where_it_may_and_says_why_it_is_sound() {
    let sources = sources();
    for deny in ["#![deny(unsafe_code)]", "#![deny(missing_docs)]"] {
        assert!(sources["src/lib.rs"].contains(deny), "src/lib.rs lost {deny}");
    }
    let mut faults = Vec::new();
    for (path, text) in &sources {
        let allows = statements(text).any(|(_, line)| line.contains("allow(unsafe_code)"));
        if allows != UNSAFE.contains(&path.as_str()) {
            faults.push(format!("{path}: `allow(unsafe_code)` stands in {UNSAFE:?} and nowhere else"));
        }
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in statements(text) {
            let before = &lines[..number - 1];
            let reason = if line.contains("unsafe {") || line.starts_with("unsafe impl") {
                "SAFETY:"
            } else if line.contains("unsafe fn ")
                || line.contains("unsafe extern \"C\" fn ") && line.contains("pub ")
            {
                "# Safety"
            } else {
                continue;
            };
            if !comment_above(before).contains(reason) {
                faults.push(format!("{path}:{number}: no `{reason}` above it"));
            }
        }
    }
    assert_none("unsafe code", &faults);
}

/// The comment above a line, past attributes and the lines of the same statement.
fn comment_above(lines: &[&str]) -> String {
    let mut comment = Vec::new();
    for line in lines.iter().rev().take(30) {
        let line = line.trim();
        if line.starts_with("//") {
            comment.push(line);
        } else if !comment.is_empty() || line.is_empty() || line.ends_with([';', '}']) {
            break;
        }
    }
    comment.join("\n")
}

#[test]
fn the_library_does_not_panic_on_purpose() {
    let mut faults = Vec::new();
    for (path, text) in code() {
        for (number, line) in statements(&text) {
            if PANICS.iter().any(|panic| line.contains(panic)) {
                faults.push(format!("{path}:{number}: {line}"));
            }
        }
    }
    assert_none("an error is a value", &faults);
}

#[test]
fn the_library_leaves_the_process_alone() {
    let command = |path: &str| path.starts_with("src/cli/") || path.starts_with("src/bin/");
    let mut faults = Vec::new();
    for (path, text) in code().iter().filter(|(path, _)| !command(path)) {
        for (number, line) in statements(text) {
            let words = NO_GUEST_DOES.iter().filter(|word| line.contains(*word));
            faults.extend(words.map(|word| format!("{path}:{number}: {word}")));
        }
    }
    assert_none("a guest does not", &faults);
}

#[test]
fn the_change_log_has_this_version() {
    let log = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let heading = format!("## {}", taskbell::VERSION);
    assert!(log.lines().any(|line| line == heading || line.starts_with(&format!("{heading} "))), "{heading}");
    for (file, line) in [
        ("bindings/python/pyproject.toml", format!("version = \"{}\"", taskbell::VERSION)),
        ("Cargo.toml", format!("version = \"{}\"", taskbell::VERSION)),
    ] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        assert!(text.lines().any(|found| found == line), "{file} has another version");
    }
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    let texts = texts();
    let mut faults = Vec::new();
    for (path, text) in texts.iter().filter(|(path, _)| path.ends_with(".md")) {
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
    let elsewhere = |target: &str| ["http:", "https:", "mailto:"].iter().any(|kind| target.starts_with(kind));
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

fn has_heading(file: &PathBuf, anchor: &str) -> bool {
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
