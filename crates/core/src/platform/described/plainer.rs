//! The plainer forms of a message that a described platform refused.

use super::fields::{BodyField, Kind};
use super::mention_form::MentionForm;
use super::{Degradation, Described, Platform};
use crate::json::{Members, json};
use crate::message::plain_text;
use crate::platform::limits::Unit;
use crate::platform::{cut, trim};
use serde_json::{Map, Value};

/// What a text of the shortest form of a message keeps.
const SHORT: usize = 600;

impl Described {
    /// The body without what may be the cause; `None` where nothing is left to leave out.
    pub(super) fn plainer(&self, body: &Value, how: Degradation) -> Option<Value> {
        let mut plain = body.clone();
        let fields = plain.as_object_mut()?;
        let own = &self.parts.fields;
        let chooses_markup = |name| own.iter().any(|field| field.markup_is_chosen_by(name));
        for field in own.iter().filter(|field| field.path.len() == 1) {
            let name = field.path[0];
            let mentions = self.parts.mentions.as_ref();
            let is_list = mentions.and_then(MentionForm::list) == Some(name);
            let is_text = field.kind == Kind::Text || field.is_required() || is_list || chooses_markup(name);
            let is_dropped = field.kind == Kind::Picture || how > Degradation::NoImage && !is_text;
            if is_dropped {
                fields.shift_remove(name);
            } else if how > Degradation::NoImage
                && let Some(Value::String(text)) = fields.get_mut(name)
                && field.kind == Kind::Text
            {
                if field.markup_in(body).is_some() {
                    let (names, rest) =
                        mentions.map_or((None, text.as_str()), |one| one.split(&field.path, text));
                    let rest = plain_text::of_any(rest);
                    *text = names.map_or_else(|| rest.clone(), |names| format!("{names}\n{rest}"));
                }
                let short = field.limit.map_or(SHORT, |(max, _)| max.min(SHORT));
                let unit = field.limit.map_or(Unit::CodePoints, |(_, unit)| unit);
                let cut = cut::shorten(text, short, unit, cut::Markup::Fences)
                    .filter(|_| how == Degradation::Shorter);
                *text = cut.unwrap_or_else(|| std::mem::take(text));
            }
        }
        if how > Degradation::NoImage {
            let is_known = |name: &str| own.iter().any(|field| field.path[0] == name);
            let (known, others) =
                std::mem::take(fields).into_iter().partition::<Map<_, _>, _>(|(name, _)| is_known(name));
            *fields = known;
            let is_empty = |field: &&BodyField<'_>| {
                let is_text = field.path.len() == 1 && field.kind == Kind::Text;
                is_text && fields.get(field.path[0]).is_none_or(|text| text.as_str() == Some(""))
            };
            // What stood in members that it does not know goes where there is room.
            let mut empty = own.iter().filter(is_empty);
            let needed = empty.clone().find(|field| field.is_required());
            if let Some(field) = needed.or_else(|| empty.next()) {
                let found = trim::gathered(&Value::Object(others));
                let has_to_speak = needed.is_some() || fields.is_empty();
                if let Some(text) = found.or_else(|| trim::gathered(body).filter(|_| has_to_speak)) {
                    fields.put(field.path[0], json!(text));
                }
            }
            self.trim(&mut plain);
        }
        (plain != *body).then_some(plain)
    }
}
