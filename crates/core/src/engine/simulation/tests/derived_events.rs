//! The edges of a queue: one start and one end for each busy period, however often the host says so.

use super::*;

/// A bell of a host that tells both edges, with this delay.
fn edges(delay: &str) -> Simulation {
    bell(&format!("end_delay = '{delay}'"), &hook("'queue.start', 'queue.end'"))
}

fn say(bell: &mut Simulation, kind: &str) {
    bell.emit(kind, b"{}");
}

fn summary(message: &SimulatedMessage) -> Json {
    body(message)["data"]["queue"].clone()
}

/// SwarmUI's own end of a queue is measured from the first idle moment, although work went on in between.
#[test]
fn bug_2_work_that_goes_on_within_the_delay_starts_the_whole_delay_anew() {
    for resume in ["task.complete", "queue.start", "queue.tick"] {
        let mut bell = bell("end_delay = '10s'\nidle_end = '1h'", &hook("'queue.start', 'queue.end'"));
        say(&mut bell, "queue.start");
        task(&mut bell, json!({}));
        for _ in 0..3 {
            say(&mut bell, "queue.end");
            bell.pass(seconds(9));
            say(&mut bell, resume);
            bell.pass(seconds(9));
        }
        assert_eq!(kinds(&bell.commit()), ["queue.start"], "{resume}");
        say(&mut bell, "queue.end");
        bell.pass(seconds(9));
        assert_eq!(bell.commit(), [], "{resume}: the whole delay");
        bell.pass(seconds(1));
        let messages = bell.commit();
        assert_eq!(kinds(&messages), ["queue.end"], "{resume}");
        assert_eq!(summary(&messages[0])["duration_s"], 54.0, "{resume}");
        bell.pass(seconds(86_400));
        assert_eq!(bell.commit(), [], "{resume}");
    }
}

#[test]
fn a_start_that_is_said_again_rings_once_and_moves_nothing() {
    let mut bell = edges("0s");
    for _ in 0..3 {
        say(&mut bell, "queue.start");
        bell.pass(seconds(10));
    }
    task(&mut bell, json!({}));
    say(&mut bell, "queue.start");
    say(&mut bell, "queue.end");
    bell.pass(seconds(1));
    let messages = bell.commit();
    assert_eq!(kinds(&messages), ["queue.start", "queue.end"]);
    assert_eq!(summary(&messages[1])["duration_s"], 30.0, "from the first");

    let mut derived = self::bell("idle_end = '30s'", &hook("'queue.start', 'queue.end'"));
    task(&mut derived, json!({}));
    say(&mut derived, "queue.start");
    assert_eq!(kinds(&derived.commit()), ["queue.start"], "the task has started it");
}

/// Who listens makes room before the work begins: they must hear of it when the host comes back.
#[test]
fn a_host_that_starts_its_queue_after_a_restart_is_heard() {
    let mut bell = edges("1s");
    say(&mut bell, "queue.start");
    task(&mut bell, json!({}));
    assert_eq!(kinds(&bell.commit()), ["queue.start"]);
    bell.crash();
    bell.pass(seconds(20));
    say(&mut bell, "queue.start");
    say(&mut bell, "queue.start");
    say(&mut bell, "queue.end");
    bell.pass(seconds(1));
    let messages = bell.commit();
    assert_eq!(kinds(&messages), ["queue.end", "queue.start", "queue.end"]);
    let told = |at: usize| {
        let summary = summary(&messages[at]);
        ["total", "duration_s", "interrupted"].map(|field| summary[field].clone())
    };
    assert_eq!(told(0), [json!(1), json!(0.0), json!(true)], "a start begins the count at zero");
    assert_eq!(told(2), [json!(0), json!(0.0), Json::Null]);
}

#[test]
fn a_host_that_says_again_and_again_that_it_is_idle_is_believed_after_the_delay() {
    let hooks =
        format!("{}[[hooks]]\non = ['queue.end']\nmin_duration = '6s'\nto = ['a']\n", hook("'queue.end'"));
    let mut bell = bell("end_delay = '10s'", &hooks);
    say(&mut bell, "queue.start");
    bell.pass(seconds(5));
    task(&mut bell, json!({}));
    for _ in 0..3 {
        say(&mut bell, "queue.end");
        bell.pass(seconds(4));
    }
    let messages = bell.commit();
    assert_eq!(kinds(&messages), ["queue.end"]);
    let queue = summary(&messages[0]);
    assert_eq!(queue["started_at"], "2026-01-01T00:00:00.000Z", "from its start");
    assert_eq!(
        (&queue["duration_s"], &queue["finished_at"]),
        (&json!(5.0), &json!("2026-01-01T00:00:05.000Z"))
    );
}

#[test]
fn the_seconds_of_a_host_that_repeats_its_end_do_not_count_as_work() {
    let hooks = "[[hooks]]\non = ['queue.end']\nmin_duration = '6s'\nto = ['a']\n";
    let mut bell = bell("end_delay = '2m'", hooks);
    say(&mut bell, "queue.start");
    bell.pass(seconds(5));
    for _ in 0..100 {
        say(&mut bell, "queue.end");
        bell.pass(seconds(1));
        bell.commit();
    }
    bell.crash();
    bell.pass(seconds(600));
    assert_eq!(bell.commit(), []);
}

#[test]
fn an_end_that_is_said_again_after_the_end_rings_no_more() {
    let mut bell = edges("1s");
    for round in 0..2 {
        task(&mut bell, json!({}));
        for _ in 0..20 {
            say(&mut bell, "queue.end");
            bell.pass(seconds(5));
        }
        assert_eq!(kinds(&bell.commit()), ["queue.end"], "round {round}");
        bell.crash();
        say(&mut bell, "queue.end");
        bell.pass(seconds(5));
        assert_eq!(bell.commit(), [], "round {round}: after a restart neither");
    }
    say(&mut bell, "queue.start");
    say(&mut bell, "queue.end");
    bell.pass(seconds(5));
    assert_eq!(kinds(&bell.commit()), ["queue.start", "queue.end"], "a period without tasks is one");
}

#[test]
fn every_end_of_a_host_that_counts_for_itself_or_tells_nothing_else_rings() {
    let mut bell = edges("1s");
    for _ in 0..3 {
        say(&mut bell, "queue.end");
        bell.pass(seconds(5));
    }
    assert_eq!(bell.commit().len(), 3, "nothing is known of its work");
    for payload in
        [json!({"total": 9}), json!({"total": 9}), json!({"failed": 1}), json!({"duration_s": 0.5})]
    {
        bell.emit("queue.end", payload.to_string().as_bytes());
        bell.pass(seconds(5));
    }
    assert_eq!(bell.commit().len(), 4);
    bell.emit("queue.end", br#"{"total": 0}"#);
    bell.pass(seconds(5));
    assert_eq!(bell.commit(), []);
}

#[test]
fn a_queue_that_is_named_by_a_number_is_one_queue() {
    let mut bell = edges("1s");
    task(&mut bell, json!({"queue": 7}));
    bell.emit("queue.start", br#"{"name": 7}"#);
    bell.emit("queue.end", br#"{"queue": 7}"#);
    bell.pass(seconds(5));
    let messages = bell.commit();
    assert_eq!(kinds(&messages), ["queue.start", "queue.end"]);
    assert_eq!((&summary(&messages[1])["total"], &summary(&messages[1])["name"]), (&json!(1), &json!("7")));
}

#[test]
fn what_an_end_or_an_event_of_the_host_asks_for_does_not_travel() {
    let mut bell = bell("end_delay = '0s'", &hook("'queue.start', 'queue.end', 'render.pause'"));
    for kind in ["queue.start", "render.pause", "queue.end"] {
        bell.emit(
            kind,
            br#"{"note": 1, "webhook_params": {"vars": {"x": "marker-4c"}, "to": ["marker-4c"]}}"#,
        );
    }
    bell.pass(seconds(1));
    for event in &bell.events_decided {
        let kept = String::from_utf8_lossy(&event.payload);
        assert!(kept.contains("note") && !kept.contains("marker-4c"), "{}: {kept}", event.kind);
    }
    let messages = bell.commit();
    assert_eq!(kinds(&messages), ["queue.start", "render.pause", "queue.end"]);
    for message in &messages {
        let sent = String::from_utf8_lossy(message.body.as_ref().unwrap()).into_owned();
        assert!(!sent.contains("marker-4c") && !sent.contains("webhook_params"), "{}: {sent}", message.kind);
    }
}

#[test]
fn a_message_that_cannot_be_made_silences_nothing_and_what_was_silenced_is_told_with_the_next() {
    let template = "template = { text = '{{ task.loss }} {{ event.suppressed }}' }\ncooldown = '10m'\n";
    let mut bell = bell("", &format!("{}{template}", hook("'task.complete'")));
    task(&mut bell, json!({"id": 1}));
    task(&mut bell, json!({"id": 2}));
    let unmade = bell.commit();
    assert!(unmade.len() == 2 && unmade.iter().all(|message| message.body.is_err()));

    let template = "template = { text = '{{ task.loss }} {{ event.suppressed or 0 }}' }\ncooldown = '10m'\n";
    let mut bell = self::bell("", &format!("{}{template}", hook("'task.complete'")));
    task(&mut bell, json!({"loss": 1}));
    task(&mut bell, json!({"loss": 2}));
    bell.pass(seconds(600));
    task(&mut bell, json!({}));
    bell.commit();
    bell.crash();
    task(&mut bell, json!({"loss": 4}));
    task(&mut bell, json!({"loss": 5}));
    let messages = bell.commit();
    assert_eq!((messages.len(), &body(&messages[0])["text"]), (1, &json!("4 1")));
}

#[test]
fn titles_name_the_queue_as_soon_as_there_is_another_one_also_after_a_crash() {
    let text = "[host]\nname = 'h'\n[queue]\nend_delay = '0s'\n[endpoints.a]\nurl = 'https://ntfy.sh/t'\nplatform = 'ntfy'\ntopic = 't'\n";
    let config = Config::load(&format!("{text}{}", hook("'queue.end', 'task.complete'"))).unwrap();
    let mut bell = Simulation::new(config, START);
    let titles = |bell: &mut Simulation| -> Vec<String> {
        bell.pass(seconds(1));
        bell.commit().iter().map(|message| body(message)["title"].as_str().unwrap().to_owned()).collect()
    };
    let work = |bell: &mut Simulation, queue: &str| {
        bell.emit("task.complete", format!(r#"{{"queue": "{queue}", "name": "t"}}"#).as_bytes());
        bell.emit("queue.end", format!(r#"{{"name": "{queue}"}}"#).as_bytes());
    };
    work(&mut bell, "default");
    assert_eq!(titles(&mut bell), ["Task done: t", "Queue finished on h: 1 task done"]);
    work(&mut bell, "night");
    assert_eq!(titles(&mut bell), ["Task done: t · night", "night on h: 1 task done"]);
    bell.crash();
    work(&mut bell, "default");
    assert_eq!(titles(&mut bell), ["Task done: t · default", "Queue default on h: 1 task done"]);
}
