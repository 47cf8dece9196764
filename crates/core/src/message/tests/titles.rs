//! Titles name which queue, batch or host they are about, where there is more than one.

use super::super::{Context, Notice, Several};
use serde_json::{Value as Json, json};

fn title(kind: &str, json: &Json, several: Several) -> String {
    Notice::from_context(kind, &Context::new(json.clone()).among(several)).title
}

#[test]
fn a_title_names_the_queue_batch_or_host_that_it_is_about() {
    let end = |name: &str| json!({"queue": {"name": name, "total": 3, "succeeded": 3, "failed": 0, "cancelled": 0}});
    let stalled = json!({"batch": {"id": "night", "done": 3, "expected": 24, "idle_s": 600}});
    let counts = json!({"id": "shot 042", "total": 240, "succeeded": 237, "failed": 3, "cancelled": 0});
    let task = json!({"task": {"name": "frame 7", "queue": "default", "status": "error"}});
    let alert = json!({"alert": {"name": "disk", "value": 8.5, "threshold": 10, "direction": "below"}});
    let long = end(&"q".repeat(200));
    let long_title = format!("{}… on h: all 3 tasks done", "q".repeat(59));
    let table = [
        // Alone, among several queues, and on a spool of several hosts as well.
        (
            "queue.end",
            end("default"),
            ["Queue finished on h: all 3 tasks done", "Queue default on h: all 3 tasks done", ""],
        ),
        ("queue.end", end("portraits"), ["portraits on h: all 3 tasks done", "", ""]),
        (
            "queue.end",
            json!({"queue": {"name": "portraits", "status": "cancelled"}}),
            ["portraits cancelled on h", "", ""],
        ),
        ("queue.end", json!({"queue": {"name": "portraits"}}), ["portraits finished on h", "", ""]),
        ("queue.end", long, [&long_title, "", ""]),
        ("queue.start", end("portraits"), ["portraits started on h: 3 tasks", "", ""]),
        (
            "queue.start",
            json!({"queue": {"name": "default"}}),
            ["Queue started on h", "Queue default started on h", ""],
        ),
        ("batch.end", json!({"batch": counts}), ["shot 042 on h: 237 of 240 done, 3 failed", "", ""]),
        (
            "batch.end",
            json!({"batch": {"id": 7, "total": 2, "failed": 2}}),
            ["Batch 7 on h: all 2 tasks failed", "", ""],
        ),
        (
            "batch.progress",
            json!({"batch": {"id": "shot 042", "total": 240, "done": 12, "failed": 1}}),
            ["shot 042 running on h: 12 of 240 done, 1 failed", "", ""],
        ),
        ("batch.stalled", stalled, ["night stalled on h: 3 of 24 done, nothing for 10 min", "", ""]),
        (
            "task.complete",
            task,
            ["Task failed: frame 7", "Task failed: frame 7 · default", "Task failed: frame 7 · default, h"],
        ),
        ("alert.firing", alert.clone(), ["Alert on h: disk, 8.5 (below 10)", "", ""]),
        ("alert.resolved", alert, ["Alert resolved on h: disk, now 8.5", "", ""]),
        ("server.start", json!({}), ["Server started: h", "", ""]),
        ("own.event", json!({}), ["own.event", "", "own.event · h"]),
    ];
    for (kind, mut json, mut titles) in table {
        json["host"] = json!({"name": "h"});
        let of = |queues, hosts| title(kind, &json, Several { queues, hosts });
        // An empty title is as the one before.
        for at in 1..titles.len() {
            titles[at] = if titles[at].is_empty() { titles[at - 1] } else { titles[at] };
        }
        assert_eq!([of(false, false), of(true, false), of(true, true)], titles, "{kind}");
    }
}

#[test]
fn a_title_in_chinese_reads_as_one() {
    let counts = json!({"id": "镜头 042", "total": 240, "succeeded": 237, "failed": 3, "cancelled": 0});
    let all = json!({"name": "default", "total": 3, "succeeded": 3});
    let interrupted = json!({"name": "夜间", "total": 5, "succeeded": 3, "failed": 0, "interrupted": true});
    let alert =
        json!({"name": "磁盘", "value": 8.5, "threshold": 10, "direction": "below", "duration_s": 60});
    let reminder = json!({"name": "磁盘", "value": 8.5, "threshold": 10, "direction": "below", "duration_s": 7500, "reminder": 2});
    for (kind, about, wanted) in [
        ("batch.end", json!({"batch": counts}), "镜头 042（h）：完成 237/240，失败 3"),
        ("queue.end", json!({"queue": all}), "队列已结束（h）：3 个任务全部完成"),
        ("queue.end", json!({"queue": interrupted}), "夜间已中断（h）：完成 3/5"),
        ("queue.start", json!({"queue": {"total": 12}}), "队列已开始（h）：12 个任务"),
        (
            "batch.stalled",
            json!({"batch": {"id": 7, "done": 3, "expected": 24, "idle_s": 600}}),
            "批次 7 停滞（h）：完成 3/24，10 分钟没有进展",
        ),
        ("alert.firing", json!({"alert": alert}), "告警（h）：磁盘，8.5（低于 10）"),
        (
            "alert.firing",
            json!({"alert": reminder}),
            "告警持续中（h）：磁盘，8.5（低于 10），已持续 2 小时 5 分",
        ),
        ("alert.resolved", json!({"alert": alert}), "告警已解除（h）：磁盘，当前 8.5，持续了 1 分钟"),
        (
            "task.complete",
            json!({"task": {"name": "肖像 07", "duration_s": 42}}),
            "任务完成：肖像 07（42 秒）",
        ),
        ("task.complete", json!({"task": {"name": "肖像 07", "status": "error"}}), "任务失败：肖像 07"),
        (
            "task.complete",
            json!({"task": {"kind": "training", "name": "角色", "duration_s": 7500}}),
            "训练完成：角色（2 小时 5 分）",
        ),
    ] {
        let mut context = about;
        context["host"] = json!({"name": "h", "language": "zh"});
        assert_eq!(title(kind, &context, Several::default()), wanted, "{kind}");
    }
}

#[test]
fn a_studio_calls_a_task_by_its_own_word() {
    let words = |language: &str, task: &str, tasks: &str| json!({"name": "h", "language": language, "words": {"task": task, "tasks": tasks}});
    let (frames, shots) = (words("en", "frame", "frames"), words("zh", "镜头", "镜头"));
    let end = json!({"name": "night", "total": 240, "succeeded": 237, "failed": 3, "cancelled": 0});
    let one = json!({"name": "night", "total": 1, "succeeded": 1});
    let item = |status: &str| json!({"event": {"type": "task.complete"}, "task": {"status": status}});
    let digest = json!({"items": [item("error"), item("error")], "count": 2});
    for (host, kind, about, wanted) in [
        (&frames, "queue.end", json!({"queue": end}), "night on h: 237 of 240 frames done, 3 failed"),
        (&frames, "queue.end", json!({"queue": one}), "night on h: 1 frame done"),
        (&frames, "queue.start", json!({"queue": {"total": 240}}), "Queue started on h: 240 frames"),
        (
            &frames,
            "task.complete",
            json!({"task": {"name": "0042", "status": "error"}}),
            "Frame failed: 0042",
        ),
        (&frames, "task.complete", json!({"digest": digest}), "2 frames failed"),
        (&shots, "queue.end", json!({"queue": end}), "night（h）：完成 237/240 个镜头，失败 3"),
        (&shots, "task.complete", json!({"digest": digest}), "2 个镜头失败"),
    ] {
        let mut context = about;
        context["host"] = host.clone();
        assert_eq!(title(kind, &context, Several::default()), wanted);
    }
    let seconds =
        json!({"total": 2, "succeeded": 2, "task_seconds": {"mean": 37.2}, "failed": 1, "failures": [{}]});
    let card = Notice::from_context("queue.end", &Context::new(json!({"queue": seconds, "host": frames})));
    assert_eq!(
        (card.facts[0].label.as_str(), card.failures[0].reason.as_deref()),
        ("Per frame", Some("Frame failed"))
    );
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
    let lines = "• Queue default: all 3 tasks done\n• night: all 3 tasks done";
    assert_eq!(digest.text.as_deref(), Some(lines));
    assert_eq!(title("queue.end", &json, Several::default()), "2 queues finished");
}
