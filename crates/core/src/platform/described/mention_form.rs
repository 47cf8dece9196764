//! How a described platform mentions somebody: which names it takes, and where in a body they go.

use super::fields::{BodyField, Kind};
use super::table::Table;
use crate::json::json;
use crate::platform::mentions::Mentions;
use serde_json::{Map, Value};

/// The most bytes of the names in a text.
const NAMES: usize = 1000;

pub(super) struct MentionForm<'t> {
    /// Words that go after "it takes".
    pub words: &'t str,
    /// What is before a name where it mentions, and what is behind it.
    text: (&'t str, &'t str),
    /// The texts that begin with the names.
    at: Vec<Vec<&'t str>>,
    has_blanks: bool,
    /// What every name has, but for those of `flags`.
    has: Option<&'t str>,
    /// The list of those who are mentioned.
    ids: Option<Vec<&'t str>>,
    /// Names that are a flag of the body.
    flags: Vec<(&'t str, Vec<&'t str>)>,
}

impl<'t> MentionForm<'t> {
    pub fn read(root: &Table<'t>, fields: &[BodyField<'_>]) -> Option<MentionForm<'t>> {
        let table = root.table("mentions")?;
        table.only(&["form", "text", "at", "blanks", "has", "ids", "flags"]);
        let text = table.text("text").and_then(|text| text.split_once("{name}"));
        let at: Vec<Vec<&str>> =
            table.texts("at").into_iter().map(|path| path.split('/').collect()).collect();
        if table.raw("form").is_none() || text.is_none() || at.is_empty() {
            let words =
                "mentions need `form`, `text` with `{name}`, and `at`: the fields that begin with them";
            table.fault("", words.to_owned());
        }
        let is_text =
            |path: &[&str]| fields.iter().any(|field| field.path == path && field.kind == Kind::Text);
        for path in at.iter().filter(|path| !is_text(path)) {
            table.fault("at", format!("there is no text `{}` in `fields`", path.join("/")));
        }
        Some(MentionForm {
            words: table.text("form")?,
            text: text?,
            at,
            has_blanks: table.flag("blanks"),
            has: table.text("has"),
            ids: table.text("ids").map(|path| path.split('/').collect()),
            flags: table
                .pairs("flags")
                .into_iter()
                .map(|(name, path)| (name, path.split('/').collect()))
                .collect(),
        })
    }

    /// Whether a name, without its `@`, can be mentioned. It cannot end the markup around it.
    pub fn accepts(&self, name: &str) -> bool {
        let name = name.trim().trim_start_matches('@');
        let is_sign = |c: char| {
            c.is_control() || "*<>|[]()\"'`&#\\".contains(c) || !self.has_blanks && c.is_whitespace()
        };
        let is_whole = !name.is_empty() && name.chars().count() <= 255 && !name.contains(is_sign);
        is_whole && (self.flag(name).is_some() || self.has.is_none_or(|part| name.contains(part)))
    }

    fn flag(&self, name: &str) -> Option<&[&'t str]> {
        self.flags.iter().find(|(flag, _)| *flag == name).map(|(_, path)| path.as_slice())
    }

    /// Adds those whom an endpoint mentions.
    pub fn write(&self, names: &[String], fields: &[BodyField<'_>], body: &mut Value) {
        for path in &self.at {
            let Some(field) = fields.iter().find(|field| field.path == *path) else { continue };
            let is_marked = field.markup_in(body).is_some();
            let gap = if field.is_html_in(body) { "<br>" } else { "\n" };
            let live = |name: &str| {
                let (before, behind) = self.text;
                let marked = || format!("{before}{name}{}", behind.replace("{name}", name));
                let is_live = is_marked && self.flag(name).is_none();
                self.accepts(name).then(|| if is_live { marked() } else { format!("@{name}") })
            };
            let most = field.limit.map_or(NAMES, |(max, _)| NAMES.min(max / 4));
            let line = Mentions(names).joined(" ", most, &live);
            if let Some(Value::String(text)) = at_mut(body, path)
                && !line.is_empty()
            {
                *text = format!("{line}{gap}{text}");
            }
        }
        let names =
            names.iter().map(|name| name.trim().trim_start_matches('@')).filter(|name| self.accepts(name));
        let (flags, names): (Vec<&str>, Vec<&str>) = names.partition(|name| self.flag(name).is_some());
        if let Some(ids) = self.ids.as_ref().filter(|_| !names.is_empty()) {
            let ids_of: Vec<String> = names.iter().take(50).map(|name| format!("@{name}")).collect();
            put(body, ids, json!(ids_of));
        }
        for path in flags.iter().filter_map(|name| self.flag(name)) {
            put(body, path, json!(true));
        }
    }

    /// The member in which those are listed who are mentioned.
    pub fn list(&self) -> Option<&'t str> {
        self.ids.as_ref().and_then(|path| path.first().copied())
    }

    /// Whether a body lists somebody.
    pub fn is_in(&self, body: &Map<String, Value>) -> bool {
        let listed = self.list().and_then(|name| body.get(name));
        listed.is_some_and(|listed| listed.as_object().is_none_or(|members| !members.is_empty()))
    }

    /// The line of names with which a text begins, and the rest.
    pub fn split<'a>(&self, path: &[&str], text: &'a str) -> (Option<&'a str>, &'a str) {
        let (before, behind) = self.text;
        let is_names = |line: &str| line.starts_with(before) && line.ends_with(behind);
        match text.split_once('\n').filter(|(line, _)| self.at.iter().any(|at| at == path) && is_names(line))
        {
            Some((line, rest)) => (Some(line), rest),
            None => (None, text),
        }
    }
}

fn at_mut<'b>(body: &'b mut Value, path: &[&str]) -> Option<&'b mut Value> {
    path.iter().try_fold(body, |node, step| node.get_mut(*step))
}

/// Puts a value at a path of objects.
fn put(body: &mut Value, path: &[&str], value: Value) {
    match path.split_first() {
        None => *body = value,
        Some((step, rest)) => {
            if !body.is_object() {
                *body = json!({});
            }
            put(&mut body[*step], rest, value);
        }
    }
}
