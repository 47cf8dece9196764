//! `cargo xtask reproduce`: builds what ships for this machine in two clones, packs each, and compares the bytes.

use super::build::{self, Place, Profile};
use super::pack::Built;
use super::target::Target;
use super::tree::{make_folder, read};
use super::{PROGRAMS, pack, sums};
use crate::steps::{Steps, run_within};
use crate::tools;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const CLONE_LIMIT: Duration = Duration::from_secs(300);

/// Two clones of the last commit, in folders whose names differ in length.
const FOLDERS: &[&str] = &["one", "another folder"];

const NAME: &str = "the same bytes by two builds";

pub fn reproduce() -> bool {
    let mut steps = Steps::default();
    let Some(target) = Target::here() else {
        steps.fail(NAME, "nothing ships for this system");
        return steps.finish();
    };
    let mut releases = Vec::new();
    if steps.step("everything is committed", committed) {
        for name in FOLDERS {
            releases.extend(release(&mut steps, target, &tools::target().join("reproduce").join(name)));
        }
    }
    match releases.as_slice() {
        [one, other] => {
            steps.step(NAME, || compare(one, other));
        }
        _ => steps.fail(NAME, "one was not built"),
    }
    steps.finish()
}

/// The packages take their texts from this tree, the clones theirs from the last commit.
fn committed() -> Result<(), String> {
    let listed = Command::new("git").current_dir(tools::root()).args(["status", "--porcelain"]).output();
    let listed = listed.map_err(|fault| format!("cannot start git: {fault}"))?;
    let names = String::from_utf8_lossy(&listed.stdout).trim().to_owned();
    if names.is_empty() { Ok(()) } else { Err(format!("commit or remove these first:\n{names}")) }
}

/// Clones into the folder, builds there, and packs; gives the folder of the packages.
fn release(steps: &mut Steps, target: &'static Target, folder: &Path) -> Option<PathBuf> {
    let (tree, packages) = (folder.join("tree"), folder.join("packages"));
    if !steps.step(&format!("clone in {}", tree.display()), || clone(&tree)) {
        return None;
    }
    let place = Place { target: tree.join("target"), root: tree };
    let built = build::cross(steps, target, Profile::Dist, &place)?;
    let packed = steps.step(&format!("packages in {}", packages.display()), || {
        for (program, package) in PROGRAMS {
            tools::program(program, package)?;
        }
        let _ = fs::remove_dir_all(&packages);
        make_folder(&packages)?;
        pack(&[Built::new(target, &built, &folder.join("work"))?], &packages, &tools::packager()?)
    });
    packed.then_some(packages)
}

fn clone(folder: &Path) -> Result<(), String> {
    let _ = fs::remove_dir_all(folder);
    make_folder(folder)?;
    let mut clone = Command::new("git");
    clone.args(["clone", "--quiet"]).arg(tools::root()).arg(folder);
    run_within(&mut clone, CLONE_LIMIT)
}

/// Compares the checksums, which are of every package.
fn compare(one: &Path, other: &Path) -> Result<(), String> {
    let list = |folder: &Path| -> Result<BTreeSet<String>, String> {
        let text = String::from_utf8_lossy(&read(&folder.join(sums::NAME))?).into_owned();
        Ok(text.lines().map(str::to_owned).collect())
    };
    let (one, other) = (list(one)?, list(other)?);
    one.intersection(&other).for_each(|line| println!("    {line}"));
    // Each line ends with the name of its file.
    let names: BTreeSet<&str> = one
        .symmetric_difference(&other)
        .map(|line| line.split_once("  ").map_or(line.as_str(), |(_, name)| name))
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    if names.is_empty() { Ok(()) } else { Err(format!("two builds differ in {}", names.join(", "))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::tree::write;

    #[test]
    fn packages_with_other_bytes_are_named() {
        let folder = std::env::temp_dir().join(format!("xtask-reproduce-{}", std::process::id()));
        let (one, other) = (folder.join("one"), folder.join("other"));
        for (place, sum) in [(&one, "aa"), (&other, "bb")] {
            make_folder(place).unwrap();
            write(&place.join(sums::NAME), format!("cc  same.zip\n{sum}  a b.deb\n").as_bytes()).unwrap();
        }
        assert_eq!(compare(&one, &one), Ok(()));
        assert_eq!(compare(&one, &other), Err("two builds differ in a b.deb".to_owned()));
        fs::remove_dir_all(&folder).unwrap();
    }
}
