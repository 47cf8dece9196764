//! What `on_task_complete` costs the host's thread, over the fastest check that the bytes are a JSON object.

use super::peers;
use crate::load::Event;
use crate::measure;
use crate::row::{Goal, Row};
use crate::setting::{Setting, row, words};
use crate::sink::{Mode, Sink};
use std::fs;
use std::path::Path;

const PART: &str = "calls";
const CHECK: &str = "fastest check";

/// Above the fastest check, in nanoseconds.
const GOALS: [(&str, f64); 2] = [("p50", 100.0), ("p99", 1_000.0)];

pub fn run(setting: &Setting) -> Result<Vec<Row>, String> {
    let (sink, hung) = (Sink::start(Mode::Accept)?, Sink::start(Mode::Hang)?);
    let calls = setting.pick(60_000, 10_000);
    let runs = setting.runs.div_ceil(2);
    let forms = [
        ("memory ring, endpoint answers", format!("url={}", sink.url())),
        ("ring file, endpoint answers", format!("url={} disk=1", sink.url())),
        ("ring file, endpoint hangs", format!("url={} disk=1", hung.url())),
        ("ring file, disk busy", format!("url={} disk=1 disturbed=1", sink.url())),
    ];
    let mut checks: Vec<Vec<f64>> = Vec::new();
    let mut taken: Vec<Result<Vec<Vec<f64>>, String>> = forms.iter().map(|_| Ok(Vec::new())).collect();
    let file = setting.folder.join("event.json");
    fs::write(&file, Event::new().numbered(1)).map_err(|error| format!("{}: {error}", file.display()))?;
    for _ in 0..runs {
        checks.push(fastest_check(setting, &file, calls)?);
        for ((_, form), all) in forms.iter().zip(&mut taken) {
            let figures = measure::client(&words(&format!("calls calls={calls} {form}")));
            match (figures, all.as_mut()) {
                (Ok(figures), Ok(all)) => all.push(figures),
                (Err(reason), Ok(_)) => *all = Err(reason),
                (_, Err(_)) => {}
            }
        }
    }
    let column = |of: &[Vec<f64>], place: usize| of.iter().map(|run| run[place]).collect::<Vec<f64>>();
    let mut rows = Vec::new();
    for (place, (quantile, _)) in GOALS.iter().enumerate() {
        let what = format!("{CHECK} that 512 bytes are a JSON object, {quantile}");
        rows.push(row(PART, what, "ns", &Ok(column(&checks, place)), None, None));
    }
    for (number, ((title, _), taken)) in forms.iter().zip(&taken).enumerate() {
        for (place, (quantile, goal)) in GOALS.iter().enumerate() {
            let values = taken.as_ref().map(|taken| column(taken, place)).map_err(Clone::clone);
            let checks = column(&checks, place);
            let over: Vec<f64> =
                values.iter().flatten().zip(&checks).map(|(value, check)| value - check).collect();
            // What is promised is promised while events flow.
            let goal = (number < 2).then_some(Goal::AtMost(*goal));
            let what = format!("call, {quantile}: {title}");
            rows.push(row(PART, what, "ns", &values, Some(("over the fastest check", &over)), goal));
        }
    }
    rows.extend(two_threads(setting));
    Ok(rows)
}

/// p50 and p99 of the check that is fastest at the median.
fn fastest_check(setting: &Setting, event: &Path, calls: u64) -> Result<Vec<f64>, String> {
    let own = measure::client(&words(&format!("check calls={calls}")))?;
    let vectorised = peers::check(setting, event, calls).unwrap_or_else(|_| own.clone());
    Ok(if vectorised[0] < own[0] { vectorised } else { own })
}

fn two_threads(setting: &Setting) -> Vec<Row> {
    let rate = |threads: u64| {
        let bursts = setting.pick(20, 5);
        let line = format!(
            "burst url=http://127.0.0.1:9/ endpoints=2 events=20000 bursts={bursts} threads={threads}"
        );
        measure::client(&words(&line)).map(|figures| figures[0])
    };
    let pairs: Result<Vec<(f64, f64)>, String> =
        (0..setting.runs.div_ceil(2)).map(|_| Ok((rate(1)?, rate(2)?))).collect();
    let one = pairs.as_ref().map(|pairs| pairs.iter().map(|pair| pair.0).collect()).map_err(Clone::clone);
    let two = pairs.as_ref().map(|pairs| pairs.iter().map(|pair| pair.1).collect()).map_err(Clone::clone);
    let ratios: Vec<f64> = pairs.iter().flatten().map(|(one, two)| two / one).collect();
    vec![
        row(
            PART,
            "events taken from one host thread, in a second of its processor time",
            "/s",
            &one,
            None,
            None,
        ),
        row(
            PART,
            "events taken from two host threads at once, the same for each",
            "/s",
            &two,
            Some(("one thread", &ratios)),
            Some(Goal::AtLeast(1.7)),
        ),
    ]
}
