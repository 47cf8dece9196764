//! Tasks that ask to be told of at the end: each wish is heard, and too many of them are counted.

use super::*;

fn listening() -> Simulation {
    let endpoints: String = ["a", "b", "c"]
        .map(|name| format!("[endpoints.{name}]\nurl = 'https://{name}.example.com/'\n"))
        .concat();
    let hook = "[[hooks]]\non = ['task.complete']\nto = ['a']\nmanual = true\ntemplate = { text = '{{ task.id }} {{ vars.who }}' }\n";
    let text = format!("[queue]\nend_delay = '0s'\n{endpoints}{hook}");
    Simulation::new(Config::load(&text).unwrap_or_else(|errors| panic!("{errors}")), START)
}

fn ask(bell: &mut Simulation, id: u64, batch: u64, to: &Json, who: &str) {
    let wish = json!({"notify": "manual_at_end", "to": to, "vars": {"who": who}});
    task(bell, json!({"id": id, "batch": {"id": batch, "total": 2}, "webhook_params": wish}));
}

fn said(messages: &[SimulatedMessage]) -> Vec<String> {
    let mut said: Vec<String> = messages
        .iter()
        .map(|message| {
            format!("{} {} {}", message.kind, message.endpoint, body(message)["text"].as_str().unwrap())
        })
        .collect();
    said.sort();
    said
}

fn end(bell: &mut Simulation) -> Vec<SimulatedMessage> {
    bell.emit("queue.end", b"{}");
    bell.pass(seconds(1));
    bell.commit()
}

#[test]
fn each_that_asked_is_told_of_at_the_end_of_the_queue() {
    let mut bell = listening();
    ask(&mut bell, 1, 1, &json!(["b"]), "mira");
    ask(&mut bell, 2, 2, &json!([]), "noor");
    ask(&mut bell, 3, 3, &json!(["b"]), "odo");
    bell.commit();
    bell.crash();
    ask(&mut bell, 4, 4, &json!(["b", "c"]), "pia");
    assert_eq!(
        said(&end(&mut bell)),
        ["queue.end a 2 noor", "queue.end b 3 odo", "queue.end c 4 pia"],
        "each endpoint hears once: of the last that asked for the same, and else of the first"
    );
    assert_eq!(end(&mut bell), []);
}

#[test]
fn the_end_of_a_batch_tells_its_own_wishes_and_leaves_the_others() {
    let mut bell = listening();
    ask(&mut bell, 1, 1, &json!(["b"]), "mira");
    ask(&mut bell, 2, 1, &json!(["a"]), "noor");
    let messages = bell.commit();
    assert_eq!(said(&messages), ["batch.end a 2 noor", "batch.end b 1 mira"]);
    ask(&mut bell, 3, 2, &json!(["c"]), "odo");
    assert_eq!(said(&end(&mut bell)), ["queue.end c 3 odo"]);
}

#[test]
fn wishes_are_bounded_and_one_that_is_not_kept_is_counted_and_logged() {
    let mut bell = listening();
    for number in 0..40 {
        let name = if number < 20 { "a" } else { "b" };
        ask(&mut bell, number, number, &json!(vec![name; number as usize % 20 + 1]), "mira");
    }
    assert_eq!(bell.counters.params_ignored.get(), 8);
    let lost = bell.remarks.iter().filter(|remark| remark.contains("`manual_at_end` of")).count();
    assert_eq!(lost, 8, "{:?}", bell.remarks);
    assert_eq!(said(&end(&mut bell)), ["queue.end a 0 mira", "queue.end b 20 mira"]);

    let mut bell = listening();
    let long = "x".repeat(10_000);
    (0..8).for_each(|number| ask(&mut bell, number, number, &json!(vec!["a"; number as usize + 1]), &long));
    assert_eq!(bell.counters.params_ignored.get(), 2, "64 KB a queue");
    (0..2_000).for_each(|number| {
        let wish = json!({"notify": "manual_at_end", "vars": {"who": long}});
        task(&mut bell, json!({"queue": number, "webhook_params": wish}));
    });
    assert!(bell.counters.params_ignored.get() > 1_500, "4 MB in all");
}
