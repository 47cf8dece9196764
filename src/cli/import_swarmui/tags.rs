//! The tags in a webhook's data that the SwarmUI extension cannot fill.

/// What is filled for a task of the extension, by its letters: what it sends (`bindings/hosts/swarmui`) and
/// what Taskbell adds. `image` has a note of its own.
const FILLED: [&str; 28] = [
    "year",
    "month",
    "monthname",
    "day",
    "dayname",
    "hour",
    "minute",
    "second",
    "millisecond",
    "requesttimeinc",
    "prompt",
    "prompthash",
    "negativeprompt",
    "negativeprompthash",
    "seed",
    "cfgscale",
    "width",
    "height",
    "steps",
    "model",
    "modeltitle",
    "loras",
    "batchid",
    "username",
    "number",
    "generationtime",
    "preptime",
    "image",
];

/// As SwarmUI compares names.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect()
}

/// The tags as written, each once.
pub fn unsent(data: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let mut rest = data;
    while let Some(start) = rest.find('%') {
        let Some(after) = rest.get(start + 1..) else { break };
        let Some(end) = after.find('%') else { break };
        let Some(tag) = after.get(..end) else { break };
        let has_no_letter = |word: &str| !word.contains(char::is_alphabetic);
        let is_no_tag = tag.trim() != tag
            || tag.contains(['\\', '\n', '"'])
            || tag.rsplit(char::is_whitespace).next().is_none_or(has_no_letter)
            || tag.chars().count() > 256;
        // The second of two percent signs that no tag lies between may begin one.
        if is_no_tag {
            rest = after;
            continue;
        }
        let name = letters(tag);
        let is_new = found.iter().all(|known| letters(known) != name);
        if is_new && !FILLED.contains(&name.as_str()) {
            found.push(tag);
        }
        rest = after.get(end + 1..).unwrap_or_default();
    }
    found
}
