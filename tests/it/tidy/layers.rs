//! Which room of the library may use which.

use super::{assert_none, code, statements};

/// The rooms from bottom to top. A room uses rooms of lower layers only: not its neighbours in the same
/// layer, and none above. So no two rooms use each other, whether at once or through a third.
const LAYERS: &[&[&str]] = &[
    &["stable_hash"],
    &["event", "failpoint", "os", "property", "secret"],
    &["clock", "hash"],
    &["alerts", "intake", "message", "sign"],
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
        for used in used_rooms(&text, module.len()) {
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

/// The modules from the room down to a file; `None` for the root of the crate.
fn module_path(file: &str) -> Option<Vec<&str>> {
    let modules = file.strip_suffix(".rs")?;
    let modules = modules.strip_suffix("/mod").unwrap_or(modules);
    (modules != "lib").then(|| modules.split('/').collect())
}

/// The rooms that paths name, through `crate::` or through `super::` up to the root, in a file so deep.
/// Items of the root itself begin with a capital letter.
fn used_rooms(text: &str, depth: usize) -> Vec<String> {
    let text: String = statements(text).map(|(_, line)| format!("{line}\n")).collect();
    let from_root = "super::".repeat(depth);
    let mut rooms = Vec::new();
    for start in ["crate::", from_root.as_str()] {
        for (at, _) in text.match_indices(start) {
            let before = text[..at].chars().next_back();
            if !before.is_some_and(|before| before.is_alphanumeric() || "_:".contains(before)) {
                rooms.extend(first_names(&text[at + start.len()..]));
            }
        }
    }
    rooms.retain(|room| room.starts_with(|first: char| first.is_ascii_lowercase()) && room != "super");
    rooms
}

/// The first name of a path, or of each path in a group of braces.
fn first_names(path: &str) -> Vec<String> {
    let name = |path: &str| -> String {
        path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = path.strip_prefix('{') else { return vec![name(path)] };
    let (mut depth, mut names) = (1, vec![name(group)]);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => names.push(name(&group[at + 1..])),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn a_used_room_is_found_however_its_path_is_written() {
    let used = |text: &str, depth| used_rooms(text, depth);
    assert_eq!(used("use crate::spool::{Batch, Row};", 2), ["spool"]);
    assert_eq!(used("use crate::{\n    clock,\n    os::{a, b},\n    VERSION,\n};", 2), ["clock", "os"]);
    assert_eq!(used("let x: crate::event::Event = f();", 1), ["event"]);
    assert_eq!(used("use super::super::engine::Bell;", 2), ["engine"]);
    assert_eq!(used("use super::engine::Bell; // crate::x\n// crate::y", 2), ["x"]);
    assert_eq!(used("use other_crate::spool;", 1), [""; 0]);
    assert_eq!(module_path("engine/mod.rs"), Some(vec!["engine"]));
    assert_eq!((module_path("os/wait.rs"), module_path("lib.rs")), (Some(vec!["os", "wait"]), None));
}
