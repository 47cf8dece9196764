//! The benchmarks, with what they are compared with; and instructions per delivery.

use crate::dist::build;
use crate::steps::{BUILD_LIMIT, Steps, run_within};
use crate::tools::{self, cargo};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A full run measures for about an hour.
const BENCH_LIMIT: Duration = Duration::from_secs(4 * 60 * 60);

/// The programs that are measured, and the Debian packages that bring them.
const PROGRAMS: [(&str, &str); 3] = [("curl", "curl"), ("node", "nodejs"), ("valgrind", "valgrind")];

/// Builds, prepares and measures; arguments go to the benchmark. A sender that cannot be prepared is a row without a
/// figure, and no failure.
pub fn bench(arguments: &[String]) -> bool {
    let mut steps = Steps::default();
    let folder = tools::target().join("bench");
    let library = build::library(&mut steps);
    let program = build_program(&mut steps, &["--release"], &tools::target().join("release"));
    for (name, package) in PROGRAMS {
        prepare(&mut steps, name, || tools::program(name, package));
    }
    prepare(&mut steps, "requests and apprise", || {
        let venv = folder.join("venv");
        tools::python_with(&venv, "benches/peers/requirements.txt", "import apprise, requests").map(drop)
    });
    prepare(&mut steps, "reqwest and simd-json", || {
        let mut build =
            cargo(["build", "--release", "--quiet", "--manifest-path", "benches/peers/rust/Cargo.toml"]);
        run_within(build.arg("--target-dir").arg(&folder), BUILD_LIMIT)
    });
    if let (Some(library), Some(program)) = (library, program) {
        let mut bench = Command::new(program);
        bench.current_dir(tools::root()).arg("--tools").arg(&folder).args(arguments);
        steps.run("measure", BENCH_LIMIT, bench.env("TASKBELL_LIBRARY", library));
    }
    steps.finish()
}

/// Counts the instructions of a delivery in the release library; with `record`, for the checks to come.
pub fn instructions(record: bool) -> bool {
    let mut steps = Steps::default();
    let library = build::library(&mut steps);
    build_program(&mut steps, &[], &tools::target().join("debug"));
    if let Some(library) = library {
        count_instructions(&mut steps, &library, record);
    }
    steps.finish()
}

/// Holds the instructions of a delivery to the figure in `benches/instructions.txt`, with the program of the debug
/// build, whose own part is small.
pub fn count_instructions(steps: &mut Steps, library: &Path, record: bool) {
    const NAME: &str = "instructions per delivery";
    if let Err(reason) = tools::program("valgrind", "valgrind") {
        if tools::on_ci() {
            steps.fail(NAME, &reason)
        } else {
            steps.skip(NAME, &reason)
        }
        return;
    }
    let mut count = Command::new(tools::target().join("debug").join(NAME_OF_PROGRAM));
    count.arg("instructions").args(record.then_some("--record")).env("TASKBELL_LIBRARY", library);
    steps.run(NAME, BUILD_LIMIT, &mut count);
}

pub const NAME_OF_PROGRAM: &str = "taskbell-bench";

fn build_program(steps: &mut Steps, profile: &[&str], folder: &Path) -> Option<PathBuf> {
    let mut build = cargo(["build", "--package", NAME_OF_PROGRAM]);
    steps.run("benchmark", BUILD_LIMIT, build.args(profile)).then(|| folder.join(NAME_OF_PROGRAM))
}

fn prepare(steps: &mut Steps, name: &str, work: impl FnOnce() -> Result<(), String>) {
    let mut outcome = Ok(());
    steps.step(name, || {
        outcome = work();
        Ok(())
    });
    if let Err(reason) = outcome {
        println!("    {reason}; it is not measured");
    }
}
