//! `cargo xtask dist`: everything that is shipped, with checksums, in `target/dist`, and its tests.

mod adapters;
mod archive;
pub mod build;
mod deb;
mod languages;
mod macos;
mod nuget;
mod other;
mod pack;
mod parts;
pub mod reproduce;
mod source;
mod static_library;
mod sums;
mod tarball;
mod target;
mod tree;
pub mod turn;

use crate::outside::{pytest, run_tests};
use crate::steps::{Steps, run_within};
use crate::tools;
use build::{Place, Profile};
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

/// The suites that run with the library of an archive on a system of another kind, and those that run here, too: they
/// need a compiler, the command, or packages that are compiled.
const SUITES: &[&str] = &["test_binding.py", "test_calls.py"];
const SUITES_HERE: &[&str] = &["test_c.py", "test_config.py", "test_csharp.py", "test_delivery.py"];
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
    let (mut targets, mut from, mut macos, mut profile) = (Vec::new(), None, false, Profile::Dist);
    for pair in arguments.chunks(2) {
        match pair {
            [option, triple] if option == "--target" && macos::is_one(triple) => macos = true,
            [option, triple] if option == "--target" => targets.push(Target::named(triple)?),
            [option, name] if option == "--profile" => profile = Profile::named(name)?,
            [option, folder] if option == "--from" => from = Some(PathBuf::from(folder)),
            _ => return None,
        }
    }
    let all = targets.is_empty() && !macos && from.is_none();
    if targets.is_empty() && !macos {
        targets.extend(TARGETS);
    }
    let mut steps = Steps::default();
    if macos || all {
        macos::check(&mut steps);
    }
    if targets.is_empty() {
        return Some(steps.finish());
    }
    let mut built = Vec::new();
    for target in targets {
        let builds = from.is_none();
        // Each in a folder of its own, where several are.
        let folder = match &from {
            Some(folder) if folder.join(target.triple).is_dir() => Some(folder.join(target.triple)),
            Some(folder) => Some(folder.clone()),
            None => build::cross(&mut steps, target, profile, &Place::here()),
        };
        let one = folder.and_then(|folder| gather(&mut steps, target, &folder));
        if let Some(one) = one.as_ref().filter(|_| builds) {
            steps.step(&format!("size of the library for {}", target.triple), || one.check_size());
        }
        built.extend(one);
    }
    if pack_and_test(&mut steps, &built) {
        for one in &built {
            suites(&mut steps, one);
        }
        if all {
            source::test(&mut steps);
        }
    }
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

/// The suites, with the library of the archive.
fn suites(steps: &mut Steps, built: &Built) {
    let name = format!("suites from the archive for {}", built.target.triple);
    let (mut library, mut python) = (None, None);
    let ready = steps.step(&format!("unpacked archive for {}", built.target.triple), || {
        python = other::prepare(built.target)?;
        library = Some(unpack(built)?);
        Ok(())
    });
    let Some(library) = library.filter(|_| ready) else { return };
    let Some(python) = python else {
        steps.skip(&name, "the tests of its packages run its hosts, and the suites where a Python is");
        return;
    };
    let here = built.target.runs_here();
    let files: Vec<String> = SUITES
        .iter()
        .chain(SUITES_HERE.iter().filter(|_| here))
        .map(|file| format!("tests/python/{file}"))
        .collect();
    let mut pytest = pytest(&python, &files);
    pytest.env("TASKBELL_LIBRARY", library);
    if !here {
        match tools::packager().and_then(|python| packages_of(&python)) {
            Ok(packages) => pytest.env("PYTHONPATH", packages),
            Err(reason) => return steps.fail(&name, &reason),
        };
    }
    run_tests(steps, &name, TEST_LIMIT, &mut pytest);
}

/// The library in the archive of a target, unpacked.
fn unpack(built: &Built) -> Result<PathBuf, String> {
    let tree = tools::target().join("dist-work").join(built.target.triple).join("tree");
    let _ = fs::remove_dir_all(&tree);
    make_folder(&tree)?;
    let archive = tools::target().join("dist").join(built.archive_file());
    let mut unpack = if built.target.windows() {
        let mut unpack = Command::new(tools::packager()?);
        unpack.args(["-m", "zipfile", "-e"]).arg(archive).arg(&tree);
        unpack
    } else {
        let mut unpack = Command::new("tar");
        unpack.arg("-xzf").arg(archive).arg("-C").arg(&tree);
        unpack
    };
    run_within(&mut unpack, PACK_LIMIT)?;
    let top = tree.join(built.archive_name());
    let place = if built.target.windows() { "bin" } else { "lib" };
    // The suites look for the command next to the library.
    let (from, to) =
        (top.join("bin").join(built.target.command()), top.join(place).join(built.target.command()));
    if from != to {
        fs::copy(&from, &to).map_err(|fault| format!("cannot copy {}: {fault}", from.display()))?;
    }
    Ok(top.join(place).join(built.target.library()))
}

/// Where the packages of a Python are.
fn packages_of(python: &Path) -> Result<PathBuf, String> {
    let words = ["-c", "import sysconfig; print(sysconfig.get_path('purelib'), end='')"];
    let said = Command::new(python).args(words).output();
    let said = said.map_err(|fault| format!("cannot start {}: {fault}", python.display()))?;
    Ok(PathBuf::from(String::from_utf8_lossy(&said.stdout).into_owned()))
}

/// Makes every package and tests them; whether there is something to test further.
fn pack_and_test(steps: &mut Steps, built: &[Built]) -> bool {
    let folder = tools::target().join("dist");
    let mut python = None;
    let packed = !built.is_empty()
        && steps.step("packages", || {
            for (program, package) in PROGRAMS {
                tools::program(program, package)?;
            }
            let tools = tools::packager()?;
            // What an earlier run has left is not of this release.
            let _ = fs::remove_dir_all(&folder);
            make_folder(&folder)?;
            for one in built.iter().filter(|one| !one.target.runs_here()) {
                other::prepare(one.target)?;
            }
            pack(built, &folder, &tools)?;
            python = Some(tools);
            Ok(())
        });
    let Some(python) = python.filter(|_| packed) else {
        steps.fail(PACKAGES, "they were not made");
        return false;
    };
    steps.step("packages, made again with the same bytes", || same_again(built, &folder, &python));
    let test = |python: &Path, files: &[&str]| {
        let files: Vec<String> = files.iter().map(|file| format!("tests/python/{file}")).collect();
        let mut pytest = pytest(python, &files);
        pytest.env("TASKBELL_DIST", &folder).env("TASKBELL_LIBRARY", &built[0].library);
        // The linker of Zig builds the parts of the C library once.
        pytest.env("ZIG_GLOBAL_CACHE_DIR", tools::target().join("dist-systems/zig"));
        pytest.env("TASKBELL_SYSTEMS", tools::target().join("dist-systems"));
        pytest
    };
    run_tests(steps, PACKAGES, TEST_LIMIT, &mut test(&python, &["release"]));
    // The adapters load their library into the Python of this machine.
    if built.iter().any(|one| one.target.runs_here()) {
        match tools::python() {
            Ok(python) => run_tests(steps, ADAPTERS, TEST_LIMIT, &mut test(&python, ADAPTER_TESTS)),
            Err(reason) => steps.fail(ADAPTERS, &reason),
        }
    }
    true
}

/// Makes every package a second time, and compares.
fn same_again(built: &[Built], folder: &Path, python: &Path) -> Result<(), String> {
    let again = tools::target().join("dist-work/again");
    let _ = fs::remove_dir_all(&again);
    make_folder(&again)?;
    pack(built, &again, python)?;
    // The checksums are of every file.
    let same = tree::read(&folder.join(sums::NAME))? == tree::read(&again.join(sums::NAME))?;
    let _ = fs::remove_dir_all(&again);
    if same { Ok(()) } else { Err(format!("{} differs", sums::NAME)) }
}

/// Every archive of these targets.
fn pack(built: &[Built], folder: &Path, python: &Path) -> Result<(), String> {
    let version = pack::version()?;
    for one in built {
        pack_target(one, folder, python)?;
    }
    let all: Vec<&Built> = built.iter().collect();
    let hosts: [(&str, Tree); 4] = [
        ("swarmui", adapters::swarmui(&all)?),
        ("comfyui", adapters::comfyui(&all)?),
        ("blender", adapters::blender(&all)?),
        ("managers", adapters::managers(&all)?),
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
    let archived = if built.target.windows() { archive::zip(&tree)? } else { archive::tar_gz(&tree)? };
    write(&folder.join(built.archive_file()), &archived)?;
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
