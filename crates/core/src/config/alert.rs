//! `[[alerts]]`.

use super::declaration::DefaultValue::{Described, None as Absent, Required, Toml};
use super::declaration::{ConfigKey, ConfigTable, config_table, key};
use super::diagnostic::nearest;
use super::farm::FarmPart;
use super::load_context::{LoadContext, TextValue};
use super::table_reader::TableReader;
use super::value_types::{DurationRange, NumberRange, Text, duration, parsed_text, text};
use crate::alerts::{Alert, BUILT_IN, Bound, Gauge, Metric};
use crate::event;
use crate::hooks::Hook;
use std::collections::HashSet;
use std::sync::Arc;

const MAX_NAME_BYTES: usize = 128;

config_table! {
    keys: ConfigTable::new(
        "A metric that makes the events `alert.firing` and `alert.resolved`, to which hooks subscribe. \
         `docs/alerts.md` explains the rules.",
    );
    NAME: Text<TextValue> = key("name", text("any text, once"), Required, "The alert's name in events and messages.");
    METRIC: Text<Metric> = key(
        "metric",
        parsed_text("a name that the host feeds, or a built-in one such as `cpu.percent`", parse_metric),
        Required,
        "The observed metric.",
    );
    ABOVE: NumberRange = key("above", NumberRange(None), Absent, "Fires when the value is above this; either this or `below`.");
    BELOW: NumberRange = key("below", NumberRange(None), Absent, "Fires when the value is below this; either this or `above`.");
    CLEAR: NumberRange = key(
        "clear", NumberRange(None), Described("the threshold"),
        "Resolves once the value is here or beyond, away from the threshold.",
    );
    FOR: DurationRange = key(
        "for", duration("0s", "30d"), Toml("\"0s\""), "How long the value must violate the threshold before it fires.",
    );
    EVERY: DurationRange = key(
        "every", duration("1s", "365d"), Absent, "Fires again after this time while not resolved.",
    );
    SAMPLE: DurationRange = key(
        "sample", duration("1s", "1d"), Toml("\"10s\""), "How often a built-in metric is measured.",
    );
}

/// The relay of a node reports its alerts.
pub(super) fn read_all(tables: &[TableReader<'_>], hooks: &[Hook], part: FarmPart) -> Vec<Arc<Alert>> {
    let mut names = HashSet::new();
    let mut alerts = Vec::new();
    for table in tables {
        let Some(alert) = read(table) else { continue };
        if !names.insert(alert.name.clone()) {
            table.error(&keys::NAME, "another alert has this name already");
        }
        alerts.push(Arc::new(alert));
    }
    let subscribed = part == FarmPart::Node || hooks.iter().any(|hook| hook.hears(event::ALERT_FIRING));
    if let (Some(first), false) = (tables.first(), subscribed) {
        let message = "no hook matches `alert.firing`, so no message reports an alert; \
                       add a hook with on = [\"alert.firing\", \"alert.resolved\"]";
        first.context.warn(first.at, &first.path, message);
    }
    alerts
}

/// Every key is read before the first `?`, so that all errors are reported.
fn read(table: &TableReader<'_>) -> Option<Alert> {
    let name = table.read_string(&keys::NAME);
    if name.as_ref().is_some_and(|name| name.len() > MAX_NAME_BYTES) {
        table.error(&keys::NAME, format!("a name has at most {MAX_NAME_BYTES} bytes"));
    }
    let metric = table.read(&keys::METRIC);
    let bound = read_bound(table);
    let clear = table.read(&keys::CLEAR);
    let hold = table.read(&keys::FOR).unwrap_or_default();
    let every = table.read(&keys::EVERY);
    let sample = table.read(&keys::SAMPLE).unwrap_or_default();
    if let Some(Metric::Fed(name)) = &metric {
        warn_of_typo(table, name);
        if table.has(&keys::SAMPLE) {
            table.error(&keys::SAMPLE, "the host feeds this metric, so it is not sampled; remove `sample`");
        }
    }
    let (metric, bound) = (metric?, bound?);
    let clear = clear.unwrap_or(bound.threshold());
    let (valid, advice) = match bound {
        Bound::Above(threshold) => (clear <= threshold, "at or below `above`"),
        Bound::Below(threshold) => (clear >= threshold, "at or above `below`"),
    };
    if !valid {
        let threshold = bound.threshold();
        let message = format!("{clear} is on the firing side of {threshold}; `clear` must be {advice}");
        table.error(&keys::CLEAR, message);
    }
    Some(Alert { name: name?, metric, bound, clear, hold, every, sample })
}

fn read_bound(table: &TableReader<'_>) -> Option<Bound> {
    let (above, below) = (table.read(&keys::ABOVE), table.read(&keys::BELOW));
    match (table.has(&keys::ABOVE), table.has(&keys::BELOW)) {
        (true, true) => {
            let message = "`above` and `below` exclude each other; write one alert for each";
            table.error(&keys::BELOW, message);
        }
        (false, false) => {
            let message = "the threshold is missing: write `above` or `below`";
            table.context.error(table.at, &table.path, message);
        }
        _ => {}
    }
    above.map(Bound::Above).or(below.map(Bound::Below))
}

fn parse_metric(text: &TextValue, context: &LoadContext<'_>) -> Result<Metric, String> {
    match Gauge::parse(&text.text, &|path| context.path(path))? {
        None if !is_metric_name(&text.text) => {
            let form = "1 to 128 printable ASCII characters without spaces";
            Err(format!("{} is not a metric name: use {form}", text.shown))
        }
        None => Ok(Metric::Fed(text.text.clone())),
        Some(gauge) => match gauge.check() {
            Ok(()) => Ok(Metric::BuiltIn(text.text.clone(), gauge)),
            Err(reason) => Err(format!("{} cannot be measured here: {reason}", text.shown)),
        },
    }
}

fn is_metric_name(name: &str) -> bool {
    (1..=128).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

fn warn_of_typo(table: &TableReader<'_>, name: &str) {
    if let Some(known) = nearest(name, BUILT_IN.iter().copied()) {
        let message =
            format!("`{name}` is not built in; did you mean `{known}`? Ignore this if the host feeds it");
        table.warn(&keys::METRIC, message);
    }
}
