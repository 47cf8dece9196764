//! Placeholders of other systems in a template: `${x}`, `{x}`, `%x%`, `{{ .x }}`, `{{#if}}`, and a `{{` that nothing closes.

use super::known_fields::owner;

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
            let inner = inside.trim_matches('-').trim();
            let written = format!("`{open}{}{close}`", super::clip(inside, 40));
            if let Some(system) = other_system(inner, open) {
                return Some(format!("{written} is {system}"));
            }
            if open == "{%" && owner_of(inner).is_some() {
                return Some(format!("{written} prints nothing; write `{{{{ {inner} }}}}`"));
            }
            if let Some(fault) = in_expression(inner.strip_prefix("if ").unwrap_or(inner)) {
                return Some(fault);
            }
            rest = after;
        }
    }
    let count = |word: &str| {
        let statements = text.split("{%").skip(1).map(|inside| inside.trim_start_matches('-').trim_start());
        statements.filter(|inside| inside.split(|c: char| !c.is_alphanumeric()).next() == Some(word)).count()
    };
    let unended = |(begin, end): &(&str, &str)| count(begin) > count(end);
    let (begin, end) = [("if", "endif"), ("for", "endfor")].into_iter().find(unended)?;
    Some(format!("a `{{% {begin} … %}}` has no end; write `{{% {end} %}}`"))
}

const GO: &str = "the syntax of Go templates; write `{{ task.name }}`, `{% if … %}`, `{% for … %}`";
const HANDLEBARS: &str =
    "the syntax of Mustache or Handlebars; write `{{ task.name }}`, `{% if … %}`, `{% for … %}`";

fn other_system(inside: &str, open: &str) -> Option<&'static str> {
    if open == "{%" {
        return None;
    }
    match inside.chars().next()? {
        '.' | '$' => Some(GO),
        '!' if inside[1..].starts_with(|c: char| c.is_ascii_alphabetic()) => None,
        '#' | '/' | '^' | '>' | '!' | '&' | '{' => Some(HANDLEBARS),
        '=' | '@' | '%' => Some("no syntax of these templates; write `{{ task.name }}`"),
        _ => {
            let (word, rest) = inside.split_once(' ')?;
            let begins =
                ["range", "with", "if", "else", "template", "define", "block", "printf", "eq", "len"];
            (begins.contains(&word) && !rest.starts_with(['|', '~', '=', '+'])).then_some(GO)
        }
    }
}

/// A word that other systems have in the place of a name.
pub(super) fn of_name(name: &str) -> Option<String> {
    Some(match name {
        "end" | "range" | "with" | "if" | "template" | "define" | "block" | "printf" => {
            format!("`{name}` is {GO}")
        }
        "this" | "each" | "unless" | "else" => format!("`{name}` is {HANDLEBARS}"),
        "null" | "nil" | "undefined" => format!("`none` is the word for `{name}`"),
        "and" | "or" | "not" | "AND" | "OR" | "NOT" => {
            format!("write `{}` in small letters", name.to_lowercase())
        }
        "data" | "payload" | "body" | "message" => "the fields of an event are in `event.data`".to_owned(),
        "job" | "item" | "run" | "work" => "did you mean `task`?".to_owned(),
        "params" | "metrics" | "outputs" => format!("did you mean `task.{name}`?"),
        "len" | "length" | "size" => "a filter counts: `task.outputs | length`".to_owned(),
        "event_type" | "type" | "kind" => "did you mean `event.type`?".to_owned(),
        "env" | "secrets" | "config" => {
            "a template reads no environment; a task passes values as `webhook_params.vars`, and they are `vars.NAME`".to_owned()
        }
        "now" | "date" | "time" => "did you mean `event.timestamp`?".to_owned(),
        _ => return None,
    })
}

pub(super) fn of_filter(name: &str) -> Option<&'static str> {
    Some(match name {
        "upcase" | "toUpperCase" | "uppercase" | "ucfirst" => "`upper`, or `capitalize` for the first letter",
        "downcase" | "toLowerCase" | "lowercase" => "`lower`",
        "truncate" | "truncatewords" | "limit" | "substr" | "cut" | "ellipsis" | "shorten" => "`clip(80)`",
        "json" | "to_json" | "jsonify" | "toJson" | "json_encode" => "`tojson`",
        "humanize" | "humanizeDuration" | "humanize_duration" | "humantime" | "timedelta" | "seconds" => {
            "`duration`"
        }
        "strftime" | "dateformat" | "datetimeformat" | "timeformat" | "date_format" | "format_date"
        | "datetime" | "time" => "`date`",
        "timeago" | "naturaltime" | "from_now" => "`ago`",
        "timestamp" | "epoch" | "to_unix" => "`unix`",
        "size" | "count" | "len" => "`length`",
        "filesizeformat" | "bytes" | "format_number" | "intcomma" | "number_format" | "numberformat" => {
            "`number`"
        }
        "fixed" | "toFixed" | "floatformat" => "`round(2)`",
        "null" | "nil" | "none_" => "`none`",
        "empty" | "blank" | "present" => "none: an empty text or list is false by itself",
        "match" | "matches" | "search" | "regex" | "contains" => {
            "`in` and `startingwith`: there are no regular expressions"
        }
        "default_if_none" | "or" | "orElse" | "ifnull" | "coalesce" => "`default(\"-\", true)`",
        "striptags" | "strip_html" | "escapejs" | "escape_html" => {
            "none needed: values are escaped for their place"
        }
        "wordwrap" | "center" | "ljust" | "rjust" | "format" => "`~`, which joins texts",
        _ => return None,
    })
}

/// Signs of other languages, and what to write here.
const SIGNS: &[(&str, &str)] = &[
    ("{{", "write the expression without `{{ }}`"),
    ("${", "write the name without `${ }`"),
    ("&quot;", "`&quot;` is a quotation mark of HTML; write `\"`"),
    ("&#", "a character is written as in HTML; write it itself"),
    ("&amp;", "`&amp;` is a sign of HTML; write `and`"),
    ("&lt;", "`&lt;` is a sign of HTML; write `<`"),
    ("&gt;", "`&gt;` is a sign of HTML; write `>`"),
    ("&&", "`&&` is `and` here"),
    ("||", "`||` is `or` here; for a missing value write `| default(\"-\")`"),
    ("??", "for a missing value write `| default(\"-\")`"),
    ("?.", "write `.`; for a missing value `| default(\"-\")`"),
    ("===", "`===` is `==` here"),
    ("!==", "`!==` is `!=` here"),
    ("<>", "`<>` is `!=` here"),
    ("=~", "there are no regular expressions; write `'text' in task.name`, or `is startingwith`"),
    ("->", "write `.` between the names"),
    ("=>", "`=>` is `>=` here"),
    ("=<", "`=<` is `<=` here"),
    ("`", "a text is between `\"` or `'`, and not between backticks"),
    ("$", "write the name without `$`"),
    (" & ", "`&` is `and` here"),
    ("?", "`a ? b : c` is `b if a else c` here"),
];

/// A method of other languages, and what there is here.
pub(super) fn of_method(name: &str) -> Option<&'static str> {
    Some(match name {
        "startswith" | "startsWith" | "starts_with" => "`task.name is startingwith('x')`",
        "endswith" | "endsWith" | "ends_with" => "`task.name is endingwith('x')`",
        "contains" | "includes" | "find" | "indexOf" | "match" => "`'x' in task.name`",
        "lower" | "toLowerCase" | "upper" | "toUpperCase" | "title" | "replace" | "trim" | "strip"
        | "split" | "join" => "it as a filter, `task.name | lower`",
        "len" | "length" | "size" | "count" => "`task.outputs | length`",
        "get" => "`task.params.NAME`",
        _ => return None,
    })
}

/// What of another language stands in an expression that cannot be compiled.
pub(super) fn in_expression(source: &str) -> Option<String> {
    // A text in quotes may hold anything.
    let mut outside = String::new();
    let mut quote = None;
    for c in source.chars() {
        match quote {
            None if matches!(c, '"' | '\'') => (quote, outside) = (Some(c), outside + "\"\""),
            None => outside.push(c),
            Some(open) if open == c => quote = None,
            Some(_) => {}
        }
    }
    let has_word =
        |word: &str| outside.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|found| found == word);
    if let Some(curly) =
        outside.chars().find(|c| matches!(c, '“' | '”' | '„' | '‘' | '’' | '«' | '»' | '＂' | '＇'))
    {
        return Some(format!("`{curly}` is a curly quotation mark; write `\"` or `'`"));
    }
    if let Some(open) = quote {
        return Some(format!("a text that begins with `{open}` is not closed; write `{open}` behind it"));
    }
    if let Some((_, words)) = SIGNS.iter().find(|(sign, _)| outside.contains(sign)) {
        return Some((*words).to_owned());
    }
    let negates =
        |(at, _): (usize, &str)| outside[at + 1..].starts_with(|c: char| c.is_alphabetic() || c == '(');
    if outside.match_indices('!').any(negates) {
        return Some("`!` is `not` here".to_owned());
    }
    if let Some(word) = ["AND", "OR", "NOT", "IN", "IS"].into_iter().find(|word| has_word(word)) {
        return Some(format!("write `{}` in small letters", word.to_lowercase()));
    }
    let words = "eq== equals== ne!= gt> gte>= ge>= lt< lte<= le<=".split(' ');
    let mut words = words.map(|word| word.split_at(word.find(['=', '!', '<', '>']).unwrap_or(word.len())));
    if let Some((word, sign)) = words.find(|(word, _)| has_word(word)) {
        return Some(format!("`{word}` is `{sign}` here"));
    }
    if has_word("exists") {
        return Some("`is defined` asks whether something exists".to_owned());
    }
    if outside.trim_start().starts_with("if ") && (has_word("then") || !has_word("else")) {
        return Some("write the condition without `if` and `then`".to_owned());
    }
    let after = |word: &str| outside.contains(&format!(" {word} \"\""));
    if after("is") || after("not") || after("is not") {
        return Some("a comparison is `==` or `!=`; `is` asks for a kind, as `is defined`".to_owned());
    }
    if has_word("null") {
        return Some("`none` is the word for `null`".to_owned());
    }
    if let Some(word) = ["contains", "matches", "like", "startswith"].into_iter().find(|word| has_word(word))
    {
        return Some(format!(
            "`{word}` is not an operator; write `'text' in task.name`, or `is startingwith`"
        ));
    }
    let is_assigned = |(at, _): (usize, &str)| {
        !outside[..at].ends_with(['=', '!', '<', '>']) && !outside[at + 1..].starts_with('=')
    };
    let statement = outside.split_whitespace().next().unwrap_or_default();
    let is_set = matches!(statement, "set" | "with" | "for") || outside.contains('(');
    (!is_set && outside.match_indices('=').any(is_assigned))
        .then(|| "a comparison is `==`, and `=` is none".to_owned())
}

/// A placeholder of another system in text that is sent as it is written. `in_json`: single braces belong to the
/// text, as in a `.j2` file.
pub(super) fn placeholder(text: &str, in_json: bool) -> Option<String> {
    let found = text.char_indices().find_map(|(at, mark)| {
        let rest = &text[at..];
        let before = text[..at].chars().next_back();
        let is_apart = !before.is_some_and(|before| before.is_alphanumeric() || before == mark);
        let known = |open: &str, close: &str| {
            enclosed(rest, open, close).filter(|(_, name)| owner_of(name).is_some())
        };
        match mark {
            '$' if rest.starts_with("${") => enclosed(rest, "${", "}"),
            '$' if rest.starts_with("$(") => known("$(", ")"),
            '$' => variable(&rest[1..]).map(|name| (format!("${name}"), name)),
            '#' if rest.starts_with("#{") => known("#{", "}"),
            '@' if rest.starts_with("@{") => enclosed(rest, "@{", "}"),
            '@' if is_apart => dotted_after(&rest[1..]).map(|name| (format!("@{name}"), name)),
            '[' if rest.starts_with("[[") => known("[[", "]]"),
            '{' if !in_json && !matches!(before, Some('$' | '{' | '#' | '@')) => {
                formatted(rest).filter(|(_, name)| is_apart || owner_of(name).is_some())
            }
            '%' if rest.starts_with("%(") => enclosed(rest, "%(", ")").filter(|_| is_apart),
            '%' if is_apart && is_conversion(rest) => Some((rest[..2].to_owned(), String::new())),
            '%' => enclosed(rest, "%", "%").filter(|(_, name)| owner_of(name).is_some() || is_shouted(name)),
            '<' if rest.starts_with("<%") => {
                let open = ["<%=", "<%-", "<%"].into_iter().find(|open| rest.starts_with(open))?;
                enclosed(rest, open, "%>")
            }
            '<' if rest.starts_with("<?=") => Some(("<?=".to_owned(), String::new())),
            '&' if ["&#123;", "&lbrace;", "&lcub;", "&#x7b;"]
                .iter()
                .any(|brace| rest.to_lowercase().starts_with(brace)) =>
            {
                Some((rest.split(';').next().unwrap_or_default().to_owned() + ";", String::new()))
            }
            '｛' => enclosed(rest, "｛｛", "｝｝").or_else(|| enclosed(rest, "｛", "｝")),
            '＄' => enclosed(rest, "＄{", "}"),
            '}' if !in_json && rest.starts_with("}}") && !text.contains("{{") => {
                let before = text[..at].trim_end();
                let start =
                    before.rfind(|c: char| !(c.is_alphanumeric() || "_.".contains(c))).map_or(0, |at| at + 1);
                let name = before.get(start..).filter(|name| owner_of(name).is_some())?;
                Some((format!("{name} }}}}"), name.to_owned()))
            }
            _ => None,
        }
    });
    found.map(|(written, name)| {
        let meant = owner_of(&name).unwrap_or_else(|| "task.name".to_owned());
        let swarmui = if written.starts_with('%') { ", or set `syntax = \"swarmui\"` for the hook" } else { "" };
        format!("`{written}` is sent as it is: it is the syntax of another system; write `{{{{ {meant} }}}}`{swarmui}")
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

/// `{name}`, `{name!r}`, `{duration_s:.2f}`, `{task[name]}` and `{0}`, as Python's texts have them.
fn formatted(text: &str) -> Option<(String, String)> {
    let inside = text.strip_prefix('{')?.split('}').next()?;
    let written = format!("{{{inside}}}");
    let name = inside.split(['!', ':']).next().unwrap_or_default().trim().replace('[', ".").replace(']', "");
    let is_number = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()) && name.len() < 3;
    (text.len() > inside.len() + 1 && (is_number || owner_of(&name).is_some())).then_some((written, name))
}

/// `%s` and `%d`, which end as a word does.
fn is_conversion(text: &str) -> bool {
    let mut after = text.chars().skip(1);
    matches!(after.next(), Some('s' | 'd' | 'f'))
        && !after.next().is_some_and(|next| next.is_alphanumeric() || next == '%')
}

/// A name of an environment variable: `TASK_NAME`.
fn is_shouted(name: &str) -> bool {
    name.contains('_') && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

fn owner_of(name: &str) -> Option<String> {
    owner(name).or_else(|| {
        let small = name.to_lowercase();
        is_shouted(name)
            .then(|| small.split_once('_').and_then(|(root, field)| owner(&format!("{root}.{field}"))))?
    })
}

/// `task.name`, `name` or `TASK_NAME` at the start of the text.
fn variable(text: &str) -> Option<String> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(text.len());
    let name = text[..end].trim_end_matches('.');
    let is_plain = !name.contains('.') && owner(name).is_some() && name.len() > 1;
    dotted_after(text).or_else(|| (is_shouted(name) || is_plain).then(|| name.to_owned()))
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
            ("<%- name %>", "task.name"),
            ("#{name}", "task.name"),
            ("$(task.name)", "task.name"),
            ("$name done", "task.name"),
            ("$TASK_NAME done", "task.name"),
            ("[[ task.name ]]", "task.name"),
            ("@{task.name}", "task.name"),
            ("%(name)s done", "task.name"),
            ("%s done", "task.name"),
            ("{0} done", "task.name"),
            ("{duration_s:.2f} s", "task.duration_s"),
            ("{task[name]}", "task.name"),
            ("task.name }} done", "task.name"),
            ("&#123;&#123; task.name", "task.name"),
            ("｛｛ name ｝｝", "task.name"),
        ] {
            let doubt = placeholder(text, false).unwrap_or_default();
            assert!(doubt.contains(&format!("write `{{{{ {meant} }}}}`")), "{text}: {doubt}");
        }
        for plain in "\
            5 % of 50 % ¦ cost: $5.00 ¦ {} ¦ {a b} ¦ a {shot} b ¦ 100%done% ¦ {\"a\": 1} ¦ $5 { ¦ \
            % ¦ US$ 5 ¦ a{3} times ¦ mail@task.example.com ¦ 100%sure ¦ }} ¦ \
            <https://a.example.com|a> ¦ #{tag} ¦ [[x]]"
            .split(" ¦ ")
        {
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
            ("{{ range .outputs }}x{{ end }}", "Go"),
            ("{{ printf \"%s\" .name }}", "Go"),
            ("{{ task.name | default(“-”) }}", "curly"),
            ("{{ task.name | default(\"-) }}", "not closed"),
            ("{{ task.name || 1 }}", "`or`"),
            ("{{ a && b }}", "`and`"),
            ("{{ a ? b : c }}", "b if a else c"),
            ("{{ !task.error }}", "`not`"),
            ("{% if task.error %}x", "endif"),
            ("{% if task.status = 'a' %}x{% endif %}", "`==`"),
            ("{% task.name %}", "prints nothing"),
            ("{{ task.name | default(&quot;-&quot;) }}", "HTML"),
        ] {
            let why = why_not_compiled(text).unwrap_or_default();
            assert!(why.contains(part), "{text}: {why}");
        }
        assert_eq!(why_not_compiled("{{ task.name | }}"), None);
    }
}
