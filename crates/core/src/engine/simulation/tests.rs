use super::*;
use serde_json::{Value as Json, json};

const START: i64 = 1_767_225_600_000;

fn bell(queue: &str, hooks: &str) -> Simulation {
    let text = format!("[queue]\n{queue}\n[endpoints.a]\nurl = 'https://a.example.com/'\n{hooks}");
    Simulation::new(Config::load(&text).unwrap_or_else(|errors| panic!("{errors}")), START)
}

fn hook(on: &str) -> String {
    format!("[[hooks]]\non = [{on}]\nto = ['a']\n")
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn task(bell: &mut Simulation, json: Json) {
    bell.emit("task.complete", json.to_string().as_bytes());
}

fn body(message: &SimulatedMessage) -> Json {
    serde_json::from_slice(message.body.as_ref().unwrap()).unwrap()
}

fn kinds(messages: &[SimulatedMessage]) -> Vec<&str> {
    messages.iter().map(|message| message.kind.as_str()).collect()
}

#[test]
fn a_queue_that_nobody_ends_is_ended_by_silence_and_started_by_work() {
    let mut bell = bell("idle_end = '30s'", &hook("'queue.start', 'queue.end'"));
    task(&mut bell, json!({"duration_s": 5}));
    bell.pass(seconds(20));
    task(&mut bell, json!({}));
    let messages = bell.commit();
    assert_eq!(kinds(&messages), ["queue.start"]);
    assert_eq!(body(&messages[0])["data"]["queue"]["derived"], true);
    bell.pass(seconds(29));
    // Any word of the queue is a sign of life.
    bell.emit("task.progress", br#"{"percent": 50}"#);
    bell.pass(seconds(29));
    assert_eq!(bell.commit(), []);
    bell.pass(seconds(1));
    let messages = bell.commit();
    assert_eq!(kinds(&messages), ["queue.end"]);
    let queue = body(&messages[0])["data"]["queue"].clone();
    assert_eq!(
        (&queue["total"], &queue["name"], &queue["derived"]),
        (&json!(2), &json!("default"), &json!(true))
    );
    assert_eq!(queue["duration_s"], 25.0, "the silence is no part of the work");
    bell.pass(seconds(86_400));
    assert_eq!(bell.commit(), []);
    task(&mut bell, json!({}));
    assert_eq!(kinds(&bell.commit()), ["queue.start"], "another busy period");
}

#[test]
fn a_host_that_only_ticks_while_it_works_gets_both_edges() {
    let mut bell = bell("idle_end = '30s'", &hook("'queue.start', 'queue.end'"));
    for _ in 0..10 {
        bell.emit("queue.tick", br#"{"name": "night"}"#);
        bell.pass(seconds(20));
    }
    let messages = bell.commit();
    assert_eq!(kinds(&messages), ["queue.start"]);
    assert_eq!(body(&messages[0])["data"]["queue"]["name"], "night");
    bell.crash();
    bell.pass(seconds(31));
    let messages = bell.commit();
    assert_eq!(kinds(&messages), ["queue.end"]);
    let queue = &body(&messages[0])["data"]["queue"];
    assert_eq!((&queue["total"], &queue["duration_s"]), (&json!(0), &json!(180.0)));
    bell.pass(seconds(86_400));
    assert_eq!(bell.commit(), []);
    bell.emit("queue.tick", b"{}");
    task(&mut bell, json!({"duration_s": 5}));
    assert_eq!(kinds(&bell.commit()), ["queue.start"], "the task belongs to the same busy period");
}

#[test]
fn nothing_is_derived_unless_it_is_asked_for() {
    let mut quiet = bell("", &hook("'queue.start', 'queue.end'"));
    task(&mut quiet, json!({"batch": {"id": 1, "total": 2}}));
    quiet.pass(seconds(30 * 86_400));
    assert_eq!(quiet.commit(), []);
    let mut told = bell("idle_end = '30s'", &hook("'queue.start', 'queue.end'"));
    told.emit("queue.start", b"{}");
    task(&mut told, json!({}));
    told.emit("queue.end", b"{}");
    told.pass(seconds(60));
    assert_eq!(kinds(&told.commit()), ["queue.start", "queue.end"], "the host tells both edges itself");
}

#[test]
fn a_batch_rings_once_over_crashes_and_again_when_it_stands_still() {
    let mut bell = bell("batch_stall = '10m'", &hook("'batch.end', 'batch.stalled'"));
    let frame = |id: u64| json!({"id": id, "queue": "film", "batch": {"id": "b7", "total": 3}});
    task(&mut bell, frame(1));
    bell.commit();
    bell.pass(seconds(599));
    bell.crash();
    bell.pass(seconds(600));
    let messages = bell.commit();
    assert_eq!(kinds(&messages), ["batch.stalled"]);
    let batch = body(&messages[0])["data"]["batch"].clone();
    assert_eq!((&batch["id"], &batch["total"], &batch["expected"]), (&json!("b7"), &json!(1), &json!(3)));
    bell.crash();
    bell.pass(seconds(86_400));
    assert_eq!(bell.commit(), []);
    task(&mut bell, frame(2));
    task(&mut bell, frame(3));
    bell.crash();
    let messages = bell.commit();
    assert_eq!(kinds(&messages), ["batch.end"]);
    let batch = body(&messages[0])["data"]["batch"].clone();
    assert_eq!((&batch["id"], &batch["total"], &batch["name"]), (&json!("b7"), &json!(3), &json!("film")));
    bell.crash();
    task(&mut bell, frame(3));
    bell.pass(seconds(86_400));
    assert_eq!(bell.commit(), []);
}

#[test]
fn a_batch_that_stalls_while_its_hook_is_silent_is_told_at_the_end_of_the_silence_if_it_still_stands_still() {
    let table = [
        ("", Some(69)),
        ("crash", Some(69)),
        ("goes on, stalls", Some(49)),
        ("goes on", Some(10)),
        ("ends", None),
    ];
    for (steps, minutes) in table {
        let mut bell =
            bell("batch_stall = '10m'", &(hook("'batch.end', 'batch.stalled'") + "cooldown = '1h'\n"));
        let frame = |id: u64, batch: &str| json!({"id": id, "batch": {"id": batch, "total": 3}});
        task(&mut bell, frame(1, "first"));
        bell.pass(seconds(60));
        task(&mut bell, frame(1, "second"));
        bell.pass(seconds(20 * 60));
        bell.commit();
        match steps {
            "crash" => bell.crash(),
            "goes on" => {
                bell.pass(seconds(45 * 60));
                task(&mut bell, frame(2, "second"));
            }
            "goes on, stalls" => task(&mut bell, frame(2, "second")),
            "ends" => (2..4).for_each(|id| task(&mut bell, frame(id, "second"))),
            _ => {}
        }
        bell.commit();
        bell.pass(seconds(51 * 60));
        let messages = bell.commit();
        let told: Vec<Json> = messages.iter().map(|message| body(message)["data"]["batch"].clone()).collect();
        let idle: Vec<f64> = told.iter().filter_map(|batch| batch["idle_s"].as_f64()).collect();
        let expected: Vec<f64> = minutes.iter().map(|minutes| f64::from(*minutes) * 60.0).collect();
        assert_eq!(idle, expected, "{steps}: {told:?}");
        assert!(told.iter().all(|batch| batch["id"] == "second"), "{steps}: {told:?}");
    }
}

#[test]
fn a_task_that_asks_for_it_is_told_of_at_the_end_of_its_batch_or_of_its_queue_before() {
    let hooks = format!(
        "{}manual = true\ntemplate = {{ text = '{{{{ task.id }}}} {{{{ vars.who }}}}' }}\n",
        hook("'task.complete'")
    );
    let mut bell = bell("end_delay = '0s'", &hooks);
    let frame = |id: u64, params: Json| json!({"id": id, "batch": {"id": "b7", "total": 4}, "webhook_params": params});
    let end = |bell: &mut Simulation| {
        bell.emit("queue.end", b"{}");
        bell.pass(seconds(1));
        bell.commit()
    };
    let texts = |messages: &[SimulatedMessage]| -> Vec<(String, Json)> {
        messages.iter().map(|message| (message.kind.clone(), body(message)["text"].clone())).collect()
    };
    task(&mut bell, frame(1, json!({"notify": "manual_at_end", "vars": {"who": "mira"}})));
    task(&mut bell, frame(2, json!({})));
    assert_eq!(bell.commit(), [], "not before an end");
    let told = |kind: &str| vec![(kind.to_owned(), json!("1 mira"))];
    assert_eq!(texts(&end(&mut bell)), told("queue.end"), "its batch goes on in the next busy period");
    bell.crash();
    task(&mut bell, frame(3, json!({})));
    task(&mut bell, frame(4, json!({"notify": "normal"})));
    assert_eq!(texts(&bell.commit()), told("batch.end"));
    assert_eq!(end(&mut bell), [], "nobody asked in this busy period");

    let whole = json!({"id": 1, "batch": {"id": "b8", "total": 1},
        "webhook_params": {"notify": "manual_at_end", "vars": {"who": "mira"}}});
    task(&mut bell, whole);
    assert_eq!(texts(&bell.commit()), told("batch.end"));
    bell.crash();
    assert_eq!(end(&mut bell), [], "it was told of already");
}

#[test]
fn a_run_that_took_longer_than_usual_rings_once_five_runs_are_known() {
    let hooks = format!("{}relative = 1.5\n", hook("'task.complete'"));
    let mut bell = bell("", &hooks);
    let run = |bell: &mut Simulation, kind: &str, took: f64| {
        task(bell, json!({"kind": kind, "duration_s": took}));
        bell.commit()
    };
    for took in [10.0, 1_000.0, 11.0, 9.0] {
        assert_eq!(run(&mut bell, "image", took), []);
    }
    assert_eq!(run(&mut bell, "image", 1_000.0), [], "four runs are too few");
    bell.crash();
    assert_eq!(run(&mut bell, "image", 16.0), [], "11 s is usual by now");
    let messages = run(&mut bell, "image", 21.0);
    assert_eq!(messages[0].why, "it took 21 s where 13.5 s is usual, relative is 1.5");
    assert_eq!(body(&messages[0])["data"]["task"]["usual_s"], 13.5);
    assert_eq!(run(&mut bell, "video", 20.0), [], "nothing is known of these");
}

#[test]
fn queues_and_batches_have_a_usual_time_of_their_own() {
    let hooks = format!("{}relative = 2\n", hook("'queue.end', 'batch.end'"));
    let mut bell = bell("end_delay = '0s'", &hooks);
    for round in 0..7 {
        let took = if round == 6 { 100 } else { 10 };
        task(&mut bell, json!({"batch": {"id": round, "total": 2}}));
        bell.pass(seconds(took));
        task(&mut bell, json!({"batch": {"id": round, "total": 2}}));
        bell.emit("queue.end", b"{}");
        bell.pass(seconds(1));
        let messages = bell.commit();
        let expected: &[&str] = if round == 6 { &["batch.end", "queue.end"] } else { &[] };
        assert_eq!(kinds(&messages), expected);
    }
}

mod asked;
mod derived_events;
mod farm;
mod long_numbers;
mod moves;
mod progress;
