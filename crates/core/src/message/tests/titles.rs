//! Titles name which queue, batch or host they are about, where there is more than one.

use super::super::{Context, Notice, Several};
use serde_json::{Value as Json, json};

fn title(kind: &str, json: &Json, several: Several) -> String {
    Notice::from_context(kind, &Context::new(json.clone()).among(several)).title
}

#[test]
fn a_title_names_the_queue_batch_or_host_where_there_are_several() {
    let end = |name: &str| json!({"queue": {"name": name, "total": 3, "succeeded": 3, "failed": 0, "cancelled": 0}});
    let stalled = json!({"batch": {"id": "night", "done": 3, "expected": 24, "idle_s": 600}});
    let task = json!({"task": {"name": "frame 7", "queue": "default", "status": "error"}});
    let alert = json!({"alert": {"name": "disk"}});
    let long = end(&"q".repeat(200));
    let long_title = format!("Queue finished: all 3 succeeded · {}…", "q".repeat(59));
    let table = [
        // Alone, among several queues, and on a spool of several hosts as well.
        (
            "queue.end",
            end("default"),
            [
                "Queue finished: all 3 succeeded",
                "Queue finished: all 3 succeeded · default",
                "Queue finished: all 3 succeeded · default, h",
            ],
        ),
        (
            "queue.end",
            end("portraits"),
            [
                "Queue finished: all 3 succeeded · portraits",
                "Queue finished: all 3 succeeded · portraits",
                "Queue finished: all 3 succeeded · portraits, h",
            ],
        ),
        (
            "queue.end",
            json!({"queue": {"name": "portraits", "status": "cancelled"}}),
            ["Queue cancelled · portraits", "Queue cancelled · portraits", "Queue cancelled · portraits, h"],
        ),
        ("queue.end", long, [&long_title, &long_title, &format!("{long_title}, h")]),
        (
            "queue.start",
            end("portraits"),
            ["Queue started: portraits", "Queue started: portraits", "Queue started: portraits · h"],
        ),
        (
            "queue.start",
            end("default"),
            ["Queue started", "Queue started · default", "Queue started · default, h"],
        ),
        (
            "batch.end",
            json!({"batch": {"id": 7, "total": 2, "failed": 2}}),
            [
                "Batch finished: all 2 failed · 7",
                "Batch finished: all 2 failed · 7",
                "Batch finished: all 2 failed · 7, h",
            ],
        ),
        (
            "batch.stalled",
            stalled,
            [
                "Batch stalled: 3 of 24 done, nothing for 10 min · night",
                "Batch stalled: 3 of 24 done, nothing for 10 min · night",
                "Batch stalled: 3 of 24 done, nothing for 10 min · night, h",
            ],
        ),
        (
            "task.complete",
            task,
            ["Task failed: frame 7", "Task failed: frame 7 · default", "Task failed: frame 7 · default, h"],
        ),
        ("alert.firing", alert.clone(), ["Alert: disk", "Alert: disk", "Alert: disk · h"]),
        (
            "alert.resolved",
            alert,
            ["Alert resolved: disk", "Alert resolved: disk", "Alert resolved: disk · h"],
        ),
        ("server.start", json!({}), ["Server started: h", "Server started: h", "Server started: h"]),
        ("own.event", json!({}), ["own.event", "own.event", "own.event · h"]),
    ];
    for (kind, mut json, titles) in table {
        json["host"] = json!({"name": "h"});
        let of = |queues, hosts| title(kind, &json, Several { queues, hosts });
        assert_eq!([of(false, false), of(true, false), of(true, true)], titles, "{kind}");
    }
    let mut chinese = end("portraits");
    chinese["host"] = json!({"name": "h", "language": "zh"});
    let both = Several { queues: true, hosts: true };
    assert_eq!(title("queue.end", &chinese, both), "队列结束：3 个任务全部成功 · portraits、h");
}

#[test]
fn a_digest_names_the_host_in_its_title_and_the_queues_in_its_lines() {
    let item = |queue: &str| {
        let queue = json!({"name": queue, "total": 3, "succeeded": 3, "failed": 0, "cancelled": 0});
        json!({"event": {"type": "queue.end"}, "queue": queue, "host": {"name": "h"}})
    };
    let json =
        json!({"digest": {"items": [item("default"), item("night")], "count": 2}, "host": {"name": "h"}});
    let both = Several { queues: true, hosts: true };
    let digest = Notice::from_context("queue.end", &Context::new(json.clone()).among(both));
    assert_eq!(digest.title, "2 queues finished · h");
    let lines = "• Queue finished: all 3 succeeded · default\n• Queue finished: all 3 succeeded · night";
    assert_eq!(digest.text.as_deref(), Some(lines));
    assert_eq!(title("queue.end", &json, Several::default()), "2 queues finished");
}
