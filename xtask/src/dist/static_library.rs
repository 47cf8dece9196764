//! The static library: one object, of which only the ABI can be seen.
//!
//! What the compiler makes has thousands of symbols, of the standard library, of SQLite and of the cryptography. A host
//! with another Rust library or with an SQLite of its own would have them twice.

use super::target::Target;
use super::tree::{make_folder, read, write};
use crate::steps::run_within;
use crate::tools::{self, root};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(300);

/// What a host links besides, in the order of the linker.
pub fn system_libraries(target: &Target) -> &'static [&'static str] {
    // In musl, they are all in its one library.
    if target.musl() { &[] } else { &["pthread", "dl", "m"] }
}

/// Makes the library that is shipped, in `work`, of the one that the compiler made.
pub fn write_static(target: &Target, raw: &Path, work: &Path) -> Result<PathBuf, String> {
    let folder = work.join("static");
    let _ = fs::remove_dir_all(&folder);
    make_folder(&folder)?;
    let names = functions()?;
    let (object, list, library) =
        (folder.join("taskbell.o"), folder.join("functions.txt"), folder.join("libtaskbell.a"));
    write(&list, names.join("\n").as_bytes())?;
    let prefix = prefix(target)?;
    let tool = |name: &str| Command::new(format!("{prefix}{name}"));
    // Without groups of sections: another Rust library has some of the same name, and the linker keeps one of them.
    let mut link = tool("ld");
    link.args(["--relocatable", "--force-group-allocation", "-o"]).arg(&object);
    link.args(names.iter().map(|name| format!("--undefined={name}"))).arg(raw);
    run_within(&mut link, LIMIT)?;
    let mut hide = tool("objcopy");
    // Of the standard library, there is bitcode beside the code.
    hide.args(["--strip-unneeded", "--remove-section=.llvmbc", "--remove-section=.llvmcmd"]);
    hide.arg(format!("--keep-global-symbols={}", list.display())).arg(&object);
    run_within(&mut hide, LIMIT)?;
    let mut pack = tool("ar");
    run_within(pack.arg("rcsD").arg(&library).arg(&object), LIMIT)?;
    fs::remove_file(&object).map_err(|fault| format!("cannot remove {}: {fault}", object.display()))?;
    Ok(library)
}

/// The functions of the ABI.
fn functions() -> Result<Vec<String>, String> {
    let described: Value = serde_json::from_slice(&read(&root().join("include/taskbell.abi.json"))?)
        .map_err(|fault| format!("include/taskbell.abi.json: {fault}"))?;
    let functions = described["functions"].as_array().into_iter().flatten();
    let names: Vec<String> =
        functions.filter_map(|function| function["name"].as_str()).map(str::to_owned).collect();
    if names.is_empty() { Err("include/taskbell.abi.json has no functions".to_owned()) } else { Ok(names) }
}

/// What the names of the tools of a processor begin with.
fn prefix(target: &Target) -> Result<&'static str, String> {
    if target.machine == std::env::consts::ARCH {
        tools::program("objcopy", "binutils")?;
        return Ok("");
    }
    tools::program("aarch64-linux-gnu-objcopy", "binutils-aarch64-linux-gnu")?;
    Ok("aarch64-linux-gnu-")
}
