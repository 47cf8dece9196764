//! Which rings stand beside a spool, and whose process lives.
//!
//! A ring file is locked by its process for as long as that lives. The lock is advisory and belongs
//! to the open file: the system drops it with the last descriptor, however the process ends. After a
//! `fork` the child shares it, so a forked child that neither ends nor calls `exec` keeps the lock of
//! a dead parent; the file itself is closed on `exec`.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

const RING: &str = "ring";
/// A ring file before it is locked: no other process may take it for an orphan in that moment.
const UNLOCKED: &str = "ring.new";
const INSTANCE_DIGITS: usize = 16;

/// A ring file with its lock held.
#[derive(Debug)]
pub(super) struct Claim {
    /// The open file.
    pub file: File,
    /// Its name, absolute.
    pub path: PathBuf,
    /// Where the ring is, when it is not in this file.
    pub ring: Option<PathBuf>,
    /// That file with a lock of its own held, by the process that made it.
    pub ring_lock: Option<File>,
    discard: bool,
    pid: u32,
}

/// What an attempt to lock a ring file found.
#[derive(Debug)]
pub(super) enum Found {
    /// Its process is gone; it is ours now.
    Orphan(Claim),
    /// Its process lives.
    Living,
    /// It is gone, or another file now has its name.
    Gone,
}

/// A file beside the spool.
#[derive(Debug)]
pub(super) struct Beside {
    /// The instance that its name carries.
    pub instance: String,
    /// Its name.
    pub path: PathBuf,
    /// It never became a ring.
    pub unlocked: bool,
}

/// Creates and locks the empty ring file of an instance, readable by this user only.
pub(super) fn create(spool: &Path, instance: &str) -> io::Result<Claim> {
    let mut last = create_once(spool, instance);
    // Another process that looks for orphans may hold or remove the file before it is locked.
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

fn create_once(spool: &Path, instance: &str) -> io::Result<Claim> {
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
        // What cannot be removed now is removed by the next adoption.
        let _ = fs::remove_file(&first);
        return Err(error);
    }
    Ok(Claim::new(file, path))
}

impl Claim {
    fn new(file: File, path: PathBuf) -> Claim {
        Claim { file, path, ring: None, ring_lock: None, discard: false, pid: std::process::id() }
    }

    /// Makes the drop of this claim remove the file.
    pub fn discard(&mut self) {
        self.discard = true;
    }

    /// Gives up the lock: what is in the ring is the next one's, at once.
    pub fn hand_over(&self) {
        if self.pid == std::process::id() {
            let _ = self.file.unlock();
        }
    }

    /// Removes the file and the ring now: whoever looks finds no instance here.
    pub fn leave(&self) {
        if self.pid == std::process::id() && is_named(&self.file, &self.path) {
            // What cannot be removed is empty, and the next adoption removes it.
            let _ = self.remove_ring();
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Removes the file, and the ring it points to, now, while the lock is still held.
    pub fn remove(self) -> io::Result<()> {
        self.remove_ring()?;
        fs::remove_file(&self.path)
    }

    /// A claim without content stands for a ring that holds nothing: so nobody misses the ring if this
    /// process dies between the two steps.
    fn remove_ring(&self) -> io::Result<()> {
        let Some(ring) = &self.ring else { return Ok(()) };
        self.file.set_len(0)?;
        match fs::remove_file(ring) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Claim {
    /// A process forked off in the meantime removes nothing: the file is its parent's.
    fn drop(&mut self) {
        if self.discard {
            self.leave();
        }
    }
}

/// Tries to take over a ring file.
pub(super) fn claim(path: &Path) -> io::Result<Found> {
    for _ in 0..3 {
        let Some(file) = open(path)? else { return Ok(Found::Gone) };
        match lock(file, path)? {
            // It may only be `is_living` of another process, which looks for a moment.
            Found::Living => std::thread::sleep(Duration::from_millis(1)),
            found => return Ok(found),
        }
    }
    Ok(Found::Living)
}

/// Locks an open ring file, and only then looks whether it is still the one of that name.
fn lock(file: File, path: &Path) -> io::Result<Found> {
    match file.try_lock() {
        Ok(()) if is_named(&file, path) => Ok(Found::Orphan(Claim::new(file, path.to_owned()))),
        Ok(()) => Ok(Found::Gone),
        Err(TryLockError::WouldBlock) => Ok(Found::Living),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether the process of a ring file lives. Looks with a shared lock, so that two that look do not
/// take each other for its owner.
pub(super) fn is_living(path: &Path) -> bool {
    match open(path) {
        Ok(Some(file)) => {
            matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) && is_named(&file, path)
        }
        // A file that cannot be looked into may well be somebody's.
        Err(_) => true,
        Ok(None) => false,
    }
}

/// The ring files beside a spool, in the order of their names.
pub(super) fn list(spool: &Path) -> io::Result<Vec<Beside>> {
    let (Some(folder), Some(name)) = (spool.parent(), spool.file_name()) else { return Ok(Vec::new()) };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let file_name = entry?.file_name();
        if let Some((instance, suffix)) = parse(name, &file_name) {
            let unlocked = suffix == UNLOCKED;
            found.push(Beside { instance, path: folder.join(file_name), unlocked });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn parse(spool: &OsStr, file_name: &OsStr) -> Option<(String, &'static str)> {
    let rest = file_name.as_encoded_bytes().strip_prefix(spool.as_encoded_bytes())?.strip_prefix(b".")?;
    let (instance, suffix) = rest.split_at_checked(INSTANCE_DIGITS)?;
    let suffix = std::str::from_utf8(suffix.strip_prefix(b".")?).ok()?;
    let suffix = [RING, UNLOCKED].into_iter().find(|known| *known == suffix)?;
    let hexadecimal = instance.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    hexadecimal.then(|| (String::from_utf8_lossy(instance).into_owned(), suffix))
}

fn named(spool: &Path, instance: &str, suffix: &str) -> PathBuf {
    let mut name = spool.as_os_str().to_owned();
    name.push(format!(".{instance}.{suffix}"));
    name.into()
}

/// Opens a ring file; `None` when there is none of that name. Only regular files: opening a pipe
/// would wait.
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

/// Whether the name still belongs to this open file. Between opening and locking, its owner may have
/// removed it, and another may have made a new one.
#[cfg(unix)]
fn is_named(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Whether the name still exists. Names are random and never given twice, so this is enough.
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
        assert!(matches!(claim(&path).unwrap(), Found::Living));
        drop(ours);
        assert!(!is_living(&path));
        assert!(matches!(claim(&path).unwrap(), Found::Orphan(_)));
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
        let Found::Orphan(theirs) = claim(&path).unwrap() else { panic!("nobody holds it") };
        theirs.remove().unwrap();
        assert!(matches!(lock(opened_before, &path).unwrap(), Found::Gone));
        assert!(matches!(claim(&path).unwrap(), Found::Gone));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_replaced_between_opening_and_locking_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = create(&folder.path().join("bell.db"), INSTANCE).unwrap().path.clone();
        let opened_before = open(&path).unwrap().unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "another").unwrap();
        assert!(matches!(lock(opened_before, &path).unwrap(), Found::Gone));
        assert!(matches!(claim(&path).unwrap(), Found::Orphan(_)));
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
        for name in [
            "bell.db",
            "bell.db.ring",
            "bell.db.00112233445566aa.ring",
            "bell.db.00112233445566ab.ring.new",
            "bell.db.00112233445566ac.ring.bad",
            "bell.db.old.00112233445566aa.ring",
            "bell.db.0011223344556XYZ.ring",
            "other.db.00112233445566aa.ring",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found: Vec<_> =
            list(&spool).unwrap().into_iter().map(|file| (file.instance, file.unlocked)).collect();
        assert_eq!(found, [(INSTANCE.to_owned(), false), ("00112233445566ab".to_owned(), true)]);
        assert!(list(&folder.path().join("none/bell.db")).unwrap().is_empty());
    }
}
