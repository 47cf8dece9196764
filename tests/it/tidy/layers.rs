//! Which room of the library may use which.

use super::{assert_none, code, statements};
use std::collections::{BTreeMap, BTreeSet};

/// The rooms from bottom to top. A room uses rooms of lower layers only: not its neighbours in the same
/// layer, and none above. So no two rooms use each other, whether at once or through a third.
const LAYERS: &[&[&str]] = &[
    &["hash", "json", "name_index"],
    &["event", "os", "property", "secret"],
    &["clock"],
    &["alerts", "farm", "intake", "message", "sign"],
    &["platform"],
    &["endpoint"],
    &["tally"],
    &["hooks"],
    &["shaping"],
    &["transport"],
    &["spool"],
    &["lanes"],
    &["config"],
    &["engine"],
];

/// Uses that break the rule, as `(room, used)`. Each one is to go; none is to come.
const EXCEPTIONS: &[(&str, &str)] = &[];

const ROOMS: &str = "crates/core/src/";

#[test]
fn rooms_use_only_rooms_below_them() {
    let layer = |room: &str| LAYERS.iter().position(|layer| layer.contains(&room));
    let mut faults = Vec::new();
    for (path, text) in code() {
        let Some(module) = path.strip_prefix(ROOMS).and_then(module_path) else { continue };
        let room = module[0];
        let Some(own) = layer(room) else {
            faults.push(format!("{path}: the room `{room}` is missing in the table of layers"));
            continue;
        };
        for used in used_rooms(&text, &module) {
            let allowed = used == room || EXCEPTIONS.contains(&(room, &used));
            match layer(&used) {
                Some(other) if other < own || allowed => {}
                Some(_) => faults.push(format!("{path}: `{room}` is not above `{used}`")),
                None => faults.push(format!("{path}: the room `{used}` is missing in the table of layers")),
            }
        }
    }
    assert_none("a room uses only rooms below it", &faults);
}

#[test]
fn files_make_no_circle() {
    let mut circles = Vec::new();
    for root in [ROOMS, "crates/cli/src/", "crates/relay/src/", "crates/ring/src/", "crates/taskbell/src/"] {
        let code = code();
        // What stands above the files of a folder only hands their names on.
        let files = code.iter().filter(|(path, _)| !path.ends_with("/mod.rs"));
        let files: BTreeMap<String, BTreeSet<String>> = files
            .filter_map(|(path, text)| Some((module_path(path.strip_prefix(root)?)?, text)))
            .map(|(module, text)| (module.join("/"), used_paths(text, &module)))
            .map(|(file, paths)| (file, paths.iter().map(|path| path.join("/") + "/").collect()))
            .collect();
        let mut left: BTreeSet<&String> = files.keys().collect();
        let uses = |file: &String, other: &String| {
            file != other && files[file].iter().any(|path| path.starts_with(&format!("{other}/")))
        };
        // What uses nothing that is left is in no circle.
        while let Some(free) = left.iter().copied().find(|file| !left.iter().any(|other| uses(file, other))) {
            left.remove(free);
        }
        circles.extend(left.into_iter().map(|file| format!("{root}{file}")));
    }
    assert_none("files that use each other, or such files", &circles);
}

/// The modules from the room down to a file; `None` for the root of the crate.
fn module_path(file: &str) -> Option<Vec<&str>> {
    let modules = file.strip_suffix(".rs")?;
    let modules = modules.strip_suffix("/mod").unwrap_or(modules);
    (!["lib", "main"].contains(&modules)).then(|| modules.split('/').collect())
}

/// The rooms that a file uses. Items of the root itself begin with a capital letter.
fn used_rooms(text: &str, module: &[&str]) -> Vec<String> {
    let rooms = used_paths(text, module).into_iter().filter_map(|path| path.into_iter().next());
    rooms.filter(|room| room.starts_with(|first: char| first.is_ascii_lowercase())).collect()
}

/// The paths from the root that a file names, through `crate::` or through `super::`.
fn used_paths(text: &str, module: &[&str]) -> Vec<Vec<String>> {
    let text: String = statements(text).map(|(_, line)| format!("{line}\n")).collect();
    let ups = (1..=module.len()).map(|up| ("super::".repeat(up), &module[..module.len() - up]));
    let mut found = Vec::new();
    for (start, above) in ups.chain([("crate::".to_owned(), &module[..0])]) {
        for (at, _) in text.match_indices(&start) {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|before| before.is_alphanumeric() || "_:".contains(before)) {
                continue;
            }
            for path in expanded(&text[at + start.len()..]) {
                let names = path.split("::").filter(|name| !name.is_empty()).map(str::to_owned);
                found.push(above.iter().map(|name| (*name).to_owned()).chain(names).collect::<Vec<_>>());
            }
        }
    }
    found.retain(|path| !path.is_empty() && !path.iter().any(|name| name == "super"));
    found
}

/// A path, or each path of a group of braces.
fn expanded(path: &str) -> Vec<String> {
    let path = path.trim_start();
    let end = path.find(|c: char| !(c.is_alphanumeric() || "_:".contains(c))).unwrap_or(path.len());
    let (name, rest) = path.split_at(end);
    let Some(group) = rest.strip_prefix('{').filter(|_| name.is_empty() || name.ends_with("::")) else {
        return vec![name.to_owned()];
    };
    let (mut depth, mut starts) = (0, vec![0]);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => starts.push(at + 1),
            _ => {}
        }
    }
    starts.into_iter().flat_map(|at| expanded(&group[at..])).map(|path| format!("{name}{path}")).collect()
}

#[test]
fn a_used_path_is_found_however_it_is_written() {
    let rooms = |text: &str, module: &[&str]| used_rooms(text, module);
    assert_eq!(rooms("use crate::spool::{Batch, Row};", &["a", "b"]), ["spool", "spool"]);
    assert_eq!(
        rooms("use crate::{\n    clock,\n    os::{a, b},\n    VERSION,\n};", &["a"]),
        ["clock", "os", "os"]
    );
    assert_eq!(rooms("let x: crate::event::Event = f();", &["a"]), ["event"]);
    assert_eq!(rooms("use super::super::engine::Bell;", &["a", "b"]), ["engine"]);
    assert_eq!(rooms("use super::engine::Bell; // crate::x\n// crate::y", &["a", "b"]), ["a", "x"]);
    assert_eq!(rooms("use other_crate::spool;", &["a"]), [""; 0]);
    assert_eq!(used_paths("use super::{b::{C, d}, E};", &["a", "f"])[1], ["a", "b", "d"]);
    assert_eq!(module_path("engine/mod.rs"), Some(vec!["engine"]));
    assert_eq!((module_path("os/wait.rs"), module_path("lib.rs")), (Some(vec!["os", "wait"]), None));
}
