//! Steps: each is announced, timed and bounded, and the summary at the end names every one of them.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The longest time for a build of the workspace.
pub const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);

/// How often a running command is looked at.
const POLL: Duration = Duration::from_millis(50);

/// The steps of one run.
#[derive(Default)]
pub struct Steps {
    done: Vec<Step>,
}

struct Step {
    name: String,
    outcome: Outcome,
    wall: Duration,
    processor: Option<Duration>,
}

enum Outcome {
    Passed,
    Failed(String),
    /// What the step needs is not on this machine.
    Skipped(String),
}

impl Steps {
    /// Runs a command with nothing on its input; true when it exits with 0 within `limit`.
    pub fn run(&mut self, name: &str, limit: Duration, command: &mut Command) -> bool {
        self.step(name, || run_within(command, limit))
    }

    /// Runs a step of our own.
    pub fn step(&mut self, name: &str, work: impl FnOnce() -> Result<(), String>) -> bool {
        println!("\n==> {}. {name}", self.done.len() + 1);
        let (start, used_before) = (Instant::now(), processor_time());
        let result = work();
        let wall = start.elapsed();
        let processor = processor_time().zip(used_before).map(|(after, before)| after.saturating_sub(before));
        let outcome = match result {
            Ok(()) => Outcome::Passed,
            Err(reason) => {
                println!("    FAILED: {reason}");
                Outcome::Failed(reason)
            }
        };
        let passed = matches!(outcome, Outcome::Passed);
        self.done.push(Step { name: name.to_owned(), outcome, wall, processor });
        passed
    }

    /// Notes a step that cannot run because another one failed; the run fails with it.
    pub fn fail(&mut self, name: &str, reason: &str) {
        self.note(name, Outcome::Failed(format!("not run: {reason}")));
    }

    /// Notes a step that this machine cannot run; the run can pass without it.
    pub fn skip(&mut self, name: &str, reason: &str) {
        self.note(name, Outcome::Skipped(reason.to_owned()));
    }

    fn note(&mut self, name: &str, outcome: Outcome) {
        println!("\n==> {}. {name}: not run", self.done.len() + 1);
        self.done.push(Step { name: name.to_owned(), outcome, wall: Duration::ZERO, processor: None });
    }

    /// Prints the summary; true when nothing failed.
    pub fn finish(self) -> bool {
        print!("\n{}", self.summary());
        !self.done.iter().any(|step| matches!(step.outcome, Outcome::Failed(_)))
    }

    fn summary(&self) -> String {
        let mut text = String::from("      wall  processor  step\n");
        let (mut failed, mut skipped) = (0, 0);
        for Step { name, outcome, wall, processor } in &self.done {
            let note = match outcome {
                Outcome::Passed => String::new(),
                Outcome::Failed(reason) => {
                    failed += 1;
                    format!(": FAILED, {reason}")
                }
                Outcome::Skipped(reason) => {
                    skipped += 1;
                    format!(": SKIPPED, {reason}")
                }
            };
            let (wall, processor) = (seconds(Some(*wall)), seconds(*processor));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{wall} {processor}  {name}{note}");
        }
        let total = |of: fn(&Step) -> Option<Duration>| self.done.iter().filter_map(of).sum();
        let (wall, processor) =
            (seconds(Some(total(|step| Some(step.wall)))), seconds(Some(total(|step| step.processor))));
        let passed = self.done.len() - failed - skipped;
        let _ =
            writeln!(text, "{wall} {processor}  {passed} steps passed, {failed} failed, {skipped} skipped");
        text
    }
}

fn seconds(time: Option<Duration>) -> String {
    time.map_or_else(|| format!("{:>10}", "-"), |time| format!("{:>8.1} s", time.as_secs_f64()))
}

/// The processor time of every child that has ended so far, and of their children in turn. Known on
/// Linux only, from proc_pid_stat(5).
fn processor_time() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    children_time(&stat)
}

fn children_time(stat: &str) -> Option<Duration> {
    /// `USER_HZ`, the same on every architecture Linux runs on today.
    const TICKS_PER_S: f64 = 100.0;
    // The name of the program, in brackets, may hold spaces; `cutime` and `cstime` are fields 16 and 17.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(13);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some(Duration::from_secs_f64(f64::from(ticks()? + ticks()?) / TICKS_PER_S))
}

/// Runs a command to its end, or ends it at the limit.
pub fn run_within(command: &mut Command, limit: Duration) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child =
        command.stdin(Stdio::null()).spawn().map_err(|error| format!("cannot start {program}: {error}"))?;
    let end = Instant::now() + limit;
    loop {
        match child.try_wait().map_err(|error| format!("cannot wait for {program}: {error}"))? {
            Some(status) => return check(&program, status),
            None if Instant::now() >= end => {
                // The child may have ended since; then there is nothing left to kill.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{program} was ended after {} s", limit.as_secs()));
            }
            None => std::thread::sleep(POLL),
        }
    }
}

fn check(program: &str, status: ExitStatus) -> Result<(), String> {
    if status.success() { Ok(()) } else { Err(format!("{program}: {status}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failed_step_fails_the_run_and_the_others_still_run() {
        let mut steps = Steps::default();
        assert!(!steps.run("bad", Duration::from_secs(60), &mut shell("exit 3")));
        assert!(steps.run("good", Duration::from_secs(60), &mut shell("exit 0")));
        assert!(!steps.finish());
    }

    #[test]
    fn the_summary_names_what_was_skipped_and_what_failed() {
        let mut steps = Steps::default();
        steps.run("good", Duration::from_secs(60), &mut shell("exit 0"));
        steps.skip("rare", "no such program");
        assert!(steps.summary().contains("rare: SKIPPED, no such program\n"), "{}", steps.summary());
        assert!(steps.summary().ends_with("  1 steps passed, 0 failed, 1 skipped\n"), "{}", steps.summary());
        steps.fail("late", "no library");
        assert!(steps.summary().contains("late: FAILED, not run: no library\n"), "{}", steps.summary());
        assert!(!steps.finish());
    }

    #[test]
    fn a_command_that_does_not_end_is_ended() {
        let start = Instant::now();
        let reason = run_within(&mut shell("exec sleep 600"), Duration::from_millis(100)).unwrap_err();
        assert!(reason.contains("was ended"), "{reason}");
        assert!(start.elapsed() < Duration::from_secs(300));
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let reason = run_within(&mut Command::new("no-such-program"), Duration::from_secs(1)).unwrap_err();
        assert!(reason.contains("no-such-program"), "{reason}");
    }

    #[test]
    fn the_time_of_children_is_read_past_a_name_with_spaces() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194304 90 80 0 0 5 6 250 50 20 0 1 0 100 0 0";
        assert_eq!(children_time(stat), Some(Duration::from_secs(3)));
        assert_eq!((children_time("7 (a) S 1"), children_time("odd")), (None, None));
    }
}
