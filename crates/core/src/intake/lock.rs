//! Finds the ring files next to a spool, and tells which of their processes live.
//!
//! A process locks its ring file for as long as it lives. The lock is advisory and belongs
//! to the open file: the system drops it with the last descriptor, however the process ends. After a
//! `fork` the child shares it, so a forked child that neither ends nor calls `exec` keeps the lock of
//! a dead parent; the file itself is closed on `exec`.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

const RING: &str = "ring";
/// The suffix of a ring file until it is locked, so that no other process takes it for an orphan.
const UNLOCKED: &str = "ring.new";
const INSTANCE_DIGITS: usize = 16;

/// A ring file with its lock held.
pub(super) struct RingClaim {
    pub file: File,
    /// Absolute.
    pub path: PathBuf,
    /// The file that holds the ring when this one does not.
    pub ring: Option<PathBuf>,
    /// That file, locked by the process that created it.
    pub ring_lock: Option<File>,
    discard: bool,
    pid: u32,
}

pub(super) enum LockAttempt {
    /// Its process is dead; this process holds it now.
    Orphan(RingClaim),
    Living,
    /// It was removed, or another file has its name now.
    Gone,
}

pub(super) struct RingFile {
    /// The instance named in its file name.
    pub instance: String,
    pub path: PathBuf,
    /// It was never locked, so it holds no ring.
    pub unlocked: bool,
}

/// Creates and locks the empty ring file of an instance, readable by this user only.
pub(super) fn create(spool: &Path, instance: &str) -> io::Result<RingClaim> {
    let mut last = create_once(spool, instance);
    // A process that looks for orphans may lock or remove the file before this one locks it.
    for _ in 0..3 {
        match &last {
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotFound) => {
                last = create_once(spool, instance);
            }
            _ => break,
        }
    }
    last
}

fn create_once(spool: &Path, instance: &str) -> io::Result<RingClaim> {
    let path = named(spool, instance, RING);
    let first = named(spool, instance, UNLOCKED);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&first)?;
    let locked = file.try_lock().map_err(io::Error::from).and_then(|()| fs::rename(&first, &path));
    if let Err(error) = locked {
        drop(file);
        // If this fails, the next adoption removes it.
        let _ = fs::remove_file(&first);
        return Err(error);
    }
    Ok(RingClaim::new(file, path))
}

impl RingClaim {
    fn new(file: File, path: PathBuf) -> RingClaim {
        RingClaim { file, path, ring: None, ring_lock: None, discard: false, pid: std::process::id() }
    }

    /// Removes the file when this claim is dropped.
    pub fn discard(&mut self) {
        self.discard = true;
    }

    /// Releases the lock, so that the next start can adopt the ring at once.
    pub fn hand_over(&self) {
        if self.pid == std::process::id() {
            let _ = self.file.unlock();
        }
    }

    /// Removes the file and the ring now; this instance then counts as ended.
    pub fn leave(&self) {
        if self.pid == std::process::id() && is_named(&self.file, &self.path) {
            // If this fails, the file is empty and the next adoption removes it.
            let _ = self.remove_ring();
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Removes the file, and the ring it points to, now, while the lock is still held.
    pub fn remove(self) -> io::Result<()> {
        self.remove_ring()?;
        fs::remove_file(&self.path)
    }

    /// Empties the claim first: an empty claim means an empty ring, so dying between the two steps loses
    /// nothing.
    fn remove_ring(&self) -> io::Result<()> {
        let Some(ring) = &self.ring else { return Ok(()) };
        self.file.set_len(0)?;
        match fs::remove_file(ring) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for RingClaim {
    /// Does nothing in a forked child: the file belongs to its parent.
    fn drop(&mut self) {
        if self.discard {
            self.leave();
        }
    }
}

/// Tries to take over a ring file, more than once: another process may hold it for a moment in [`claim_at_once`] or
/// `is_living`.
pub(super) fn claim(path: &Path) -> io::Result<LockAttempt> {
    for _ in 0..3 {
        match claim_at_once(path)? {
            LockAttempt::Living => std::thread::sleep(Duration::from_millis(1)),
            found => return Ok(found),
        }
    }
    Ok(LockAttempt::Living)
}

/// As [`claim`], without a wait.
pub(super) fn claim_at_once(path: &Path) -> io::Result<LockAttempt> {
    match open(path)? {
        Some(file) => lock(file, path),
        None => Ok(LockAttempt::Gone),
    }
}

/// Locks an open ring file, then checks that its name still leads to it.
fn lock(file: File, path: &Path) -> io::Result<LockAttempt> {
    match file.try_lock() {
        Ok(()) if is_named(&file, path) => Ok(LockAttempt::Orphan(RingClaim::new(file, path.to_owned()))),
        Ok(()) => Ok(LockAttempt::Gone),
        Err(TryLockError::WouldBlock) => Ok(LockAttempt::Living),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether the process of a ring file lives. Uses a shared lock, so that two processes that check at
/// once do not take each other for the owner.
pub(super) fn is_living(path: &Path) -> bool {
    match open(path) {
        Ok(Some(file)) => {
            matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) && is_named(&file, path)
        }
        // A file that cannot be opened may belong to a living process.
        Err(_) => true,
        Ok(None) => false,
    }
}

/// The ring files next to a spool, sorted by name.
pub(super) fn list(spool: &Path) -> io::Result<Vec<RingFile>> {
    let (Some(folder), Some(name)) = (spool.parent(), spool.file_name()) else { return Ok(Vec::new()) };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let file_name = entry?.file_name();
        if let Some((instance, suffix)) = parse(name, &file_name, [RING, UNLOCKED]) {
            let unlocked = suffix == UNLOCKED;
            found.push(RingFile { instance, path: folder.join(file_name), unlocked });
        }
    }
    found.sort_unstable_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
    Ok(found)
}

/// The instance and the suffix of a file next to a spool, if the suffix is one of these.
pub(super) fn parse(
    spool: &OsStr,
    file_name: &OsStr,
    suffixes: [&'static str; 2],
) -> Option<(String, &'static str)> {
    let rest = file_name.as_encoded_bytes().strip_prefix(spool.as_encoded_bytes())?.strip_prefix(b".")?;
    let (instance, suffix) = rest.split_at_checked(INSTANCE_DIGITS)?;
    let suffix = std::str::from_utf8(suffix.strip_prefix(b".")?).ok()?;
    let suffix = suffixes.into_iter().find(|known| *known == suffix)?;
    let hexadecimal = instance.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    hexadecimal.then(|| (String::from_utf8_lossy(instance).into_owned(), suffix))
}

/// A file of an instance next to a spool.
pub(super) fn named(spool: &Path, instance: &str, suffix: &str) -> PathBuf {
    let mut name = spool.as_os_str().to_owned();
    name.push(format!(".{instance}.{suffix}"));
    name.into()
}

/// Opens a ring file; `None` when it does not exist. Refuses anything but a regular file: opening a pipe
/// would block.
fn open(path: &Path) -> io::Result<Option<File>> {
    let opened = fs::symlink_metadata(path).and_then(|about| {
        if about.is_file() {
            OpenOptions::new().read(true).write(true).open(path)
        } else {
            Err(io::Error::other("it is not a regular file"))
        }
    });
    match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// Whether the name still leads to this open file. Its owner may have removed it between opening and
/// locking, and another process may have created a new one.
#[cfg(unix)]
fn is_named(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Whether the name still exists. Names are random and never reused, so this is enough.
#[cfg(not(unix))]
fn is_named(_file: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANCE: &str = "00112233445566aa";

    #[test]
    fn a_lock_is_seen_from_outside_and_ends_with_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("bell.db");
        let ours = create(&spool, INSTANCE).unwrap();
        let path = ours.path.clone();
        assert!(is_living(&path));
        assert!(matches!(claim(&path).unwrap(), LockAttempt::Living));
        drop(ours);
        assert!(!is_living(&path));
        assert!(matches!(claim(&path).unwrap(), LockAttempt::Orphan(_)));
    }

    #[cfg(unix)]
    #[test]
    fn a_ring_holds_prompts_and_is_for_its_user_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let ours = create(&folder.path().join("bell.db"), INSTANCE).unwrap();
        assert_eq!(fs::metadata(&ours.path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_removed_between_opening_and_locking_is_not_taken_a_second_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = create(&folder.path().join("bell.db"), INSTANCE).unwrap().path.clone();
        let opened_before = open(&path).unwrap().unwrap();
        let LockAttempt::Orphan(theirs) = claim(&path).unwrap() else { panic!("nobody holds it") };
        theirs.remove().unwrap();
        assert!(matches!(lock(opened_before, &path).unwrap(), LockAttempt::Gone));
        assert!(matches!(claim(&path).unwrap(), LockAttempt::Gone));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_replaced_between_opening_and_locking_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = create(&folder.path().join("bell.db"), INSTANCE).unwrap().path.clone();
        let opened_before = open(&path).unwrap().unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "another").unwrap();
        assert!(matches!(lock(opened_before, &path).unwrap(), LockAttempt::Gone));
        assert!(matches!(claim(&path).unwrap(), LockAttempt::Orphan(_)));
    }

    #[cfg(unix)]
    #[test]
    fn a_claim_removes_only_the_file_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let mut ours = create(&folder.path().join("bell.db"), INSTANCE).unwrap();
        let path = ours.path.clone();
        fs::rename(&path, folder.path().join("moved")).unwrap();
        fs::write(&path, "another").unwrap();
        ours.discard();
        drop(ours);
        assert_eq!(fs::read_to_string(&path).unwrap(), "another");
    }

    #[test]
    fn only_the_rings_of_this_spool_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("bell.db");
        for name in "\
            bell.db bell.db.ring bell.db.00112233445566aa.ring bell.db.00112233445566ab.ring.new \
            bell.db.00112233445566ac.ring.bad bell.db.old.00112233445566aa.ring \
            bell.db.0011223344556XYZ.ring other.db.00112233445566aa.ring"
            .split_whitespace()
        {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found: Vec<_> =
            list(&spool).unwrap().into_iter().map(|file| (file.instance, file.unlocked)).collect();
        assert_eq!(found, [(INSTANCE.to_owned(), false), ("00112233445566ab".to_owned(), true)]);
        assert!(list(&folder.path().join("none/bell.db")).unwrap().is_empty());
    }
}
