//! Makes a platform of its description, or says what is wrong with that.

use super::answers::AnswerParts;
use super::parts::DescriptionParts;
use super::table::{DescriptionFault, Table};
use super::{Described, fields, kept};
use crate::event;
use crate::message::Template;
use crate::platform::{Description, Example, PlatformOption};
use once_cell::sync::OnceCell;
use serde_json::Value;
use std::sync::Mutex;

/// The platforms that were made in this process. A reload with the same description makes no other.
static MADE: Mutex<Vec<&'static Described>> = Mutex::new(Vec::new());

/// The platform of this name that a description describes. It is kept until the process ends; nothing is kept of a
/// description with a fault.
///
/// # Errors
/// Everything that is wrong with it.
pub fn described(name: &str, description: &Value) -> Result<&'static Described, Vec<DescriptionFault>> {
    let mut made = MADE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let is_same = |known: &&&Described| known.description.name == name && known.source == description;
    if let Some(known) = made.iter().find(is_same) {
        return Ok(known);
    }
    parts_of(description, true)?;
    let platform = made_of(name, description)?;
    made.push(platform);
    Ok(platform)
}

/// A platform of a description that tests judge.
///
/// # Errors
/// What cannot be read of it.
pub(super) fn made_of(name: &str, description: &Value) -> Result<&'static Described, Vec<DescriptionFault>> {
    let source = kept(description.clone());
    let parts: &'static DescriptionParts<'static> = kept(parts_of(source, false)?);
    let name: &'static str = name.to_owned().leak();
    // Its URL may have the value, so the whole of the endpoint decides.
    let options = parts.options.iter().map(|(option, _)| PlatformOption { required: false, ..*option });
    let examples = parts.options.iter().filter_map(|(option, example)| Some((option.name, (*example)?)));
    let description = Description {
        name,
        aliases: &parts.aliases,
        default_url: parts.default_url,
        options: options.collect::<Vec<_>>().leak(),
        rates: &parts.rates,
        concurrency: parts.concurrency,
        coalesces: !parts.is_machine,
        mention_form: parts.mentions.as_ref().map(|mentions| mentions.words),
        markup: Some(|_| None),
        silent: parts.silent.map(|silent| &*silent.to_string().leak()),
        responses: parts.answers.responses().leak(),
        example: Example { target: parts.example, options: examples.collect::<Vec<_>>().leak() },
        ..Description::BASE
    };
    let rule = fields::rule_of(&parts.fields);
    Ok(kept(Described { source, description, parts, card: OnceCell::new(), rule }))
}

/// The parts of a description. With `judges` the card of every event and each answer are judged, too.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn parts_of(
    description: &Value,
    judges: bool,
) -> Result<DescriptionParts<'_>, Vec<DescriptionFault>> {
    let Some(tables) = description.as_object() else {
        let message = "a description is a table".to_owned();
        return Err(vec![DescriptionFault { path: String::new(), message }]);
    };
    let root = Table::root(tables);
    let parts = DescriptionParts::read(&root);
    if judges && let Some(parts) = &parts {
        judge_card(&root, parts.body);
        AnswerParts::judge(&parts.answers, &root);
    }
    match (parts, root.faults()) {
        (Some(parts), found) if found.is_empty() => Ok(parts),
        (_, found) => Err(found),
    }
}

/// The path of a place in a template that begins with its origin.
fn place(place: &str) -> String {
    place.replace(": ", "")
}

/// The card of every event is made.
fn judge_card(root: &Table<'_>, body: &Value) {
    let card = match Template::from_json("body", body) {
        Ok(card) => card,
        Err(error) => return root.fault(&place(&error.place), error.reason),
    };
    let mut told = Vec::new();
    for kind in event::samples_of("*") {
        if let Err(error) = card.check(&kind) {
            let fault = (place(&error.place), error.reason);
            if !told.contains(&fault) {
                told.push(fault);
            }
        }
    }
    for (at, message) in told {
        root.fault(&at, message);
    }
}
