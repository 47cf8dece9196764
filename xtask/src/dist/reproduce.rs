//! `cargo xtask reproduce`: builds what ships for this machine in two folders, and compares the bytes.

use super::build::{self, Place, Profile};
use super::target::Target;
use super::tree::{make_folder, read};
use crate::steps::{Steps, run_within};
use crate::tools;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const CLONE_LIMIT: Duration = Duration::from_secs(300);

/// Two clones of the last commit, in folders whose names differ in length.
const FOLDERS: &[&str] = &["one", "another folder"];

pub fn reproduce() -> bool {
    let mut steps = Steps::default();
    let Some(target) = Target::here() else {
        steps.fail("the same bytes by two builds", "nothing ships for this system");
        return steps.finish();
    };
    let mut built = Vec::new();
    for name in FOLDERS {
        let folder = tools::target().join("reproduce").join(name);
        if steps.step(&format!("clone in {}", folder.display()), || clone(&folder)) {
            let place = Place { target: folder.join("target"), root: folder };
            built.extend(build::cross(&mut steps, target, Profile::Dist, &place));
        }
    }
    match built.as_slice() {
        [one, other] => {
            steps.step("the same bytes by two builds", || compare(target, one, other));
        }
        _ => steps.fail("the same bytes by two builds", "one was not built"),
    }
    steps.finish()
}

fn clone(folder: &Path) -> Result<(), String> {
    let _ = fs::remove_dir_all(folder);
    make_folder(folder)?;
    let mut clone = Command::new("git");
    clone.args(["clone", "--quiet"]).arg(tools::root()).arg(folder);
    run_within(&mut clone, CLONE_LIMIT)
}

fn compare(target: &Target, one: &Path, other: &Path) -> Result<(), String> {
    let mut differ = Vec::new();
    for name in [target.library(), target.command(), "libtaskbell.a"] {
        let (first, second): (PathBuf, PathBuf) = (one.join(name), other.join(name));
        let same = read(&first)? == read(&second)?;
        println!("    {name}: {}", if same { "the same bytes" } else { "other bytes" });
        if !same {
            differ.push(name);
        }
    }
    if differ.is_empty() { Ok(()) } else { Err(format!("two builds differ in {}", differ.join(", "))) }
}
