//! Steps: each is announced, timed and bounded, and the failures are told again at the end.

use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How often a running command is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// The steps of one run and what became of them.
#[derive(Default)]
pub struct Steps {
    started: usize,
    failures: Vec<String>,
}

impl Steps {
    /// Runs a command with nothing on its input; true when it exits with 0 within `limit`.
    pub fn run(&mut self, name: &str, limit: Duration, command: &mut Command) -> bool {
        self.step(name, || run_within(command, limit))
    }

    /// Runs a step of our own.
    pub fn step(&mut self, name: &str, work: impl FnOnce() -> Result<(), String>) -> bool {
        self.started += 1;
        println!("\n==> {}. {name}", self.started);
        let start = Instant::now();
        match work() {
            Ok(()) => {
                println!("    done in {:.1} s", start.elapsed().as_secs_f64());
                true
            }
            Err(reason) => {
                println!("    FAILED after {:.1} s: {reason}", start.elapsed().as_secs_f64());
                self.failures.push(format!("{name}: {reason}"));
                false
            }
        }
    }

    /// Notes a step that cannot run because another one failed.
    pub fn skip(&mut self, name: &str, reason: &str) {
        self.started += 1;
        println!("\n==> {}. {name}\n    not run: {reason}", self.started);
        self.failures.push(format!("{name}: not run, {reason}"));
    }

    /// Prints the summary; true when nothing failed.
    pub fn finish(self) -> bool {
        if self.failures.is_empty() {
            println!("\nAll {} steps passed.", self.started);
            return true;
        }
        println!("\n{} of {} steps failed:", self.failures.len(), self.started);
        for failure in &self.failures {
            println!("  - {failure}");
        }
        false
    }
}

/// Runs a command to its end, or ends it at the limit.
pub fn run_within(command: &mut Command, limit: Duration) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child =
        command.stdin(Stdio::null()).spawn().map_err(|fault| format!("cannot start {program}: {fault}"))?;
    let end = Instant::now() + limit;
    loop {
        match child.try_wait().map_err(|fault| format!("cannot wait for {program}: {fault}"))? {
            Some(status) => return judge(&program, status),
            None if Instant::now() >= end => {
                // The child may have ended in this very moment; then there is nothing to end.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{program} was ended after {} s", limit.as_secs()));
            }
            None => std::thread::sleep(LOOK),
        }
    }
}

fn judge(program: &str, status: ExitStatus) -> Result<(), String> {
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
    fn a_command_that_does_not_end_is_ended() {
        let start = Instant::now();
        let reason = run_within(&mut shell("exec sleep 600"), Duration::from_millis(100)).unwrap_err();
        assert!(reason.contains("was ended"), "{reason}");
        assert!(start.elapsed() < Duration::from_secs(300));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let reason = run_within(&mut Command::new("no-such-program"), Duration::from_secs(1)).unwrap_err();
        assert!(reason.contains("no-such-program"), "{reason}");
    }
}
