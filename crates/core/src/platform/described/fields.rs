//! The members of a body, as a description lists them: what each may hold, how much of it is taken, and its markup. One
//! list serves the rules of `check` and `serve --as`, the cuts, and the escapes.

use super::super::cut::Markup;
use super::super::escape::TextMarkup;
use super::super::limits::Unit;
use super::super::rules::{Rule, Shape, may, need, shape};
use super::super::trim;
use super::dialect::{dialect, is_html};
use super::kept;
use super::table::Table;
use serde_json::Value;

/// Below this path stand the members of a list.
const EACH: &str = "*";

pub(super) struct BodyField {
    pub path: Vec<&'static str>,
    pub kind: Kind,
    required: bool,
    /// The most, and in which unit.
    pub limit: Option<(usize, Unit)>,
    markup: FieldMarkup,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Word(&'static [&'static str]),
    Whole(i64, i64),
    Flag,
    Link,
    Picture,
    List,
    Object,
    Any,
}

enum FieldMarkup {
    Always(Option<&'static TextMarkup>),
    /// By the value of the member at this path, and the one where that is missing.
    By {
        at: Vec<&'static str>,
        kinds: Vec<(&'static str, Option<&'static TextMarkup>)>,
        otherwise: Option<&'static TextMarkup>,
    },
}

pub(super) fn read(table: &Table<'_>) -> Vec<BodyField> {
    table.tables("fields").into_iter().map(|(name, field)| read_field(name, &field)).collect()
}

fn read_field(name: &str, table: &Table<'_>) -> BodyField {
    table.only(&["kind", "max", "min", "unit", "one_of", "required", "markup"]);
    let unit = match table.text("unit").unwrap_or("characters") {
        "characters" => Unit::CodePoints,
        "bytes" => Unit::Bytes,
        "utf16" => Unit::Utf16,
        _ => {
            table.fault("unit", "a unit is `characters`, `bytes` or `utf16`".to_owned());
            Unit::CodePoints
        }
    };
    let words: Vec<&'static str> = table.texts("one_of").into_iter().map(kept_text).collect();
    let kind = match table.text("kind").unwrap_or("text") {
        "text" if words.is_empty() => Kind::Text,
        "text" => Kind::Word(words.leak()),
        "number" => {
            Kind::Whole(table.whole("min").unwrap_or(i64::MIN), table.whole("max").unwrap_or(i64::MAX))
        }
        "flag" => Kind::Flag,
        "link" => Kind::Link,
        "picture" => Kind::Picture,
        "list" => Kind::List,
        "object" => Kind::Object,
        "any" => Kind::Any,
        _ => {
            let kinds = "`text`, `number`, `flag`, `link`, `picture`, `list`, `object` or `any`";
            table.fault("kind", format!("the kind of a field is {kinds}"));
            Kind::Any
        }
    };
    let limit = if matches!(kind, Kind::Whole(..)) { None } else { table.size("max").map(|max| (max, unit)) };
    let path = name.split('/').map(kept_text).collect();
    BodyField { path, kind, required: table.flag("required"), limit, markup: read_markup(table) }
}

fn read_markup(table: &Table<'_>) -> FieldMarkup {
    let named = |table: &Table<'_>, key: &str, name: &str| {
        dialect(name).unwrap_or_else(|message| {
            table.fault(key, message);
            None
        })
    };
    if table.raw("markup").is_some_and(Value::is_object)
        && let Some(kinds) = table.table("markup")
    {
        let Some(at) = kinds.text("at") else {
            kinds.fault("", "`at` names the member that says which markup it is".to_owned());
            return FieldMarkup::Always(None);
        };
        let of = |key: &str| kinds.text(key).map(|name| named(&kinds, key, name));
        let values = kinds.names().filter(|name| !matches!(*name, "at" | "otherwise"));
        let all = values.filter_map(|name| Some((kept_text(name), of(name)?))).collect();
        return FieldMarkup::By {
            at: at.split('/').map(kept_text).collect(),
            kinds: all,
            otherwise: of("otherwise").flatten(),
        };
    }
    FieldMarkup::Always(table.text("markup").and_then(|name| named(table, "markup", name)))
}

fn kept_text(text: &str) -> &'static str {
    text.to_owned().leak()
}

impl BodyField {
    /// The markup that it has in this body.
    pub fn markup_in(&self, body: &Value) -> Option<&'static TextMarkup> {
        match &self.markup {
            FieldMarkup::Always(markup) => *markup,
            FieldMarkup::By { at, kinds, otherwise } => {
                let Some(chosen) = at.iter().try_fold(body, |node, step| node.get(*step)) else {
                    return *otherwise;
                };
                let word = chosen.as_str().map_or_else(|| chosen.to_string(), str::to_owned);
                kinds.iter().find(|(name, _)| *name == word).and_then(|(_, markup)| *markup)
            }
        }
    }

    pub fn trim(&self, body: &mut Value) {
        let Some((max, unit)) = self.limit else { return };
        let markup = if self.markup_in(body).is_some_and(is_html) { Markup::Tags } else { Markup::Fences };
        match self.kind {
            Kind::Text => trim::cut_marked(body, &self.path, max, unit, markup),
            Kind::List => trim::shorten(body, &self.path, max),
            // An address that is cut leads elsewhere.
            Kind::Link | Kind::Picture => {
                let Some((name, above)) = self.path.split_last() else { return };
                trim::drop_long(body, above, name, max);
            }
            _ => {}
        }
    }

    /// Whether the member of this name says which markup the field has.
    pub fn markup_is_chosen_by(&self, name: &str) -> bool {
        matches!(&self.markup, FieldMarkup::By { at, .. } if at.as_slice() == [name])
    }

    pub fn is_required(&self) -> bool {
        self.required
    }

    fn rule(&self) -> Rule {
        let (max, unit) = self.limit.unwrap_or((usize::MAX, Unit::CodePoints));
        match self.kind {
            Kind::Text => Rule::Text(max, unit, !self.required),
            Kind::Word(words) => Rule::OneOf(words),
            Kind::Whole(least, most) => Rule::Whole(least, most),
            Kind::Flag => Rule::Bool,
            Kind::Link => Rule::Address(max),
            Kind::Picture => Rule::Picture(max),
            Kind::List => Rule::List(&Rule::Any, 0, max),
            Kind::Object => Rule::Table,
            Kind::Any => Rule::Any,
        }
    }
}

/// The rules for a body with these fields.
pub(super) fn rule_of(fields: &[BodyField]) -> Rule {
    Rule::Object(kept(shape_of(&fields.iter().collect::<Vec<_>>(), 0)))
}

fn shape_of(fields: &[&BodyField], depth: usize) -> Shape {
    let mut names: Vec<&'static str> =
        fields.iter().filter_map(|field| field.path.get(depth).copied()).collect();
    names.dedup();
    let member = |name: &'static str| {
        let inner: Vec<&BodyField> =
            fields.iter().copied().filter(|field| field.path.get(depth) == Some(&name)).collect();
        let own = inner.iter().find(|field| field.path.len() == depth + 1);
        let below: Vec<&BodyField> =
            inner.iter().copied().filter(|field| field.path.len() > depth + 1).collect();
        let rule = if below.is_empty() {
            own.map_or(Rule::Any, |field| field.rule())
        } else if below.iter().all(|field| field.path.get(depth + 1) == Some(&EACH)) {
            let entry: &'static Rule = kept(Rule::Object(kept(shape_of(&below, depth + 2))));
            Rule::List(entry, 0, own.and_then(|field| field.limit).map_or(usize::MAX, |(max, _)| max))
        } else {
            Rule::Object(kept(shape_of(&below, depth + 1)))
        };
        if own.is_some_and(|field| field.required) { need(name, rule) } else { may(name, rule) }
    };
    let mut seen = Vec::new();
    let members = names
        .into_iter()
        .filter(|name| {
            !seen.contains(name) && {
                seen.push(*name);
                true
            }
        })
        .map(member);
    shape(members.collect::<Vec<_>>().leak())
}
