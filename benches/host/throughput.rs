//! How fast a backlog goes out: 20 000 events to one endpoint on loopback, against a raw loop that makes
//! the same requests over connections that stay open.

use crate::sink::Sink;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};
use taskbell_core::config::Config;
use taskbell_core::engine::Bell;

const EVENTS: usize = 20_000;
const THREADS: usize = 4;

pub fn run() {
    println!("\n{EVENTS} events of 512 bytes to one endpoint on loopback, {THREADS} in flight");
    let (raw, raw_cpu) = measured(raw_loop);
    println!("{:<44} {:>9.0}/s, {raw_cpu:.0} us of processor time each", "raw keep-alive loop", raw);
    for (name, spool) in [("bell, spool in memory", false), ("bell, spool on disk", true)] {
        let (rate, cpu) = measured(|| bell(spool));
        println!(
            "{name:<44} {rate:>9.0}/s   {:.2} of the raw loop, at {:.1} times its processor time",
            rate / raw,
            cpu / raw_cpu
        );
    }
}

fn measured(run: impl FnOnce() -> f64) -> (f64, f64) {
    let before = processor_ticks();
    let rate = run();
    (rate, (processor_ticks() - before) as f64 * 10_000.0 / EVENTS as f64)
}

/// User and system time of this process (proc(5), fields 14 and 15 of `stat`), in hundredths of a second.
fn processor_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}

fn payload() -> String {
    format!(r#"{{"name":"frame","text":"{}"}}"#, "x".repeat(484))
}

fn bell(on_disk: bool) -> f64 {
    let sink = Sink::start();
    let folder = tempfile::tempdir().expect("a folder for the spool");
    let spool =
        if on_disk { folder.path().join("bench.db").display().to_string() } else { ":memory:".into() };
    let config = format!(
        "[spool]\npath = \"{spool}\"\n[queue]\nmax_bytes = \"16MiB\"\n[endpoints.sink]\nurl = \"{}\"\n\
         concurrency = {THREADS}\n[[hooks]]\non = [\"bench.event\"]\nto = [\"sink\"]\n",
        sink.url()
    );
    let bell =
        Bell::open(Config::load(&config).expect("the configuration is sound")).expect("the bell opens");
    let payload = payload();
    let start = Instant::now();
    for _ in 0..EVENTS {
        while bell.emit("bench.event", payload.as_bytes()).is_err() {
            thread::sleep(Duration::from_micros(200));
        }
    }
    while sink.requests() < EVENTS as u64 {
        thread::sleep(Duration::from_millis(1));
    }
    EVENTS as f64 / start.elapsed().as_secs_f64()
}

/// The same bytes as a delivery has, without the library.
fn raw_loop() -> f64 {
    let sink = Sink::start();
    let body =
        format!(r#"{{"type":"bench.event","timestamp":"2026-11-24T00:00:00.000Z","data":{}}}"#, payload());
    let request = format!(
        "POST /hook HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nuser-agent: taskbell/0.1.0\r\naccept: */*\r\n\
         accept-encoding: gzip\r\ncontent-type: application/json\r\nwebhook-id: evt_{:032x}\r\n\
         webhook-timestamp: 1764000000\r\ntaskbell-attempt: 1\r\ncontent-length: {}\r\n\r\n{body}",
        sink.port(),
        7,
        body.len()
    );
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(("127.0.0.1", sink.port())).expect("the sink listens");
                stream.set_nodelay(true).expect("a TCP stream has this option");
                let mut answer = [0; 256];
                for _ in 0..EVENTS / THREADS {
                    stream.write_all(request.as_bytes()).expect("the sink reads");
                    let read = stream.read(&mut answer).expect("the sink answers");
                    assert!(answer[..read].ends_with(b"\r\n\r\n"));
                }
            });
        }
    });
    EVENTS as f64 / start.elapsed().as_secs_f64()
}
