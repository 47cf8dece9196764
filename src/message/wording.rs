//! Every word a card says of itself. A further language is a second table of this type.

/// The words of one language. `{…}` stands for a value; see [`fill`].
pub(super) struct Wording {
    pub task_done: &'static str,
    pub task_failed: &'static str,
    pub task_cancelled: &'static str,
    pub named: &'static str,
    pub queue_started: &'static str,
    pub queue_finished: &'static str,
    pub batch_finished: &'static str,
    pub batch_stalled: &'static str,
    pub counted: &'static str,
    pub server_started: &'static str,
    pub server_stopped: &'static str,
    pub alert_firing: &'static str,
    pub alert_resolved: &'static str,
    pub digest: &'static str,
    pub more: &'static str,
    pub unnamed_task: &'static str,
    pub failure: &'static str,
    pub duration: &'static str,
    pub per_task: &'static str,
    pub tasks: &'static str,
    pub failed: &'static str,
    pub cancelled: &'static str,
    pub model: &'static str,
    pub kind: &'static str,
    pub user: &'static str,
    pub users: &'static str,
    pub queue: &'static str,
    pub batch: &'static str,
    pub remaining: &'static str,
    pub host: &'static str,
    pub metric: &'static str,
    pub value: &'static str,
    pub threshold: &'static str,
    pub since: &'static str,
    pub suppressed: &'static str,
}

/// English.
pub(super) const ENGLISH: Wording = Wording {
    task_done: "Task done",
    task_failed: "Task failed",
    task_cancelled: "Task cancelled",
    named: "{what}: {name}",
    queue_started: "Queue started",
    queue_finished: "Queue finished",
    batch_finished: "Batch finished",
    batch_stalled: "Batch stalled",
    counted: "{what}: {succeeded} of {total} succeeded",
    server_started: "Server started",
    server_stopped: "Server stopped",
    alert_firing: "Alert",
    alert_resolved: "Alert resolved",
    digest: "{count} events: {type}",
    more: "and {count} more",
    unnamed_task: "a task without a name",
    failure: "{name}: {reason}",
    duration: "Duration",
    per_task: "Per task",
    tasks: "Tasks",
    failed: "Failed",
    cancelled: "Cancelled",
    model: "Model",
    kind: "Kind",
    user: "User",
    users: "Users",
    queue: "Queue",
    batch: "Batch",
    remaining: "Still in queue",
    host: "Host",
    metric: "Metric",
    value: "Value",
    threshold: "Threshold",
    since: "Since",
    suppressed: "Silenced before",
};

/// Puts values in the place of their `{names}`. A value is never searched for names itself.
pub(super) fn fill(pattern: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        filled.push_str(before);
        filled.push_str(values.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value));
        rest = after;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_looks_like_a_name_stays_as_it_is() {
        assert_eq!(
            fill("{what}: {name}", &[("what", "Done {name}"), ("name", "{what}")]),
            "Done {name}: {what}"
        );
        assert_eq!(fill("a {unknown} b {", &[]), "a  b {");
    }
}
