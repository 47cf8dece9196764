//! What is packed: the built library and command of a target, and what belongs to them.

use super::parts;
use super::static_library::write_static;
use super::target::Target;
use super::tree::make_folder;
use crate::steps::run_within;
use crate::tools::{self, cargo};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The largest library that is shipped.
const LARGEST: u64 = 10 << 20;

pub struct Built {
    pub target: &'static Target,
    /// Of the workspace: the one place that says it.
    pub version: String,
    pub library: PathBuf,
    /// The library that is linked into a host; for Windows there is none.
    pub static_library: Option<PathBuf>,
    pub command: PathBuf,
    /// Manual pages and completions, as below `share`; Windows has neither.
    pub pages: PathBuf,
    /// Licences and parts of what is linked.
    pub notices: Vec<PathBuf>,
}

impl Built {
    /// Gathers what belongs to a library and a command in the same folder; `work` takes what is generated.
    pub fn new(target: &'static Target, folder: &Path, work: &Path) -> Result<Built, String> {
        let version = version()?;
        make_folder(work)?;
        // One that was built elsewhere may have none.
        let raw = Some(folder.join("libtaskbell.a")).filter(|raw| !target.windows() && raw.exists());
        let static_library = raw.map(|raw| write_static(target, &raw, work)).transpose()?;
        Ok(Built {
            target,
            library: folder.join(target.library()),
            static_library,
            command: folder.join(target.command()),
            pages: if target.windows() { PathBuf::new() } else { write_pages(&work.join("share"))? },
            notices: parts::write_lists(target.triple, &version, work)?,
            version,
        })
    }

    /// Holds the library to the size that is promised.
    pub fn check_size(&self) -> Result<(), String> {
        let library = self.library.display();
        let size =
            fs::metadata(&self.library).map_err(|fault| format!("cannot read {library}: {fault}"))?.len();
        println!("    {library}: {:.1} MiB", size as f64 / f64::from(1 << 20));
        if size > LARGEST {
            return Err(format!("{library} has {size} bytes; at most {LARGEST} are shipped"));
        }
        Ok(())
    }

    pub fn archive_name(&self) -> String {
        format!("taskbell-{}-{}", self.version, self.target.triple)
    }

    pub fn archive_file(&self) -> String {
        format!("{}.{}", self.archive_name(), if self.target.windows() { "zip" } else { "tar.gz" })
    }

    /// The newest glibc that the library or the command names; none on other systems.
    pub fn glibc(&self) -> Result<Option<String>, String> {
        let mut newest = None;
        for file in [&self.library, &self.command] {
            newest = newest.max(newest_glibc(&super::tree::read(file)?));
        }
        Ok(newest.map(|minor| format!("2.{minor}")))
    }
}

/// The version of the workspace.
pub fn version() -> Result<String, String> {
    let manifest = tools::root().join("Cargo.toml");
    let text = fs::read_to_string(&manifest).map_err(|fault| format!("cannot read Cargo.toml: {fault}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("version = \""));
    line.and_then(|rest| rest.strip_suffix('"'))
        .map(str::to_owned)
        .ok_or_else(|| "Cargo.toml has no version".to_owned())
}

/// The minor number of the newest `GLIBC_2.x` among the names of versions in a file.
pub fn newest_glibc(bytes: &[u8]) -> Option<u32> {
    const NAME: &[u8] = b"\0GLIBC_2.";
    let after = bytes.windows(NAME.len()).enumerate().filter(|(_, found)| *found == NAME);
    let minor = |at: usize| {
        let digits = bytes[at + NAME.len()..].iter().take_while(|byte| byte.is_ascii_digit());
        digits.map(|byte| char::from(*byte)).collect::<String>().parse().ok()
    };
    after.filter_map(|(at, _)| minor(at)).max()
}

/// A test of the command writes them, because only the command knows its arguments.
fn write_pages(folder: &Path) -> Result<PathBuf, String> {
    let mut write = cargo(["test", "--quiet", "--workspace", "--features", "taskbell/failpoints"]);
    write.args(["--lib", "--", "pages::"]).env("TASKBELL_PAGES", folder);
    // As the checks compile it, so that it is not compiled again.
    tools::linted(&mut write);
    run_within(write.stdout(std::process::Stdio::null()), Duration::from_secs(30 * 60))?;
    Ok(folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_glibc_is_found_among_names() {
        let names = b"\0GLIBC_2.2.5\0GLIBC_2.17\0GLIBC_2.9\0text GLIBC_2.40\0";
        assert_eq!(newest_glibc(names), Some(17));
        assert_eq!(newest_glibc(b"musl"), None);
    }

    #[test]
    fn the_version_is_that_of_the_workspace() {
        assert_eq!(version().unwrap().split('.').count(), 3);
    }
}
