//! The packages of Node.js, Java and Lua, which their ecosystems' own tools make. Go takes its module from the tag.

use super::pack::Built;
use crate::steps::run_within;
use crate::tools::root;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(300);

/// Writes them into the folder, with the library of every target.
pub fn packages(all: &[&Built], folder: &Path, python: &Path) -> Result<(), String> {
    for kind in ["npm", "jar", "rock"] {
        let mut package = Command::new(python);
        package.arg(root().join("packaging/languages/package.py")).arg(kind).arg(folder);
        for built in all {
            package.arg(format!("{}={}", built.target.rid, built.library.display()));
        }
        for file in all.first().into_iter().flat_map(|built| &built.notices) {
            package.arg(format!("--notice={}", file.display()));
        }
        package.env("PYTHONDONTWRITEBYTECODE", "1").stdout(Stdio::null());
        run_within(&mut package, LIMIT)?;
    }
    Ok(())
}
