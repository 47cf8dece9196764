//! `[[hooks]]`.

use super::fault::nearest;
use super::reading::Words;
use super::section::Section;
use super::shaping;
use super::template;
use crate::event::{self, KNOWN_TYPES};
use crate::hooks::Hook;
use crate::message::Condition;
use std::collections::HashSet;

/// Reads every hook. `endpoints` are the names that `to` may hold.
pub(super) fn read_all(root: &Section<'_>, endpoints: &[&str]) -> Vec<Hook> {
    let sections = root.list_of_tables("hooks");
    let mut names = HashSet::new();
    let mut hooks = Vec::new();
    for section in &sections {
        let hook = read(section, endpoints);
        if !names.insert(hook.name.clone()) {
            section.fault("name", "another hook has this name already");
        }
        hooks.push(hook);
    }
    if sections.is_empty() && !root.has("hooks") {
        root.reading.warn(0, "", "there are no `[[hooks]]`: nothing will ever ring");
    }
    hooks
}

fn read(section: &Section<'_>, endpoints: &[&str]) -> Hook {
    let to = targets(section, endpoints);
    Hook {
        shaping: shaping::read(section, endpoints, &to),
        name: section.text("name").map_or_else(|| section.path.clone(), |words| words.text),
        on: event_types(section),
        to,
        when: condition(section),
        min_tasks: section.integer("min_tasks"),
        min_duration: section.duration("min_duration"),
        relative: relative(section),
        only_failures: section.boolean("only_failures").unwrap_or_default(),
        smart: section.boolean("smart").unwrap_or_default(),
        manual: section.boolean("manual").unwrap_or_default(),
        template: template::read(section),
    }
}

/// How many times as long as usual.
fn relative(section: &Section<'_>) -> Option<f64> {
    let times = section.number("relative")?;
    if !(1.0..=1000.0).contains(&times) {
        let advice = "it is from 1 to 1000: 1.5 fires when a run took half as long again as is usual";
        section.fault("relative", format!("{times} is not how many times as long; {advice}"));
    }
    Some(times)
}

fn event_types(section: &Section<'_>) -> Vec<String> {
    let types = distinct(section, "on", "an event type");
    for (index, words) in types.iter().enumerate() {
        let path = format!("{}.on[{index}]", section.path);
        if let Err(message) = event::check_type(&words.text) {
            section.reading.fault(words.at, &path, message);
        } else if let Some(known) = likely_meant(&words.text) {
            let message = format!(
                "{} is none of Taskbell's own event types; unless the host emits it, `{known}` is meant",
                words.shown
            );
            section.reading.warn(words.at, &path, message);
        }
    }
    types.into_iter().map(|words| words.text).collect()
}

/// One of the known types, for a name that looks like a slip of the pen.
fn likely_meant(name: &str) -> Option<&'static str> {
    if KNOWN_TYPES.contains(&name) {
        return None;
    }
    let family = name.split('.').next();
    let cousin = KNOWN_TYPES.iter().copied().filter(|known| known.split('.').next() == family);
    nearest(name, KNOWN_TYPES.iter().copied()).or_else(|| nearest(name, cousin))
}

pub(super) fn targets(section: &Section<'_>, endpoints: &[&str]) -> Vec<String> {
    let targets = distinct(section, "to", "the name of an endpoint");
    for (index, words) in targets.iter().enumerate() {
        if endpoints.contains(&words.text.as_str()) {
            continue;
        }
        let advice = match nearest(&words.text, endpoints.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None if endpoints.is_empty() => "no endpoints are configured".to_owned(),
            None => format!("configured are {}", endpoints.join(", ")),
        };
        let path = format!("{}.to[{index}]", section.path);
        section.reading.fault(words.at, &path, format!("there is no endpoint {}; {advice}", words.shown));
    }
    targets.into_iter().map(|words| words.text).collect()
}

/// A list of at least one text, none of them twice.
fn distinct(section: &Section<'_>, name: &str, member: &str) -> Vec<Words> {
    let list = section.texts(name);
    if list.is_empty() && section.node(name).is_some_and(|node| node.is_empty_list()) {
        section.fault(name, format!("{member} is missing: this list is empty"));
    }
    let mut seen = HashSet::new();
    for words in &list {
        if !seen.insert(words.text.as_str()) {
            section.reading.fault(
                words.at,
                &format!("{}.{name}", section.path),
                format!("{} stands here twice", words.shown),
            );
        }
    }
    list
}

fn condition(section: &Section<'_>) -> Option<Condition> {
    let words = section.text("when")?;
    match Condition::compile(&words.text) {
        Ok(condition) => Some(condition),
        Err(message) => {
            section.fault("when", message);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_in_an_event_type_is_seen_and_a_name_of_the_host_is_not() {
        assert_eq!(likely_meant("task.completed"), Some("task.complete"));
        assert_eq!(likely_meant("queue.ended"), Some("queue.end"));
        assert_eq!(likely_meant("queue.end"), None);
        assert_eq!(likely_meant("render.saved"), None);
        assert_eq!(likely_meant("task.preview_ready"), None);
    }
}
