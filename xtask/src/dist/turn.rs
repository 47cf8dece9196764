//! What CI tries in turn: each run another system, since all of them would take several times as long.

use super::build::{self, Place, Profile};
use super::target::Target;
use super::{gather, macos, pack_and_test, suites};
use crate::steps::Steps;
use crate::tools;
use std::process::Command;
use std::time::SystemTime;

const TURNS: &[&str] =
    &["x86_64-unknown-linux-musl", "aarch64-unknown-linux-gnu", "x86_64-pc-windows-gnu", macos::TRIPLES[0]];

const SECONDS_PER_DAY: u64 = 86_400;

/// Builds and tests the one whose turn it is, on CI.
pub fn test(steps: &mut Steps) {
    if !tools::on_ci() {
        steps.skip("packages for other systems", "not on CI; `cargo xtask dist` makes and tests them");
        return;
    }
    let (turn, why) = turn();
    println!("\n    Of {}, {turn} is tried now, by {why}; `cargo xtask dist` tries all.", TURNS.join(", "));
    for other in TURNS.iter().filter(|other| **other != turn) {
        steps.skip(&format!("packages: {other}"), &format!("{turn} is tried now, by {why}"));
    }
    match Target::named(turn) {
        Some(target) => test_target(steps, target),
        None => macos::check(steps),
    }
}

fn test_target(steps: &mut Steps, target: &'static Target) {
    // The linker takes long with what ships.
    let folder = build::cross(steps, target, Profile::Release, &Place::here());
    let built = folder.and_then(|folder| gather(steps, target, &folder));
    if pack_and_test(steps, built.as_slice()) {
        built.iter().for_each(|one| suites(steps, one));
    }
}

/// Whose turn it is, and why.
fn turn() -> (&'static str, String) {
    let counted =
        Command::new("git").current_dir(tools::root()).args(["rev-list", "--count", "HEAD"]).output();
    let counted = counted.ok().and_then(|said| String::from_utf8_lossy(&said.stdout).trim().parse().ok());
    let (number, why): (usize, _) = match counted {
        Some(count) => (count, format!("the number of the commit, {count}")),
        None => {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let day = now.as_secs() / SECONDS_PER_DAY;
            (usize::try_from(day).unwrap_or(0), format!("the day, {day} since 1970"))
        }
    };
    (TURNS[number % TURNS.len()], why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::target::TARGETS;

    #[test]
    fn every_target_but_this_machines_has_its_turn() {
        for target in TARGETS.iter().filter(|target| !target.runs_here()) {
            assert!(TURNS.contains(&target.triple), "{}", target.triple);
        }
        assert!(TURNS.contains(&turn().0));
    }
}
