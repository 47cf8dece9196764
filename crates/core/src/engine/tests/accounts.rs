//! Why a message did not come: kept with the event, for who asks later.

use super::PATIENCE;
use super::receiver::{Receiver, Reply};
use crate::config::Config;
use crate::engine::{Bell, explain};
use crate::spool::{Reader, SpoolReader};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use tempfile::TempDir;

/// Emits these one after the other, closes the bell, and gives what the spool says of each, and how many
/// deliveries it made.
fn said(hooks: &str, events: &[(&str, Json)]) -> Vec<(String, usize)> {
    let (folder, receiver) = (TempDir::new().unwrap(), Receiver::always(Reply::Status(204)));
    let path = folder.path().join("bell.db");
    let text = format!(
        "spool.path = '{}'\nqueue.end_delay = '0s'\n[endpoints.team]\nurl = '{}'\n{hooks}",
        path.display(),
        receiver.url()
    );
    let config = Config::load(&text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    let bell = Bell::open(config).unwrap();
    let emit = |(kind, payload): &(&str, Json)| {
        let accepted = bell.emit(kind, payload.to_string().as_bytes()).unwrap();
        bell.sync(PATIENCE).unwrap();
        bell.wait(accepted.ticket, PATIENCE).unwrap();
        accepted.id.to_string()
    };
    let ids: Vec<String> = events.iter().map(emit).collect();
    bell.close(PATIENCE).unwrap();
    let reader = SpoolReader::open(&path).unwrap();
    let of = |id: &String| {
        let event = reader.show(id).unwrap().unwrap();
        (event.said.unwrap_or_default(), event.deliveries.len())
    };
    ids.iter().map(of).collect()
}

fn task(number: u64) -> (&'static str, Json) {
    ("task.complete", json!({"id": number, "queue": "film"}))
}

fn hook(rest: &str) -> String {
    format!("[[hooks]]\nname = 'h'\nto = ['team']\n{rest}\n")
}

#[test]
fn the_end_of_a_queue_keeps_the_number_that_kept_a_hook_quiet() {
    let mut events: Vec<_> = (0..7).map(task).collect();
    events.push(("queue.end", json!({"name": "film"})));
    events.push(("queue.end", json!({"name": "film"})));
    let said = said(&hook("on = ['queue.end']\nmin_tasks = 10"), &events);
    assert_eq!(said[0], (String::new(), 0), "a task that no hook listens to has no account");
    assert_eq!(said[7], ("`h` did not match: min_tasks is 10, and there were 7".to_owned(), 0));
    assert_eq!(said[8].0, "the queue had ended already, and nothing was done since");
}

#[test]
fn the_end_of_a_queue_says_that_a_number_of_the_host_gave_way_to_the_count() {
    let events = [task(1), ("queue.end", json!({"name": "film", "total": 40}))];
    let said = said(&hook("on = ['queue.end']\nmin_tasks = 10"), &events);
    let expected = "`h` did not match: min_tasks is 10, and there was 1\n\
                    queue.total is 1, as Taskbell counted; the 40 of the event is not used";
    assert_eq!(said[1].0, expected);
}

#[test]
fn what_rang_needs_no_account() {
    let events = [task(1), ("queue.end", json!({"name": "film"}))];
    assert_eq!(said(&hook("on = ['queue.end']"), &events)[1], (String::new(), 1));
}

#[test]
fn a_silenced_task_says_so_and_a_gathered_one_names_what_it_comes_with() {
    let said_of =
        |shaping: &str| said(&hook(&format!("on = ['task.complete']\n{shaping}")), &[task(1), task(2)]);
    let silenced = said_of("cooldown = '1h'");
    assert_eq!(silenced[0], (String::new(), 1));
    assert_eq!(silenced[1], ("`h` matched, and its `cooldown` suppressed it".to_owned(), 0));
    for (first, second) in [said_of("digest = '1h'")].iter().map(|said| (&said[0], &said[1])) {
        assert!(
            first.0.starts_with("`h` matched for team, and was gathered: it is sent as evt_"),
            "{first:?}"
        );
        assert_eq!((first, first.1), (second, 0), "both come in one digest");
    }
}

#[test]
fn a_start_that_is_no_news_says_so() {
    let start = || ("queue.start", json!({"name": "film"}));
    let said = said(&hook("on = ['queue.start']"), &[start(), start()]);
    assert_eq!((said[0].1, said[1].clone()), (1, ("the queue had started already".to_owned(), 0)));
}

#[test]
fn explain_knows_what_the_spool_knows_to_be_usual_and_says_when_it_cannot_be_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bell.db");
    let hook = hook("on = ['task.complete']\nrelative = 1.5");
    let text =
        format!("spool.path = '{}'\n[endpoints.team]\nurl = 'http://127.0.0.1:9/'\n{hook}", path.display());
    let config = || Config::load(&text).unwrap_or_else(|errors| panic!("{errors}"));
    let run = |seconds: u32| json!({"kind": "training", "duration_s": seconds}).to_string();
    let explained = |seconds: u32| {
        let account = explain(&Arc::new(config()), "task.complete", Some(&run(seconds))).unwrap();
        let hook = &account["hooks"][0];
        (hook["fires"] == true, hook["why"].as_str().unwrap().to_owned(), account["remarks"].to_string())
    };
    assert_eq!(explained(25).1, "relative, and nothing is usual before five runs");
    assert!(!path.exists(), "nothing is made by looking");
    let bell = Bell::open(config()).unwrap();
    for _ in 0..5 {
        bell.emit("task.complete", run(10).as_bytes()).unwrap();
    }
    bell.sync(PATIENCE).unwrap();
    let fires = (true, "it took 25 s where 10 s is usual, relative is 1.5".to_owned(), "[]".to_owned());
    assert_eq!(explained(25), fires, "while the host is at work");
    bell.close(PATIENCE).unwrap();
    assert_eq!(explained(25), fires);
    assert!(!explained(12).0);
    std::fs::write(&path, "this is no database, but a note of someone").unwrap();
    let (fires, _, remarks) = explained(25);
    assert!(!fires && remarks.contains("the usual durations cannot be read: "), "{remarks}");
}
