//! What an event costs the dispatcher from the ring into the spool, past 20 hooks that each have a `when`, by the
//! dispatcher's own time: `cargo bench --bench pace`. Nothing here is asserted.

use std::fmt::Write;
use std::thread;
use std::time::Duration;
use taskbell_core::config::Config;
use taskbell_core::engine::Bell;

const EVENTS: usize = 200_000;
const HOOKS: usize = 20;

fn main() {
    println!("{EVENTS} tasks past {HOOKS} hooks that listen and do not fire");
    for (title, path) in [("spool in memory", None), ("spool on disk", Some("pace.db"))] {
        let pace = pace(path);
        println!("  {title:<16} {pace:>9.0}/s   {:.1} us each", 1e6 / pace);
    }
}

fn hooks() -> String {
    let mut text = "[endpoints.a]\nurl = 'https://a.example.com/'\n".to_owned();
    for number in 0..HOOKS {
        let _ = write!(
            text,
            "[[hooks]]\non = ['task.complete']\nto = ['a']\n\
             when = \"task.status == 'error' and task.kind == 'kind-{number}' or task.duration_s > {}\"\n",
            1_000 + number
        );
    }
    text
}

fn payloads() -> Vec<String> {
    (0..1_000)
        .map(|number| {
            format!(
                r#"{{"id":"{number}","name":"frame {number}","kind":"kind-99","status":"success","duration_s":{},"user":"mira","queue":"node-{}","params":{{"prompt":"a portrait of an astronaut","seed":{number},"steps":30,"model":"sdxl-base-1.0"}}}}"#,
                20 + number % 30,
                number % 8
            )
        })
        .collect()
}

fn pace(spool: Option<&str>) -> f64 {
    let folder = tempfile::tempdir().expect("a folder for the spool");
    let path = spool.map_or(":memory:".into(), |name| folder.path().join(name).display().to_string());
    let text = format!("[spool]\npath = '{path}'\n[queue]\nmax_bytes = '16MiB'\n{}", hooks());
    let bell = Bell::open(Config::load(&text).expect("the configuration is sound")).expect("the bell opens");
    let payloads = payloads();
    let before = loop {
        // The thread has its name a moment after it was started.
        match dispatcher_on_cpu() {
            Some(seconds) => break seconds,
            None => thread::yield_now(),
        }
    };
    for number in 0..EVENTS {
        while bell.emit("task.complete", payloads[number % payloads.len()].as_bytes()).is_err() {
            thread::sleep(Duration::from_micros(500));
        }
    }
    bell.sync(Duration::from_secs(600)).expect("every event gets into the spool");
    let seconds = dispatcher_on_cpu().expect("the dispatcher lives") - before;
    drop(bell);
    // The next one is not to be taken for it.
    while dispatcher_on_cpu().is_some() {
        thread::yield_now();
    }
    EVENTS as f64 / seconds
}

/// Seconds that the dispatcher has had a processor.
fn dispatcher_on_cpu() -> Option<f64> {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let dispatcher = threads.map(|entry| entry.path()).find(|path| {
        std::fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim() == "taskbell-events")
    });
    let text = std::fs::read_to_string(dispatcher?.join("schedstat")).ok()?;
    text.split_whitespace().next()?.parse::<f64>().ok().map(|nanoseconds| nanoseconds / 1e9)
}
