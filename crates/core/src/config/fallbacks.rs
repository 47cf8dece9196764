//! Checks across endpoints and hooks: fallbacks lead somewhere else, and each endpoint is used.

use super::diagnostic::did_you_mean;
use super::endpoint;
use super::table_reader::TableReader;
use crate::endpoint::Endpoint;
use crate::hooks::Hook;
use std::sync::Arc;

/// Rejects a `fallback` to an unknown endpoint, and fallbacks that lead back to their start.
pub(super) fn check_fallbacks(tables: &[(&str, TableReader<'_>)], endpoints: &[Arc<Endpoint>]) {
    let names: Vec<&str> = tables.iter().map(|(name, _)| *name).collect();
    let key = &endpoint::keys::FALLBACK;
    for (name, table) in tables {
        let Some(fallback) = next(endpoints, name) else { continue };
        if !names.contains(&fallback) {
            let advice = did_you_mean(fallback, names.iter().copied());
            table.error(key, format!("unknown endpoint `{fallback}`{advice}"));
            continue;
        }
        let steps = std::iter::successors(Some(fallback), |at| next(endpoints, at));
        let path: Vec<&str> = steps.take(names.len() + 1).collect();
        if let Some(end) = path.iter().position(|at| at == name) {
            let cycle = path[..=end].join("` → `");
            table.error(key, format!("a fallback must not lead back to itself: `{name}` → `{cycle}`"));
        }
    }
}

fn next<'e>(endpoints: &'e [Arc<Endpoint>], name: &str) -> Option<&'e str> {
    endpoints.iter().find(|endpoint| &*endpoint.name == name)?.fallback.as_deref()
}

pub(super) fn warn_of_unused_endpoints(
    tables: &[(&str, TableReader<'_>)],
    hooks: &[Hook],
    endpoints: &[Arc<Endpoint>],
) {
    for (name, table) in tables {
        let by_hook = |hook: &Hook| {
            let escalated = hook.shaping.escalate.iter().flat_map(|escalate| &escalate.to);
            hook.to.iter().chain(escalated).any(|to| to == name)
        };
        let by_endpoint = |endpoint: &Arc<Endpoint>| endpoint.fallback.as_deref() == Some(*name);
        // A fallback is of use only if some hook sends anything.
        let as_fallback = !hooks.is_empty() && endpoints.iter().any(by_endpoint);
        if !as_fallback && !hooks.iter().any(by_hook) {
            let message = "no hook sends to this endpoint; add it to the `to` of a hook";
            table.context.warn(table.at, &table.path, message);
        }
    }
}
