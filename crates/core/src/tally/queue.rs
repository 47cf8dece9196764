//! The count of one queue over one busy period.

use super::end_requests::EndRequests;
use super::progress::TaskRate;
use super::task::{Status, Task, read_duration};
use crate::clock;
use crate::event::WorkCounts;
use crate::json::{Members, json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::sync::Arc;

const MAX_FAILURES: usize = 20;

const MAX_USERS: usize = 100;

/// The pictures of a contact sheet.
const MAX_PICTURES: usize = 9;

const MAX_PATH_BYTES: usize = 1000;

/// The most characters kept of a failure's name or message: they wait in memory and in the spool.
const MAX_TEXT_CHARS: usize = 500;

/// A task that failed, for the summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub id: Option<Box<str>>,
    pub name: Option<Box<str>>,
    pub error: FailureReason,
}

/// Why a task failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailureReason {
    #[serde(rename = "type")]
    pub kind: Option<Box<str>>,
    pub message: Option<Box<str>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Seconds {
    count: u64,
    min: f64,
    max: f64,
    sum: f64,
}

/// Counts of one queue.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct QueueTally {
    pub total: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub cancelled: u64,
    /// When the busy period began, in Unix milliseconds.
    pub started_at: i64,
    /// When the last task ended, in Unix milliseconds.
    pub finished_at: i64,
    seconds: Seconds,
    #[serde(default, skip_serializing_if = "TaskRate::is_unknown")]
    pub(super) pace: TaskRate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
    // Shared with the snapshots that are being looked at.
    users: Arc<Vec<Box<str>>>,
    failures: Arc<Vec<Failure>>,
    /// The paths of the first pictures, for a contact sheet.
    #[serde(default, skip_serializing_if = "no_pictures")]
    pictures: Arc<Vec<Box<str>>>,
    #[serde(default, skip_serializing_if = "EndRequests::is_empty", rename = "wishes")]
    pub asked: EndRequests,
}

fn no_pictures(pictures: &Arc<Vec<Box<str>>>) -> bool {
    pictures.is_empty()
}

impl QueueTally {
    /// Nothing counted yet, in a busy period that began at this time (Unix milliseconds).
    pub fn opened_at(started_at: i64) -> QueueTally {
        QueueTally { started_at, ..QueueTally::default() }
    }

    /// Counts a task that was reported at `accepted_at` (Unix milliseconds).
    pub fn count(&mut self, task: &Task, accepted_at: i64) {
        let began = task.began_at(accepted_at);
        let before = if self.total == 0 { began } else { self.finished_at };
        self.started_at = if self.total == 0 { began } else { self.started_at.min(began) };
        self.finished_at = self.finished_at.max(accepted_at);
        self.total += 1;
        self.pace.measure(self.total, accepted_at - before);
        if let Some(remaining) = task.remaining {
            self.expected = Some(self.total.saturating_add(remaining));
        }
        match task.status {
            Status::Success => self.succeeded += 1,
            Status::Cancelled => self.cancelled += 1,
            Status::Error => {
                self.failed += 1;
                self.name_failure(task);
            }
        }
        if let Some(seconds) = task.duration_s {
            self.seconds.add(&Seconds { count: 1, min: seconds, max: seconds, sum: seconds });
        }
        if let Some(user) = &task.user {
            self.name_user(user);
        }
        if let Some(picture) = task.picture.as_deref().filter(|path| path.len() <= MAX_PATH_BYTES) {
            self.keep_picture(picture);
        }
    }

    /// Adds the count that another process made of the same queue.
    pub fn add(&mut self, other: &QueueTally) {
        let first = [self, other].iter().filter(|tally| tally.total > 0).map(|tally| tally.started_at).min();
        self.started_at = first.unwrap_or(self.started_at.min(other.started_at));
        self.finished_at = self.finished_at.max(other.finished_at);
        if self.pace.is_unknown() {
            self.pace = other.pace;
        }
        self.expected = match (self.expected, other.expected) {
            (Some(expected), _) => Some(expected + other.total),
            (None, expected) => expected.map(|expected| expected + self.total),
        };
        self.total += other.total;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.seconds.add(&other.seconds);
        for user in other.users.iter() {
            self.name_user(user);
        }
        self.asked.add(&other.asked);
        for picture in other.pictures.iter() {
            self.keep_picture(picture);
        }
        for failure in other.failures.iter() {
            let known = |one: &Failure| one.id.is_some() && one.id == failure.id;
            if self.failures.len() < MAX_FAILURES && !self.failures.iter().any(known) {
                self.keep_failure(failure.clone());
            }
        }
    }

    /// The counts as they are now, less who asked: cheap, whatever they name.
    pub fn snapshot(&self) -> QueueTally {
        let (users, failures) = (Arc::clone(&self.users), Arc::clone(&self.failures));
        let pictures = Arc::clone(&self.pictures);
        QueueTally { users, failures, pictures, asked: EndRequests::default(), ..*self }
    }

    /// The summary as templates and receivers see it, as of `now` (Unix milliseconds), over what the host
    /// passed itself. Where both know a number the tally's stands, once it has counted a task.
    pub fn summary(&self, name: &str, now: i64, passed: &Map<String, Json>) -> Map<String, Json> {
        let own = [
            ("name", json!(name)),
            ("total", json!(self.total)),
            ("succeeded", json!(self.succeeded)),
            ("failed", json!(self.failed)),
            ("cancelled", json!(self.cancelled)),
            ("started_at", json!(clock::rfc3339(self.started_at))),
            ("finished_at", json!(clock::rfc3339(now))),
            ("duration_s", json!(round_ms((now - self.started_at).max(0) as f64 / 1000.0))),
            ("task_seconds", self.seconds.summary()),
            ("users", json!(self.users)),
            ("failures", json!(self.failures)),
        ];
        let mut summary = Map::with_capacity(passed.len() + own.len());
        summary.extend(
            passed.iter().filter(|(key, _)| *key != "queue").map(|(key, value)| (key.clone(), value.clone())),
        );
        if self.total == 0 {
            read_duration(&mut summary);
        }
        for (key, value) in own {
            if self.total > 0 || key == "name" || !summary.contains_key(key) {
                summary.insert(key.to_owned(), value);
            }
        }
        if !self.pictures.is_empty() && !summary.contains_key("outputs") {
            let outputs = self.pictures.iter().map(|path| json!({ "path": path }));
            summary.put("outputs", outputs.collect());
        }
        summary
    }

    /// As [`QueueTally::summary`], of a queue that has ended. Where only the host counts, what it did not pass is null:
    /// zero tasks of 600 would be a claim.
    pub fn end_summary(&self, name: &str, now: i64, passed: &Map<String, Json>) -> Map<String, Json> {
        let mut summary = self.summary(name, now, passed);
        let is_passed = |field: &str| passed.get(field).is_some_and(|value| !value.is_null());
        let counts = WorkCounts::read(passed).named();
        if self.total > 0 || !counts.iter().any(|(field, _)| is_passed(field)) {
            return summary;
        }
        let mut tell = |field: &str, value: Json| {
            if !is_passed(field) {
                summary.insert(field.to_owned(), value);
            }
        };
        for (field, count) in counts {
            tell(field, json!(count));
        }
        tell("task_seconds", json!({ "min": null, "mean": null, "max": null, "sum": null }));
        // A queue of which nothing but its end was heard began nowhere.
        if self.started_at >= now {
            tell("started_at", Json::Null);
            if !is_passed("duration_s") {
                summary.put("duration_s", Json::Null);
                read_duration(&mut summary);
            }
        }
        summary
    }

    fn name_user(&mut self, user: &str) {
        let user = cut(user);
        if self.users.len() < MAX_USERS && !self.users.iter().any(|known| **known == *user) {
            Arc::make_mut(&mut self.users).push(user.into());
        }
    }

    fn keep_picture(&mut self, path: &str) {
        if self.pictures.len() < MAX_PICTURES && !self.pictures.iter().any(|known| **known == *path) {
            Arc::make_mut(&mut self.pictures).push(path.into());
        }
    }

    /// A thousand queues may each have a full list: it grows by a few at a time.
    fn keep_failure(&mut self, failure: Failure) {
        let failures = Arc::make_mut(&mut self.failures);
        if failures.len() == failures.capacity() {
            failures.reserve_exact(5);
        }
        failures.push(failure);
    }

    fn name_failure(&mut self, task: &Task) {
        if self.failures.len() < MAX_FAILURES {
            let (kind, message) = &task.error;
            let failure = Failure {
                id: task.id.as_deref().map(clip),
                name: task.name.as_deref().map(clip),
                error: FailureReason {
                    kind: kind.as_deref().map(clip),
                    message: message.as_deref().map(clip),
                },
            };
            self.keep_failure(failure);
        }
    }
}

impl Seconds {
    fn add(&mut self, other: &Seconds) {
        if other.count > 0 {
            self.min = if self.count == 0 { other.min } else { self.min.min(other.min) };
            self.max = self.max.max(other.max);
            self.sum += other.sum;
            self.count += other.count;
        }
    }

    fn summary(&self) -> Json {
        if self.count == 0 {
            return json!({ "min": null, "mean": null, "max": null, "sum": 0.0 });
        }
        json!({
            "min": round_ms(self.min),
            "mean": round_ms(self.sum / self.count as f64),
            "max": round_ms(self.max),
            "sum": round_ms(self.sum),
        })
    }
}

/// Seconds to the millisecond: what lies below is noise in a message.
fn round_ms(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(MAX_TEXT_CHARS).map_or(text.len(), |(end, _)| end);
    &text[..end]
}

fn clip(text: &str) -> Box<str> {
    cut(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(json: Json) -> Task {
        Task::read(json.as_object().unwrap())
    }

    #[test]
    fn the_summary_adds_up() {
        let mut tally = QueueTally::default();
        tally.count(&task(json!({"duration_s": 2, "user": "ada"})), 10_000);
        tally.count(&task(json!({"duration_s": 4, "user": "ada", "status": "cancelled"})), 14_000);
        tally.count(
            &task(
                json!({"status": "error", "id": 7, "name": "n", "error": {"type": "OOM", "message": "full"}}),
            ),
            15_000,
        );
        let summary = tally.summary("film", 20_000, &Map::new());
        assert_eq!(summary["total"], 3);
        assert_eq!(
            (&summary["succeeded"], &summary["failed"], &summary["cancelled"]),
            (&json!(1), &json!(1), &json!(1))
        );
        assert_eq!(summary["started_at"], "1970-01-01T00:00:08.000Z");
        assert_eq!(summary["duration_s"], 12.0);
        assert_eq!(summary["task_seconds"], json!({"min": 2.0, "mean": 3.0, "max": 4.0, "sum": 6.0}));
        assert_eq!(summary["users"], json!(["ada"]));
        let failure = json!([{"id": "7", "name": "n", "error": {"type": "OOM", "message": "full"}}]);
        assert_eq!(summary["failures"], failure);
    }

    #[test]
    fn what_the_host_passed_stands_beside_the_count() {
        let passed = json!({"total": 9, "scene": "x", "queue": "film"});
        let passed = passed.as_object().unwrap();
        let mut tally = QueueTally::default();
        assert_eq!(tally.summary("film", 0, passed)["total"], 9, "nothing was counted");
        tally.count(&task(json!({})), 0);
        let summary = tally.summary("film", 0, passed);
        assert_eq!((&summary["total"], &summary["scene"]), (&json!(1), &json!("x")));
        assert_eq!(summary.get("queue"), None);
    }

    #[test]
    fn what_a_host_that_counts_by_itself_does_not_pass_is_unknown_at_the_end() {
        let end = |tally: &QueueTally, passed: Json| {
            Json::Object(tally.end_summary("film", 9_000, passed.as_object().unwrap()))
        };
        let told = |summary: &Json| {
            ["total", "succeeded", "failed", "cancelled", "started_at", "duration_s"]
                .map(|field| summary[field].clone())
        };
        let nothing = QueueTally::opened_at(9_000);
        let bare = end(&nothing, json!({"total": 600}));
        assert_eq!(
            told(&bare),
            [json!(600), json!(null), json!(null), json!(null), json!(null), json!(null)]
        );
        assert_eq!(bare["task_seconds"]["sum"], json!(null));
        assert_eq!((&bare["users"], &bare["failures"]), (&json!([]), &json!([])));
        let timed = end(&nothing, json!({"total": 5, "failed": 5, "started_at": 4}));
        assert_eq!(told(&timed), [json!(5), json!(0), json!(5), json!(0), json!(4), json!(5.0)]);
        let unread = end(&nothing, json!({"total": 5, "duration_s": "soon"}));
        assert_eq!(unread["duration_s"], "soon", "a threshold notices that it cannot be read");
        let started = end(&QueueTally::opened_at(2_000), json!({"total": 600}));
        assert_eq!((&started["duration_s"], &started["failed"]), (&json!(7.0), &json!(null)));
        assert_eq!(end(&nothing, json!({}))["succeeded"], 0, "Taskbell counted, and there was nothing");
        let mut counted = QueueTally::default();
        counted.count(&task(json!({})), 9_000);
        assert_eq!(end(&counted, json!({"total": 600}))["cancelled"], 0, "Taskbell counted");
    }

    #[test]
    fn lists_in_the_summary_are_bounded() {
        let mut tally = QueueTally::default();
        for number in 0..1000 {
            let long = "x".repeat(10_000);
            let failed =
                json!({"status": "error", "user": format!("u{number}"), "name": long, "error": long});
            tally.count(&task(failed), number);
        }
        assert_eq!((tally.failures.len(), tally.users.len()), (MAX_FAILURES, MAX_USERS));
        assert!(serde_json::to_vec(&tally).unwrap().len() < 50_000);
    }

    #[test]
    fn the_first_twenty_failures_are_named_in_their_order() {
        let mut tally = QueueTally::default();
        for number in 0..50 {
            let status = if number % 2 == 0 { "error" } else { "success" };
            tally.count(&task(json!({"id": number, "status": status})), number);
        }
        let summary = tally.summary("film", 50, &Map::new());
        let named: Vec<&str> =
            summary["failures"].as_array().unwrap().iter().filter_map(|one| one["id"].as_str()).collect();
        let first: Vec<String> = (0..20).map(|number| (2 * number).to_string()).collect();
        assert_eq!(named, first);
        assert_eq!(summary["failed"], 25);
    }

    #[test]
    fn two_counts_of_one_queue_add_up() {
        let mut one = QueueTally::default();
        one.count(&task(json!({"duration_s": 1})), 5_000);
        let mut two = QueueTally::default();
        two.count(&task(json!({"duration_s": 3, "status": "error"})), 4_000);
        one.add(&two);
        assert_eq!((one.total, one.failed, one.started_at, one.finished_at), (2, 1, 1_000, 5_000));
        assert_eq!(one.seconds.summary()["mean"], 2.0);
    }

    #[test]
    fn a_queue_names_its_first_pictures_once_each_unless_the_host_does() {
        let counted = |paths: &[String]| {
            let mut tally = QueueTally::default();
            for path in paths {
                let outputs = json!([{"path": "run.log"}, {"path": path}]);
                let task = json!({ "outputs": outputs });
                tally.count(&Task::read(task.as_object().unwrap()), 1000);
            }
            tally
        };
        let paths: Vec<String> = (0..12).map(|n| format!("{n}.png")).collect();
        let mut tally = counted(&[&paths[..5], &paths[..5]].concat());
        tally.add(&counted(&paths));
        let tally: QueueTally =
            serde_json::from_value(serde_json::to_value(tally.snapshot()).unwrap()).unwrap();
        let shown = tally.summary("q", 2000, &Map::new());
        let wanted: Vec<Json> = paths[..9].iter().map(|path| json!({ "path": path })).collect();
        assert_eq!(shown["outputs"], json!(wanted));
        let passed = json!({"outputs": []});
        assert_eq!(tally.summary("q", 2000, passed.as_object().unwrap())["outputs"], json!([]));
        assert_eq!(QueueTally::default().summary("q", 2000, &Map::new()).get("outputs"), None);
        assert_eq!(
            counted(&["x".repeat(1001) + ".png"]).summary("q", 2000, &Map::new()).get("outputs"),
            None
        );
    }
}
