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

pub(super) struct BodyField<'t> {
    pub path: Vec<&'t str>,
    pub kind: Kind<'t>,
    required: bool,
    /// The most, and in which unit.
    pub limit: Option<(usize, Unit)>,
    markup: FieldMarkup<'t>,
}

#[derive(PartialEq, Eq)]
pub(super) enum Kind<'t> {
    Text,
    Word(Vec<&'t str>),
    Whole(i64, i64),
    Flag,
    Link,
    Picture,
    List,
    Object,
    Any,
}

enum FieldMarkup<'t> {
    Always(Option<&'static TextMarkup>),
    /// By the value of the member at this path, and the one where that is missing.
    By {
        at: Vec<&'t str>,
        kinds: Vec<(&'t str, Option<&'static TextMarkup>)>,
        otherwise: Option<&'static TextMarkup>,
    },
}

pub(super) fn read<'t>(root: &Table<'t>) -> Vec<BodyField<'t>> {
    let fields: Vec<_> = root.tables("fields").iter().map(|(name, field)| read_field(name, field)).collect();
    if fields.is_empty() {
        let words = "a description needs `fields`: what the members of its body may hold";
        root.fault("fields", words.to_owned());
    }
    for field in &fields {
        let holds_others = fields
            .iter()
            .any(|other| other.path.len() > field.path.len() && other.path.starts_with(&field.path));
        if holds_others && !matches!(field.kind, Kind::List | Kind::Object | Kind::Any) {
            let words = "it holds other fields, so its kind is `object` or `list`";
            root.fault(&format!("fields.{}.kind", field.path.join("/")), words.to_owned());
        }
    }
    fields
}

fn read_field<'t>(name: &'t str, table: &Table<'t>) -> BodyField<'t> {
    table.only(&["kind", "max", "min", "unit", "one_of", "required", "markup"]);
    let path: Vec<&str> = name.split('/').collect();
    if path.iter().any(|step| step.is_empty()) || path[0] == EACH {
        table.fault("", "a field is named by the members around it: `text`, or `blocks/*/text`".to_owned());
    }
    let unit = match table.text("unit").unwrap_or("characters") {
        "characters" => Unit::CodePoints,
        "bytes" => Unit::Bytes,
        "utf16" => Unit::Utf16,
        _ => {
            table.fault("unit", "a unit is `characters`, `bytes` or `utf16`".to_owned());
            Unit::CodePoints
        }
    };
    let words = table.texts("one_of");
    let named = table.text("kind").unwrap_or("text");
    let is_text = named == "text";
    for (key, belongs) in [
        ("min", named == "number"),
        ("unit", !matches!(named, "number" | "list" | "flag" | "object" | "any")),
        ("one_of", is_text),
        ("markup", is_text),
    ] {
        if table.raw(key).is_some() && !belongs {
            table.fault(key, format!("a field of the kind `{named}` has no `{key}`"));
        }
    }
    if table.raw("one_of").is_some_and(|words| words.as_array().is_some_and(Vec::is_empty)) {
        table.fault("one_of", "no text would be one of these".to_owned());
    }
    let kind = match named {
        "text" if words.is_empty() => Kind::Text,
        "text" => Kind::Word(words),
        "number" => {
            let (min, max) = (table.whole("min"), table.whole("max"));
            let (min, max) = (min.unwrap_or(i64::MIN), max.unwrap_or(i64::MAX));
            if min > max {
                table.fault("min", "no number is as large as `min` and as small as `max`".to_owned());
            }
            Kind::Whole(min, max)
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
    let limit = match kind {
        Kind::Whole(..) => None,
        _ => table.size("max", usize::MAX).map(|max| (max, unit)),
    };
    BodyField { path, kind, required: table.flag("required"), limit, markup: read_markup(table) }
}

fn read_markup<'t>(table: &Table<'t>) -> FieldMarkup<'t> {
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
        let all = values.filter_map(|name| Some((name, of(name)?))).collect();
        return FieldMarkup::By {
            at: at.split('/').collect(),
            kinds: all,
            otherwise: of("otherwise").flatten(),
        };
    }
    FieldMarkup::Always(table.text("markup").and_then(|name| named(table, "markup", name)))
}

impl<'t> BodyField<'t> {
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
        let markup = if self.is_html_in(body) { Markup::Tags } else { Markup::Fences };
        match &self.kind {
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

    pub fn is_html_in(&self, body: &Value) -> bool {
        self.markup_in(body).is_some_and(is_html)
    }

    /// Whether the member of this name says which markup the field has.
    pub fn markup_is_chosen_by(&self, name: &str) -> bool {
        matches!(&self.markup, FieldMarkup::By { at, .. } if at.as_slice() == [name])
    }

    pub fn is_required(&self) -> bool {
        self.required
    }

    /// The members whose values choose its markup, with each value and its markup.
    #[cfg(test)]
    pub fn markups(&self) -> Vec<(&[&'t str], &str, Option<&'static TextMarkup>)> {
        match &self.markup {
            FieldMarkup::Always(markup) => vec![(&[], "", *markup)],
            FieldMarkup::By { at, kinds, .. } => {
                kinds.iter().map(|(value, markup)| (at.as_slice(), *value, *markup)).collect()
            }
        }
    }
}

impl BodyField<'static> {
    fn rule(&'static self) -> Rule {
        let (max, unit) = self.limit.unwrap_or((usize::MAX, Unit::CodePoints));
        match &self.kind {
            Kind::Text => Rule::Text(max, unit, !self.required),
            Kind::Word(words) => Rule::OneOf(words),
            Kind::Whole(least, most) => Rule::Whole(*least, *most),
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
pub(super) fn rule_of(fields: &'static [BodyField<'static>]) -> Rule {
    Rule::Object(kept(shape_of(&fields.iter().collect::<Vec<_>>(), 0)))
}

fn shape_of(fields: &[&'static BodyField<'static>], depth: usize) -> Shape {
    let mut names: Vec<&'static str> =
        fields.iter().filter_map(|field| field.path.get(depth).copied()).collect();
    names.dedup();
    let member = |name: &'static str| {
        let inner: Vec<&BodyField<'_>> =
            fields.iter().copied().filter(|field| field.path.get(depth) == Some(&name)).collect();
        let own = inner.iter().find(|field| field.path.len() == depth + 1);
        let below: Vec<&BodyField<'_>> =
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
