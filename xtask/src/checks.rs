//! The commands: which steps they have, in which order.
//!
//! Everything in Rust that the checks run is one build: one profile, one set of features (with the fail
//! points), one target folder; Clippy lints as it compiles. Only the release library is built apart.

use crate::bench;
use crate::dist;
use crate::hosts;
use crate::outside::{library, pytest, run_tests};
use crate::steps::{BUILD_LIMIT, Steps};
use crate::tools::{self, cargo};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const TEST_LIMIT: Duration = Duration::from_secs(45 * 60);
const LINT_LIMIT: Duration = Duration::from_secs(5 * 60);

/// What is built and tested, the same in each step, so that each step finds what another one has built.
const WORKSPACE: &[&str] = &["--workspace", "--features", "taskbell/failpoints"];

/// The tests from outside that answer soon and touch every part: the ABI, the binding, the
/// configuration, a delivery.
const QUICK: &[&str] = &["test_binding.py", "test_calls.py", "test_config.py", "test_delivery.py"];

/// Everything.
pub fn test() -> bool {
    let start = Instant::now();
    let mut steps = Steps::default();
    steps.step("programs for the tests from outside", tools::programs);
    let python = prepare_python(&mut steps);
    rust(&mut steps, &[]);
    let pages = doc(&mut steps).map(|pages| ("TASKBELL_RUST_PAGES", pages));
    dependencies(&mut steps);
    ring_under_miri(&mut steps);
    let release = dist::build::library(&mut steps);
    if let Some(library) = &release {
        bench::count_instructions(&mut steps, library, false);
    }
    if let Some(python) = &python {
        lint_python(&mut steps, python);
    }
    let folder = release.as_ref().and_then(|library| library.parent().map(Path::to_owned));
    // What ships is tried, and it answers several times as fast; what has fail points is for their tests alone.
    let tried = release.clone().unwrap_or_else(library);
    let failing = ("TASKBELL_FAILPOINTS_LIBRARY", library());
    let release = release.map(|library| ("TASKBELL_RELEASE_LIBRARY", library));
    let made: Vec<_> = release.into_iter().chain(pages).chain([failing]).collect();
    run_python(&mut steps, python.as_deref(), &tried, &all_python_tests(), &[], &made);
    match folder {
        Some(folder) => dist::test_here(&mut steps, &folder),
        None => steps.fail("packages", "the release library was not built"),
    }
    hosts::test_in_time(&mut steps, start);
    dist::turn::test(&mut steps);
    steps.finish()
}

/// The real hosts from PyPI.
pub fn hosts() -> bool {
    let mut steps = Steps::default();
    if build(&mut steps) {
        hosts::test(&mut steps);
    }
    steps.finish()
}

/// What finds most faults, within three minutes on a tree that is built. Property tests try an eighth of their
/// cases.
pub fn quick() -> bool {
    let mut steps = Steps::default();
    let python = prepare_python(&mut steps);
    rust(&mut steps, &[("TASKBELL_QUICK", "1")]);
    let files = QUICK.iter().map(|file| format!("tests/python/{file}")).collect::<Vec<_>>();
    run_python(&mut steps, python.as_deref(), &library(), &files, &[], &[]);
    steps.finish()
}

/// The tests from outside alone.
pub fn python(arguments: &[String]) -> bool {
    let mut steps = Steps::default();
    steps.step("programs for the tests from outside", tools::programs);
    let python = prepare_python(&mut steps);
    build(&mut steps);
    run_python(&mut steps, python.as_deref(), &library(), &all_python_tests(), arguments, &[]);
    steps.finish()
}

/// The tests that compare a generated document with the code write it instead.
pub fn docs() -> bool {
    let mut steps = Steps::default();
    let mut command = cargo(["test", "--no-fail-fast"]);
    command.args(WORKSPACE);
    steps.run("documents", BUILD_LIMIT, command.env("TASKBELL_UPDATE_DOCS", "1"));
    steps.finish()
}

/// The dependencies: licenses, sources, bans, and what is known against their security.
pub fn deny() -> bool {
    let mut steps = Steps::default();
    dependencies(&mut steps);
    run_deny(&mut steps, "advisories", &["advisories"]);
    steps.finish()
}

/// What is known without a network. The list of advisories is fetched from elsewhere.
fn dependencies(steps: &mut Steps) {
    run_deny(steps, "licenses, bans, sources", &["licenses", "bans", "sources"]);
}

fn run_deny(steps: &mut Steps, name: &str, checks: &[&str]) {
    match tools::cargo_deny() {
        Ok(mut deny) => {
            steps.run(name, LINT_LIMIT, deny.args(checks));
        }
        Err(reason) => steps.fail(name, &reason),
    }
}

/// Formatting, the build that every test uses with its lints, and the tests in Rust.
fn rust(steps: &mut Steps, environment: &[(&str, &str)]) {
    steps.run("cargo fmt", LINT_LIMIT, &mut cargo(["fmt", "--all", "--check"]));
    if build(steps) {
        test_rust(steps, environment);
    } else {
        steps.fail("Rust tests", "the build failed");
    }
}

/// Gives the folder with the pages of the Rust library.
fn doc(steps: &mut Steps) -> Option<PathBuf> {
    let mut doc = cargo(["doc", "--workspace", "--no-deps"]);
    let done = steps.run("cargo doc", BUILD_LIMIT, doc.env("RUSTDOCFLAGS", "-D warnings"));
    done.then(|| tools::target().join("doc/taskbell"))
}

/// The library, the command and the tests, with Clippy's lints. The library stands where the tests from outside load it.
/// This program is left out, since Windows lets nothing replace one that runs; its tests are not.
fn build(steps: &mut Steps) -> bool {
    const NAME: &str = "build with Clippy's lints";
    if tools::find("clippy-driver").is_none() {
        steps.fail(NAME, "clippy-driver is missing; `rustup component add clippy` installs it");
        return false;
    }
    let mut build =
        cargo(["build", "--lib", "--bin", "taskbell", "--bin", bench::NAME_OF_PROGRAM, "--tests"]);
    steps.run(NAME, BUILD_LIMIT, tools::linted(build.args(WORKSPACE)))
}

/// With nextest where it is installed: it names what hangs, and ends it.
fn test_rust(steps: &mut Steps, environment: &[(&str, &str)]) {
    let (name, mut command) = match tools::cargo_subcommand("nextest") {
        Some(mut nextest) => {
            nextest.args(["run", "--status-level", "fail", "--final-status-level", "slow"]);
            ("Rust tests (nextest)", nextest)
        }
        None => ("Rust tests (cargo test)", cargo(["test"])),
    };
    command.args(["--no-fail-fast", "--lib", "--bins", "--tests"]).args(WORKSPACE);
    tools::linted(&mut command).envs(environment.iter().copied());
    run_tests(steps, name, BUILD_LIMIT, &mut command);
    // The examples of the Rust library's page: nextest runs none.
    let mut examples = cargo(["test", "--doc"]);
    run_tests(steps, "Rust examples", BUILD_LIMIT, tools::linted(examples.args(WORKSPACE)));
}

/// Many producers and one consumer, under Miri's weak memory. Its check of borrows is off: it walks the
/// whole ring at each access.
fn ring_under_miri(steps: &mut Steps) {
    const NAME: &str = "ring under Miri";
    let Some(mut miri) = tools::miri() else {
        steps.skip(NAME, "there is no nightly toolchain that has Miri");
        return;
    };
    miri.args(["test", "--package", "taskbell-ring", "--lib", "--target-dir"]);
    miri.arg(tools::target().join("miri")).args(["--", "ring::tests::what_many_threads"]);
    miri.args(["ring::tests::words_overwritten", "ring::tests::reading"]);
    steps.run(NAME, BUILD_LIMIT, miri.env("MIRIFLAGS", "-Zmiri-disable-stacked-borrows"));
}

fn prepare_python(steps: &mut Steps) -> Option<PathBuf> {
    let mut found = None;
    steps.step("Python packages", || {
        found = Some(tools::python()?);
        Ok(())
    });
    found
}

fn lint_python(steps: &mut Steps, python: &Path) {
    let folders =
        ["bindings/python", "bindings/hosts", "packaging", "tests/python", "tests/scenario", "benches/peers"];
    let ruff = |words: &[&str]| {
        let mut command = Command::new(python);
        command.current_dir(tools::root()).args(["-m", "ruff"]).args(words).args(folders);
        command
    };
    steps.run("ruff check", LINT_LIMIT, &mut ruff(&["check", "--no-cache"]));
    steps.run("ruff format", LINT_LIMIT, &mut ruff(&["format", "--no-cache", "--check"]));
    let mut mypy = Command::new(python);
    mypy.current_dir(tools::root()).args(["-m", "mypy", "--config-file", "bindings/python/pyproject.toml"]);
    mypy.arg("--cache-dir").arg(tools::target().join("mypy"));
    mypy.args(["bindings/python/taskbell", "tests/python/typed_host.py"]);
    steps.run("mypy", LINT_LIMIT, &mut mypy);
}

fn all_python_tests() -> Vec<String> {
    vec!["tests/python".to_owned()]
}

fn run_python(
    steps: &mut Steps,
    python: Option<&Path>,
    library: &Path,
    tests: &[String],
    arguments: &[String],
    made: &[(&str, PathBuf)],
) {
    const NAME: &str = "tests from outside";
    let Some(python) = python.filter(|_| library.is_file()) else {
        steps.fail(NAME, "Python or the library is missing");
        return;
    };
    let mut pytest = pytest(python, tests);
    // Most of their time is waiting. The tests of one file stay in one process, which makes their fixtures once.
    let processes = std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 4));
    pytest.args(["--numprocesses", &processes.to_string(), "--dist", "loadfile"]);
    pytest.args(arguments).env("TASKBELL_LIBRARY", library).envs(made.iter().cloned());
    run_tests(steps, NAME, TEST_LIMIT, &mut pytest);
}
