use super::super::sample::context as sample_context;
use super::super::strftime;
use super::super::{Context, Notice, Tone, WorkProgress};
use serde_json::{Value as Json, json};

pub(super) fn notice(kind: &str, context: Json) -> Notice {
    Notice::from_context(kind, &Context::new(context))
}

pub(super) fn fact<'a>(notice: &'a Notice, label: &str) -> Option<&'a str> {
    notice.facts.iter().find(|fact| fact.label == label).map(|fact| fact.value.as_str())
}

fn local(time: &str) -> String {
    strftime::local(crate::clock::parse_rfc3339(time).unwrap()).unwrap()
}

fn failures(notice: &Notice) -> Vec<String> {
    let words = super::super::Strings::of(&Context::new(
        json!({"host": {"language": if notice.title.is_ascii() { "en" } else { "zh" }}}),
    ));
    notice.failures.iter().map(|group| group.line(words)).collect()
}

#[test]
fn a_task_shows_its_result() {
    let failed = Notice::from_context("task.complete", &sample_context("task.complete"));
    assert_eq!((failed.tone, failed.title.as_str()), (Tone::Bad, "Task failed: portrait-07"));
    assert_eq!(failed.text.as_deref(), Some("CUDA out of memory: tried to allocate 2.5 GiB"));
    let facts = [
        ("Duration", "42 s, usually 39 s"),
        ("Model", "sdxl-base-1.0"),
        ("User", "mira"),
        ("Batch", "batch-42"),
        ("Seed", "1234567890"),
        ("Size", "1024 × 1024"),
        ("Steps", "30"),
        ("CFG", "7.5"),
        ("loss", "0.0213"),
        ("Error", "OutOfMemory"),
    ];
    for (label, value) in facts {
        assert_eq!(fact(&failed, label), Some(value), "{label}");
    }
    let done = notice("task.complete", json!({"task": {"id": "t1", "error": {"message": "no"}}}));
    assert_eq!((done.tone, done.title.as_str(), done.text), (Tone::Good, "Task done: t1", None));
    let cancelled = notice("task.complete", json!({"task": {"status": "cancelled"}}));
    assert_eq!((cancelled.tone, cancelled.title.as_str()), (Tone::Neutral, "Task cancelled"));
}

#[test]
fn an_output_is_a_link_by_http_only_and_an_image_at_a_public_address() {
    let table = [
        ("https://a.example.com/x.png", Some("https://a.example.com/x.png"), true),
        ("View/my run/x.png", Some("https://h.example.com/base/View/my%20run/x.png"), true),
        ("View/a #1?.png", Some("https://h.example.com/base/View/a%20%231%3F.png"), true),
        ("out/50% #2.png", Some("https://h.example.com/base/out/50%25%20%232.png"), true),
        ("/View/x.PNG", Some("https://h.example.com/base/View/x.PNG"), true),
        ("http://192.168.1.4/x.png", Some("http://192.168.1.4/x.png"), false),
        ("http://localhost:7801/x.png", Some("http://localhost:7801/x.png"), false),
        ("http://[::1]/x.png", Some("http://[::1]/x.png"), false),
        ("http://render/x.png", Some("http://render/x.png"), false),
        ("https://a.example.com/x.mp4", Some("https://a.example.com/x.mp4"), false),
        ("javascript:alert(1)", None, false),
        ("file:///etc/passwd", None, false),
        ("", None, false),
    ];
    for (url, link, shown) in table {
        let context = json!({
            "task": {"outputs": [{ "url": url }]},
            "host": {"base_url": "https://h.example.com/base/"},
        });
        let notice = notice("task.complete", context);
        // Where the output is no link, the host is.
        assert_eq!(notice.link(), link.or(Some("https://h.example.com/base/")), "{url}");
        assert_eq!(notice.image().is_some(), shown, "{url}");
    }
    let video = json!({"task": {"outputs": [{"url": "https://a.example.com/x.png", "mime": "video/mp4"}]}});
    assert_eq!(notice("task.complete", video).image(), None);
    let homeless = json!({"task": {"outputs": [{"url": "x.png"}]}});
    assert_eq!(notice("task.complete", homeless).link(), None);
}

#[test]
fn a_queue_counts_and_names_its_failures() {
    let end = Notice::from_context("queue.end", &sample_context("queue.end"));
    assert_eq!(
        (end.tone, end.title.as_str()),
        (Tone::Warn, "Queue finished on render-07: 198 of 200 done, 1 failed, 1 cancelled")
    );
    assert_eq!(fact(&end, "Duration"), Some("2 h 5 min, usually 1 h 55 min"));
    assert_eq!(end.progress, Some(WorkProgress { done: 198, total: Some(200) }));
    assert_eq!(fact(&end, "Per task"), Some("37 s"));
    assert_eq!(fact(&end, "Users"), Some("mira, jon"));
    assert_eq!(failures(&end), ["portrait-07: CUDA out of memory: tried to allocate 2.5 GiB"]);
    let batch = Notice::from_context("batch.end", &sample_context("batch.end"));
    assert_eq!(batch.title, "batch-42 on render-07: 198 of 200 done, 1 failed, 1 cancelled");

    let named: Vec<Json> = (0..20)
        .map(|n| json!({"id": format!("t{n}"), "error": {"type": (if n == 7 { "Y" } else { "X" })}}))
        .collect();
    let many = notice("queue.end", json!({"queue": {"total": 30, "failed": 30, "failures": named}}));
    assert_eq!(many.tone, Tone::Bad);
    assert_eq!(failures(&many), ["19 × X: t0, t1, t2, t3, t4 and 14 more", "t7: Y", "and 10 more"]);
    assert_eq!(notice("queue.end", json!({})).title, "Queue finished");
    let good = notice("queue.end", json!({"queue": {"name": "night", "total": 12000, "succeeded": 12000}}));
    assert_eq!((good.tone, good.title.as_str()), (Tone::Good, "night: all 12\u{202f}000 tasks done"));
}

#[test]
fn other_events_show_their_payload() {
    let titles = [
        ("queue.start", "Queue started on render-07: 200 tasks", Tone::Neutral),
        ("queue.progress", "Queue running on render-07: 200 of 240 done, 1 failed", Tone::Warn),
        ("batch.progress", "batch-42 running on render-07: 200 of 240 done, 1 failed", Tone::Warn),
        ("batch.stalled", "batch-42 stalled on render-07: 200 of 240 done, nothing for 10 min", Tone::Warn),
        ("server.start", "Server started: render-07", Tone::Neutral),
        ("server.stop", "Server stopped: render-07", Tone::Neutral),
        ("alert.firing", "Alert on render-07: disk, 8.5 (below 10)", Tone::Bad),
        ("alert.resolved", "Alert resolved on render-07: disk, now 12.5, after 1 min", Tone::Good),
        ("render.saved", "render.saved", Tone::Neutral),
    ];
    for (kind, title, tone) in titles {
        let notice = Notice::from_context(kind, &sample_context(kind));
        assert_eq!((notice.title.as_str(), notice.tone), (title, tone));
        assert!(!notice.facts.is_empty() || kind == "queue.start", "{kind}");
    }
    let alert = Notice::from_context("alert.firing", &sample_context("alert.firing"));
    assert_eq!((fact(&alert, "Value"), fact(&alert, "Threshold")), (Some("8.5"), Some("below 10")));
    let saved = Notice::from_context("render.saved", &sample_context("render.saved"));
    assert_eq!(fact(&saved, "name"), Some("sample"));
}

#[test]
fn a_digest_is_one_notice() {
    let item = |status: &str| json!({"event": {"type": "task.complete"}, "task": {"name": status, "status": status}});
    let items = [item("success"), item("error"), item("success")];
    let digest =
        notice("task.complete", json!({"digest": {"items": items, "count": 3}, "host": {"name": "h"}}));
    let expected = "3 tasks finished: 2 succeeded, 1 failed";
    assert_eq!((digest.tone, digest.title.as_str()), (Tone::Bad, expected));
    let text = "1 task failed\n• error: Task failed\n2 tasks succeeded\n• success, success";
    assert_eq!(digest.text.as_deref(), Some(text));
    let cut = notice("task.complete", json!({"digest": {"items": [item("success")], "count": 1200}}));
    assert_eq!(cut.title, "1\u{202f}200 tasks finished");
    let alerts = notice("alert.firing", json!({"digest": {"items": [], "count": 2}}));
    assert_eq!(alerts.title, "2 events: alert.firing");
}

#[test]
fn a_digest_shows_its_newest_picture_and_why_tasks_failed() {
    let item = |task: Json| json!({"event": {"type": "task.complete"}, "task": task});
    let picture =
        |name: &str| item(json!({"outputs": [{"url": format!("https://a.example.com/{name}.png")}]}));
    let failed = item(json!({"name": "t3", "status": "error", "error": {"message": "out of memory"}}));
    let items = [picture("1"), picture("2"), failed];
    let digest = notice("task.complete", json!({"digest": {"items": items, "count": 3}}));
    assert_eq!(digest.image(), Some("https://a.example.com/2.png"));
    assert!(digest.text.unwrap().starts_with("1 task failed\n• t3: out of memory"));
}

#[test]
fn a_card_in_chinese_is_chinese_throughout() {
    let chinese = |kind: &str| {
        let mut context = sample_context(kind).json().clone();
        context["host"]["language"] = json!("zh");
        notice(kind, context)
    };
    let end = chinese("queue.end");
    assert_eq!(end.title, "队列已结束（render-07）：完成 198/200，失败 1，取消 1");
    assert_eq!(
        (fact(&end, "用时"), fact(&end, "任务平均用时")),
        (Some("2 小时 5 分（通常 1 小时 55 分）"), Some("37 秒"))
    );
    assert_eq!(fact(&end, "用户"), Some("mira、jon"));
    assert_eq!(failures(&end), ["portrait-07：CUDA out of memory: tried to allocate 2.5 GiB"]);
    let failed = chinese("task.complete");
    assert_eq!((failed.title.as_str(), fact(&failed, "批次")), ("任务失败：portrait-07", Some("batch-42")));
    let resolved = chinese("alert.resolved");
    assert_eq!((resolved.tone, fact(&resolved, "持续时间")), (Tone::Good, Some("1 分钟")));
    for kind in crate::event::KNOWN_TYPES.iter().copied() {
        let english = Notice::from_context(kind, &sample_context(kind));
        // Names that the host itself gave.
        let known = ["CFG", "loss", "accuracy", "steps_per_second", "version", "pid", "reason", "name", "id"];
        for (fact, other) in chinese(kind).facts.iter().zip(&english.facts) {
            let label = &fact.label;
            assert!(known.contains(&label.as_str()) || *label != other.label, "{kind}: {label}");
        }
        assert_ne!(chinese(kind).title, english.title);
    }
    let all = json!({"queue": {"total": 3, "failed": 3}, "host": {"language": "zh"}});
    assert_eq!(notice("queue.end", all).title, "队列已结束：3 个任务全部失败");
}

#[test]
fn a_failed_task_without_outputs_links_to_its_host() {
    let task = json!({"name": "t", "status": "error", "error": {"message": "no"}});
    let card = notice("task.complete", json!({"task": task, "host": {"base_url": "https://h.example.com"}}));
    assert_eq!(card.link(), Some("https://h.example.com"));
}

#[test]
fn a_reminder_says_that_it_is_one_since_when_and_beside_which_bound() {
    let mut context = sample_context("alert.firing").json().clone();
    context["alert"]["reminder"] = json!(2);
    context["alert"]["duration_s"] = json!(7500);
    let card = notice("alert.firing", context.clone());
    assert_eq!(
        (card.title.as_str(), card.tone),
        ("Alert still firing on render-07: disk, 8.5 (below 10), for 2 h 5 min", Tone::Bad)
    );
    assert_eq!(fact(&card, "Since"), Some(&*local("2026-03-01T18:23:05Z")));
    assert_eq!((fact(&card, "Threshold"), fact(&card, "Value")), (Some("below 10"), Some("8.5")));
    assert_eq!((fact(&card, "Lasting"), fact(&card, "Reminders")), (Some("2 h 5 min"), Some("2")));
    context["host"]["language"] = json!("zh");
    let card = notice("alert.firing", context);
    assert_eq!(fact(&card, "阈值"), Some("低于 10"));
}

#[test]
fn numbers_of_a_card_are_written_for_people() {
    let metrics = json!({"loss": 0.021_345_678, "steps": 123_456, "seed": 1_234_567_890});
    let card = notice("task.complete", json!({"task": {"metrics": metrics}}));
    assert_eq!(fact(&card, "loss"), Some("0.02135"));
    assert_eq!(fact(&card, "steps"), Some("123\u{202f}456"));
    assert_eq!(fact(&card, "seed"), Some("1234567890"));
    let alert = json!({"alert": {"value": 97.123_456, "threshold": 12_500}, "host": {"language": "zh"}});
    let card = notice("alert.firing", alert);
    assert_eq!((fact(&card, "当前值"), fact(&card, "阈值")), (Some("97.12"), Some("12,500")));
}

#[test]
fn a_number_that_is_a_name_stays_as_it_is() {
    let number: Json = serde_json::from_str("2266616331186912456341812302143261679").unwrap();
    for name in "\
        id ID taskId jobID run-id frame_ids noise_seed subseed variationSeed uuid"
        .split_whitespace()
    {
        let card = notice("render.saved", json!({"event": {"data": {name: 1_234_567}}}));
        assert_eq!(fact(&card, name), Some("1234567"), "{name}");
    }
    for name in ["grid", "video", "speed", "steps", "GRID", "widthPx"] {
        let card = notice("render.saved", json!({"event": {"data": {name: 1_234_567}}}));
        assert_eq!(fact(&card, name), Some("1\u{202f}234\u{202f}567"), "{name}");
    }
    let batch = json!({"id": number});
    let card =
        notice("task.complete", json!({"task": {"id": number, "batch": batch, "metrics": {"n": number}}}));
    assert_eq!(card.title, format!("Task done: {number}"));
    assert_eq!(
        (fact(&card, "Batch"), fact(&card, "n")),
        (Some(&*number.to_string()), Some(&*number.to_string()))
    );
}

#[test]
fn an_alert_shows_when_it_started() {
    let resolved = Notice::from_context("alert.resolved", &sample_context("alert.resolved"));
    assert_eq!(fact(&resolved, "Since"), Some(&*local("2026-03-01T18:23:05Z")));
    assert_eq!(fact(&resolved, "Lasted"), Some("1 min"));
    assert_eq!(resolved.link(), Some("https://render-07.example.com"));
    let odd = notice("alert.firing", json!({"alert": {"since": "noon"}}));
    assert_eq!((fact(&odd, "Since"), fact(&odd, "Lasted")), (Some("noon"), None));
}

#[test]
fn what_a_host_did_not_count_is_left_out_and_not_zero() {
    let table = [
        (json!({"total": 600}), "Queue finished: 600 tasks", Tone::Neutral),
        (json!({"total": 600, "failed": 2}), "Queue finished: 2 of 600 failed", Tone::Warn),
        (json!({"total": 2, "failed": 2}), "Queue finished: all 2 tasks failed", Tone::Bad),
        (json!({"total": 600, "failed": 0}), "Queue finished: 600 tasks", Tone::Neutral),
        (json!({"total": 600, "succeeded": 600}), "Queue finished: all 600 tasks done", Tone::Good),
        (json!({"total": 600.0, "succeeded": 600}), "Queue finished: all 600 tasks done", Tone::Good),
        (json!({"total": 600, "succeeded": 10}), "Queue finished: 10 of 600 done", Tone::Neutral),
        (json!({"succeeded": 5, "failed": 1}), "Queue finished: 5 of 6 done, 1 failed", Tone::Warn),
        (json!({"failed": 3}), "Queue finished: 3 failed", Tone::Warn),
        (json!({"succeeded": 3}), "Queue finished: 3 done", Tone::Neutral),
        (json!({"total": 1}), "Queue finished: 1 task", Tone::Neutral),
        (json!({"total": 1, "failed": 1}), "Queue finished: 1 task failed", Tone::Bad),
        (json!({"total": 0}), "Queue finished", Tone::Neutral),
        (json!({}), "Queue finished", Tone::Neutral),
        (json!({"total": 6, "failures": [{"name": "a"}]}), "Queue finished: 6 tasks", Tone::Warn),
        (json!({"total": -1}), "Queue finished", Tone::Neutral),
        (json!({"total": "many"}), "Queue finished", Tone::Neutral),
    ];
    for (passed, title, tone) in table {
        let summary =
            crate::tally::QueueTally::opened_at(5).end_summary("default", 5, passed.as_object().unwrap());
        let card = notice("queue.end", json!({"queue": summary, "event": {"data": passed}}));
        assert_eq!((card.title.as_str(), card.tone), (title, tone), "{passed}");
        assert_eq!(fact(&card, "Duration"), None, "{passed}");
    }
}

#[test]
fn a_cancelled_queue_says_cancelled() {
    let table = [
        (
            json!({"total": 3, "succeeded": 0, "failed": 0, "cancelled": 3}),
            "Queue finished: all 3 tasks cancelled",
        ),
        (
            json!({"total": 1, "succeeded": 0, "failed": 0, "cancelled": 1}),
            "Queue finished: 1 task cancelled",
        ),
        (json!({"status": "cancelled"}), "Queue cancelled"),
        (
            json!({"total": 5, "succeeded": 2, "failed": 0, "cancelled": 3}),
            "Queue finished: 2 of 5 done, 3 cancelled",
        ),
    ];
    for (queue, title) in table {
        let card = notice("queue.end", json!({ "queue": queue }));
        assert_eq!((card.title.as_str(), card.tone), (title, Tone::Neutral), "{queue}");
    }
}

#[test]
fn a_stalled_batch_says_what_is_done_and_for_how_long_nothing_came() {
    let table = [
        (
            json!({"done": 3, "expected": 24, "idle_s": 600}),
            "Batch stalled: 3 of 24 done, nothing for 10 min",
        ),
        (json!({"done": 3, "idle_s": 90}), "Batch stalled: 3 done, nothing for 1 min 30 s"),
        (json!({"total": 3, "succeeded": 3, "expected": 24}), "Batch stalled: 3 of 24 done"),
        (json!({}), "Batch stalled"),
    ];
    for (batch, title) in table {
        let card = notice("batch.stalled", json!({ "batch": batch }));
        assert_eq!((card.title.as_str(), card.tone), (title, Tone::Warn), "{batch}");
    }
    let chinese = json!({"batch": {"done": 3, "expected": 24, "idle_s": 600}, "host": {"language": "zh"}});
    assert_eq!(notice("batch.stalled", chinese).title, "批次停滞：完成 3/24，10 分钟没有进展");
}

#[test]
fn failures_whose_reasons_differ_in_numbers_alone_are_one_group() {
    let groups = |reasons: &[&str]| {
        let item = |(index, reason): (usize, &&str)| {
            let task = json!({"name": format!("t{index}"), "status": "error", "error": {"message": reason}});
            json!({"event": {"type": "task.complete"}, "task": task})
        };
        let items: Vec<Json> = reasons.iter().enumerate().map(item).collect();
        let digest = notice("task.complete", json!({"digest": {"count": items.len(), "items": items}}));
        digest.text.unwrap().lines().count()
    };
    for same in [
        ["tried to allocate 2.5 GiB", "tried to allocate 3 GiB", "tried to allocate 1,024.25 GiB"],
        ["segfault at 0x7fab12", "segfault at 0x0", "segfault at 0xffffffffffff"],
        ["run 3f2a-9c11 lost", "run 12ab-0e77 lost", "run 4711-1 lost"],
        ["第 3 帧失败", "第 12 帧失败", "第 7 帧失败"],
        ["node7: timeout after 30s", "node12: timeout after 5s", "node1: timeout after 120s"],
    ] {
        assert_eq!(groups(&same), 1, "{same:?}");
    }
    assert_eq!(groups(&["no such model a", "no such model b", "out of memory"]), 3);
    assert_eq!(groups(&["model sdxl1 is missing", "model flux2 is missing"]), 2);
}

#[test]
fn an_interrupted_queue_says_so_and_is_not_good() {
    for (language, title) in [("en", "night interrupted: 3 of 5 done"), ("zh", "night 已中断：完成 3/5")]
    {
        let queue = json!({"name": "night", "total": 5, "succeeded": 3, "failed": 0, "interrupted": true});
        let card = notice("queue.end", json!({"queue": queue, "host": {"language": language}}));
        assert_eq!((card.title.as_str(), card.tone), (title, Tone::Warn));
    }
    let empty = json!({"queue": {"total": 0, "succeeded": 0, "failed": 0, "interrupted": true}});
    let card = notice("queue.end", empty);
    assert_eq!((card.title.as_str(), card.tone), ("Queue interrupted", Tone::Warn));
}
