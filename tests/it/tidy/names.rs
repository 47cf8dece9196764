//! One name for one thing.

use super::{assert_none, code, root, texts};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

#[test]
fn no_type_name_is_defined_twice() {
    // The command, and the names that Rust programs see of the library.
    let apart = ["crates/cli/", "crates/taskbell/"];
    let mut defined: BTreeMap<(Option<&str>, String), BTreeSet<String>> = BTreeMap::new();
    for (path, text) in code() {
        let part = apart.into_iter().find(|part| path.starts_with(part));
        for name in text.lines().filter_map(defined_type) {
            defined.entry((part, name.to_owned())).or_default().insert(path.clone());
        }
    }
    let faults: Vec<String> = defined
        .iter()
        .filter(|(_, files)| files.len() > 1)
        .map(|((_, name), files)| format!("{name}: {}", Vec::from_iter(files.iter().cloned()).join(", ")))
        .collect();
    assert_none("a type name is defined once", &faults);
}

/// The type that a line at the outermost level defines.
fn defined_type(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub").map_or(line, |rest| {
        let rest =
            rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(rest, |(_, rest)| rest);
        rest.trim_start()
    });
    let (_, name) =
        line.split_once(' ').filter(|(kind, _)| ["struct", "enum", "trait", "type"].contains(kind))?;
    name.split(|c: char| !c.is_alphanumeric()).next()
}

#[test]
fn no_identifier_uses_a_word_that_the_glossary_replaces() {
    let glossary = fs::read_to_string(root().join("docs/glossary.md")).unwrap();
    let replaced = replaced_words(&glossary);
    assert!(replaced.len() > 10, "{replaced:?}");
    let mut faults = Vec::new();
    for (path, text) in texts() {
        let code = match path.rsplit_once('.') {
            Some((_, "rs")) => text,
            Some((_, "py")) => python_code(&text),
            _ => continue,
        };
        for identifier in identifiers(&code) {
            let parts = parts(&identifier);
            for (word, term) in &replaced {
                if parts.windows(word.len()).any(|window| window == word) {
                    faults.push(format!("{path}: `{identifier}`: the glossary says `{term}`"));
                }
            }
        }
    }
    faults.dedup();
    assert_none("one term for one thing", &faults);
}

/// A source in Python without its documentation and its comments.
fn python_code(text: &str) -> String {
    let lines = text.split("\"\"\"").step_by(2).flat_map(str::lines);
    lines.map(|line| line.split("# ").next().unwrap_or_default().to_owned() + "\n").collect()
}

/// The words of the third column of the table `term | meaning | not`, in parts, each with its term.
fn replaced_words(glossary: &str) -> Vec<(Vec<String>, String)> {
    let rows = glossary.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    let mut words = Vec::new();
    for row in rows.skip(2) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 3, "a row of docs/glossary.md has three cells: {row}");
        let listed =
            cells[2].split(',').map(|word| word.trim().trim_matches('`')).filter(|word| !word.is_empty());
        words.extend(listed.map(|word| (parts(&word.replace([' ', '-'], "_")), cells[0].to_owned())));
    }
    words
}

/// The words of an identifier, in lower case: `RetryAfter` and `retry_after` have two.
fn parts(identifier: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut after_small = false;
    for letter in identifier.chars() {
        if letter == '_' || letter.is_uppercase() && after_small {
            parts.push(String::new());
        }
        if letter != '_'
            && let Some(part) = parts.last_mut()
        {
            part.extend(letter.to_lowercase());
        }
        after_small = letter.is_lowercase() || letter.is_ascii_digit();
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// The identifiers of a source, outside its comments and its texts.
fn identifiers(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_text(rest).or_else(|| plain_text(rest)) {
            length
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            if !first.is_ascii_digit() {
                found.insert(rest[..end].to_owned());
            }
            end
        } else {
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    found
}

/// The length of `r"…"`, `r#"…"#` and their byte forms.
pub(super) fn raw_text(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let body = after[hashes..].strip_prefix('"')?;
    let end = body.find(&format!("\"{}", "#".repeat(hashes))).map_or(body.len(), |end| end + 1 + hashes);
    Some(rest.len() - body.len() + end)
}

/// The length of `"…"` or of a character in quotes; a lifetime is neither.
pub(super) fn plain_text(rest: &str) -> Option<usize> {
    let quote = rest.chars().next().filter(|first| ['"', '\''].contains(first))?;
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == quote => return Some(at + 1),
            _ if quote == '\'' && rest[1..at].chars().count() > 0 && !rest[1..].starts_with('\\') => {
                return None;
            }
            _ => {}
        }
    }
    None
}

#[test]
fn identifiers_are_found_outside_texts_and_comments() {
    let source = r##"fn take_over<'a>(x: &'a str) { // bell
        let SpoolChange = "clerk \" bed"; let c = 'q'; let d = '\''; /* rung */ r#"ring "quiet" "#; }"##;
    let found = identifiers(source);
    let expected = ["SpoolChange", "a", "c", "d", "fn", "let", "str", "take_over", "x"];
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    assert_eq!(parts("SpoolChange"), ["spool", "change"]);
    assert_eq!(parts("MAX_RETRY_2"), ["max", "retry", "2"]);
    let row = "| term | meaning | not |\n|---|---|---|\n| takeover | x | inherit, `standing by` |\n";
    let words =
        [(vec!["inherit".to_owned()], "takeover".to_owned()), (parts("standing_by"), "takeover".to_owned())];
    assert_eq!(replaced_words(row), words);
}
