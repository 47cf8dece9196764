//! Ids and seeds beyond 64 bits, as `uuid.int` and NumPy's entropy are.

use super::{Simulation, bell, hook};
use serde_json::Value as Json;
use std::time::Duration;

/// An id of 121 bits, or longer than any integer of the engine.
const BASES: [&str; 2] =
    ["265845599156983174580761412056068915", "123456789012345678901234567890123456789012345678"];

fn emit(bell: &mut Simulation, kind: &str, json: &str) {
    bell.emit(kind, json.as_bytes());
}

fn texts(bell: &mut Simulation) -> Vec<String> {
    let texts = bell.commit().into_iter().filter_map(|message| String::from_utf8(message.body.ok()?).ok());
    texts.collect()
}

#[test]
fn ids_that_differ_in_the_last_digit_are_different_tasks_batches_and_queues() {
    for base in BASES {
        let mut bell = bell("end_delay = '0s'", &hook("'batch.end', 'queue.end'"));
        for last in 0..3 {
            let task = format!(r#"{{"id":{base}{last},"queue":{base},"batch":{{"id":{base}7,"total":3}}}}"#);
            emit(&mut bell, "task.complete", &task);
            let other = format!(r#"{{"id":{base}{last},"batch":{{"id":{base}{last},"total":3}}}}"#);
            emit(&mut bell, "task.complete", &other);
        }
        let ended = texts(&mut bell);
        assert_eq!(ended.len(), 1, "{ended:?}");
        let batch: Json = serde_json::from_str(&ended[0]).unwrap();
        assert_eq!(batch["data"]["batch"]["total"], 3, "{batch}");
        assert!(ended[0].contains(&format!("{base}7")), "{batch}");
        emit(&mut bell, "queue.end", &format!(r#"{{"name":{base}}}"#));
        bell.pass(Duration::from_secs(1));
        let ended = texts(&mut bell);
        assert!(ended.len() == 1 && ended[0].contains(base), "{ended:?}");
        let queue: Json = serde_json::from_str(&ended[0]).unwrap();
        assert_eq!(queue["data"]["queue"]["total"], 3, "{queue}");
    }
}

#[test]
fn a_body_holds_the_numbers_that_the_event_held() {
    for kind in ["task.complete", "render.saved"] {
        for number in ["-0", "0.10", "1e+400", "2.50e-7", "3.14159265358979323846264338327950288", BASES[1]] {
            let mut bell = bell("", &hook("'task.complete', 'render.saved'"));
            let json =
                format!(r#"{{"id":{number},"params":{{"seeds":[{number}]}},"metrics":{{"x":{number}}}}}"#);
            emit(&mut bell, kind, &json);
            let sent = texts(&mut bell).concat();
            assert_eq!(sent.matches(&format!(":{number}")).count(), 2, "{sent}");
            assert!(sent.contains(&format!("[{number}]")), "{sent}");
        }
    }
}

#[test]
fn a_key_of_a_hook_tells_long_numbers_apart() {
    for base in BASES {
        let extra = "cooldown = '1h'\ncooldown_by = 'task.params.seed'\n";
        let mut bell = bell("", &(hook("'task.complete'") + extra));
        for last in [0, 1, 1, 0, 2] {
            emit(&mut bell, "task.complete", &format!(r#"{{"params":{{"seed":{base}{last}}}}}"#));
        }
        assert_eq!(texts(&mut bell).len(), 3, "{base}");
    }
}
