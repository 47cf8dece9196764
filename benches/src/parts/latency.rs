//! From the event to its receiver, and what a hanging endpoint does to the others.

use crate::measure::{self, at};
use crate::row::{Goal, Row};
use crate::setting::{Setting, row, words};
use crate::sink::{Mode, Sink};
use std::time::Duration;

const PART: &str = "latency";

pub fn run(setting: &Setting) -> Result<Vec<Row>, String> {
    let (sink, other) = (Sink::start(Mode::Time)?, Sink::start(Mode::Accept)?);
    let hung = Sink::start(Mode::Hang)?;
    let ages = |form: &str| -> Result<Vec<f64>, String> {
        sink.take_ages();
        measure::client(&words(&format!("latency url={} {form}", sink.url())))?;
        let ages = sink.take_ages();
        if ages.is_empty() {
            return Err("nothing arrived".to_owned());
        }
        Ok(ages.iter().map(Duration::as_secs_f64).map(|age| age * 1000.0).collect())
    };
    let events = setting.pick(2_000, 400);
    let each = |form: &str, part: f64| -> Result<Vec<f64>, String> {
        (0..setting.runs.div_ceil(2)).map(|_| ages(form).map(|ages| at(&ages, part))).collect()
    };
    let idle = ages(&format!("disk=1 events={} gap_us=1500000", setting.pick(20, 4)));
    let idle = idle.map(|ages| vec![at(&ages, 0.5)]);
    let flowing = format!("events={events} gap_us=2000");
    let awake = each(&format!("disk=1 {flowing}"), 0.5);
    let mut calm = Vec::new();
    let mut beside = Vec::new();
    let mut fault = None;
    for _ in 0..setting.runs.div_ceil(2) {
        for (receiver, all) in [(&other, &mut calm), (&hung, &mut beside)] {
            match ages(&format!("other={} {flowing}", receiver.url())) {
                Ok(ages) => all.push(at(&ages, 0.99)),
                Err(reason) => fault = Some(reason),
            }
        }
    }
    let ratios: Vec<f64> = calm.iter().zip(&beside).map(|(calm, beside)| beside / calm).collect();
    let kept = |figures: Vec<f64>| fault.clone().map_or(Ok(figures), Err);
    Ok(vec![
        row(PART, "event to receiver, p50, when awake", "ms", &awake, None, Some(Goal::AtMost(1.0))),
        row(PART, "event to receiver, p50, from idle", "ms", &idle, None, Some(Goal::AtMost(5.0))),
        row(PART, "event to receiver, p99, another endpoint answers", "ms", &kept(calm), None, None),
        row(
            PART,
            "event to receiver, p99, another endpoint hangs",
            "ms",
            &kept(beside),
            Some(("it answers", &ratios)),
            Some(Goal::AtMost(1.1)),
        ),
    ])
}
