//! `cargo xtask dist`: everything that is shipped, with checksums, in `target/dist`, and its tests.

mod adapters;
mod archive;
pub mod build;
mod deb;
mod languages;
mod nuget;
mod pack;
mod parts;
mod sums;
mod tarball;
mod target;
mod tree;

use crate::outside::{pytest, run_tests};
use crate::steps::{Steps, run_within};
use crate::tools;
use pack::Built;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use target::{TARGETS, Target};
use tree::{Tree, make_folder, write};

const PACK_LIMIT: Duration = Duration::from_secs(120);
const PACKAGES: &str = "packages, from the archives";
const ADAPTERS: &str = "adapters, from their zips";
const ADAPTER_TESTS: &[&str] = &["test_comfyui.py", "test_swarmui_extension.py"];
const WINDOWS_TESTS: &[&str] = &["release/test_windows.py", "release/test_windows_run.py"];
const TEST_LIMIT: Duration = Duration::from_secs(20 * 60);

/// What the tests build hosts with, and read packages with.
const PROGRAMS: &[(&str, &str)] = &[
    ("cmake", "cmake"),
    ("dpkg-deb", "dpkg"),
    ("javac", "default-jdk-headless"),
    ("/usr/share/java/jna.jar", "libjna-java"),
    ("make", "make"),
    ("man", "man-db"),
    ("meson", "meson"),
    ("ninja", "ninja-build"),
    ("npm", "npm"),
    ("pkg-config", "pkg-config"),
    ("ssh-keygen", "openssh-client"),
    ("xbuild", "mono-xbuild"),
];

/// `cargo xtask dist`: every target, or those that are named; none for arguments that it does not know.
pub fn dist(arguments: &[String]) -> Option<bool> {
    let (mut targets, mut from) = (Vec::new(), None);
    for pair in arguments.chunks(2) {
        match pair {
            [option, triple] if option == "--target" => targets.push(Target::named(triple)?),
            [option, folder] if option == "--from" => from = Some(PathBuf::from(folder)),
            _ => return None,
        }
    }
    if targets.is_empty() {
        targets.extend(TARGETS);
    }
    let mut steps = Steps::default();
    let mut built = Vec::new();
    for target in targets {
        // Each in a folder of its own, where several are.
        let folder = match &from {
            Some(folder) if folder.join(target.triple).is_dir() => Some(folder.join(target.triple)),
            Some(folder) => Some(folder.clone()),
            None => build::cross(&mut steps, target),
        };
        built.extend(folder.and_then(|folder| gather(&mut steps, target, &folder)));
    }
    pack_and_test(&mut steps, &built);
    Some(steps.finish())
}

/// What is shipped for this machine, from the release that the checks have built: they test every kind of
/// package without a build of its own.
pub fn test_here(steps: &mut Steps, release: &Path) {
    match Target::here() {
        None => steps.skip("packages", "none is made for this system"),
        Some(target) => {
            // Their order, their metadata and their files; each was compiled already.
            let words = ["publish", "--workspace", "--dry-run", "--no-verify", "--allow-dirty", "--locked"];
            steps.run("crates as they are published", TEST_LIMIT, &mut tools::cargo(words));
            let built = gather(steps, target, release);
            pack_and_test(steps, built.as_slice());
            steps.skip("packages for other systems", "`cargo xtask dist` makes and tests them");
        }
    }
}

fn gather(steps: &mut Steps, target: &'static Target, folder: &Path) -> Option<Built> {
    let mut built = None;
    let work = tools::target().join("dist-work").join(target.triple);
    steps.step(&format!("pages and licences for {}", target.triple), || {
        built = Some(Built::new(target, folder, &work)?);
        Ok(())
    });
    built
}

fn pack_and_test(steps: &mut Steps, built: &[Built]) {
    let folder = tools::target().join("dist");
    let mut python = None;
    let packed = !built.is_empty()
        && steps.step("packages", || {
            for (program, package) in PROGRAMS {
                tools::program(program, package)?;
            }
            let tools = tools_python()?;
            // What an earlier run has left is not of this release.
            let _ = fs::remove_dir_all(&folder);
            make_folder(&folder)?;
            pack(built, &folder, &tools)?;
            python = Some(tools);
            Ok(())
        });
    let Some(python) = python.filter(|_| packed) else {
        steps.fail(PACKAGES, "they were not made");
        return;
    };
    let test = |python: &Path, files: &[&str]| {
        let files: Vec<String> = files.iter().map(|file| format!("tests/python/{file}")).collect();
        let mut pytest = pytest(python, &files);
        pytest.env("TASKBELL_DIST", &folder).env("TASKBELL_LIBRARY", &built[0].library);
        pytest
    };
    // What is for another system alone is tried by its own tests, under an emulator.
    let runs_here = |built: &Built| Target::here().is_some_and(|here| here.triple == built.target.triple);
    if !built.iter().any(runs_here) {
        run_tests(steps, PACKAGES, TEST_LIMIT, &mut test(&python, WINDOWS_TESTS));
        return;
    }
    run_tests(steps, PACKAGES, TEST_LIMIT, &mut test(&python, &["release"]));
    match tools::python() {
        Ok(python) => run_tests(steps, ADAPTERS, TEST_LIMIT, &mut test(&python, ADAPTER_TESTS)),
        Err(reason) => steps.fail(ADAPTERS, &reason),
    }
}

/// A Python with the tools that make and check packages.
fn tools_python() -> Result<PathBuf, String> {
    tools::python_with(
        &tools::target().join("dist-tools"),
        "packaging/requirements.txt",
        "import ziglang, twine",
    )
}

/// Every archive of these targets.
fn pack(built: &[Built], folder: &Path, python: &Path) -> Result<(), String> {
    let version = pack::version()?;
    for one in built {
        pack_target(one, folder, python)?;
    }
    let all: Vec<&Built> = built.iter().collect();
    let hosts: [(&str, Tree); 3] = [
        ("swarmui", adapters::swarmui(&all)?),
        ("comfyui", adapters::comfyui(&all)?),
        ("blender", adapters::blender(&all)?),
    ];
    for (host, tree) in hosts {
        write(&folder.join(format!("taskbell-{host}-{version}.zip")), &archive::zip(&tree)?)?;
    }
    let nuget = nuget::package(&all, &version)?;
    write(&folder.join(format!("Taskbell.{version}.nupkg")), &archive::zip(&nuget)?)?;
    languages::packages(&all, folder, python)?;
    run_within(&mut backend(python, "sdist", folder), PACK_LIMIT)?;
    sums::write_sums(folder)?;
    println!("    {}", folder.display());
    Ok(())
}

fn pack_target(built: &Built, folder: &Path, python: &Path) -> Result<(), String> {
    let tree = tarball::tree(built)?;
    let name = built.archive_name();
    if built.target.windows() {
        write(&folder.join(format!("{name}.zip")), &archive::zip(&tree)?)?;
    } else {
        write(&folder.join(format!("{name}.tar.gz")), &archive::tar_gz(&tree)?)?;
    }
    if let Some((name, bytes)) = deb::package(built)? {
        write(&folder.join(name), &bytes)?;
    }
    let mut wheel = backend(python, "wheel", folder);
    wheel.arg("--library").arg(&built.library).arg("--command").arg(&built.command);
    for notice in &built.notices {
        wheel.arg("--notice").arg(notice);
    }
    if built.target.windows() {
        wheel.args(["--tag", "win_amd64"]);
    } else {
        wheel.args(["--machine", built.target.machine]);
    }
    run_within(&mut wheel, PACK_LIMIT)
}

/// The backend of the Python package, which writes its archives into the folder.
fn backend(python: &Path, what: &str, folder: &Path) -> Command {
    let mut backend = Command::new(python);
    backend.arg(tools::root().join("bindings/python/taskbell_build.py")).arg(what).arg(folder);
    backend.env("SOURCE_DATE_EPOCH", archive::moment().to_string()).env("PYTHONDONTWRITEBYTECODE", "1");
    backend.stdout(std::process::Stdio::null());
    backend
}
