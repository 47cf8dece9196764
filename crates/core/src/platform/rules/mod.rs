//! The rules for the body of a message, as tables: which members an object has, which of them it needs, and what
//! each may hold. A platform states its own once, in `NAME/rules.rs`. `taskbell check` warns by them, `serve --as`
//! refuses by them, and the tests try them.

mod judge;
mod markup;
mod repair;
mod words;

pub(super) use judge::Faults;
pub(super) use markup::{PLAIN_KINDS, TypedMarkup};
pub(super) use repair::repair;
pub use repair::{pruned, warnings};

use super::limits::Unit;
use serde_json::Value;

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    Any,
    Bool,
    /// A whole number within these bounds.
    Whole(i64, i64),
    /// A text of at most so many of a unit; `true` where it may be blank.
    Text(usize, Unit, bool),
    /// The same of at most so many characters, in a place that has no markup.
    Plain(usize, bool),
    /// One of these texts, to the letter.
    OneOf(&'static [&'static str]),
    /// One of these texts, in capital or small letters.
    OneWord(&'static [&'static str]),
    /// An absolute `http` or `https` address of at most so many bytes.
    Link(usize),
    /// The same of a picture that the platform's own servers fetch.
    Picture(usize),
    /// An absolute address of any scheme, such as `mailto:`, of at most so many bytes.
    Address(usize),
    /// A colour such as `#36a64f`, or one of these words.
    Colour(&'static [&'static str]),
    /// A time as ISO 8601 has it.
    Time,
    /// A list of at least and at most so many members.
    List(&'static Rule, usize, usize),
    Object(&'static Shape),
    /// An object with any members.
    Table,
    /// An object whose kind is named by this member.
    ByKind(&'static str, &'static [(&'static str, &'static Shape)]),
    /// Either of two kinds of value, the usual one first.
    Or(&'static Rule, &'static Rule),
}

impl Rule {
    /// How many of a unit the text at this path has at most, or how many members the list; `*` stands for every member of
    /// a list. Of an object of several kinds the first counts that has the path.
    pub(super) fn limit(&self, path: &[&str]) -> Option<usize> {
        match (self, path) {
            (Rule::Text(max, ..) | Rule::Plain(max, _) | Rule::List(_, _, max), []) => Some(*max),
            (Rule::List(entry, ..), ["*", rest @ ..]) => entry.limit(rest),
            (Rule::Object(shape), [name, rest @ ..]) => shape.find(name)?.rule.limit(rest),
            (Rule::ByKind(_, kinds), path) => {
                kinds.iter().find_map(|(_, shape)| Rule::Object(shape).limit(path))
            }
            _ => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Member {
    name: &'static str,
    rule: Rule,
    is_needed: bool,
}

#[derive(Debug)]
pub(super) struct Shape {
    members: &'static [Member],
    /// Further ones, which many objects share.
    common: &'static [Member],
    /// It needs one of these at least.
    some_of: &'static [&'static str],
    /// What becomes of a member that is not listed.
    others: Others,
    /// Members that people write here although they belong elsewhere, and where that is.
    elsewhere: &'static [(&'static str, &'static str)],
    /// What a table cannot say.
    also: Option<fn(&Value, &mut Faults)>,
}

/// What a platform does with a member that the table does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    /// It has no effect.
    Ignored,
    /// The body is refused.
    Refused,
    /// The table is not complete.
    Unknown,
}

pub(super) const fn need(name: &'static str, rule: Rule) -> Member {
    Member { name, rule, is_needed: true }
}

pub(super) const fn may(name: &'static str, rule: Rule) -> Member {
    Member { name, rule, is_needed: false }
}

/// A text that may be blank.
pub(super) const fn text(max: usize) -> Rule {
    Rule::Text(max, Unit::CodePoints, true)
}

/// A text that is not blank.
pub(super) const fn filled(max: usize) -> Rule {
    Rule::Text(max, Unit::CodePoints, false)
}

/// A text of any length.
pub(super) const TEXT: Rule = text(usize::MAX);
/// A text of any length that is not blank.
pub(super) const FILLED: Rule = filled(usize::MAX);
/// A list of texts.
pub(super) const TEXTS: Rule = Rule::List(&TEXT, 0, usize::MAX);

pub(super) const fn shape(members: &'static [Member]) -> Shape {
    Shape { members, common: &[], some_of: &[], others: Others::Ignored, elsewhere: &[], also: None }
}

/// An object of which only some members are known.
pub(super) const fn open(members: &'static [Member]) -> Shape {
    Shape { others: Others::Unknown, ..shape(members) }
}

impl Shape {
    pub(super) const fn some_of(mut self, names: &'static [&'static str]) -> Shape {
        self.some_of = names;
        self
    }

    pub(super) const fn closed(mut self) -> Shape {
        self.others = Others::Refused;
        self
    }

    pub(super) const fn with(mut self, common: &'static [Member]) -> Shape {
        self.common = common;
        self
    }

    pub(super) const fn elsewhere(mut self, names: &'static [(&'static str, &'static str)]) -> Shape {
        self.elsewhere = names;
        self
    }

    pub(super) const fn also(mut self, check: fn(&Value, &mut Faults)) -> Shape {
        self.also = Some(check);
        self
    }

    fn find(&self, name: &str) -> Option<&Member> {
        self.all().find(|member| member.name == name)
    }

    fn all(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().chain(self.common)
    }
}

/// The kind of a fault, by which a platform chooses its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// A required member is missing.
    Missing,
    /// A text that must say something is blank, or a list has too few members.
    Empty,
    /// The value is of another kind.
    Kind,
    /// The value, or the name of a kind, is none that the platform knows.
    Unknown,
    /// More than the platform takes.
    TooLong,
    /// No address.
    Link,
    /// The platform takes the message, and shows it otherwise than meant.
    Shown,
    /// The same for the words of a text: the markup of another platform, a name that pings nobody there.
    Typed,
}

/// What speaks against a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyFault {
    /// Where: names and numbers from the root, such as `embeds[0].title`.
    pub path: String,
    /// Of which kind it is.
    pub kind: FaultKind,
    /// A sentence that names the place.
    pub sentence: String,
    /// The name of the response with which the platform refuses it; `None` where it takes the message.
    pub response: Option<&'static str>,
}

/// The name of the response to the first fault for which a platform refuses a body.
pub(super) fn refusal(faults: Vec<BodyFault>) -> Option<&'static str> {
    faults.into_iter().find_map(|fault| fault.response)
}
