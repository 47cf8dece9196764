//! `[[alerts]]`.

use super::fault::nearest;
use super::section::Section;
use crate::alerts::{Alert, Bound, Metric};
use crate::alerts::{BUILT_IN, Gauge};
use crate::event;
use crate::hooks::Hook;
use std::collections::HashSet;
use std::sync::Arc;

/// The longest name of an alert.
const MAX_NAME_BYTES: usize = 128;

/// What a metric's name is, for a message.
const METRIC_FORM: &str = "1 to 128 printable ASCII characters without spaces";

/// Reads every alert, and warns when nobody would hear of one.
pub(super) fn read_all(root: &Section<'_>, hooks: &[Hook]) -> Vec<Arc<Alert>> {
    let sections = root.list_of_tables("alerts");
    let mut names = HashSet::new();
    let mut alerts = Vec::new();
    for section in &sections {
        let Some(alert) = read(section) else { continue };
        if !names.insert(alert.name.clone()) {
            section.fault("name", "another alert has this name already");
        }
        alerts.push(Arc::new(alert));
    }
    let heard = hooks.iter().any(|hook| hook.on.iter().any(|kind| kind == event::ALERT_FIRING));
    if let (Some(first), false) = (sections.first(), heard) {
        let message = "no hook listens to `alert.firing`: nobody will hear of an alert; \
                       write a hook with on = [\"alert.firing\", \"alert.resolved\"]";
        root.reading.warn(first.at, &first.path, message);
    }
    alerts
}

fn read(section: &Section<'_>) -> Option<Alert> {
    let name = section.text("name").map(|words| words.text);
    if name.as_ref().is_some_and(|name| name.len() > MAX_NAME_BYTES) {
        section.fault("name", format!("a name has at most {MAX_NAME_BYTES} bytes"));
    }
    let metric = metric(section);
    let bound = bound(section);
    let clear = section.number("clear");
    let hold = section.duration("for").unwrap_or_default();
    let every = section.duration("every");
    let sample = section.duration("sample").unwrap_or_default();
    let (metric, bound) = (metric?, bound?);
    if section.has("sample") && matches!(metric, Metric::Fed(_)) {
        let message = "this metric is fed by the host, so there is nothing to sample; leave `sample` out";
        section.fault("sample", message);
    }
    let clear = clear.unwrap_or(bound.threshold());
    let (sane, advice) = match bound {
        Bound::Above(threshold) => (clear <= threshold, "at or below `above`"),
        Bound::Below(threshold) => (clear >= threshold, "at or above `below`"),
    };
    if !sane {
        let threshold = bound.threshold();
        let message = format!("{clear} is on the side of {threshold} that rings; `clear` has to be {advice}");
        section.fault("clear", message);
    }
    Some(Alert { name: name?, metric, bound, clear, hold, every, sample })
}

fn bound(section: &Section<'_>) -> Option<Bound> {
    let (above, below) = (section.number("above"), section.number("below"));
    if section.has("above") && section.has("below") {
        section.fault("below", "`above` and `below` stand here together; write an alert for each");
    } else if !section.has("above") && !section.has("below") {
        section.reading.fault(section.at, &section.path, "a threshold is missing: write `above` or `below`");
    }
    above.map(Bound::Above).or(below.map(Bound::Below))
}

fn metric(section: &Section<'_>) -> Option<Metric> {
    let words = section.text("metric")?;
    let gauge = match Gauge::parse(&words.text, &|path| section.reading.path(path)) {
        Ok(None) if !is_metric_name(&words.text) => {
            section.fault("metric", format!("{} is no name of a metric: {METRIC_FORM}", words.shown));
            return None;
        }
        Ok(None) => {
            warn_of_slip(section, &words.text, &words.shown);
            return Some(Metric::Fed(words.text));
        }
        Ok(Some(gauge)) => gauge,
        Err(message) => {
            section.fault("metric", message);
            return None;
        }
    };
    match gauge.check() {
        Ok(()) => Some(Metric::BuiltIn(words.text, gauge)),
        Err(reason) => {
            section.fault("metric", format!("{} cannot be measured here: {reason}", words.shown));
            None
        }
    }
}

/// A name that the host feeds, and that looks like one of Taskbell's own.
fn warn_of_slip(section: &Section<'_>, name: &str, shown: &str) {
    if let Some(known) = nearest(name, BUILT_IN.iter().copied()) {
        let message = format!("{shown} is not built in; unless the host feeds it, `{known}` is meant");
        section.reading.warn(section.place("metric"), &format!("{}.metric", section.path), message);
    }
}

/// Whether a metric can have this name.
fn is_metric_name(name: &str) -> bool {
    (1..=128).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}
