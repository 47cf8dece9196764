//! Files and folders that only their owner may read: payloads and messages are nobody else's business.

use std::fs::DirBuilder;
use std::io;
use std::path::Path;

/// Makes the missing folders above a file, for their owner only.
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

/// Makes an empty file with mode 0600 unless something of that name is there. SQLite then gives the
/// `-wal` and `-shm` files beside it the same mode.
///
/// The file is made under another name, closed, and linked into place: closing a descriptor of a
/// database drops every POSIX lock this process has on it, so nobody may be able to open it before.
#[cfg(unix)]
pub(super) fn create_file(path: &Path) -> io::Result<()> {
    use std::fs::{OpenOptions, hard_link, remove_file};
    use std::os::unix::fs::OpenOptionsExt;
    use std::sync::atomic::{AtomicU32, Ordering};

    static NEXT: AtomicU32 = AtomicU32::new(0);
    if path.try_exists()? {
        return Ok(());
    }
    let exclusive =
        |at: &Path| OpenOptions::new().write(true).create_new(true).mode(0o600).open(at).map(drop);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".new-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    let draft = Path::new(&name);
    exclusive(draft)?;
    let linked = match hard_link(draft, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => exclusive(path), // no hard links here
        other => other,
    };
    remove_file(draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Windows: the file inherits the access list of its folder, which for the state folder is the
/// user's own.
#[cfg(not(unix))]
pub(super) fn create_file(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn new_files_and_folders_are_the_owners_alone_and_old_ones_stay_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/x.db");
        create_parents(&path).unwrap();
        create_file(&path).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&dir.path().join("a")), 0o700);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "the draft is gone");

        std::fs::write(&path, "kept").unwrap();
        create_parents(&path).unwrap();
        create_file(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"kept");
    }
}
