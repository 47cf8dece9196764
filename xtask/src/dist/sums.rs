//! The checksums of a release, and their signature.

use super::tree::write;
use crate::steps::run_within;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The list, as `sha256sum --check` reads it.
pub const NAME: &str = "SHA256SUMS";

/// The variable that names the release's private key, of OpenSSH.
const KEY: &str = "TASKBELL_RELEASE_KEY";

/// Writes the checksums of every file of a folder, and their signature where a key is given.
pub fn write_sums(folder: &Path) -> Result<(), String> {
    let listed =
        fs::read_dir(folder).map_err(|fault| format!("cannot read {}: {fault}", folder.display()))?;
    let mut names: Vec<_> = listed.flatten().map(|entry| entry.file_name()).collect();
    names.retain(|name| !name.to_string_lossy().contains(NAME));
    names.sort();
    let done = Command::new("sha256sum").args(names).current_dir(folder).output();
    let done = done.map_err(|fault| format!("cannot start sha256sum: {fault}"))?;
    if !done.status.success() {
        return Err(format!("sha256sum: {}", String::from_utf8_lossy(&done.stderr).trim()));
    }
    let list = done.stdout;
    let sums = folder.join(NAME);
    write(&sums, &list)?;
    let signature = folder.join(format!("{NAME}.sig"));
    // ssh-keygen asks before it writes over a file.
    let _ = fs::remove_file(&signature);
    let Some(key) = env::var_os(KEY) else {
        println!("    not signed: {KEY} names no key");
        return Ok(());
    };
    let mut sign = Command::new("ssh-keygen");
    sign.args(["-q", "-Y", "sign", "-n", "taskbell-release", "-f"]).arg(key).arg(&sums);
    run_within(&mut sign, Duration::from_secs(60))
}
