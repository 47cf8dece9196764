//! `[[hooks]]`.

use super::farm::FarmPart;
use super::hook_keys::{HookPlace, keys};
use super::names::{read_endpoint_names, read_event_types};
use super::shaping;
use super::table_reader::TableReader;
use super::template;
use crate::hooks::Hook;
use std::collections::HashSet;

/// `endpoints` are the configured names.
pub(super) fn read_all(tables: &[TableReader<'_>], endpoints: &[&str], part: FarmPart) -> Vec<Hook> {
    let mut names = HashSet::new();
    let read = |table: &TableReader<'_>| {
        let hook = read(table, endpoints);
        check_place(table, part);
        if !names.insert(hook.name.clone()) {
            table.error(&keys::NAME, "another hook has this name already");
        }
        hook
    };
    tables.iter().map(read).collect()
}

/// Whether the hook may be where it is written.
fn check_place(table: &TableReader<'_>, part: FarmPart) {
    let place = table.read(&keys::AT).unwrap_or_default();
    match (part, place) {
        (FarmPart::Node, HookPlace::Relay) => table.error(
            &keys::AT,
            "this configuration is that of a node, whose relay has the hooks of the farm: move the hook there, or write \
             `at = \"node\"` to let it fire here for what happens on this node alone",
        ),
        (FarmPart::Relay, HookPlace::Node) => {
            table.error(&keys::AT, "this configuration is that of a relay: move the hook to those of the nodes");
        }
        (FarmPart::Alone, _) if table.has(&keys::AT) => {
            table.warn(&keys::AT, "`at` has no effect without `[farm]`");
        }
        _ => {}
    }
}

/// A template says itself whom it pings.
fn read_mentions(table: &TableReader<'_>) -> Option<Vec<String>> {
    let mentions = table.read(&keys::MENTIONS)?;
    if table.has(&keys::TEMPLATE) {
        table.warn(
            &keys::MENTIONS,
            "`mentions` has no effect together with `template`: name whom to mention in the template",
        );
    }
    Some(mentions.into_iter().map(|text| text.text).collect())
}

fn read(table: &TableReader<'_>, endpoints: &[&str]) -> Hook {
    let to = read_endpoint_names(table, &keys::TO, endpoints);
    Hook {
        shaping: shaping::read(table, endpoints, &to),
        name: table.read_string(&keys::NAME).unwrap_or_else(|| table.path.clone()).into(),
        on: read_event_types(table, &keys::ON),
        to,
        when: table.read(&keys::WHEN),
        min_tasks: table.read(&keys::MIN_TASKS),
        min_duration: table.read(&keys::MIN_DURATION),
        relative: table.read(&keys::RELATIVE),
        only_failures: table.read(&keys::ONLY_FAILURES).unwrap_or_default(),
        smart: table.read(&keys::SMART).unwrap_or_default(),
        manual: table.read(&keys::MANUAL).unwrap_or_default(),
        mentions: read_mentions(table),
        silences_successes: table.read(&keys::SILENT),
        template: template::read(table, &keys::TEMPLATE, &keys::SYNTAX),
    }
}
