//! Placeholders of other systems in a template: `${x}`, `{x}`, `%x%`, `{{ .x }}`, `{{#if}}`, and a `{{` that nothing closes.

use super::known_fields::owner;

/// What is probably wrong with a text that the engine cannot compile.
pub(super) fn why_not_compiled(text: &str) -> Option<String> {
    for (open, close) in [("{{", "}}"), ("{%", "%}")] {
        let mut rest = text;
        while let Some((_, inside)) = rest.split_once(open) {
            let Some((inside, after)) = inside.split_once(close) else {
                return Some(format!("a `{open}` is not closed; write `{close}` behind the name"));
            };
            if inside.contains(open) {
                return Some(format!(
                    "a `{open}` is not closed before the next one; write `{close}` behind the name"
                ));
            }
            if let Some(system) = other_system(inside.trim_start_matches('-').trim_start(), open) {
                return Some(format!("`{open}{}{close}` is {system}", super::clip(inside, 40)));
            }
            rest = after;
        }
    }
    None
}

fn other_system(inside: &str, open: &str) -> Option<&'static str> {
    if open == "{%" {
        return None;
    }
    match inside.chars().next()? {
        '.' | '$' => Some("the syntax of Go templates; write `{{ task.name }}`, `{% if … %}`, `{% for … %}`"),
        '#' | '/' | '^' | '>' | '!' | '&' | '{' => {
            Some("the syntax of Mustache or Handlebars; write `{{ task.name }}`, `{% if … %}`, `{% for … %}`")
        }
        '=' | '@' => Some("no syntax of these templates; write `{{ task.name }}`"),
        _ => None,
    }
}

/// A placeholder of another system in text that is sent as it is written. `in_json`: single braces belong to the
/// text, as in a `.j2` file.
pub(super) fn placeholder(text: &str, in_json: bool) -> Option<String> {
    let found = text.char_indices().find_map(|(at, mark)| {
        let rest = &text[at..];
        let before = text[..at].chars().next_back();
        match mark {
            '$' if rest.starts_with("${") => enclosed(rest, "${", "}"),
            '$' => dotted_after(&rest[1..]).map(|name| (format!("${name}"), name)),
            '{' if !in_json && !matches!(before, Some('$' | '{' | '#')) => {
                enclosed(rest, "{", "}").filter(|(_, name)| owner(name).is_some())
            }
            '%' => enclosed(rest, "%", "%").filter(|(_, name)| owner(name).is_some()),
            '<' if rest.starts_with("<%=") => enclosed(rest, "<%=", "%>"),
            _ => None,
        }
    });
    found.map(|(written, name)| {
        let meant = owner(&name).unwrap_or_else(|| "task.name".to_owned());
        let swarmui = if written.starts_with('%') { ", or set `syntax = \"swarmui\"` for the hook" } else { "" };
        format!("`{written}` is sent as it stands, for it is the syntax of another system; write `{{{{ {meant} }}}}`{swarmui}")
    })
}

/// A name between two marks: what was written, and the name.
fn enclosed(text: &str, open: &str, close: &str) -> Option<(String, String)> {
    let inside = text.strip_prefix(open)?;
    let end = inside.find(close)?;
    let name = inside[..end].trim();
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.[]".contains(&byte))
        && name.starts_with(|first: char| first.is_ascii_alphabetic());
    is_name.then(|| (format!("{open}{}{close}", &inside[..end]), name.to_owned()))
}

/// `task.name` at the start of the text.
fn dotted_after(text: &str) -> Option<String> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(text.len());
    let name = text[..end].trim_end_matches('.');
    (name.contains('.') && owner(name).is_some_and(|meant| meant == name)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_other_systems_are_named() {
        for (text, meant) in [
            ("${task.name} done", "task.name"),
            ("Frame ${name}", "task.name"),
            ("{task.name} done", "task.name"),
            ("{ prompt }", "task.params.prompt"),
            ("%task.name%", "task.name"),
            ("done: %prompt%", "task.params.prompt"),
            ("$queue.total tasks", "queue.total"),
            ("<%= name %>", "task.name"),
        ] {
            let doubt = placeholder(text, false).unwrap_or_default();
            assert!(doubt.contains(&format!("write `{{{{ {meant} }}}}`")), "{text}: {doubt}");
        }
        for plain in [
            "5 % of 50 %",
            "cost: $5.00",
            "{}",
            "{a b}",
            "a {shot} b",
            "100%done%",
            "{\"a\": 1}",
            "$5 {",
            "%",
        ] {
            assert_eq!(placeholder(plain, false), None, "{plain}");
        }
        assert_eq!(placeholder("{\"a\": {task.name}}", true), None);
    }

    #[test]
    fn what_does_not_compile_is_explained() {
        for (text, part) in [
            ("{{ task.name done", "not closed"),
            ("{{ task.name {{ task.id }}", "not closed"),
            ("{% if task.name", "not closed"),
            ("{{ .task.name }}", "Go"),
            ("{{ $name }}", "Go"),
            ("{{#if task.error}}x{{/if}}", "Handlebars"),
            ("{{{ name }}}", "Handlebars"),
        ] {
            let why = why_not_compiled(text).unwrap_or_default();
            assert!(why.contains(part), "{text}: {why}");
        }
        assert_eq!(why_not_compiled("{{ task.name | }}"), None);
    }
}
