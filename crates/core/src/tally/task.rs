//! The fields of a task that Taskbell itself understands.

use super::names::short;
use super::{BatchRef, DEFAULT_QUEUE};
use crate::clock::{HostTime, read_seconds};
use crate::event::{NamedFields, is_picture, status_of_word, whole_number};
use crate::json::{Members, json};
use serde_json::{Map, Value as Json};

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// `success`, the default.
    Success = 0,
    /// `error`.
    Error = 1,
    /// `cancelled`.
    Cancelled = 2,
}

impl Status {
    /// As the contract writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Success => "success",
            Status::Error => "error",
            Status::Cancelled => "cancelled",
        }
    }

    /// Hosts have their own words for the same three ends; a task that carries an error has failed
    /// unless it says otherwise.
    fn read(payload: &dyn NamedFields) -> Status {
        match payload.get("status").and_then(Json::as_str).and_then(status_of_word) {
            Some("error") => Status::Error,
            Some("cancelled") => Status::Cancelled,
            Some(_) => Status::Success,
            _ if payload.get("error").is_some_and(|error| !error.is_null()) => Status::Error,
            _ => Status::Success,
        }
    }
}

/// What the tally needs of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// How it ended.
    pub status: Status,
    /// The queue it belongs to.
    pub queue: String,
    /// When it started, in Unix milliseconds, if the host said so.
    pub started_at: Option<i64>,
    /// How long it took, in seconds: as given, or from its start and finish.
    pub duration_s: Option<f64>,
    /// Whether the host tells how long it took, in a form that cannot be read.
    pub duration_unread: bool,
    /// Who asked for it.
    pub user: Option<String>,
    /// Its id, for the list of failures.
    pub id: Option<String>,
    /// Its name, for the list of failures.
    pub name: Option<String>,
    /// What kind of work it is.
    pub kind: Option<String>,
    /// The batch it belongs to.
    pub batch: Option<BatchRef>,
    /// How many tasks its queue still has.
    pub remaining: Option<u64>,
    /// The path of its first picture.
    pub picture: Option<String>,
    /// `error.type` and `error.message`.
    pub error: (Option<String>, Option<String>),
}

impl Task {
    /// The fields that [`Task::read`] reads.
    pub const FIELDS: [&str; 13] = [
        "status",
        "error",
        "queue",
        "started_at",
        "finished_at",
        "duration_s",
        "user",
        "id",
        "name",
        "kind",
        "batch",
        "queue_remaining",
        "outputs",
    ];

    /// Reads a task's payload. Every field is optional, and one of the wrong type counts as missing.
    pub fn read(payload: &dyn NamedFields) -> Task {
        let text = |key: &str| payload.get(key).and_then(scalar_text);
        let started = payload.get("started_at").and_then(HostTime::read);
        let (duration_s, duration_unread) = told_duration(payload);
        let error = payload.get("error");
        let part = |key: &str| error.and_then(|error| error.get(key)).and_then(scalar_text);
        Task {
            status: Status::read(payload),
            queue: text("queue")
                .filter(|name| !name.is_empty())
                .map_or_else(|| DEFAULT_QUEUE.to_owned(), |name| short(&name).to_owned()),
            started_at: started.and_then(HostTime::instant),
            duration_s,
            duration_unread,
            user: text("user"),
            id: text("id"),
            name: text("name"),
            kind: text("kind"),
            batch: read_batch(payload),
            remaining: payload.get("queue_remaining").and_then(whole_number),
            picture: picture_of(payload),
            error: (part("type"), part("message").or_else(|| error.and_then(scalar_text))),
        }
    }
}

fn picture_of(payload: &dyn NamedFields) -> Option<String> {
    let outputs = payload.get("outputs")?.as_array()?;
    outputs.iter().find_map(|output| {
        let path =
            output.get("path")?.as_str().filter(|path| !path.is_empty() && is_picture(output, path))?;
        Some(path.to_owned())
    })
}

impl Task {
    /// When it began, in Unix milliseconds, given when it was reported.
    pub fn began_at(&self, accepted_at: i64) -> i64 {
        let took_ms = self.duration_s.map_or(0, |seconds| (seconds * 1000.0) as i64);
        self.started_at.unwrap_or(accepted_at.saturating_sub(took_ms)).min(accepted_at)
    }
}

/// How many seconds a task, queue or batch took, as given or from its start and finish; and whether that is told in a
/// form that cannot be read.
pub fn told_duration(payload: &dyn NamedFields) -> (Option<f64>, bool) {
    let given = |key: &str| payload.get(key).filter(|value| !value.is_null());
    let (start, finish) = (given("started_at"), given("finished_at"));
    let times = start.and_then(HostTime::read).zip(finish.and_then(HostTime::read));
    let took_ms = times.and_then(|(from, to)| from.until(to));
    let spanned = took_ms.map(|ms| ms.max(0) as f64 / 1000.0);
    let seconds = given("duration_s").and_then(read_seconds).or(spanned);
    let tells = given("duration_s").is_some() || start.is_some() && finish.is_some();
    (seconds, tells && seconds.is_none())
}

/// Puts the duration that a host gives in another form into `duration_s`, as a number of seconds. One that cannot be
/// read stays as it is, or is null, so that no threshold takes another time for it.
pub fn read_duration(summary: &mut Map<String, Json>) {
    match told_duration(&*summary) {
        (Some(seconds), _) if !summary.get("duration_s").is_some_and(Json::is_number) => {
            summary.put("duration_s", json!(seconds));
        }
        (None, true) => {
            summary.entry("duration_s").or_insert(Json::Null);
        }
        _ => {}
    }
}

/// `batch` = {`id`, `total`}; one without an id is none.
fn read_batch(payload: &dyn NamedFields) -> Option<BatchRef> {
    let batch = payload.get("batch")?;
    let id = batch.get("id").and_then(scalar_text).filter(|id| !id.is_empty())?;
    let total = batch.get("total").and_then(Json::as_u64).filter(|total| *total > 0);
    Some(BatchRef { id: short(&id).to_owned(), total })
}

/// A string, or a number as text: hosts number their tasks.
pub fn scalar_text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: Json) -> Task {
        Task::read(json.as_object().unwrap())
    }

    #[test]
    fn a_task_with_no_details_is_a_success_in_the_default_queue() {
        let task = read(json!({}));
        assert_eq!((task.status, task.queue.as_str(), task.duration_s), (Status::Success, "default", None));
    }

    #[test]
    fn hosts_words_for_the_three_ends_are_understood() {
        for (word, status) in
            [("failed", Status::Error), ("Interrupted", Status::Cancelled), ("ok", Status::Success)]
        {
            assert_eq!(read(json!({"status": word})).status, status, "{word}");
        }
        assert_eq!(read(json!({"error": {"message": "out of memory"}})).status, Status::Error);
        assert_eq!(read(json!({"status": "success", "error": "late"})).status, Status::Success);
    }

    #[test]
    fn the_duration_comes_from_the_start_and_finish_when_it_is_not_given() {
        let task = read(json!({"started_at": "2026-01-01T00:00:00Z", "finished_at": 1_767_225_602.5}));
        assert_eq!(task.duration_s, Some(2.5));
        assert_eq!(read(json!({"started_at": 10, "finished_at": 5})).duration_s, Some(0.0));
        assert_eq!(read(json!({"duration_s": -1})).duration_s, None);
        assert_eq!(read(json!({"duration_s": "3", "user": 7, "queue": []})).duration_s, Some(3.0));
    }

    #[test]
    fn a_duration_that_cannot_be_read_is_known_to_be_there() {
        for (payload, unread) in [
            (json!({}), false),
            (json!({"duration_s": null}), false),
            (json!({"started_at": "soon"}), false),
            (json!({"duration_s": 0}), false),
            (json!({"duration_s": "soon"}), true),
            (json!({"duration_s": -1}), true),
            (json!({"started_at": "soon", "finished_at": 5}), true),
            (json!({"started_at": "2026-01-01T10:00:00", "finished_at": "2026-01-01T10:00:00Z"}), true),
            (json!({"duration_s": "soon", "started_at": 1, "finished_at": 5}), false),
        ] {
            assert_eq!(read(payload.clone()).duration_unread, unread, "{payload}");
        }
    }

    #[test]
    fn a_batch_has_an_id_and_perhaps_a_total() {
        let batch = |json: Json| read(json!({"batch": json})).batch;
        assert_eq!(batch(json!({"id": 7, "total": 3})), Some(BatchRef { id: "7".into(), total: Some(3) }));
        for odd in [json!(-1), json!(0), json!("3"), json!(1e30), json!(null)] {
            assert_eq!(
                batch(json!({"id": "a", "total": odd})),
                Some(BatchRef { id: "a".into(), total: None })
            );
        }
        for none in [json!({"total": 3}), json!({"id": ""}), json!({"id": []}), json!([1]), json!("a")] {
            assert_eq!(batch(none), None);
        }
        let long = read(json!({"queue": "ä".repeat(1000), "batch": {"id": "x".repeat(1 << 20)}}));
        assert!(long.queue.len() <= 256 && long.batch.unwrap().id.len() == 256);
    }
}
