//! Building the library and the command for a target.

use super::target::{Builder, Target};
use crate::outside;
use crate::steps::Steps;
use crate::tools::{self, cargo};
use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

pub const LIMIT: Duration = Duration::from_secs(45 * 60);

/// What is shipped.
const PACKAGES: &[&str] = &["--package", "taskbell", "--package", "taskbell-cli"];

/// Debian's compiler, which comes with the source of its standard library; rustup has that of few targets.
const DEBIAN: &[(&str, &str)] = &[
    ("/usr/bin/rustc", "rustc-web"),
    ("/usr/lib/rustlib/src/rust/library/Cargo.lock", "rust-web-src"),
    ("/usr/bin/cargo", "cargo-web"),
];

/// The library and the command for this machine, as they are shipped; gives their folder.
pub fn here(steps: &mut Steps) -> Option<PathBuf> {
    let mut build = cargo(["build", "--release", "--locked"]);
    build.args(PACKAGES);
    steps
        .run("release library and command", LIMIT, as_shipped(&mut build, &[]))
        .then(|| tools::target().join("release"))
}

/// The library for this machine, as it is shipped.
pub fn library(steps: &mut Steps) -> Option<PathBuf> {
    here(steps).map(|folder| folder.join(outside::library_name()))
}

/// The same for a target, against the oldest system that its linker can aim at.
pub fn cross(steps: &mut Steps, target: &Target) -> Option<PathBuf> {
    let mut command = None;
    let prepared = steps.step(&format!("tools for {}", target.triple), || {
        command = Some(prepare(target)?);
        Ok(())
    });
    let mut build = command.filter(|_| prepared)?;
    build.args(PACKAGES).args(["--release", "--locked"]);
    build.env("CARGO_TARGET_DIR", folder());
    // A library that is loaded uses the musl of its host; by default, Rust links one of its own.
    let flags: &[&str] = if target.musl() { &["-Ctarget-feature=-crt-static"] } else { &[] };
    let built = steps.run(&format!("release for {}", target.triple), LIMIT, as_shipped(&mut build, flags));
    built.then(|| folder().join(target.triple).join("release"))
}

/// A folder of its own: another compiler would build the rest of the checks' again.
fn folder() -> PathBuf {
    tools::target().join("cross")
}

/// The command that builds, less what is built.
fn prepare(target: &Target) -> Result<Command, String> {
    match target.builder {
        Builder::Zig(version) => {
            let mut build = zigbuild(&format!("{}{version}", target.triple))?;
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
            build.current_dir(tools::root()).args(["build", "--target", target.triple]);
            with_std(&mut build)?;
            Ok(build)
        }
    }
}

/// `cargo zigbuild`, from the Python package of the same name next to that of Zig.
fn zigbuild(triple: &str) -> Result<Command, String> {
    let python = tools::packager()?;
    let bin = python.parent().map(PathBuf::from).unwrap_or_default();
    let mut build = Command::new(bin.join("cargo-zigbuild"));
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(std::iter::once(bin).chain(env::split_paths(&path))).unwrap_or(path);
    build.current_dir(tools::root()).args(["zigbuild", "--target", triple]).env("PATH", path);
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
fn as_shipped<'a>(build: &'a mut Command, more: &[&str]) -> &'a mut Command {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let mut flags: Vec<String> = more.iter().map(|&flag| flag.to_owned()).collect();
    if let Some(home) = home {
        flags.push(format!("--remap-path-prefix={}=/cargo", home.display()));
    }
    flags.push(format!("--remap-path-prefix={}=/taskbell", tools::root().display()));
    build.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}")).env("LIBSQLITE3_FLAGS", SQLITE_FLAGS)
}
