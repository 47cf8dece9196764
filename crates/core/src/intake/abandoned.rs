//! Removes abandoned rings in memory: their process is dead, and the spool and its claim were deleted.
//!
//! The first page of a ring in memory names its claim, in the half that the ring itself does not use: the
//! length of the path, then the path.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

const AT: u64 = 2048;
const LONGEST: usize = 2048 - 8;

/// The minimum age of an abandoned ring: its claim may be invisible for a while, in another container or on
/// a disk that is not mounted.
const LEFT_ALONE: Duration = Duration::from_secs(24 * 3600);

/// The most files that are examined at once.
const MOST: usize = 256;

/// Writes the path of the claim into the ring, once the ring has its header: without one it counts as
/// unfinished. A path that is too long is left out; such a ring never counts as abandoned.
pub(super) fn sign(mut ring: &File, claim: &Path) -> io::Result<()> {
    let Some(path) = claim.to_str().filter(|path| path.len() <= LONGEST) else { return Ok(()) };
    let mut bytes = (path.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(path.as_bytes());
    ring.seek(SeekFrom::Start(AT))?;
    ring.write_all(&bytes)
}

/// Removes the abandoned rings of a folder; skips files it cannot examine.
pub(super) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.take(MOST).flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|ending| ending == "ring") && is_abandoned(&path).unwrap_or(false) {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Names are random and never reused, so the file found abandoned is the file removed.
fn is_abandoned(path: &Path) -> io::Result<bool> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let mut ring = options.open(path)?;
    let age = ring.metadata()?.modified()?.elapsed().unwrap_or_default();
    if age < LEFT_ALONE || ring.try_lock().is_err() {
        return Ok(false);
    }
    match claim_of(&mut ring)? {
        Some(claim) => Ok(!claim.try_exists()?),
        None => Ok(false),
    }
}

fn claim_of(ring: &mut File) -> io::Result<Option<PathBuf>> {
    let mut length = [0; 8];
    ring.seek(SeekFrom::Start(AT))?;
    ring.read_exact(&mut length)?;
    let length = usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length == 0 || length > LONGEST {
        return Ok(None);
    }
    let mut path = vec![0; length];
    ring.read_exact(&mut path)?;
    Ok(String::from_utf8(path).ok().map(PathBuf::from))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn ring(folder: &Path, name: &str, claim: &Path, age: Duration) -> File {
        let mut options = OpenOptions::new();
        let file =
            options.read(true).write(true).create_new(true).open(folder.join(name).with_extension("ring"));
        let file = file.unwrap();
        file.set_len(8192).unwrap();
        sign(&file, claim).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
        file
    }

    #[test]
    fn only_a_ring_without_owner_claim_and_youth_is_removed() {
        let (folder, spool) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (there, gone) = (spool.path().join("there.ring"), spool.path().join("gone.ring"));
        fs::write(&there, "").unwrap();
        let old = LEFT_ALONE + Duration::from_secs(60);
        ring(folder.path(), "abandoned", &gone, old);
        ring(folder.path(), "young", &gone, LEFT_ALONE - Duration::from_secs(60));
        ring(folder.path(), "claimed", &there, old);
        ring(folder.path(), "unsigned", Path::new(""), old);
        let owned = ring(folder.path(), "owned", &gone, old);
        owned.try_lock().unwrap();
        sweep(folder.path());
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort_unstable();
        assert_eq!(left, ["claimed.ring", "owned.ring", "unsigned.ring", "young.ring"]);
    }
}
