//! Measures by which a platform's folder says what it takes, from the platform's own pages: nothing here or there is read from
//! the code that keeps these limits.

use super::fixtures::text;
use serde_json::Value;

/// Parts of a template: a name, a sentence, and a text beyond any limit.
pub(in crate::platform) const NAME: &str = "{{ task.name }}";
pub(in crate::platform) const SAID: &str = "Done: {{ task.name }}";
pub(in crate::platform) const HUGE: &str = "{{ task.params.prompt }} of {{ task.name }}";

/// More members than any list may have.
pub(in crate::platform) fn many(each: Value) -> Value {
    serde_json::json!({"$for": "n in range(60)", "do": each})
}

pub(in crate::platform) fn read_json(sent: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(sent).map_err(|fault| fault.to_string())
}

pub(in crate::platform) fn bytes(text: &str) -> usize {
    text.len()
}

pub(in crate::platform) fn code_points(text: &str) -> usize {
    text.chars().count()
}

/// Every value at this path; `*` stands for every member of a list.
pub(in crate::platform) fn at<'a>(node: &'a Value, path: &str) -> Vec<&'a Value> {
    path.split('.').filter(|name| !name.is_empty()).fold(vec![node], |nodes, name| {
        let inner = |node: &'a Value| match name {
            "*" => node.as_array().into_iter().flatten().collect::<Vec<_>>(),
            name => node.get(name).into_iter().collect(),
        };
        nodes.into_iter().flat_map(inner).collect()
    })
}

pub(in crate::platform) type Limit<'p> = (&'p str, fn(&str) -> usize, usize, usize);

pub(in crate::platform) fn refuse_lengths(body: &Value, limits: &[Limit<'_>]) -> Result<(), String> {
    for (path, unit, least, most) in limits {
        for value in at(body, path).into_iter().filter(|value| value.is_string()) {
            let length = unit(text(value));
            if !(*least..=*most).contains(&length) {
                return Err(format!("{length} in `{path}`, which takes {least} to {most}"));
            }
        }
    }
    Ok(())
}

pub(in crate::platform) fn refuse_counts(body: &Value, limits: &[(&str, usize)]) -> Result<(), String> {
    for (path, most) in limits {
        for list in at(body, path).into_iter().filter_map(Value::as_array) {
            if !(1..=*most).contains(&list.len()) {
                return Err(format!("{} members in `{path}`, which takes 1 to {most}", list.len()));
            }
        }
    }
    Ok(())
}

pub(in crate::platform) fn refuse_size(sent: &[u8], most: usize) -> Result<(), String> {
    if sent.len() > most { Err(format!("{} bytes, and {most} are taken", sent.len())) } else { Ok(()) }
}

/// Every text below a value that people see.
pub(in crate::platform) fn seen<'a>(node: &'a Value, name: &str, found: &mut Vec<&'a str>) {
    match node {
        Value::String(text) if !matches!(name, "type" | "url" | "image_url" | "action_id" | "color") => {
            found.push(text);
        }
        Value::Array(items) => items.iter().for_each(|item| seen(item, name, found)),
        Value::Object(fields) => fields.iter().for_each(|(name, field)| seen(field, name, found)),
        _ => {}
    }
}

/// What is shown of HTML that Telegram can parse.
pub(in crate::platform) fn shown(html: &str) -> Result<String, String> {
    let (mut out, mut open, mut rest) = (String::new(), Vec::new(), html);
    while let Some(next) = rest.find(['<', '&']) {
        out.push_str(&rest[..next]);
        let (marks, after) = rest[next + 1..]
            .split_once(if rest[next..].starts_with('<') { '>' } else { ';' })
            .ok_or_else(|| format!("what is this: {}", &rest[next..]))?;
        match (rest.as_bytes()[next], marks.strip_prefix('/')) {
            (b'&', _) => out.push(match marks {
                "lt" => '<',
                "gt" => '>',
                "amp" => '&',
                "quot" => '"',
                other => return Err(format!("no entity: {other}")),
            }),
            (_, Some(name)) if open.pop() == Some(name) => {}
            (_, Some(name)) => return Err(format!("unexpected end tag {name}")),
            (_, None) => {
                let name = marks.split(' ').next().unwrap_or_default();
                if !["b", "i", "u", "s", "a", "code", "pre", "blockquote", "tg-time"].contains(&name) {
                    return Err(format!("unsupported start tag {marks}"));
                }
                open.push(name);
            }
        }
        rest = after;
    }
    out.push_str(rest);
    if open.is_empty() { Ok(out) } else { Err(format!("no end tag of {open:?}")) }
}
