//! Sends with reqwest: `URL EVENTS IN_FLIGHT CALLS BODY`. Or checks JSON with simd-json: `check BODY CALLS`.

use simd_json::Buffers;
use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

type Done<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Done<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let figures = match words[..] {
        ["check", body, calls] => check(&fs::read(body)?, calls.parse()?)?,
        [url, events, in_flight, calls, body] => {
            send(url, events.parse()?, in_flight.parse()?, calls.parse()?, &fs::read(body)?)?
        }
        _ => return Err("usage: URL EVENTS IN_FLIGHT CALLS BODY, or check BODY CALLS".into()),
    };
    println!("{}", figures.iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
    Ok(())
}

/// Seconds, processor seconds, and what handing a request to the runtime costs: p50 and p99 in nanoseconds.
fn send(url: &str, events: usize, in_flight: usize, calls: usize, body: &[u8]) -> Done<Vec<f64>> {
    let runtime = Runtime::new()?;
    let client = reqwest::Client::new();
    let (start, used) = (Instant::now(), processor_s());
    let request = client.post(url).header("content-type", "application/json").body(body.to_vec()).build()?;
    let copy = || request.try_clone().ok_or("a body of bytes can be copied");
    let loops: Vec<_> = (0..in_flight)
        .map(|number| {
            let share = events / in_flight + usize::from(number < events % in_flight);
            let (client, request) = (client.clone(), copy()?);
            Ok(runtime.spawn(async move {
                for _ in 0..share {
                    let request = request.try_clone().ok_or("a body of bytes can be copied")?;
                    client.execute(request).await?.error_for_status()?.bytes().await?;
                }
                Done::Ok(())
            }))
        })
        .collect::<Done<_>>()?;
    for done in loops {
        runtime.block_on(done)??;
    }
    let mut figures = vec![start.elapsed().as_secs_f64(), processor_s() - used];
    let mut taken = Vec::new();
    for _ in 0..calls {
        let before = Instant::now();
        let task = runtime.spawn(client.execute(copy()?));
        taken.push(before.elapsed().as_nanos() as f64);
        runtime.block_on(task)??.error_for_status()?;
    }
    figures.extend(quantiles(taken));
    Ok(figures)
}

fn check(json: &[u8], calls: usize) -> Done<Vec<f64>> {
    let mut buffers = Buffers::new(json.len());
    let mut taken = Vec::new();
    let mut next = Instant::now();
    for _ in 0..calls {
        // It writes into what it reads; the copy is not part of the check.
        let mut copy = json.to_vec();
        while Instant::now() < next {
            std::hint::spin_loop();
        }
        let start = Instant::now();
        let tape = simd_json::to_tape_with_buffers(&mut copy, &mut buffers)?;
        let object = matches!(tape.0.first(), Some(simd_json::Node::Object { .. }));
        taken.push(start.elapsed().as_nanos() as f64);
        assert!(object, "the body is an object");
        next = Instant::now() + Duration::from_micros(40);
    }
    Ok(quantiles(taken))
}

fn quantiles(mut taken: Vec<f64>) -> Vec<f64> {
    taken.sort_by(f64::total_cmp);
    let at = |part: usize| taken.get(taken.len() * part / 100).copied().unwrap_or_default();
    vec![at(50), at(99)]
}

/// User and system time of this process (proc(5), fields 14 and 15 of `stat`), in steps of 10 ms.
fn processor_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}
