//! Where in a template something stands, in the words of the file it came from.

use std::fmt::Write;

/// The place of a key below a place: `hooks[0].template.text`.
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

/// The place of a list's item below a place: `blocks[2]`.
pub(super) fn item(place: &str, index: usize) -> String {
    let mut item = place.to_owned();
    // Writing to a string cannot fail.
    let _ = write!(item, "[{index}]");
    item
}

/// The place of a whole template. A file's name is parted from the path inside it.
pub(super) fn root(origin: &str) -> String {
    if origin.ends_with(".json") { format!("{origin}: ") } else { origin.to_owned() }
}

/// A place as a person reads it.
pub(super) fn shown(place: &str) -> String {
    place.trim_end_matches(": ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_like_the_way_to_it() {
        let hook = key(&item(&key(&root("hooks[0].template"), "blocks"), 2), "text");
        assert_eq!(hook, "hooks[0].template.blocks[2].text");
        let file = key(&key(&root("team.json"), "a b"), "c");
        assert_eq!(shown(&file), r#"team.json: ["a b"].c"#);
        assert_eq!(shown(&root("team.json")), "team.json");
    }
}
