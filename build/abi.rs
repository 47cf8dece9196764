//! Describes the C ABI as JSON, from the same sources as the header: what a binding in another language needs to
//! know of each function, and what tests compare the bindings with.

use serde_json::{Map, Value, json};
use std::path::Path;
use syn::{Attribute, Expr, FnArg, Item, ItemConst, ItemFn, Lit, Meta, Pat, ReturnType, Type};

/// The files of `src/ffi` that have functions, in the order of the header.
const FILES: &[&str] = &["mod.rs", "calls.rs", "lifecycle.rs", "tools.rs"];

/// The description, from `src/ffi` and the rules in the comment above the header.
pub fn describe(folder: &Path, heading: &str) -> String {
    let (mut constants, mut types, mut functions) = (Vec::new(), Vec::new(), Vec::new());
    for name in FILES {
        let path = folder.join(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        let file = syn::parse_file(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        for item in &file.items {
            match item {
                Item::Const(found) if found.ident.to_string().starts_with("TASKBELL_") => {
                    constants.push(constant(found));
                }
                Item::Struct(found) if found.ident == "taskbell_t" => {
                    types.push(json!({"name": "taskbell_t", "kind": "handle", "doc": doc(&found.attrs)}));
                }
                Item::Type(found) if found.ident == "taskbell_log_fn" => {
                    types.push(
                        json!({"name": "taskbell_log_fn", "kind": "function", "doc": doc(&found.attrs)}),
                    );
                }
                Item::Fn(found) if found.sig.abi.is_some() => functions.push(function(found)),
                _ => {}
            }
        }
    }
    let whole = json!({
        "rules": rules(heading),
        "ownership": "What a pointer points to is read or written during the call and stays the caller's; `kept` \
                      says where the library keeps it longer.",
        "constants": constants,
        "types": types,
        "functions": functions,
    });
    let mut text = serde_json::to_string_pretty(&whole).expect("a description is text");
    text.push('\n');
    text
}

/// The rules that hold for every function: the list in the comment above the header.
fn rules(heading: &str) -> Vec<String> {
    let mut rules: Vec<String> = Vec::new();
    for line in
        heading.lines().map(|line| line.trim().trim_start_matches('*').trim_end_matches("*/").trim_end())
    {
        if let Some(rule) = line.strip_prefix(" - ") {
            rules.push(rule.to_owned());
        } else if let (Some(more), Some(rule)) = (line.strip_prefix("   "), rules.last_mut()) {
            *rule = format!("{rule} {more}");
        }
    }
    rules
}

fn constant(found: &ItemConst) -> Value {
    let Expr::Lit(literal) = &*found.expr else { panic!("{} is no number", found.ident) };
    let Lit::Int(number) = &literal.lit else { panic!("{} is no whole number", found.ident) };
    let value: u32 = number.base10_parse().expect("a constant is a small number");
    json!({"name": found.ident.to_string(), "value": value, "doc": doc(&found.attrs)})
}

fn function(found: &ItemFn) -> Value {
    let name = found.sig.ident.to_string();
    let whole = doc(&found.attrs);
    let (words, duties) = whole.split_once("# Safety").unwrap_or((&whole, ""));
    let duty_list = duty_list(duties);
    let mut arguments = Vec::new();
    for argument in &found.sig.inputs {
        let FnArg::Typed(argument) = argument else { panic!("{name} has a receiver") };
        let Pat::Ident(pattern) = &*argument.pat else { panic!("{name} has an argument without a name") };
        let called = pattern.ident.to_string().trim_start_matches("r#").to_owned();
        let duty = duty_list.iter().find(|(names, _)| names.contains(&called)).map(|(_, duty)| duty.as_str());
        arguments.push(argument_of(&name, &called, &spelled(&argument.ty), duty));
    }
    let result = match &found.sig.output {
        ReturnType::Type(_, ty) => match spelled(ty).as_str() {
            "i32" => "status",
            "u32" => "u32",
            "*const c_char" => "static string",
            other => panic!("{name} returns {other}, which the description does not know"),
        },
        ReturnType::Default => panic!("{name} returns nothing"),
    };
    json!({
        "name": name,
        "doc": words.trim(),
        "arguments": arguments,
        "result": result,
        "named_statuses": named_statuses(words),
    })
}

/// One argument: `type`, whether NULL is allowed, and which other arguments belong to it.
fn argument_of(function: &str, name: &str, rust: &str, duty: Option<&str>) -> Value {
    let mut found = Map::new();
    let mut put = |key: &str, value: Value| {
        found.insert(key.to_owned(), value);
    };
    put("name", json!(name));
    let simple = match rust {
        "u32" | "u64" | "f64" => Some(rust),
        "usize" => Some("size"),
        "*mut taskbell_t" => Some("bell"),
        _ => None,
    };
    if let Some(simple) = simple {
        put("type", json!(simple));
        if simple == "bell" {
            put("null", json!("the default bell"));
        }
        return Value::Object(found);
    }
    let duty = duty.unwrap_or_else(|| panic!("{function}: `# Safety` says nothing of the pointer `{name}`"));
    let quoted = duty.split('`').nth(1);
    let (kind, nullable) =
        match (rust, duty.replace(&format!("`{}`", quoted.unwrap_or_default()), "N").as_str()) {
            ("*const c_char", "is a NUL-terminated string" | "are NUL-terminated strings") => {
                ("string", false)
            }
            ("*const c_char", "is NULL or a NUL-terminated string") => ("string", true),
            ("*const c_char", "points to N bytes or is NULL with 0") => ("bytes", true),
            ("*mut c_char", "points to N writable bytes or is NULL with 0") => ("text out", true),
            ("*mut *mut taskbell_t", "is writable") => ("bell out", false),
            ("*mut u64", "is NULL or writable") => ("u64 out", true),
            ("*mut i32", "is NULL or writable") => ("i32 out", true),
            ("*mut usize", "is NULL or writable") => ("size out", true),
            ("taskbell_log_fn", _) => ("log function", true),
            ("*mut c_void", _) => ("pointer", true),
            _ => panic!("{function}: the description does not know `{name}: {rust}` that {duty}"),
        };
    put("type", json!(kind));
    put("null", json!(nullable));
    if let Some(length) = quoted {
        put("length", json!(length));
    }
    if let Some(until) = duty.strip_prefix("stay valid ") {
        put("kept", json!(until));
    }
    Value::Object(found)
}

/// The duties of a caller: each is one or two names in backquotes, and what holds for them.
fn duty_list(duties: &str) -> Vec<(Vec<String>, String)> {
    let text = duties.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.trim_end_matches('.').replace("; `", "\n`").replace(", `", "\n`");
    let mut found = Vec::new();
    for line in text.lines() {
        let mut rest = line;
        let mut names = Vec::new();
        while let Some((name, after)) = rest.strip_prefix('`').and_then(|inner| inner.split_once('`')) {
            names.push(name.to_owned());
            rest = after.trim_start();
            rest = rest.strip_prefix("and `").map_or(rest, |_| &rest["and ".len()..]);
        }
        found.push((names, rest.to_owned()));
    }
    found
}

fn named_statuses(words: &str) -> Vec<&str> {
    let mut named: Vec<&str> =
        words.split('`').filter(|word| *word == "TASKBELL_OK" || word.starts_with("TASKBELL_ERR_")).collect();
    named.dedup();
    named
}

/// A type as it is written, in one form.
fn spelled(ty: &Type) -> String {
    match ty {
        Type::Ptr(pointer) => {
            let kind = if pointer.mutability.is_some() { "mut" } else { "const" };
            format!("*{kind} {}", spelled(&pointer.elem))
        }
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default(),
        _ => String::new(),
    }
}

/// The lines of a comment of documentation, as text.
fn doc(attributes: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attribute in attributes {
        if let Meta::NameValue(pair) = &attribute.meta
            && pair.path.is_ident("doc")
            && let Expr::Lit(literal) = &pair.value
            && let Lit::Str(line) = &literal.lit
        {
            lines.push(line.value().trim().to_owned());
        }
    }
    lines.join("\n").replace("\n\n", "\u{0}").replace('\n', " ").replace('\u{0}', "\n\n").trim().to_owned()
}
