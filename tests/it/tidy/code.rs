//! What holds for the sources.

use super::{assert_none, code, folder_of, sources, statements, test_files};

/// The longest a source file may be; a longer one holds more than one idea.
const MAX_LINES: usize = 500;

/// Files that may be longer, with the reason.
const LONGER: &[(&str, &str)] = &[];

/// Where `unsafe` may stand: what speaks C, what speaks to the system, and the mapped ring.
const UNSAFE: &[&str] = &[
    "crates/core/src/alerts/nvml.rs",
    "src/ffi/mod.rs",
    "crates/core/src/os.rs",
    "crates/ring/src/region.rs",
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
fn the_way_of_an_event_can_be_read_in_one_short_file() {
    let lines = sources()["crates/core/src/engine/dispatcher.rs"].lines().count();
    assert!(
        lines < 200,
        "engine/dispatcher.rs has {lines} lines: a step of its turn needs a file of its own"
    );
}

#[test]
fn unsafe_stands_where_it_may_and_says_why_it_is_sound() {
    let sources = sources();
    for deny in ["#![deny(unsafe_code)]", "#![deny(missing_docs)]"] {
        for root in ["src/lib.rs", "crates/core/src/lib.rs", "crates/ring/src/lib.rs"] {
            assert!(sources[root].contains(deny), "{root} lost {deny}");
        }
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
    // The command is a process of its own, and fail points stand in no library that a host loads.
    let free = ["crates/cli/", "crates/ring/src/failpoint.rs"];
    let mut faults = Vec::new();
    for (path, text) in code().iter().filter(|(path, _)| !free.iter().any(|start| path.starts_with(start))) {
        for (number, line) in statements(text) {
            let words = NO_GUEST_DOES.iter().filter(|word| line.contains(*word));
            faults.extend(words.map(|word| format!("{path}:{number}: {word}")));
        }
    }
    assert_none("a guest does not", &faults);
}
