//! The path of a part of a template, such as `hooks[0].template.text` or `card.json: blocks[2].text`.

use std::fmt::Write;

pub(super) fn key(place: &str, key: &str) -> String {
    let plain =
        !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'$'));
    if !plain {
        format!("{place}[{key:?}]")
    } else if place.ends_with(": ") {
        format!("{place}{key}")
    } else {
        format!("{place}.{key}")
    }
}

pub(super) fn item(place: &str, index: usize) -> String {
    let mut item = place.to_owned();
    // Writing to a string cannot fail.
    let _ = write!(item, "[{index}]");
    item
}

/// The path of a whole template. The name of a file is separated from the path inside it.
pub(super) fn root(origin: &str) -> String {
    if origin.ends_with(".json") { format!("{origin}: ") } else { origin.to_owned() }
}

pub(super) fn shown(place: &str) -> String {
    place.trim_end_matches(": ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_the_file_and_each_step() {
        let hook = key(&item(&key(&root("hooks[0].template"), "blocks"), 2), "text");
        assert_eq!(hook, "hooks[0].template.blocks[2].text");
        let file = key(&key(&root("team.json"), "a b"), "c");
        assert_eq!(shown(&file), r#"team.json: ["a b"].c"#);
        assert_eq!(shown(&root("team.json")), "team.json");
    }
}
