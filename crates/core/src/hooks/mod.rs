//! Hooks: which of them fire for an event, and at which endpoints. Runs on the clerk's thread.

mod account;
mod reason;
mod subject;
mod task_params;

pub use account::{Account, account, why};
pub use reason::Reason;

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
#[derive(Debug, Clone)]
pub struct Ring<'a> {
    /// The hook.
    pub hook: &'a Hook,
    /// The endpoint: a configured one, or the address that the task named.
    pub endpoint: Arc<Endpoint>,
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
    /// How many wishes of the task could not be met, and were ignored.
    pub ignored_params: u64,
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
    let wanted = wanted_endpoints(config, subject, &mut decision);
    let named = named_address(config, subject, &mut decision);
    for hook in config.hooks.iter().filter(|hook| hears(hook, subject)) {
        if !fires(hook, subject, &mut decision) {
            continue;
        }
        let to = if wanted.is_empty() { &hook.to } else { &wanted };
        let fresh: Vec<&Arc<Endpoint>> = to
            .iter()
            .filter_map(|name| config.endpoint(name))
            .chain(&named)
            .filter(|endpoint| !decision.rings.iter().any(|ring| ring.endpoint.name == endpoint.name))
            .collect();
        if fresh.is_empty() {
            continue;
        }
        let Some(suppressed) = gate(hook, &mut decision) else { continue };
        for endpoint in fresh {
            // A task may name an endpoint twice.
            if !decision.rings.iter().any(|ring| ring.endpoint.name == endpoint.name) {
                decision.rings.push(Ring { hook, endpoint: Arc::clone(endpoint), suppressed });
            }
        }
    }
    decision
}

/// Whether a hook listens to this event. One with `manual = true` hears the tasks that ask for it: with
/// the task itself, or at the end of its batch or queue.
fn hears(hook: &Hook, subject: &Subject) -> bool {
    let listens = |kind: &str| hook.on.iter().any(|on| on == kind);
    match (hook.manual, subject.for_asked) {
        (false, true) => false,
        (false, false) => listens(&subject.kind),
        (true, true) => listens("task.complete") || listens(&subject.kind),
        (true, false) => subject.params.notify == Notify::Manual && listens(&subject.kind),
    }
}

/// The endpoints the task itself asks for, as far as they are configured.
fn wanted_endpoints(config: &Config, subject: &Subject, decision: &mut Decision<'_>) -> Vec<String> {
    let known = |name: &&String| config.endpoint(name).is_some();
    let (wanted, unknown): (Vec<_>, Vec<_>) = subject.params.to.iter().partition(known);
    if !unknown.is_empty() {
        decision.ignored_params += 1;
        decision.remarks.push(format!(
            "webhook_params.to of {} names {} endpoint(s) that are not configured; they are ignored",
            subject.id,
            unknown.len()
        ));
    }
    wanted.into_iter().cloned().collect()
}

/// The address that the task named, if `[network] task_urls` allows it.
fn named_address(config: &Config, subject: &Subject, decision: &mut Decision<'_>) -> Option<Arc<Endpoint>> {
    let url = subject.params.url.as_ref()?;
    let endpoint = config.task_urls.allow(url).then(|| Endpoint::of_task(url)).flatten();
    if endpoint.is_none() {
        decision.ignored_params += 1;
        decision.remarks.push(format!(
            "webhook_params.url of {} matches none of `[network] task_urls`; it is ignored",
            subject.id
        ));
    }
    endpoint
}

fn fires(hook: &Hook, subject: &Subject, decision: &mut Decision<'_>) -> bool {
    match judge(hook, subject) {
        Reason::Fires => true,
        Reason::Broken(reason) => {
            decision.broken_conditions += 1;
            decision.remarks.push(format!(
                "`when` of {} could not be evaluated for {}, so the hook fires: {reason}",
                hook.name, subject.id
            ));
            true
        }
        _ => false,
    }
}

/// Whether a hook that listens to an event fires for it. The cheap conditions come first.
fn judge(hook: &Hook, subject: &Subject) -> Reason {
    let scale = &subject.scale;
    let large = |least: u64| scale.tasks.is_some_and(|tasks| tasks >= least);
    let long = |least: Duration| scale.duration_s.is_some_and(|seconds| seconds >= least.as_secs_f64());
    let failed = scale.failed > 0;
    if hook.only_failures && !failed {
        return Reason::NothingFailed;
    }
    if hook.min_tasks.is_some_and(|least| !large(least)) {
        return Reason::TooFewTasks;
    }
    if hook.min_duration.is_some_and(|least| !long(least)) {
        return Reason::TooShort;
    }
    if hook.smart && !(failed || large(SMART_TASKS) || long(SMART_DURATION)) {
        return Reason::NotSmart;
    }
    if hook.relative.is_some_and(|times| !scale.is_longer_than_usual(times)) {
        return Reason::NotLonger;
    }
    match hook.when.as_ref().map(|when| when.holds(&subject.context)) {
        None | Some(Verdict::True) => Reason::Fires,
        Some(Verdict::False) => Reason::WhenFalse,
        Some(Verdict::Broken(reason)) => Reason::Broken(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HostInfo;
    use crate::event::EventId;
    use crate::tally::{EndRequest, QueueTally, Task};
    use serde_json::{Map, Value as Json, json};

    const CONFIG: &str = r#"
[network]
task_urls = ["https://hooks.example.com/users/"]
[endpoints.all]
url = "https://a.example.com/hook"
[endpoints.asked]
url = "https://b.example.com/hook"
[[hooks]]
name = "all"
on = ["task.complete", "queue.end"]
to = ["all"]
[[hooks]]
name = "asked"
on = ["task.complete"]
to = ["asked"]
manual = true
"#;

    fn fields(json: Json) -> Map<String, Json> {
        json.as_object().unwrap().clone()
    }

    /// The names of the hooks that fire for a task with these parameters.
    fn fired(params: Json) -> (Vec<String>, u64) {
        let config = Config::load(CONFIG).unwrap();
        let mut payload = fields(json!({"name": "n", "webhook_params": params}));
        let (params, _) = TaskParams::take(&mut payload);
        let facts = facts(&payload, &config.host);
        let subject = Subject::of_task(&facts, params, &Task::read(&payload), None);
        let decision = decide(&config, &subject);
        (names(&decision), decision.ignored_params)
    }

    fn facts<'a>(payload: &'a Map<String, Json>, host: &'a HostInfo) -> Facts<'a> {
        Facts { id: EventId::new(1, 1), kind: "task.complete", accepted_at: 1, payload, host, usual_s: None }
    }

    fn names(decision: &Decision<'_>) -> Vec<String> {
        decision.rings.iter().map(|ring| ring.hook.name.clone()).collect()
    }

    #[test]
    fn a_manual_hook_fires_only_for_a_task_that_asks_for_it() {
        for (notify, hooks) in [
            ("normal", vec!["all"]),
            ("manual", vec!["all", "asked"]),
            ("manual_at_end", vec!["all"]),
            ("none", vec![]),
        ] {
            assert_eq!(fired(json!({"notify": notify})).0, hooks, "{notify}");
        }
        assert_eq!(fired(json!(null)).0, ["all"]);
    }

    #[test]
    fn the_end_of_a_queue_fires_the_manual_hooks_for_those_who_asked() {
        let config = Config::load(CONFIG).unwrap();
        let payload = Map::new();
        let facts = Facts { kind: "queue.end", ..facts(&payload, &config.host) };
        let tally = QueueTally::default();
        let end = Subject::of_queue(&facts, &tally);
        assert_eq!(names(&decide(&config, &end)), ["all"]);
        let task = fields(json!({"name": "n", "outputs": [{"url": "x"}]}));
        let subject = Subject::of_asked(&facts, &end, &EndRequest::by(facts.id, &task, &[], &Map::new()));
        assert_eq!(names(&decide(&config, &subject)), ["asked"]);
        assert_eq!(subject.context.text_at(&["task", "name"]), Some("n"));
        assert!(
            subject.context.at(&["task", "outputs"]).is_none() && subject.context.at(&["queue"]).is_some()
        );
    }

    #[test]
    fn an_allowed_address_hears_what_the_firing_hooks_say_and_no_other_does() {
        let (hooks, ignored) = fired(json!({"url": "https://hooks.example.com/users/mira"}));
        assert_eq!((hooks, ignored), (vec!["all".to_owned(), "all".to_owned()], 0));
        let (hooks, ignored) = fired(json!({"url": "https://hooks.example.com/"}));
        assert_eq!((hooks, ignored), (vec!["all".to_owned()], 1));
        let quiet = fired(json!({"url": "https://hooks.example.com/users/mira", "notify": "none"}));
        assert_eq!(quiet, (vec![], 0));
    }

    #[test]
    fn endpoints_that_are_not_configured_are_ignored_and_counted() {
        assert_eq!(fired(json!({"to": ["nobody", "asked"]})), (vec!["all".to_owned()], 1));
        assert_eq!(fired(json!({"to": ["nobody"]})), (vec!["all".to_owned()], 1));
    }
}
