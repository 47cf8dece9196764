//! What a card says, for the events of real hosts.

use super::super::{Notice, Tone, WorkProgress};
use super::notices::{fact, notice};
use serde_json::{Value as Json, json};

fn facts(card: &Notice) -> Vec<(&str, &str)> {
    card.facts.iter().map(|fact| (fact.label.as_str(), fact.value.as_str())).collect()
}

#[test]
fn an_image_shows_what_it_was_asked_for_in_the_names_of_any_host() {
    let swarm = json!({"prompt": " a fox\nin snow ", "seed": 42, "steps": 30, "cfgscale": 7, "width": 1024, "height": 768,
                       "model": "sdxl/juggernaut.safetensors", "loras": ["film", "detail"], "loraweights": ["0.8", "1"]});
    let comfy = json!({"positive": "a fox\nin snow", "noise_seed": 42, "steps": 30, "cfg": 7.0, "width": 1024, "height": 768,
                       "ckpt_name": "sdxl/juggernaut.safetensors", "loras": [{"name": "film", "strength_model": 0.8}, {"name": "detail"}]});
    let a1111 = json!({"Prompt": "a fox\nin snow", "Seed": 42, "Steps": 30, "CFG scale": 7, "Size": "1024 × 768",
                       "sd_model_name": "sdxl/juggernaut.ckpt", "loras": {"film": 0.8, "detail": 1}});
    for params in [swarm, comfy, a1111] {
        let task = json!({"name": "fox", "duration_s": 12.5, "params": params});
        let card = notice("task.complete", json!({"task": task}));
        assert_eq!(
            (card.title.as_str(), card.quote.as_deref()),
            ("Task done: fox (13 s)", Some("a fox\nin snow"))
        );
        let wanted = [
            ("Seed", "42"),
            ("Size", "1024 × 768"),
            ("Steps", "30"),
            ("CFG", "7"),
            ("Model", "sdxl/juggernaut"),
            ("LoRA", "film 0.8, detail"),
        ];
        assert_eq!(facts(&card)[1..], wanted);
    }
}

#[test]
fn a_card_has_all_pictures_and_links_to_the_first_and_to_the_host() {
    let outputs: Vec<Json> = (0..12)
        .map(|n| json!({"url": format!("https://a.example.com/{n}.png"), "name": format!("{n}.png")}))
        .collect();
    let host = json!({"name": "h", "base_url": "https://h.example.com"});
    let card = notice(
        "task.complete",
        json!({"task": {"outputs": outputs, "queue_remaining": 223}, "queue": {"total": 17}, "host": host}),
    );
    assert_eq!(card.images.len(), Notice::MAX_IMAGES);
    assert_eq!(
        (card.images[9].url.as_str(), card.images[9].caption.as_str()),
        ("https://a.example.com/9.png", "9.png")
    );
    let links: Vec<(&str, &str)> =
        card.links.iter().map(|link| (link.label.as_str(), link.url.as_str())).collect();
    assert_eq!(
        links,
        [("Open image", "https://a.example.com/0.png"), ("Open host page", "https://h.example.com")]
    );
    assert_eq!(
        (card.progress.and_then(WorkProgress::share).as_deref(), fact(&card, "Still in queue")),
        (Some("17/240"), None)
    );
    let batch = json!({"id": "shot 042", "index": 3, "total": 24});
    let card = notice(
        "task.complete",
        json!({"task": {"batch": batch, "queue_remaining": 2}, "queue": {"total": 90}}),
    );
    let share = card.progress.and_then(WorkProgress::share);
    assert_eq!((fact(&card, "Batch"), share.as_deref()), (Some("shot 042"), Some("3/24")));
}

#[test]
fn a_failed_task_says_why_in_a_line_and_keeps_the_end_of_its_traceback() {
    let failed = |error: Json| {
        let card = notice("task.complete", json!({"task": {"status": "error", "error": error}}));
        (card.text, card.details)
    };
    let trace = "Traceback (most recent call last):\n  File \"train.py\", line 9, in <module>\n    step()\nRuntimeError: CUDA out of memory";
    let whole = (Some("RuntimeError: CUDA out of memory".to_owned()), Some(trace.to_owned()));
    assert_eq!(failed(json!({"message": trace})), whole);
    assert_eq!(failed(json!(trace)), whole);
    let lines = ["  File \"a.py\"\n", "ValueError\n"];
    assert_eq!(
        failed(json!({"message": "no such model", "traceback": lines})),
        (Some("no such model".to_owned()), Some("  File \"a.py\"\nValueError".to_owned()))
    );
    assert_eq!(failed(json!({"message": "Node 7 failed\nsee the log"})).0.as_deref(), Some("Node 7 failed"));
    assert_eq!(failed(json!({"message": "one line"})), (Some("one line".to_owned()), None));
    let long: String = (0..500).map(|n| format!("frame {n}\n")).collect();
    let (_, details) = failed(json!({"message": "deep", "traceback": long}));
    let details = details.unwrap();
    assert!(details.starts_with("…\nframe 460\n") && details.ends_with("\nframe 499"), "{details}");
    let (_, details) = failed(json!({"message": "wide", "traceback": "x".repeat(100_000)}));
    assert!(details.unwrap().chars().count() <= 3002);
}

#[test]
fn a_training_shows_its_loss_first_and_a_series_as_a_curve() {
    let metrics = json!({"lr": 0.0001, "epoch": 12, "loss": [0.9, 0.5, null, 0.3, 0.251_234]});
    let task = json!({"kind": "training", "name": "lora-fox", "duration_s": 7500, "metrics": metrics});
    let card = notice("task.complete", json!({"task": task}));
    assert_eq!(card.title, "Training done: lora-fox (2 h 5 min)");
    assert_eq!(facts(&card)[..3], [("loss", "0.2512 █▄▁▁"), ("lr", "0.0001"), ("epoch", "12")]);
}

#[test]
fn a_hosts_own_event_speaks_in_its_own_words_and_loses_nothing() {
    let data = json!({
        "title": "Upload\nfinished", "text": "All renders are on the NAS.", "status": "ok",
        "url": "https://nas.example.com/042", "image": "https://nas.example.com/042/sheet",
        "target": {"name": "nas-2", "free": {"gb": 12345.678}}, "parts": [{"n": 1}, {"n": 2}], "tags": ["a", "b"], "frames": [12, 18, 40],
    });
    let card = notice("upload.done", json!({"event": {"data": data}}));
    assert_eq!((card.title.as_str(), card.tone), ("Upload finished", Tone::Good));
    assert_eq!(card.text.as_deref(), Some("All renders are on the NAS."));
    assert_eq!(
        (card.link(), card.image()),
        (Some("https://nas.example.com/042"), Some("https://nas.example.com/042/sheet"))
    );
    let wanted = [
        ("status", "ok"),
        ("target.name", "nas-2"),
        ("target.free.gb", "12\u{202f}346"),
        ("parts.0.n", "1"),
        ("parts.1.n", "2"),
        ("tags", "a, b"),
        ("frames", "12, 18, 40"),
    ];
    assert_eq!(facts(&card), wanted);
    let unusable = json!({"url": "javascript:alert(1)", "image": 5, "title": " "});
    let card = notice("x.y", json!({"event": {"data": unusable}}));
    assert_eq!(
        (card.title.as_str(), card.link(), fact(&card, "url")),
        ("x.y", None, Some("javascript:alert(1)"))
    );
    for (status, tone) in [("failed", Tone::Bad), ("Warning", Tone::Warn), ("queued", Tone::Neutral)] {
        assert_eq!(notice("x.y", json!({"event": {"data": {"status": status}}})).tone, tone);
    }
    let wide: serde_json::Map<String, Json> = (0..1000).map(|n| (format!("k{n:03}"), json!("v"))).collect();
    let card = notice("x.y", json!({"event": {"data": wide}}));
    assert_eq!(card.facts.len(), 8);
    assert!(card.details.unwrap().starts_with("k008: v\nk009: v\n"));
}

#[test]
fn what_a_cooldown_held_back_is_said_in_a_sentence() {
    let held = |count: u64, language: &str| {
        let card = notice("x.y", json!({"event": {"suppressed": count}, "host": {"language": language}}));
        card.facts.into_iter().map(|fact| (fact.label, fact.value)).collect::<Vec<_>>()
    };
    let pair = |label: &str, value: &str| vec![(label.to_owned(), value.to_owned())];
    assert_eq!(held(4, "en"), pair("Suppressed", "4 similar messages"));
    assert_eq!(held(1, "en"), pair("Suppressed", "1 similar message"));
    assert_eq!(held(4, "zh"), pair("未发送", "4 条类似消息"));
    assert_eq!(held(0, "en"), []);
}
