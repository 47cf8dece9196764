//! What a task asked to be told of at the end of its queue and batch.

use super::Task;
use crate::event::EventId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// The most bytes that are kept of a task, as JSON: they wait in memory and in the spool.
const MAX_BYTES: usize = 16 * 1024;

/// The fields that are kept of a larger task.
const ESSENTIALS: [&str; 10] =
    ["id", "name", "kind", "status", "user", "queue", "batch", "started_at", "finished_at", "duration_s"];

/// The most bytes of one of them.
const MAX_FIELD_BYTES: usize = 512;

/// The most wishes that wait for one end.
const MAX_WISHES: usize = 32;

/// The most bytes of wishes that wait for one end.
const MAX_WISHES_BYTES: usize = 64 * 1024;

/// The most bytes of wishes that wait for the ends of all queues, and as many for those of all batches.
const MAX_ALL_BYTES: usize = 4 * 1024 * 1024;

/// A task with `notify = "manual_at_end"`, as the end of its queue or batch tells of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EndRequest {
    /// The task, without its outputs: the message is about the whole, and no file of it may be left by
    /// then.
    pub task: Map<String, Json>,
    pub to: Vec<String>,
    pub vars: Map<String, Json>,
    /// The event that reported it.
    pub event: String,
    #[serde(default)]
    pub url: Option<String>,
    /// How many bytes the task and the values are.
    #[serde(default)]
    bytes: usize,
}

/// The wishes that one end is to tell of: the last for each group of endpoints.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndRequests(Vec<EndRequest>);

impl EndRequests {
    /// Keeps one more; one for the same endpoints gives way. `elsewhere` is how many bytes wait for other ends.
    /// `false` when there is no room: it is not kept.
    pub fn keep(&mut self, asked: EndRequest, elsewhere: usize) -> bool {
        self.0.retain(|known| known.to != asked.to || known.url != asked.url);
        let bytes = self.bytes() + asked.weight();
        let fits =
            self.0.len() < MAX_WISHES && bytes <= MAX_WISHES_BYTES && elsewhere + bytes <= MAX_ALL_BYTES;
        if fits {
            self.0.push(asked);
        }
        fits
    }

    /// Adds those that another process keeps for the same end.
    pub fn add(&mut self, other: &EndRequests) {
        let known = |one: &EndRequest, own: &EndRequests| {
            own.iter().any(|own| own.to == one.to && own.url == one.url)
        };
        for asked in other.iter() {
            if !known(asked, self) {
                self.keep(asked.clone(), 0);
            }
        }
    }

    /// Lets go of those that were told of elsewhere; `true` when there were some.
    pub fn let_go(&mut self, mut told: impl FnMut(&EndRequest) -> bool) -> bool {
        let before = self.0.len();
        self.0.retain(|asked| !told(asked));
        before > self.0.len()
    }

    /// Each of them, in the order in which they were asked.
    pub fn iter(&self) -> impl Iterator<Item = &EndRequest> {
        self.0.iter()
    }

    /// Whether nobody asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes wait.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(EndRequest::weight).sum()
    }
}

impl EndRequest {
    /// Keeps what the end needs: of a large task its essentials alone.
    pub fn by(
        event: EventId,
        task: &Map<String, Json>,
        to: &[String],
        vars: &Map<String, Json>,
    ) -> EndRequest {
        let mut task = task.clone();
        task.shift_remove("outputs");
        let mut bytes = size(&task);
        if bytes > MAX_BYTES {
            task.retain(|key, value| {
                ESSENTIALS.contains(&key.as_str()) && value.to_string().len() <= MAX_FIELD_BYTES
            });
            bytes = size(&task);
        }
        let to = to.iter().filter(|name| name.len() <= MAX_FIELD_BYTES).cloned().collect();
        let of_vars = size(vars);
        let (vars, of_vars) = if of_vars > MAX_BYTES { (Map::new(), 2) } else { (vars.clone(), of_vars) };
        EndRequest { task, to, vars, event: event.to_string(), url: None, bytes: bytes + of_vars }
    }

    fn weight(&self) -> usize {
        let to: usize = self.to.iter().map(String::len).sum();
        self.bytes + to + self.url.as_ref().map_or(0, String::len)
    }

    /// The batch of the task, and what it is known by there: its id, or the event that reported it.
    pub fn origin(&self) -> (Option<String>, String) {
        let task = Task::read(&self.task);
        (task.batch.map(|of| of.id), task.id.unwrap_or_else(|| self.event.clone()))
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
        let asked = EndRequest::by(EventId::new(1, 1), &task, &["team".into()], &fields(json!({"x": 1})));
        assert_eq!(Json::Object(asked.task), json!({"id": 1, "params": {"seed": 7}}));
        assert_eq!((asked.to, asked.vars["x"].clone()), (vec!["team".to_owned()], json!(1)));
    }

    #[test]
    fn what_waits_for_the_end_is_bounded() {
        let long = "x".repeat(MAX_BYTES);
        let task = fields(json!({"id": 1, "name": long, "params": {"prompt": long}, "user": "mira"}));
        let asked = EndRequest::by(
            EventId::new(1, 1),
            &task,
            std::slice::from_ref(&long),
            &fields(json!({"x": long})),
        );
        assert_eq!(Json::Object(asked.task.clone()), json!({"id": 1, "user": "mira"}));
        assert!(asked.to.is_empty() && asked.vars.is_empty());
    }
}
