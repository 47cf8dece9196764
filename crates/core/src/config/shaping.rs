//! What shapes the messages of a hook, and where endpoints fall back to.

use super::fault::nearest;
use super::hook;
use super::quantity::{self, DURATION_FORM};
use super::section::Section;
use crate::endpoint::Endpoint;
use crate::hooks::QuietHours;
use crate::hooks::{Digest, Escalate, Hook, Quiet, Shaping};
use crate::message::{Condition, Key};
use std::sync::Arc;
use std::time::Duration;

/// The shortest and the longest window of a digest.
const WINDOW: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(31 * 86_400));

/// Reads the shaping of a hook that rings at `to`.
pub(super) fn read(section: &Section<'_>, endpoints: &[&str], to: &[String]) -> Shaping {
    let supersede = compiled(section, "supersede", Key::compile);
    if supersede.is_some() && section.has("digest") {
        section.fault("supersede", "`supersede` and `digest` exclude each other: a digest keeps every item");
    }
    let shaping = Shaping {
        cooldown: section.duration("cooldown"),
        cooldown_by: compiled(section, "cooldown_by", Key::compile),
        digest: digest(section),
        supersede,
        ttl: section.duration("ttl"),
        quiet: quiet(section),
        escalate: escalate(section, endpoints, to),
    };
    for (key, needs) in
        [("cooldown_by", "cooldown"), ("quiet_zone", "quiet_hours"), ("quiet_except", "quiet_hours")]
    {
        if section.has(key) && !section.has(needs) {
            section.fault(key, format!("`{key}` says nothing without `{needs}`"));
        }
    }
    if let (Some(ttl), Some(escalate)) = (shaping.ttl, &shaping.escalate)
        && ttl <= escalate.after
    {
        let message =
            "`ttl` ends before `escalate.after`: a message that does not arrive is stale, and nobody is told";
        section.reading.warn(section.place("ttl"), &format!("{}.ttl", section.path), message);
    }
    shaping
}

fn compiled<T>(section: &Section<'_>, name: &str, compile: impl Fn(&str) -> Result<T, String>) -> Option<T> {
    let words = section.text(name)?;
    compile(&words.text).map_err(|message| section.fault(name, message)).ok()
}

fn digest(section: &Section<'_>) -> Option<Digest> {
    compiled(section, "digest", |text| {
        if text == "queue" {
            return Ok(Digest::Queue);
        }
        let window = quantity::parse_duration(text)
            .ok_or_else(|| format!("`{}` is neither `queue` nor {DURATION_FORM}", text.escape_debug()))?;
        if window < WINDOW.0 || window > WINDOW.1 {
            return Err(format!("`{text}` is out of range: 1s to 31d"));
        }
        Ok(Digest::Window(window))
    })
}

fn quiet(section: &Section<'_>) -> Option<Quiet> {
    let zone = section.text("quiet_zone").map(|words| words.text);
    let except = compiled(section, "quiet_except", Condition::compile);
    let hours = section.text("quiet_hours")?;
    let times =
        QuietHours::parse_times(&hours.text).map_err(|message| section.fault("quiet_hours", message)).ok()?;
    let place = if zone.is_some() { "quiet_zone" } else { "quiet_hours" };
    let zone =
        QuietHours::parse_zone(zone.as_deref()).map_err(|message| section.fault(place, message)).ok()?;
    Some(Quiet { hours: QuietHours::new(times, zone), except })
}

fn escalate(section: &Section<'_>, endpoints: &[&str], to: &[String]) -> Option<Escalate> {
    if !section.has("escalate") {
        return None;
    }
    let table = section.table("escalate")?;
    let after = table.duration("after");
    let others = hook::targets(&table, endpoints);
    if let Some(own) = others.iter().find(|name| to.contains(name)) {
        table.fault("to", format!("the hook rings at `{own}` already: escalating to it tells nobody new"));
    }
    Some(Escalate { after: after?, to: others })
}

/// Refuses a `fallback` that does not exist, and those that lead in a circle.
pub(super) fn refuse_circles(
    sections: &[(&str, usize, Section<'_>)],
    endpoints: &[Arc<Endpoint>],
    names: &[&str],
) {
    for (name, _, section) in sections {
        let Some(fallback) = next(endpoints, name) else { continue };
        if !names.contains(&fallback) {
            let advice = nearest(fallback, names.iter().copied())
                .map_or(String::new(), |name| format!("; did you mean `{name}`?"));
            section.fault("fallback", format!("there is no endpoint `{fallback}`{advice}"));
            continue;
        }
        let way: Vec<&str> =
            std::iter::successors(Some(fallback), |at| next(endpoints, at)).take(names.len() + 1).collect();
        if let Some(turn) = way.iter().position(|at| at == name) {
            let circle = way[..=turn].join("` → `");
            section
                .fault("fallback", format!("a fallback must not lead back to itself: `{name}` → `{circle}`"));
        }
    }
}

fn next<'e>(endpoints: &'e [Arc<Endpoint>], name: &str) -> Option<&'e str> {
    endpoints.iter().find(|endpoint| endpoint.name == name)?.fallback.as_deref()
}

/// Whether a hook rings at this endpoint in any case: directly, later, or because another fails.
pub(super) fn may_ring(hook: &Hook, name: &str, endpoints: &[Arc<Endpoint>]) -> bool {
    let escalated =
        hook.shaping.escalate.as_ref().is_some_and(|escalate| escalate.to.iter().any(|to| to == name));
    escalated
        || hook.to.iter().any(|to| to == name)
        || endpoints.iter().any(|endpoint| endpoint.fallback.as_deref() == Some(name))
}
