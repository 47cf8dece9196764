//! Hooks: which of them fire for an event, and at which endpoints. Runs on the clerk's thread.

mod subject;
mod task_params;

pub use subject::{Facts, Scale, Subject};
pub use task_params::{Notify, TaskParams};

use crate::config::{Config, Endpoint, Hook};
use crate::message::Verdict;
use std::sync::Arc;
use std::time::Duration;

/// What `smart = true` calls large, and long.
const SMART_TASKS: u64 = 10;
const SMART_DURATION: Duration = Duration::from_secs(60);

/// A hook that fires for an event, and one endpoint that it rings at.
#[derive(Debug, Clone, Copy)]
pub struct Ring<'a> {
    /// The hook.
    pub hook: &'a Hook,
    /// The endpoint.
    pub endpoint: &'a Arc<Endpoint>,
    /// How often the hook was silent since it fired last, for its cooldown.
    pub suppressed: u64,
}

/// What was decided of an event.
#[derive(Debug, Default)]
pub struct Decision<'a> {
    /// What rings. An endpoint hears of an event once: the first hook in the order of the configuration
    /// that fires for it gives the message.
    pub rings: Vec<Ring<'a>>,
    /// What the operator should know of it, for the log.
    pub remarks: Vec<String>,
    /// How many conditions could not be evaluated, and fired.
    pub broken_conditions: u64,
}

/// Decides which hooks fire for an event. A `when` that cannot be evaluated fires: a broken filter must
/// not silence an alarm.
pub fn decide<'a>(config: &'a Config, subject: &Subject) -> Decision<'a> {
    decide_through(config, subject, &mut |_, _| Some(0))
}

/// As [`decide`], but each hook that is about to fire asks `gate` (its cooldown): `None` keeps it silent,
/// as if it had not fired; a number says how often it was silent before.
pub fn decide_through<'a>(
    config: &'a Config,
    subject: &Subject,
    gate: &mut dyn FnMut(&'a Hook, &mut Decision<'a>) -> Option<u64>,
) -> Decision<'a> {
    let mut decision = Decision::default();
    if subject.params.notify == Notify::None {
        return decision;
    }
    let wanted = wanted_endpoints(config, subject, &mut decision.remarks);
    for hook in config.hooks.iter().filter(|hook| hook.on.contains(&subject.kind)) {
        if !fires(hook, subject, &mut decision) {
            continue;
        }
        let to = if wanted.is_empty() { &hook.to } else { &wanted };
        let fresh: Vec<&Arc<Endpoint>> = to
            .iter()
            .filter_map(|name| config.endpoint(name))
            .filter(|endpoint| !decision.rings.iter().any(|ring| ring.endpoint.name == endpoint.name))
            .collect();
        if fresh.is_empty() {
            continue;
        }
        let Some(suppressed) = gate(hook, &mut decision) else { continue };
        for endpoint in fresh {
            // A task may name an endpoint twice.
            if !decision.rings.iter().any(|ring| ring.endpoint.name == endpoint.name) {
                decision.rings.push(Ring { hook, endpoint, suppressed });
            }
        }
    }
    decision
}

/// The endpoints the task itself asks for, as far as they are configured.
fn wanted_endpoints(config: &Config, subject: &Subject, remarks: &mut Vec<String>) -> Vec<String> {
    let known = |name: &&String| config.endpoint(name).is_some();
    let (wanted, unknown): (Vec<_>, Vec<_>) = subject.params.to.iter().partition(known);
    if !unknown.is_empty() {
        remarks.push(format!(
            "webhook_params.to of {} names {} endpoint(s) that are not configured; they are ignored",
            subject.id,
            unknown.len()
        ));
    }
    wanted.into_iter().cloned().collect()
}

fn fires(hook: &Hook, subject: &Subject, decision: &mut Decision<'_>) -> bool {
    let scale = &subject.scale;
    let large = |least: u64| scale.tasks.is_some_and(|tasks| tasks >= least);
    let long = |least: Duration| scale.duration_s.is_some_and(|seconds| seconds >= least.as_secs_f64());
    let failed = scale.failed > 0;
    if hook.only_failures && !failed
        || hook.min_tasks.is_some_and(|least| !large(least))
        || hook.min_duration.is_some_and(|least| !long(least))
        || hook.smart && !(failed || large(SMART_TASKS) || long(SMART_DURATION))
    {
        return false;
    }
    match hook.when.as_ref().map(|when| when.holds(&subject.context)) {
        None | Some(Verdict::True) => true,
        Some(Verdict::False) => false,
        Some(Verdict::Broken(reason)) => {
            decision.broken_conditions += 1;
            decision.remarks.push(format!(
                "`when` of {} could not be evaluated for {}, so the hook fires: {reason}",
                hook.name, subject.id
            ));
            true
        }
    }
}
