//! Explains, hook by hook, why an event causes a message or not.

use super::hook::{Digest, Hook};
use super::matching::{Rules, decide, evaluate, listens};
use super::reason::Reason;
use super::subject::Subject;
use super::task_params::Notify;
use crate::clock;
use crate::message::ConditionResult;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    pub hook: String,
    pub matched: bool,
    /// The endpoints it notifies. Empty for a matching hook when earlier hooks notify all its endpoints.
    pub to: Vec<String>,
    pub why: String,
}

pub fn explain(rules: Rules<'_>, subject: &Subject) -> Vec<Explanation> {
    let decision = decide(rules, subject, &mut |_, _| Some(0));
    let of_hook = |hook: &Hook| {
        let reason = reason(hook, subject);
        let matches = decision.matches.iter().filter(|matched| std::ptr::eq(matched.hook, hook));
        let to: Vec<String> = matches.map(|matched| matched.endpoint.name.to_string()).collect();
        let mut why = reason.sentence(hook, subject);
        if reason.matches() && to.is_empty() {
            why.push_str("; but an earlier hook already notifies its endpoints");
        } else if reason.matches() {
            shaping(hook, subject).iter().for_each(|effect| why.extend(["; ", effect]));
        }
        Explanation { hook: hook.name.to_string(), matched: reason.matches(), to, why }
    };
    rules.hooks.iter().map(of_hook).collect()
}

/// The effects that a matching hook's shaping has on its message.
fn shaping(hook: &Hook, subject: &Subject) -> Vec<String> {
    let mut effects = Vec::new();
    let shaping = &hook.shaping;
    if let Some(cooldown) = shaping.cooldown {
        effects.push(format!(
            "suppressed if it matched less than {} s before, its `cooldown`",
            cooldown.as_secs_f64()
        ));
    }
    let quiet = shaping.quiet.as_ref().filter(|quiet| {
        let except = quiet.except.as_ref().map(|except| except.holds(&subject.context));
        matches!(except, None | Some(ConditionResult::False))
    });
    match (shaping.digest, quiet.and_then(|quiet| quiet.hours.end_after(subject.accepted_at))) {
        (Some(Digest::Window(window)), _) => {
            effects.push(format!("gathered with others for {} s, its `digest`", window.as_secs_f64()));
        }
        (Some(Digest::Queue), _) => effects.push("gathered until its queue ends, its `digest`".to_owned()),
        (None, Some(end)) => {
            effects.push(format!("held in its `quiet_hours` until {}", clock::rfc3339(end)));
        }
        (None, None) => {}
    }
    effects
}

/// Why a hook matches an event that [`super::decide`] found to match.
pub fn why(hook: &Hook, subject: &Subject) -> String {
    reason(hook, subject).sentence(hook, subject)
}

/// Why a hook does not match an event; `None` when it does.
pub fn why_not(hook: &Hook, subject: &Subject) -> Option<String> {
    let reason = reason(hook, subject);
    (!reason.matches()).then(|| reason.sentence(hook, subject))
}

fn reason(hook: &Hook, subject: &Subject) -> Reason {
    if subject.params.notify == Notify::None {
        return Reason::Unwanted;
    }
    if listens(hook, subject) {
        return evaluate(hook, subject);
    }
    if hook.manual && hook.hears(&subject.kind) { Reason::NotAsked } else { Reason::NotListening }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::event::{EventId, Payload};
    use crate::hooks::{Facts, TaskParams};
    use crate::tally::{QueueTally, Task};
    use serde_json::{Map, Value as Json, json};
    use std::sync::Arc;

    fn explained(hook: &str, kind: &str, payload: Json) -> (bool, String) {
        let text = format!(
            "[endpoints.a]\nurl = 'https://a.example.com/'\n[[hooks]]\non = ['{kind}']\nto = ['a']\n{hook}"
        );
        let config = Config::load(&text).unwrap();
        let mut payload: Map<String, Json> = payload.as_object().unwrap().clone();
        let (params, _) = TaskParams::take(&mut payload);
        let payload: Arc<Payload> = Arc::new(payload.into());
        let facts = Facts::new(EventId::new(1, 1), kind, 0, &payload, &config.host);
        let subject = match kind {
            "queue.end" => Subject::of_queue(&facts, &QueueTally::default()),
            _ => Subject::of_task(&facts, params, &Task::read(payload.tree()), None),
        };
        let explanation = explain(config.rules(), &subject).remove(0);
        assert_eq!(explanation.matched, !explanation.to.is_empty());
        (explanation.matched, explanation.why)
    }

    #[test]
    fn a_hook_that_did_not_match_names_the_number_that_decided() {
        let queue = json!({"total": 3, "failed": 0, "duration_s": 12.5, "usual_s": 10, "done": true});
        for (hook, why) in [
            ("min_tasks = 10", "min_tasks is 10, and there were 3"),
            (
                "when = 'not (queue.total < 4 and queue.done == true)'",
                "`when` is false: `not queue.total < 4` where queue.total is 3, \
                 `not queue.done == true` where queue.done is true",
            ),
            ("min_duration = '1m'", "min_duration is 60 s, and it took 12.5 s"),
            ("only_failures = true", "only_failures, and nothing failed"),
            ("smart = true", "smart, and there was no failure, nor 10 tasks, nor 60 s of work"),
            ("relative = 1.5", "relative is 1.5, and it took 12.5 s where 10 s is usual"),
            (
                "when = 'queue.total >= 10 or queue.failed > 0'",
                "`when` is false: `queue.total >= 10` where queue.total is 3, `queue.failed > 0` where queue.failed is 0",
            ),
            (
                "when = 'queue.total > 1 and queue.name == \"film\" and queue.x'",
                "`when` is false: `queue.name == \"film\"` where queue.name is 'default'",
            ),
            (
                "when = 'queue.nothing > 1'",
                "`when` is false: `queue.nothing > 1` where queue.nothing is undefined",
            ),
            ("manual = true", "`manual`: the task does not ask for it"),
        ] {
            assert_eq!(explained(hook, "queue.end", queue.clone()), (false, why.to_owned()));
        }
        let (matched, why) = explained("relative = 2", "queue.end", json!({"duration_s": 12.5}));
        assert_eq!((matched, why.as_str()), (false, "relative, and nothing is usual before five runs"));
        let at_end = json!({"webhook_params": {"notify": "manual_at_end"}});
        assert!(
            explained("manual = true", "task.complete", at_end)
                .1
                .contains("at the end of its batch or queue")
        );
        let none = json!({"webhook_params": {"notify": "none"}});
        assert!(explained("", "task.complete", none).1.contains("notify is none"));
    }

    #[test]
    fn a_hook_that_matches_names_the_effect_of_its_shaping() {
        for (hook, why) in [
            (
                "cooldown = '90s'",
                "it listens to queue.end; suppressed if it matched less than 90 s before, its `cooldown`",
            ),
            ("digest = '15m'", "it listens to queue.end; gathered with others for 900 s, its `digest`"),
            ("digest = 'queue'", "it listens to queue.end; gathered until its queue ends, its `digest`"),
            (
                "quiet_hours = '22:00-07:00'\nquiet_zone = '+00:00'",
                "it listens to queue.end; held in its `quiet_hours` until 1970-01-01T07:00:00.000Z",
            ),
            ("quiet_hours = '22:00-23:00'\nquiet_zone = '+00:00'", "it listens to queue.end"),
            (
                "quiet_hours = '22:00-07:00'\nquiet_zone = '+00:00'\nquiet_except = 'queue.total == 1'",
                "it listens to queue.end",
            ),
        ] {
            assert_eq!(explained(hook, "queue.end", json!({"total": 1})), (true, why.to_owned()), "{hook}");
        }
    }

    #[test]
    fn a_hook_that_matched_names_the_conditions_that_hold() {
        let queue = json!({"total": 12, "failed": 1, "duration_s": 61, "usual_s": 20});
        for (hook, why) in [
            ("", "it listens to queue.end"),
            ("min_tasks = 10", "12 tasks, min_tasks is 10"),
            ("smart = true", "one failed"),
            ("relative = 1.5", "it took 61 s where 20 s is usual, relative is 1.5"),
            (
                "min_duration = '1m'\nwhen = 'queue.total < 3 or queue.total >= 10'",
                "it took 61 s, min_duration is 60 s; `queue.total >= 10` where queue.total is 12",
            ),
            ("when = 'not (queue.total < 3)'", "`not queue.total < 3` where queue.total is 12"),
        ] {
            let why = why.to_owned();
            assert_eq!(explained(hook, "queue.end", queue.clone()), (true, why));
        }
        let (matched, why) =
            explained("when = 'task.id + 1 > 2'", "task.complete", json!({"id": "x".repeat(500)}));
        assert!(matched && why.starts_with("`when` could not be evaluated"), "{why}");
    }
}
