//! `queue.progress` and `batch.progress`.

use super::*;

const HOOK: &str = "'queue.progress', 'batch.progress', 'queue.end', 'batch.end'";

fn running() -> Simulation {
    bell("progress = '15s'\nend_delay = '1s'", &hook(HOOK))
}

fn told(bell: &mut Simulation, about: &str) -> Vec<Json> {
    bell.commit().iter().map(|message| body(message)["data"][about].clone()).collect()
}

#[test]
fn progress_is_told_at_most_so_often_and_only_when_something_changed() {
    let mut bell = running();
    for remaining in (10..40).rev() {
        task(&mut bell, json!({"duration_s": 2, "queue_remaining": remaining}));
        bell.pass(seconds(2));
    }
    let messages = bell.commit();
    assert_eq!(kinds(&messages), ["queue.progress"; 4], "a minute of work");
    let first = body(&messages[0])["data"]["queue"].clone();
    let figures = ["done", "total", "rate", "eta_s", "failed"].map(|name| first[name].clone());
    assert_eq!(figures, [json!(8), json!(40), json!(30.0), json!(64), json!(0)]);
    assert_eq!((&first["derived"], &first["name"]), (&json!(true), &json!("default")));
    bell.pass(seconds(86_400));
    assert_eq!(bell.commit(), [], "nothing changed");
    task(&mut bell, json!({"status": "error"}));
    bell.pass(seconds(1));
    assert_eq!(told(&mut bell, "queue")[0]["failed"], 1, "news after a long silence are told at once");
}

#[test]
fn a_total_that_nobody_knows_is_null_and_so_is_the_time_left() {
    let mut bell = running();
    task(&mut bell, json!({}));
    bell.pass(seconds(20));
    let queue = told(&mut bell, "queue").remove(0);
    assert_eq!(
        ["done", "total", "eta_s"].map(|name| queue[name].clone()),
        [json!(1), json!(null), json!(null)]
    );
}

#[test]
fn nothing_is_told_of_a_queue_that_has_ended() {
    let mut bell = running();
    task(&mut bell, json!({}));
    bell.pass(seconds(14));
    bell.emit("queue.end", b"{}");
    bell.pass(seconds(60));
    assert_eq!(kinds(&bell.commit()), ["queue.end"]);
    task(&mut bell, json!({}));
    bell.pass(seconds(14));
    assert_eq!(bell.commit(), [], "another busy period begins its own time");
    bell.pass(seconds(1));
    assert_eq!(told(&mut bell, "queue")[0]["done"], 1);
}

#[test]
fn a_queue_goes_on_with_its_rate_after_a_crash() {
    let mut bell = running();
    for _ in 0..4 {
        task(&mut bell, json!({"duration_s": 2, "queue_remaining": 6}));
        bell.pass(seconds(2));
    }
    bell.commit();
    bell.crash();
    bell.pass(seconds(60));
    assert_eq!(bell.commit(), [], "nothing changed");
    task(&mut bell, json!({"duration_s": 2, "queue_remaining": 5}));
    bell.pass(seconds(1));
    let queue = told(&mut bell, "queue").remove(0);
    assert_eq!((&queue["done"], &queue["total"]), (&json!(5), &json!(10)));
    assert!(queue["rate"].as_f64().unwrap() > 3.0, "{queue}");
}

#[test]
fn a_batch_tells_its_progress_until_it_ends() {
    let mut bell = bell("progress = '15s'", &hook("'batch.progress', 'batch.end'"));
    for number in 0..24 {
        task(&mut bell, json!({"id": number, "duration_s": 2, "batch": {"id": "b", "total": 24}}));
        bell.pass(seconds(2));
    }
    bell.pass(seconds(3600));
    let messages = bell.commit();
    let expected = ["batch.progress", "batch.progress", "batch.progress", "batch.end"];
    assert_eq!(kinds(&messages), expected);
    let first = body(&messages[0])["data"]["batch"].clone();
    let figures = ["id", "done", "total", "expected", "eta_s"].map(|name| first[name].clone());
    assert_eq!(figures, [json!("b"), json!(8), json!(24), json!(24), json!(32)]);
}

#[test]
fn nothing_is_made_where_no_hook_listens_or_nobody_asks_for_it() {
    for (queue, on) in [("progress = '1s'", "'task.complete'"), ("", HOOK)] {
        let mut bell = bell(queue, &hook(on));
        task(&mut bell, json!({"batch": {"id": "b", "total": 9}}));
        bell.pass(seconds(600));
        let kinds: Vec<String> = bell.commit().into_iter().map(|message| message.kind).collect();
        assert!(kinds.iter().all(|kind| !kind.ends_with("progress")), "{kinds:?}");
    }
}
