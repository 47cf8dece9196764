//! Files and folders that only their owner may read: payloads and messages are nobody else's business.

use std::fs::{DirBuilder, File, OpenOptions, hard_link, remove_file};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Makes the missing folders above a file, for their owner only (on Windows they inherit the access
/// list of the folder they are in).
pub(super) fn create_parents(path: &Path) -> io::Result<()> {
    let Some(parent) = path.parent().filter(|parent| !parent.is_dir()) else {
        return Ok(());
    };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(parent)
}

/// Makes an empty file with mode 0600 where nothing is. SQLite gives the `-wal` and `-shm` files
/// next to it the same mode.
pub(super) fn create_file(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// What stands between the name of a spool and what tells its drafts apart.
const DRAFT: &str = ".new-";

/// A draft is made in milliseconds: one of this age was left by a process that was killed.
const DRAFT_AGE: Duration = Duration::from_secs(60);

/// Removes drafts that were left next to a place. What cannot be removed stays, in nobody's way.
fn sweep(place: &Path) {
    let (Some(folder), Some(name)) = (place.parent(), place.file_name()) else { return };
    let prefix = format!("{}{DRAFT}", name.to_string_lossy());
    let old = |path: &Path| {
        let modified = path.metadata().and_then(|about| about.modified());
        modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > DRAFT_AGE))
    };
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) && old(&entry.path()) {
            let _ = remove_file(entry.path());
        }
    }
}

/// A file that is made ready under another name and then appears under its own at once, whole. Nobody
/// can have it open before, so its descriptors may be closed freely: closing one drops every POSIX
/// lock that this process holds on the file.
pub(super) struct Draft {
    path: PathBuf,
}

impl Draft {
    /// An empty draft next to the place it is meant for.
    pub(super) fn beside(place: &Path) -> io::Result<Draft> {
        sweep(place);
        // In a container, each start may have the same process id, and two may share a folder.
        let mut name = place.as_os_str().to_owned();
        let random = getrandom::u64().unwrap_or_default();
        name.push(format!("{DRAFT}{}-{random:016x}", std::process::id()));
        let draft = Draft { path: name.into() };
        create_file(&draft.path)?;
        Ok(draft)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Syncs it and gives it its name, unless something has that name by now: then this one goes. A
    /// file system without hard links makes it an error of kind `Unsupported` or `PermissionDenied`.
    pub(super) fn publish(self, place: &Path) -> io::Result<()> {
        OpenOptions::new().write(true).open(&self.path).and_then(|file: File| file.sync_all())?;
        match hard_link(&self.path, place) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // One that stays behind is in nobody's way.
        let _ = remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_appears_whole_and_never_in_place_of_another_file() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("x.db");
        for text in ["first", "second"] {
            let draft = Draft::beside(&place).unwrap();
            std::fs::write(draft.path(), text).unwrap();
            draft.publish(&place).unwrap();
            assert_eq!(std::fs::read(&place).unwrap(), b"first");
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "the drafts are gone");
    }

    #[test]
    fn a_draft_that_a_killed_start_left_is_in_nobodys_way_and_swept() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("x.db");
        let left = Draft::beside(&place).unwrap().path.clone();
        create_file(&left).unwrap();
        let young = Draft::beside(&place).unwrap();
        assert!(left.exists(), "it may be a neighbour's");
        let long_ago = std::time::SystemTime::now() - 2 * DRAFT_AGE;
        std::fs::File::options().write(true).open(&left).unwrap().set_modified(long_ago).unwrap();
        Draft::beside(&place).unwrap().publish(&place).unwrap();
        assert!(!left.exists() && young.path.exists() && place.exists());
    }

    #[cfg(unix)]
    #[test]
    fn new_files_and_folders_are_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/x.db");
        create_parents(&path).unwrap();
        create_file(&path).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&dir.path().join("a"))), (0o600, 0o700));
        assert!(create_file(&path).is_err());
    }
}
