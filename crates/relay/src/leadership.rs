//! Which relay leads: of those on one spool the one that holds its lock. The system lets go of the lock however the process
//! ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The lock of the leader. It leads while this lives.
#[derive(Debug)]
pub struct LeaderLock {
    _file: File,
}

impl LeaderLock {
    /// Tries to lead on this spool; `None` while another relay does.
    ///
    /// # Errors
    /// The lock file cannot be made.
    pub fn take(spool: &Path) -> io::Result<Option<LeaderLock>> {
        let path = path_of(spool);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let file = options.open(&path).map_err(named)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(LeaderLock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(named(error)),
        }
    }
}

/// Whether a relay leads on this spool; `None` where nobody can tell.
pub fn is_led(spool: &Path) -> Option<bool> {
    match File::open(path_of(spool)) {
        Ok(file) => match file.try_lock_shared() {
            Ok(()) => Some(false),
            Err(TryLockError::WouldBlock) => Some(true),
            Err(TryLockError::Error(_)) => None,
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(false),
        Err(_) => None,
    }
}

fn path_of(spool: &Path) -> PathBuf {
    let mut path = spool.as_os_str().to_owned();
    path.push(".leader");
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_relay_leads_until_it_ends() {
        let spool = std::env::temp_dir().join(format!("taskbell-leader-{}.db", std::process::id()));
        assert_eq!(is_led(&spool), Some(false));
        let first = LeaderLock::take(&spool).unwrap().unwrap();
        assert!(LeaderLock::take(&spool).unwrap().is_none());
        assert_eq!(is_led(&spool), Some(true));
        drop(first);
        assert_eq!(is_led(&spool), Some(false));
        assert!(LeaderLock::take(&spool).unwrap().is_some());
        std::fs::remove_file(path_of(&spool)).unwrap();
        assert!(LeaderLock::take(Path::new("/nowhere/at/all.db")).is_err());
    }
}
