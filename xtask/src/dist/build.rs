//! Building the library and the command for a target.

use super::target::{Builder, Target};
use crate::outside;
use crate::steps::Steps;
use crate::tools::{self, cargo};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub const LIMIT: Duration = Duration::from_secs(45 * 60);

/// The library to load and the one to link: of two crate types, cargo and the compiler optimize once, across all crates.
/// With a Rust library among them, they would not.
const LIBRARIES: &[&str] = &["--package", "taskbell-ffi", "--crate-type", "cdylib,staticlib"];

/// For a system whose static library is not shipped.
const LIBRARY: &[&str] = &["--package", "taskbell-ffi", "--crate-type", "cdylib"];

const COMMAND: &[&str] = &["--package", "taskbell", "--bin", "taskbell"];

/// Debian's compiler, which comes with the source of its standard library; rustup has that of few targets.
const DEBIAN: &[(&str, &str)] = &[
    ("/usr/bin/rustc", "rustc-web"),
    ("/usr/lib/rustlib/src/rust/library/Cargo.lock", "rust-web-src"),
    ("/usr/bin/cargo", "cargo-web"),
];

/// How the compiler optimizes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// What ships.
    Dist,
    /// The same code, compiled in three quarters of the time.
    Release,
}

impl Profile {
    pub fn named(name: &str) -> Option<Profile> {
        [Profile::Dist, Profile::Release].into_iter().find(|profile| profile.name() == name)
    }

    /// As cargo calls it, and the folder of what it makes.
    fn name(self) -> &'static str {
        match self {
            Profile::Dist => "dist",
            Profile::Release => "release",
        }
    }
}

/// A tree of the project, and the folder that takes what is built of it.
pub struct Place {
    pub root: PathBuf,
    pub target: PathBuf,
}

impl Place {
    /// This tree. A folder of its own: another compiler would build the rest of the checks' again.
    pub fn here() -> Place {
        Place { root: tools::root(), target: tools::target().join("cross") }
    }
}

/// The libraries and the command for this machine, as they ship; gives their folder.
pub fn here(steps: &mut Steps) -> Option<PathBuf> {
    let Place { root, target } = Place::here();
    let mut run = |what: &str, verb: &str, parts: &[&str]| {
        let mut build = cargo([verb]);
        build
            .args(parts)
            .args(["--profile", Profile::Dist.name(), "--locked"])
            .env("CARGO_TARGET_DIR", &target);
        steps.run(&format!("{what}, profile dist"), LIMIT, as_shipped(&mut build, &root, &[]))
    };
    let built = run("libraries", "rustc", LIBRARIES) && run("command", "build", COMMAND);
    built.then(|| target.join(Profile::Dist.name()))
}

/// The library for this machine, as it ships.
pub fn library(steps: &mut Steps) -> Option<PathBuf> {
    here(steps).map(|folder| folder.join(outside::library_name()))
}

/// The libraries and the command for a target, against the oldest system that its linker can aim at.
pub fn cross(steps: &mut Steps, target: &Target, profile: Profile, place: &Place) -> Option<PathBuf> {
    let triple = target.triple;
    // A library that is loaded uses the musl of its host; by default, Rust links one of its own.
    let flags: &[&str] = if target.musl() { &["-Ctarget-feature=-crt-static"] } else { &[] };
    let mut run = |what: &str, verb: &str, packages: &[&str]| {
        let mut command = None;
        let prepared = steps.step(&format!("tools for {triple}"), || {
            command = Some(prepare(target, verb)?);
            Ok(())
        });
        let Some(mut build) = command.filter(|_| prepared) else { return false };
        build.current_dir(&place.root).args([
            "--target",
            &aim(target),
            "--profile",
            profile.name(),
            "--locked",
        ]);
        build.args(packages).env("CARGO_TARGET_DIR", &place.target);
        let name = format!("{what} for {triple}, profile {}", profile.name());
        steps.run(&name, LIMIT, as_shipped(&mut build, &place.root, flags))
    };
    let libraries = if target.windows() { LIBRARY } else { LIBRARIES };
    let built = run("libraries", "rustc", libraries) && run("command", "build", COMMAND);
    built.then(|| place.target.join(triple).join(profile.name()))
}

/// The target as its compiler is told, with the version of its C library.
fn aim(target: &Target) -> String {
    match target.builder {
        Builder::Zig(version) => format!("{}{version}", target.triple),
        Builder::Mingw => target.triple.to_owned(),
    }
}

/// The command that builds, less what is built.
fn prepare(target: &Target, verb: &str) -> Result<Command, String> {
    match target.builder {
        Builder::Zig(_) => {
            let mut build = zig(if verb == "build" { "zigbuild" } else { verb })?;
            if !tools::standard_library(target.triple) {
                with_std(&mut build)?;
            }
            Ok(build)
        }
        Builder::Mingw => {
            tools::program("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64")?;
            tools::program("x86_64-w64-mingw32-g++", "g++-mingw-w64-x86-64")?;
            tools::program("wine", "wine")?;
            let mut build = Command::new("/usr/bin/cargo");
            build.arg(verb);
            with_std(&mut build)?;
            Ok(build)
        }
    }
}

/// `cargo-zigbuild`, from the Python package of the same name next to that of Zig.
pub fn zig(verb: &str) -> Result<Command, String> {
    let python = tools::packager()?;
    let bin = python.parent().map(PathBuf::from).unwrap_or_default();
    let mut build = Command::new(bin.join("cargo-zigbuild"));
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(std::iter::once(bin).chain(env::split_paths(&path))).unwrap_or(path);
    build.current_dir(tools::root()).arg(verb).env("PATH", path);
    Ok(build)
}

/// Builds the standard library with the rest, from Debian's source of it.
fn with_std(build: &mut Command) -> Result<(), String> {
    for (file, package) in DEBIAN {
        tools::file(file, package)?;
    }
    build.arg("-Zbuild-std=std,panic_unwind").env("RUSTC_BOOTSTRAP", "1");
    build.env("RUSTC", DEBIAN[0].0).env("CARGO", DEBIAN[2].0).env_remove("RUSTUP_TOOLCHAIN");
    Ok(())
}

/// The spool uses neither full-text search nor R-trees, which would take the library over its bound of 10 MiB.
const SQLITE_FLAGS: &str =
    "-USQLITE_ENABLE_FTS3 -USQLITE_ENABLE_FTS3_PARENTHESIS -USQLITE_ENABLE_FTS5 -USQLITE_ENABLE_RTREE";

/// As it is shipped. No path of this machine gets into it, so that two machines make the same bytes.
fn as_shipped<'a>(build: &'a mut Command, root: &Path, more: &[&str]) -> &'a mut Command {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let mut flags: Vec<String> = more.iter().map(|&flag| flag.to_owned()).collect();
    if let Some(home) = home {
        flags.push(format!("--remap-path-prefix={}=/cargo", home.display()));
    }
    flags.push(format!("--remap-path-prefix={}=/taskbell", root.display()));
    build.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}")).env("LIBSQLITE3_FLAGS", SQLITE_FLAGS)
}
