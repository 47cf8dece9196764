//! The cost of `on_task_complete` for the host's thread, while events flow.

use crate::guest::Guest;
use crate::sink::{Sink, hanging};
use std::ffi::CString;
use std::fs;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const CALLS: usize = 60_000;

/// Between two calls, as a busy host makes them.
const GAP: Duration = Duration::from_micros(40);

struct Figures {
    p50: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

pub fn run() {
    println!("\non_task_complete, 512 bytes, one call each {} µs, {CALLS} calls; µs", GAP.as_micros());
    println!("{:<44} {:>7} {:>7} {:>8} {:>9} {:>10}", "", "p50", "p99", "p99.9", "max", "p50 ratio");
    let event = event();
    let text = event.to_str().expect("the event is text").to_owned();
    let bare = measure(|| drop(black_box(serde_json::from_str::<serde_json::Value>(&text))));
    show("parsing the same JSON (the yardstick)", &bare, &bare);
    let sink = Sink::start();
    let idle = |_: &Path| None;
    show("memory ring, endpoint answers", &bell(&event, &sink.url(), true, idle), &bare);
    show("ring file, endpoint answers", &bell(&event, &sink.url(), false, idle), &bare);
    show("ring file, endpoint hangs", &bell(&event, &hanging(), false, idle), &bare);
    show("ring file, name cannot be resolved", &bell(&event, "http://taskbell.invalid/", false, idle), &bare);
    show(
        "ring file, disk busy",
        &bell(&event, &sink.url(), false, |folder| Some(Busy::start(folder))),
        &bare,
    );
}

fn bell(event: &CString, url: &str, in_memory: bool, disturb: impl FnOnce(&Path) -> Option<Busy>) -> Figures {
    let folder = tempfile::tempdir().expect("a folder for the spool");
    let spool =
        if in_memory { ":memory:".to_owned() } else { folder.path().join("bench.db").display().to_string() };
    let config = format!(
        "[spool]\npath = \"{spool}\"\n[queue]\nmax_bytes = \"16MiB\"\n[endpoints.sink]\nurl = \"{url}\"\n\
         concurrency = 2\n[[hooks]]\non = [\"task.complete\"]\nto = [\"sink\"]\n"
    );
    let guest = Guest::load();
    guest.init(&config);
    let busy = disturb(folder.path());
    let call = guest.on_task_complete();
    let figures = measure(|| while !call(event) {});
    drop((busy, call));
    guest.shutdown(0);
    figures
}

fn measure(mut call: impl FnMut()) -> Figures {
    let mut taken = Vec::with_capacity(CALLS);
    let mut next = Instant::now();
    for _ in 0..CALLS {
        while Instant::now() < next {
            std::hint::spin_loop();
        }
        let start = Instant::now();
        call();
        taken.push(start.elapsed());
        next = Instant::now() + GAP;
    }
    taken.sort_unstable();
    let at = |part: f64| taken[((taken.len() - 1) as f64 * part) as usize].as_nanos() as f64 / 1000.0;
    Figures { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1.0) }
}

fn show(what: &str, figures: &Figures, yardstick: &Figures) {
    let Figures { p50, p99, p999, max } = figures;
    println!("{what:<44} {p50:>7.2} {p99:>7.2} {p999:>8.1} {max:>9.0} {:>10.2}", p50 / yardstick.p50);
}

fn event() -> CString {
    let head = r#"{"id":"a81bc81b-dead-4e5d-abff-90865d1e13b1","name":"portrait-0042","kind":"image","status":"success","duration_s":12.25,"user":"ada","queue":"default","outputs":[{"path":"raw/2026-11-24/0042.png","mime":"image/png"}],"params":{"model":"sdxl-base-1.0","seed":1234567890,"steps":30,"cfg":7.5,"width":1024,"height":1024,"prompt":""#;
    let tail = r#""}}"#;
    let prompt = "a lighthouse at dusk, oil on canvas, ".repeat(20);
    let filled = 512 - head.len() - tail.len();
    CString::new(format!("{head}{}{tail}", &prompt[..filled])).expect("no NUL in the event")
}

struct Busy {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Busy {
    fn start(folder: &Path) -> Busy {
        let stop = Arc::new(AtomicBool::new(false));
        let (told, path) = (Arc::clone(&stop), folder.join("busy"));
        let thread = thread::spawn(move || {
            let block = vec![7; 4 << 20];
            while !told.load(Ordering::Relaxed) {
                let Ok(mut file) = fs::File::create(&path) else { return };
                for _ in 0..8 {
                    let _ = file.write_all(&block);
                }
                let _ = file.sync_all();
            }
        });
        Busy { stop, thread: Some(thread) }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
