//! What a task asked to be told of at the end of its queue and batch.

use super::Task;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// The most bytes that are kept of a task, as JSON: they wait in memory and in the spool.
const MAX_BYTES: usize = 16 * 1024;

/// The fields that are kept of a larger task.
const ESSENTIALS: [&str; 10] =
    ["id", "name", "kind", "status", "user", "queue", "batch", "started_at", "finished_at", "duration_s"];

/// The most bytes of one of them.
const MAX_FIELD_BYTES: usize = 512;

/// A task with `notify = "manual_at_end"`, as the end of its queue or batch tells of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The task, without its outputs: the message is about the whole, and no file of it may be left by
    /// then.
    pub task: Map<String, Json>,
    /// The endpoints it named.
    pub to: Vec<String>,
    /// Its values for templates.
    pub vars: Map<String, Json>,
    /// The address it named.
    #[serde(default)]
    pub url: Option<String>,
}

impl Asked {
    /// Keeps what the end needs: of a large task its essentials alone.
    pub fn by(task: &Map<String, Json>, to: &[String], vars: &Map<String, Json>) -> Asked {
        let mut task = task.clone();
        task.shift_remove("outputs");
        if size(&task) > MAX_BYTES {
            task.retain(|key, value| {
                ESSENTIALS.contains(&key.as_str()) && value.to_string().len() <= MAX_FIELD_BYTES
            });
        }
        let to = to.iter().filter(|name| name.len() <= MAX_FIELD_BYTES).cloned().collect();
        let vars = if size(vars) > MAX_BYTES { Map::new() } else { vars.clone() };
        Asked { task, to, vars, url: None }
    }

    /// Whether the task belongs to this batch.
    pub fn is_of(&self, batch: &str) -> bool {
        Task::read(&self.task).batch.is_some_and(|of| of.id == batch)
    }
}

fn size(fields: &Map<String, Json>) -> usize {
    serde_json::to_vec(fields).map_or(usize::MAX, |bytes| bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(json: Json) -> Map<String, Json> {
        json.as_object().unwrap().clone()
    }

    #[test]
    fn a_task_is_kept_without_its_outputs() {
        let task = fields(json!({"id": 1, "params": {"seed": 7}, "outputs": [{"url": "a"}]}));
        let asked = Asked::by(&task, &["team".into()], &fields(json!({"x": 1})));
        assert_eq!(Json::Object(asked.task), json!({"id": 1, "params": {"seed": 7}}));
        assert_eq!((asked.to, asked.vars["x"].clone()), (vec!["team".to_owned()], json!(1)));
    }

    #[test]
    fn what_waits_for_the_end_is_bounded() {
        let long = "x".repeat(MAX_BYTES);
        let task = fields(json!({"id": 1, "name": long, "params": {"prompt": long}, "user": "mira"}));
        let asked = Asked::by(&task, std::slice::from_ref(&long), &fields(json!({"x": long})));
        assert_eq!(Json::Object(asked.task.clone()), json!({"id": 1, "user": "mira"}));
        assert!(asked.to.is_empty() && asked.vars.is_empty());
    }
}
