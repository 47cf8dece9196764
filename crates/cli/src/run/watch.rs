//! `--watch`: what a command shows of itself while it runs.
//!
//! `task.start` at its start; `task.progress` with `percent`, or `done` and `total`, when its last line says how far it
//! is, at most every 15 s; `task.silent` when it has printed nothing for `--silence`, once until it prints again.

use super::life::Life;
use super::output::LastLines;
use serde_json::{Value as Json, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use taskbell_core::engine::Bell;
use taskbell_core::secret::Scrubber;

/// The shortest time between two reports of progress.
const PROGRESS: Duration = Duration::from_secs(15);

/// Between two looks at the output.
const LOOK: Duration = Duration::from_secs(1);

pub struct Watch<'a> {
    bell: &'a Bell,
    life: &'a Life,
    tail: &'a LastLines,
    secrets: &'a Scrubber,
    silence: Duration,
    told: Option<(Instant, PrintedProgress)>,
    /// When the silence began that was reported.
    silent_since: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum PrintedProgress {
    Percent(f64),
    Of(u64, u64),
}

impl<'a> Watch<'a> {
    pub fn new(
        bell: &'a Bell,
        life: &'a Life,
        tail: &'a LastLines,
        secrets: &'a Scrubber,
        silence: Duration,
    ) -> Watch<'a> {
        Watch { bell, life, tail, secrets, silence, told: None, silent_since: None }
    }

    /// Watches while this runs.
    pub fn during<T>(mut self, run: impl FnOnce() -> T) -> T {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let watching = scope.spawn(|| {
                self.report("task.start", json!({ "title": format!("{} has started", self.life.name) }));
                while !is_over.load(Ordering::Acquire) {
                    thread::park_timeout(LOOK);
                    self.look(Instant::now());
                }
            });
            let result = run();
            is_over.store(true, Ordering::Release);
            watching.thread().unpark();
            result
        })
    }

    fn look(&mut self, now: Instant) {
        let printed_at = self.tail.printed_at().unwrap_or(self.life.began);
        if now.saturating_duration_since(printed_at) < self.silence {
            self.silent_since = None;
        } else if self.silent_since != Some(printed_at) {
            self.silent_since = Some(printed_at);
            let idle_s = now.saturating_duration_since(printed_at).as_secs();
            let title = format!("{} has printed nothing for {idle_s} s", self.life.name);
            let text = self.last_line();
            self.report(
                "task.silent",
                json!({ "title": title, "text": text, "status": "warning", "idle_s": idle_s }),
            );
        }
        let is_early = self.told.is_some_and(|(at, _)| now.saturating_duration_since(at) < PROGRESS);
        let Some(progress) = self.last_line().as_deref().and_then(progress_of).filter(|_| !is_early) else {
            return;
        };
        if self.told.is_none_or(|(_, told)| told != progress) {
            self.told = Some((now, progress));
            let (amount, mut fields) = match progress {
                PrintedProgress::Percent(percent) => (format!("{percent} %"), json!({ "percent": percent })),
                PrintedProgress::Of(done, total) => {
                    (format!("{done} of {total}"), json!({ "done": done, "total": total }))
                }
            };
            fields["title"] = format!("{}: {amount}", self.life.name).into();
            self.report("task.progress", fields);
        }
    }

    fn last_line(&self) -> Option<String> {
        self.tail.lines(1, self.secrets).pop()
    }

    /// What cannot be reported is no concern of the command.
    fn report(&self, kind: &str, more: Json) {
        let mut fields = self.life.fields();
        fields["duration_s"] = self.life.began.elapsed().as_secs().into();
        for (name, value) in more.as_object().into_iter().flatten() {
            fields[name] = value.clone();
        }
        let _ = self.bell.emit(kind, fields.to_string().as_bytes());
    }
}

/// How far something is that prints `45%`, `12.5 %`, `[12/240]` or `step 12/240`.
fn progress_of(line: &str) -> Option<PrintedProgress> {
    let (before, after) = line.split_once('/').unwrap_or((line, ""));
    let digits_before = before.len() - before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let digits_after = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let done = before[before.len() - digits_before..].parse::<u64>().ok();
    let total = after[..digits_after].parse::<u64>().ok();
    if let Some((done, total)) = done.zip(total).filter(|(done, total)| done <= total && *total > 0) {
        return Some(PrintedProgress::Of(done, total));
    }
    let (before, _) = line.split_once('%')?;
    let number = before.trim_end();
    let start = number.rfind(|c: char| !c.is_ascii_digit() && c != '.').map_or(0, |at| at + 1);
    let start = (start..number.len()).find(|at| number.is_char_boundary(*at))?;
    let percent = number[start..].parse::<f64>().ok()?;
    (0.0..=100.0).contains(&percent).then_some(PrintedProgress::Percent(percent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_from_bars_and_counts_and_from_nothing_else() {
        for (line, known) in [
            ("Epoch 3: 45%|####   | 9/20 [00:03]", Some(PrintedProgress::Of(9, 20))),
            ("rendering [12/240]", Some(PrintedProgress::Of(12, 240))),
            ("  12.5 % done", Some(PrintedProgress::Percent(12.5))),
            ("进度45%", Some(PrintedProgress::Percent(45.0))),
            ("100%", Some(PrintedProgress::Percent(100.0))),
            ("140% of the usual", None),
            ("2026/11/30 ready", None),
            ("9/0", None),
            ("a/b 99999999999999999999/3", None),
            ("", None),
        ] {
            assert_eq!(progress_of(line), known, "{line}");
        }
    }
}
