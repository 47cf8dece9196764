//! What a start costs with a hundred thousand deliveries in the spool: time until the bell is open, time
//! until the first request, and memory. The receiver is a socket on loopback that answers at once.
//!
//! `cargo bench --bench backlog`; a number as argument is another size.

use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use taskbell_core::clock;
use taskbell_core::config::Config;
use taskbell_core::engine::Bell;
use taskbell_core::event::EventId;
use taskbell_core::spool::SpoolPath;
use taskbell_core::spool::{NewDelivery, NewEvent, Spool};

const PENDING: u64 = 100_000;
const OPEN_S: f64 = 2.0;
const FIRST_SEND_S: f64 = 1.0;
const MEMORY_MIB: f64 = 40.0;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    match arguments.as_slice() {
        [word, folder, port] if word == "open" => open(Path::new(folder), port),
        [] => run(PENDING),
        [number] => run(number.parse().unwrap_or(PENDING)),
        _ => ExitCode::FAILURE,
    }
}

/// Fills a spool, then opens it in a process of its own, whose memory nothing else has touched.
fn run(pending: u64) -> ExitCode {
    let Ok(folder) = tempfile::tempdir() else { return ExitCode::FAILURE };
    fill(&folder.path().join("bell.db"), pending);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let port = listener.local_addr().expect("its address").port();
    let start = Instant::now();
    let first = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&first);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let seen = Arc::clone(&seen);
            thread::spawn(move || {
                let mut bytes = [0; 4096];
                while matches!(stream.read(&mut bytes), Ok(read) if read > 0) {
                    let now = start.elapsed().as_micros() as u64;
                    let _ = seen.compare_exchange(0, now, Ordering::SeqCst, Ordering::SeqCst);
                    if stream.write_all(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").is_err() {
                        return;
                    }
                }
            });
        }
    });
    let program = std::env::current_exe().expect("this program");
    let opened = start.elapsed();
    let output = Command::new(program).arg("open").arg(folder.path()).arg(port.to_string()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let figures: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [before_s, open_s, memory_mib, peak_mib] = figures[..] else {
        println!("the opening process said nothing useful: {text}");
        return ExitCode::FAILURE;
    };
    let first_s = first.load(Ordering::SeqCst) as f64 / 1e6 - opened.as_secs_f64() - before_s;
    println!("{pending} pending deliveries");
    let mut good = true;
    for (what, value, bound, unit) in [
        ("open", open_s, OPEN_S, "s"),
        ("first send after the start of open", first_s, FIRST_SEND_S, "s"),
        ("resident memory", memory_mib, MEMORY_MIB, "MiB"),
        ("resident memory at its peak", peak_mib, MEMORY_MIB, "MiB"),
    ] {
        good &= value <= bound;
        println!("  {what:36} {value:8.3} {unit:3}  {:6.2} of the bound of {bound} {unit}", value / bound);
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn fill(path: &Path, pending: u64) {
    let mut spool = Spool::open(&SpoolPath::File(path.to_owned()), "earlier").expect("a new spool");
    let now = clock::unix_ms();
    let payload = json!({"n": 1, "filling": "x".repeat(300)}).to_string();
    for portion in 0..pending.div_ceil(5000) {
        let mut batch = spool.begin().expect("a transaction");
        for number in portion * 5000..pending.min((portion + 1) * 5000) {
            let id = EventId::new(now, u128::from(number));
            let event = NewEvent { id, kind: "task.complete", accepted_at: now, payload: payload.as_bytes() };
            let event = batch.event(&event).expect("an event").expect("a new one");
            let delivery = NewDelivery {
                event,
                endpoint: "ci",
                hook: "hooks[0]",
                content_type: "application/json",
                body: payload.as_bytes(),
                extras: None,
                created_at: now,
                due_at: now,
                dead: None,
                why: None,
                expires_at: None,
                thing: None,
                live: None,
            };
            batch.delivery(&delivery).expect("a delivery");
        }
        batch.commit().expect("a commit");
    }
    spool.close();
}

/// The process that is measured: seconds from its start to the start of `open`, seconds of `open`, memory
/// a second later, and at its peak.
fn open(folder: &Path, port: &str) -> ExitCode {
    let begun = Instant::now();
    let config = json!({
        "spool": {"path": folder.join("bell.db")},
        "endpoints": {"ci": {"platform": "json", "url": format!("http://127.0.0.1:{port}/"), "concurrency": 4}},
        "hooks": [{"on": ["task.complete"], "to": ["ci"]}],
    });
    let Ok(config) = Config::load(&config.to_string()) else { return ExitCode::FAILURE };
    let start = Instant::now();
    let Ok(bell) = Bell::open(config) else { return ExitCode::FAILURE };
    let took = start.elapsed();
    thread::sleep(Duration::from_secs(1));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let number = line.trim_matches(|c: char| !c.is_ascii_digit());
        number.parse::<f64>().unwrap_or(f64::NAN) / 1024.0
    };
    println!("{} {} {} {}", (start - begun).as_secs_f64(), took.as_secs_f64(), mib("VmRSS:"), mib("VmHWM:"));
    let _ = bell.close(Duration::ZERO);
    ExitCode::SUCCESS
}
