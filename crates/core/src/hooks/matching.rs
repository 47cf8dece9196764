//! Which hooks match an event, and which endpoints they notify.

use super::hook::Hook;
use super::hook_table::HookTable;
use super::reason::{Reason, SMART_DURATION, SMART_TASKS};
use super::subject::Subject;
use super::task_params::Notify;
use crate::endpoint::{Endpoint, EndpointDirectory};
use crate::message::ConditionResult;
use std::sync::Arc;
use std::time::Duration;

/// The configured hooks and the endpoints they name.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    pub hooks: &'a HookTable,
    pub endpoints: &'a dyn EndpointDirectory,
}

/// A hook that matches an event, and one endpoint that it notifies.
#[derive(Clone)]
pub struct Match<'a> {
    pub hook: &'a Hook,
    /// A configured endpoint, or the address that the task named.
    pub endpoint: Arc<Endpoint>,
    /// How many matches the hook's cooldown suppressed since its last message.
    pub suppressed: u64,
}

#[derive(Default)]
pub struct Decision<'a> {
    /// An endpoint gets one message for an event: from the first hook, in the order of the configuration,
    /// that matches.
    pub matches: Vec<Match<'a>>,
    pub remarks: Vec<String>,
    /// Conditions that could not be evaluated, and therefore matched.
    pub broken_conditions: u64,
    /// `webhook_params` that could not be applied.
    pub ignored_params: u64,
}

impl Decision<'_> {
    /// A condition of a hook cannot be evaluated, so the hook matches.
    pub fn note_broken(&mut self, hook: &Hook, subject: &Subject, condition: &str, reason: &str) {
        self.broken_conditions += 1;
        self.remarks.push(format!(
            "`{condition}` of {} could not be evaluated for {}, so the hook matches: {reason}",
            hook.name, subject.id
        ));
    }
}

/// Decides which hooks match an event. A `when` that cannot be evaluated matches: a broken filter must not
/// suppress an alarm. `cooldown` is asked before each match: `None` suppresses it, as if the hook did not match;
/// `Some(n)` lets it pass after `n` suppressed matches.
pub fn decide<'a>(
    rules: Rules<'a>,
    subject: &Subject,
    cooldown: &mut dyn FnMut(&'a Hook, &mut Decision<'a>) -> Option<u64>,
) -> Decision<'a> {
    let mut decision = Decision::default();
    if subject.params.notify == Notify::None {
        return decision;
    }
    let requested = requested_endpoints(rules, subject, &mut decision);
    let named = named_address(rules, subject, &mut decision);
    // Those for whom a task asked may hear of its own event alone.
    let others: &[Hook] = if subject.for_asked { rules.hooks } else { &[] };
    let heard = rules.hooks.hearing(&subject.kind).filter(|_| !subject.for_asked);
    for hook in heard.chain(others).filter(|hook| listens(hook, subject)) {
        if !matches(hook, subject, &mut decision) {
            continue;
        }
        let to = if requested.is_empty() { &hook.to } else { &requested };
        let endpoints: Vec<&Arc<Endpoint>> = to
            .iter()
            .filter_map(|name| rules.endpoints.endpoint(name))
            .chain(&named)
            .filter(|endpoint| !decision.matches.iter().any(|matched| matched.endpoint.name == endpoint.name))
            .collect();
        if endpoints.is_empty() {
            continue;
        }
        let Some(suppressed) = cooldown(hook, &mut decision) else { continue };
        for endpoint in endpoints {
            // A task may name an endpoint twice.
            if !decision.matches.iter().any(|matched| matched.endpoint.name == endpoint.name) {
                decision.matches.push(Match { hook, endpoint: Arc::clone(endpoint), suppressed });
            }
        }
    }
    decision
}

/// A hook with `manual = true` only gets tasks that ask for it: with the task itself, or at the end of its
/// batch or queue.
pub(super) fn listens(hook: &Hook, subject: &Subject) -> bool {
    let has = |kind: &str| hook.hears(kind);
    match (hook.manual, subject.for_asked) {
        (false, true) => false,
        (false, false) => has(&subject.kind),
        (true, true) => has("task.complete") || has(&subject.kind),
        (true, false) => subject.params.notify == Notify::Manual && has(&subject.kind),
    }
}

/// The configured endpoints among those that the task asks for.
fn requested_endpoints(rules: Rules<'_>, subject: &Subject, decision: &mut Decision<'_>) -> Vec<String> {
    let known = |name: &&String| rules.endpoints.endpoint(name).is_some();
    let (requested, unknown): (Vec<_>, Vec<_>) = subject.params.to.iter().partition(known);
    if !unknown.is_empty() {
        decision.ignored_params += 1;
        decision.remarks.push(format!(
            "webhook_params.to of {} names endpoints that are not configured ({}); they are ignored",
            subject.id,
            unknown.len()
        ));
    }
    requested.into_iter().cloned().collect()
}

/// The address that the task names, if `[network] task_urls` allows it.
fn named_address(rules: Rules<'_>, subject: &Subject, decision: &mut Decision<'_>) -> Option<Arc<Endpoint>> {
    let url = subject.params.url.as_ref()?;
    let endpoint = rules.endpoints.task_endpoint(url);
    if endpoint.is_none() {
        decision.ignored_params += 1;
        decision.remarks.push(format!(
            "webhook_params.url of {} matches none of `[network] task_urls`; it is ignored",
            subject.id
        ));
    }
    endpoint
}

fn matches(hook: &Hook, subject: &Subject, decision: &mut Decision<'_>) -> bool {
    match evaluate(hook, subject) {
        Reason::Matches => {}
        Reason::Unread(threshold, field) => {
            decision.note_broken(hook, subject, threshold, &format!("{field} of the event cannot be read"));
        }
        Reason::Broken(reason) => decision.note_broken(hook, subject, "when", &reason),
        _ => return false,
    }
    true
}

/// Evaluates the conditions of a hook that listens to the event, the cheap ones first.
pub(super) fn evaluate(hook: &Hook, subject: &Subject) -> Reason {
    let scale = &subject.scale;
    let large = |least: u64| scale.tasks.is_some_and(|tasks| tasks >= least);
    let long = |least: Duration| scale.duration_s.is_some_and(|seconds| seconds >= least.as_secs_f64());
    let failed = scale.failed > 0 || scale.interrupted;
    // A threshold that cannot be read holds, like a broken `when`; the first one is named.
    let mut unread = None;
    let mut holds = |holds: bool, threshold: &'static str, field: Option<&'static str>| match (holds, field) {
        (false, Some(field)) => {
            unread.get_or_insert(Reason::Unread(threshold, field));
            true
        }
        (holds, _) => holds,
    };
    let tasks = scale.unread.tasks.then_some("`total`");
    let duration = scale.unread.duration.then_some("the duration");
    let failures = scale.unread.failed.then_some("`failed`");
    if hook.only_failures && !holds(failed, "only_failures", failures) {
        return Reason::NoFailure;
    }
    if hook.min_tasks.is_some_and(|least| !holds(large(least), "min_tasks", tasks)) {
        return Reason::TooFewTasks;
    }
    if hook.min_duration.is_some_and(|least| !holds(long(least), "min_duration", duration)) {
        return Reason::TooShort;
    }
    let is_smart = failed || large(SMART_TASKS) || long(SMART_DURATION);
    if hook.smart && !holds(is_smart, "smart", duration.or(tasks).or(failures)) {
        return Reason::NotSmart;
    }
    if hook.relative.is_some_and(|times| !holds(scale.is_longer_than_usual(times), "relative", duration)) {
        return Reason::NotLongerThanUsual;
    }
    match hook.when.as_ref().map(|when| when.holds(&subject.context)) {
        None | Some(ConditionResult::True) => unread.unwrap_or(Reason::Matches),
        Some(ConditionResult::False) => Reason::WhenFalse,
        Some(ConditionResult::Broken(reason)) => Reason::Broken(reason),
    }
}

#[cfg(test)]
mod tests;
