//! The commands: which steps they have, in which order.

use crate::steps::Steps;
use crate::tools::{self, cargo};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);
const TEST_LIMIT: Duration = Duration::from_secs(25 * 60);
const LINT_LIMIT: Duration = Duration::from_secs(5 * 60);

/// Everything.
pub fn test() -> bool {
    let mut steps = Steps::default();
    steps.step("programs for the tests from outside", tools::programs);
    let python = prepare_python(&mut steps);
    rust(&mut steps);
    ring_under_miri(&mut steps);
    let library = build(&mut steps);
    let release = build_release(&mut steps);
    match (&python, &library) {
        (Some(python), Some(library)) => {
            lint_python(&mut steps, python);
            let mut environment = failpoints(&mut steps);
            environment.extend(release.map(|release| ("TASKBELL_RELEASE_LIBRARY", release)));
            run_python(&mut steps, python, library, &environment, &[]);
        }
        _ => steps.skip("tests from outside", "Python or the library is missing"),
    }
    steps.finish()
}

/// The tests from outside alone.
pub fn python(arguments: &[String]) -> bool {
    let mut steps = Steps::default();
    steps.step("programs for the tests from outside", tools::programs);
    let python = prepare_python(&mut steps);
    let library = build(&mut steps);
    if let (Some(python), Some(library)) = (python, library) {
        let environment = failpoints(&mut steps);
        run_python(&mut steps, &python, &library, &environment, arguments);
    }
    steps.finish()
}

/// The library as it is shipped, with what C and C++ hosts need beside it.
pub fn dist() -> bool {
    let mut steps = Steps::default();
    if let Some(library) = build_release(&mut steps) {
        steps.step("gather", || gather(&library, &tools::target().join("dist")));
    }
    steps.finish()
}

/// The benchmarks.
pub fn bench(arguments: &[String]) -> bool {
    let mut steps = Steps::default();
    steps.run("cargo bench", BUILD_LIMIT, cargo(["bench", "--package", "taskbell"]).args(arguments));
    steps.finish()
}

/// The documents that tests compare with the code are written by the same tests.
pub fn docs() -> bool {
    let mut steps = Steps::default();
    let mut command = cargo(["test"]);
    steps.run("documents", BUILD_LIMIT, command.env("TASKBELL_UPDATE_DOCS", "1"));
    steps.finish()
}

fn rust(steps: &mut Steps) {
    steps.run("cargo fmt", LINT_LIMIT, &mut cargo(["fmt", "--all", "--check"]));
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    steps.run("cargo clippy", BUILD_LIMIT, &mut cargo(clippy));
    let mut doc = cargo(["doc", "--workspace", "--no-deps"]);
    steps.run("cargo doc", BUILD_LIMIT, doc.env("RUSTDOCFLAGS", "-D warnings"));
    steps.run("cargo test", BUILD_LIMIT, &mut cargo(["test", "--workspace"]));
}

/// Many producers and one consumer, under Miri's weak memory. Its check of borrows is off: it walks the
/// whole ring at each access.
fn ring_under_miri(steps: &mut Steps) {
    let Some(mut miri) = tools::miri() else {
        println!("\n    the ring is not checked by Miri: there is no nightly toolchain that has it");
        return;
    };
    miri.args(["test", "--package", "taskbell-core", "--lib", "--target-dir"]);
    miri.arg(tools::target().join("miri")).args(["--", "intake::ring::tests::what_many_threads"]);
    miri.args(["intake::ring::tests::words_overwritten", "intake::ring::tests::reading"]);
    steps.run("ring under Miri", BUILD_LIMIT, miri.env("MIRIFLAGS", "-Zmiri-disable-stacked-borrows"));
}

/// The library as the tests from outside load it.
fn build(steps: &mut Steps) -> Option<PathBuf> {
    steps
        .run("library", BUILD_LIMIT, &mut cargo(["build"]))
        .then(|| tools::target().join("debug").join(library_name()))
}

/// The library with the places at which tests make a process die, as a variable for those tests. It is
/// built into a folder of its own: a build beside the other would replace it.
fn failpoints(steps: &mut Steps) -> Vec<(&'static str, PathBuf)> {
    let target = tools::target().join("failpoints");
    let mut build = cargo(["build", "--package", "taskbell", "--lib"]);
    build.args(["--features", "failpoints", "--target-dir"]).arg(&target);
    let built = steps.run("library with fail points", BUILD_LIMIT, &mut build);
    let library = target.join("debug").join(library_name());
    built.then_some(("TASKBELL_FAILPOINT_LIBRARY", library)).into_iter().collect()
}

/// The library as it is shipped, for its size and its symbols. Alone, because the linker looks over all
/// of it only when no Rust library is made of the same crate in the same breath.
fn build_release(steps: &mut Steps) -> Option<PathBuf> {
    let alone = ["rustc", "--release", "--package", "taskbell", "--lib", "--crate-type", "cdylib"];
    steps
        .run("release library", BUILD_LIMIT, &mut cargo(alone))
        .then(|| tools::target().join("release").join(library_name()))
}

/// What a host needs in one folder: the library, the header and the bindings.
fn gather(library: &Path, folder: &Path) -> Result<(), String> {
    let root = tools::root();
    let files = [
        (library.to_owned(), library_name()),
        (root.join("include/taskbell.h"), "taskbell.h".to_owned()),
        (root.join("bindings/cpp/taskbell.hpp"), "taskbell.hpp".to_owned()),
        (root.join("LICENSE"), "LICENSE".to_owned()),
    ];
    fs::create_dir_all(folder).map_err(|fault| format!("cannot make {}: {fault}", folder.display()))?;
    for (from, name) in files {
        fs::copy(&from, folder.join(name))
            .map_err(|fault| format!("cannot copy {}: {fault}", from.display()))?;
    }
    println!("    {}", folder.display());
    Ok(())
}

fn library_name() -> String {
    format!("{}taskbell{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
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
    let folders = ["bindings/python", "bindings/hosts", "tests/python"];
    let ruff = |words: &[&str]| {
        let mut command = Command::new(python);
        command.current_dir(tools::root()).args(["-m", "ruff"]).args(words).args(folders);
        command
    };
    steps.run("ruff check", LINT_LIMIT, &mut ruff(&["check", "--no-cache"]));
    steps.run("ruff format", LINT_LIMIT, &mut ruff(&["format", "--no-cache", "--check"]));
}

fn run_python(
    steps: &mut Steps,
    python: &Path,
    library: &Path,
    environment: &[(&str, PathBuf)],
    arguments: &[String],
) {
    let mut pytest = Command::new(python);
    pytest.current_dir(tools::root()).args(["-m", "pytest", "tests/python"]).args(arguments);
    pytest.env("TASKBELL_LIBRARY", library).env("PYTHONDONTWRITEBYTECODE", "1");
    pytest.envs(environment.iter().map(|(name, path)| (name, path)));
    steps.run("tests from outside", TEST_LIMIT, &mut pytest);
}
