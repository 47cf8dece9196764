//! The same bytes as a delivery has, over connections that stay open, and nothing else.

use crate::load::Load;
use crate::{measure, processor};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// `events` over `in_flight` connections: seconds, seconds of processor time; then how long a caller that sends itself
/// waits in each of `calls`: p50 and p99 in nanoseconds.
pub fn run(load: &Load<'_>) -> Result<Vec<f64>, String> {
    let port: u16 = load.number("port", 0)?.try_into().map_err(|_| "port= is none")?;
    let path = load.text("request").ok_or("request= is missing")?;
    let request = fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let (connections, events) = (load.number("in_flight", 4)?, load.number("events", 1)?);
    // Before the time counts: the library's connections are open by then, too.
    let mut streams = (0..connections).map(|_| connect(port)).collect::<Result<Vec<TcpStream>, _>>()?;
    let (start, used) = (Instant::now(), processor::own());
    let sent: Result<(), String> = thread::scope(|scope| {
        let send = |stream: &mut TcpStream, number: u64| {
            let share = events / connections + u64::from(number < events % connections);
            (0..share).try_for_each(|_| exchange(stream, &request))
        };
        let senders = streams.iter_mut().zip(0..);
        let threads: Vec<_> =
            senders.map(|(stream, number)| scope.spawn(move || send(stream, number))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a sender panicked")?)
    });
    sent?;
    let (seconds, used) = (start.elapsed(), processor::own() - used);
    let mut stream = connect(port)?;
    let mut fault = Ok(());
    let taken = measure::calls(load.number("calls", 0)?, Duration::from_micros(500), |_| {
        if fault.is_ok() {
            fault = exchange(&mut stream, &request);
        }
    });
    fault?;
    Ok(vec![seconds.as_secs_f64(), used.as_secs_f64(), measure::at(&taken, 0.5), measure::at(&taken, 0.99)])
}

fn connect(port: u16) -> Result<TcpStream, String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|error| format!("the sink: {error}"))?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    Ok(stream)
}

fn exchange(stream: &mut TcpStream, request: &[u8]) -> Result<(), String> {
    let mut answer = [0; 256];
    stream.write_all(request).map_err(|error| error.to_string())?;
    let read = stream.read(&mut answer).map_err(|error| error.to_string())?;
    if answer[..read].ends_with(b"\r\n\r\n") { Ok(()) } else { Err("half an answer".to_owned()) }
}
