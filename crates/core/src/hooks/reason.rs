//! Why a hook matches an event or not.

use super::hook::Hook;
use super::subject::Subject;
use super::task_params::Notify;
use std::time::Duration;

/// `smart = true` matches from this many tasks and this duration on.
pub(super) const SMART_TASKS: u64 = 10;
pub(super) const SMART_DURATION: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    Matches,
    /// `when` could not be evaluated, for this reason; the hook matches.
    Broken(String),
    /// This threshold needs this field of the event, which cannot be read; the hook matches.
    Unread(&'static str, &'static str),
    NotListening,
    /// The hook has `manual = true`, and the task does not ask for it.
    NotAsked,
    /// `webhook_params.notify` is `none`.
    Unwanted,
    TooFewTasks,
    TooShort,
    NoFailure,
    NotSmart,
    NotLongerThanUsual,
    WhenFalse,
}

impl Reason {
    pub fn matches(&self) -> bool {
        matches!(self, Reason::Matches | Reason::Broken(_) | Reason::Unread(..))
    }

    /// A sentence with the numbers and values that decided.
    pub fn sentence(&self, hook: &Hook, subject: &Subject) -> String {
        let scale = &subject.scale;
        match self {
            Reason::Matches => matched(hook, subject),
            Reason::Broken(reason) => format!("`when` could not be evaluated, so it fires: {reason}"),
            Reason::Unread(threshold, field) => {
                format!(
                    "`{threshold}` could not be evaluated, so it fires: {field} of the event cannot be read"
                )
            }
            Reason::NotListening => format!("it listens to {}", hook.on.join(", ")),
            Reason::NotAsked if subject.params.notify == Notify::ManualAtEnd => {
                "`manual`: the task asks for a message at the end of its batch or queue".to_owned()
            }
            Reason::NotAsked => "`manual`: the task does not ask for it".to_owned(),
            Reason::Unwanted => "the task asks for no notification: webhook_params.notify is none".to_owned(),
            Reason::TooFewTasks => match (scale.tasks, hook.min_tasks.unwrap_or_default()) {
                (Some(1), least) => format!("min_tasks is {least}, and there was 1"),
                (Some(tasks), least) => format!("min_tasks is {least}, and there were {tasks}"),
                (None, least) => format!("min_tasks is {least}, and the event has no number of tasks"),
            },
            Reason::TooShort => {
                let least = seconds(hook.min_duration.unwrap_or_default());
                match scale.duration_s {
                    Some(took) => format!("min_duration is {least} s, and it took {took} s"),
                    None => format!("min_duration is {least} s, and the event has no duration"),
                }
            }
            Reason::NoFailure => "only_failures, and nothing failed".to_owned(),
            Reason::NotSmart => format!(
                "smart, and there was no failure, nor {SMART_TASKS} tasks, nor {} s of work",
                seconds(SMART_DURATION)
            ),
            Reason::NotLongerThanUsual => match (scale.duration_s, scale.usual_s) {
                (None, _) => "relative, and the event has no duration".to_owned(),
                (_, None) => "relative, and nothing is usual before five runs".to_owned(),
                (Some(took), Some(usual)) => {
                    let times = hook.relative.unwrap_or_default();
                    format!("relative is {times}, and it took {took} s where {usual} s is usual")
                }
            },
            Reason::WhenFalse => match &hook.when {
                Some(when) => format!("`when` is false: {}", when.account(&subject.context)),
                None => String::new(),
            },
        }
    }
}

fn matched(hook: &Hook, subject: &Subject) -> String {
    let scale = &subject.scale;
    let mut conditions = Vec::new();
    if let (Some(least), Some(tasks)) = (hook.min_tasks, scale.tasks) {
        conditions.push(format!("{}, min_tasks is {least}", tasks_in_words(tasks)));
    }
    if let (Some(least), Some(took)) = (hook.min_duration, scale.duration_s) {
        conditions.push(format!("it took {took} s, min_duration is {} s", seconds(least)));
    }
    if hook.only_failures || hook.smart && (scale.failed > 0 || scale.interrupted) {
        conditions.push(match scale.failed {
            0 if scale.interrupted => "it was interrupted".to_owned(),
            1 => "one failed".to_owned(),
            failed => format!("{failed} failed"),
        });
    } else if hook.smart {
        let tasks = scale.tasks.map(tasks_in_words);
        let took = scale.duration_s.map(|took| format!("{took} s of work"));
        let large: Vec<String> = tasks.into_iter().chain(took).collect();
        conditions.push(format!("smart: {}", large.join(" and ")));
    }
    if let (Some(times), Some(took), Some(usual)) = (hook.relative, scale.duration_s, scale.usual_s) {
        conditions.push(format!("it took {took} s where {usual} s is usual, relative is {times}"));
    }
    if let Some(when) = &hook.when {
        conditions.push(when.account(&subject.context));
    }
    match conditions.as_slice() {
        [] => format!("it listens to {}", subject.kind),
        conditions => conditions.join("; "),
    }
}

fn tasks_in_words(tasks: u64) -> String {
    if tasks == 1 { "1 task".to_owned() } else { format!("{tasks} tasks") }
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
