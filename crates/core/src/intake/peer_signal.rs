//! Calls between processes that share a spool: "look around, something changed". A host that sleeps
//! deeply is woken by one, so nobody polls.
//!
//! Each instance has an ear beside its ring: a named pipe. Its clerk waits for it together with all else,
//! which costs neither a thread nor a wake-up. A call carries nothing: whoever hears one looks into the
//! spool. Where there are no named pipes (Windows), the clerk looks by itself from time to time.

use super::lock;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

const EAR: &str = "ear";
/// An ear before anybody listens.
const DEAF: &str = "ear.new";
const INSTANCE_DIGITS: usize = 16;

/// Where an instance hears calls. Dropping it removes the pipe, except in a process forked off.
#[derive(Debug)]
pub struct PeerSignal {
    pipe: File,
    path: PathBuf,
    pid: u32,
}

impl PeerSignal {
    /// Opens the ear of an instance.
    ///
    /// # Errors
    /// Where the folder takes no named pipe.
    pub fn open(spool: &Path, instance: &str) -> io::Result<PeerSignal> {
        let spool = std::path::absolute(spool)?;
        let path = named(&spool, instance, EAR);
        let first = named(&spool, instance, DEAF);
        let opened = open_pipe(&first).and_then(|pipe| fs::rename(&first, &path).map(|()| pipe));
        match opened {
            Ok(pipe) => Ok(PeerSignal { pipe, path, pid: std::process::id() }),
            Err(error) => {
                let _ = fs::remove_file(&first);
                Err(error)
            }
        }
    }

    /// Whether somebody called since the last question. Never waits.
    pub fn heard(&self) -> bool {
        let mut bytes = [0; 64];
        let mut heard = false;
        while matches!(io::Read::read(&mut &self.pipe, &mut bytes), Ok(read) if read > 0) {
            heard = true;
        }
        heard
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for PeerSignal {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

impl Drop for PeerSignal {
    fn drop(&mut self) {
        if self.pid == std::process::id() {
            // One that stays behind is swept away by the next neighbour.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Calls the instances on this spool; says how many hear it. Never waits.
pub fn call(spool: &Path, but: Option<&str>) -> usize {
    let ears = list(spool).into_iter().filter(|ear| Some(ear.instance.as_str()) != but);
    ears.filter(|ear| !ear.deaf && call_pipe(&ear.path)).count()
}

/// Removes the ears of instances that no longer live.
pub(super) fn sweep(spool: &Path) {
    // The ears first: the ring of an instance is there before its ear is.
    let ears = list(spool);
    if ears.is_empty() {
        return;
    }
    let Ok(rings) = lock::list(spool) else { return };
    for ear in ears {
        let lives = rings.iter().any(|ring| ring.instance == ear.instance && lock::is_living(&ring.path));
        if !lives {
            let _ = fs::remove_file(&ear.path);
        }
    }
}

struct Found {
    instance: String,
    path: PathBuf,
    deaf: bool,
}

fn list(spool: &Path) -> Vec<Found> {
    let Ok(spool) = std::path::absolute(spool) else { return Vec::new() };
    let (Some(folder), Some(name)) = (spool.parent(), spool.file_name()) else { return Vec::new() };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| {
        let file_name = entry.file_name();
        let (instance, deaf) = parse(name, &file_name)?;
        Some(Found { instance, path: folder.join(file_name), deaf })
    });
    found.collect()
}

fn parse(spool: &OsStr, file_name: &OsStr) -> Option<(String, bool)> {
    let rest = file_name.as_encoded_bytes().strip_prefix(spool.as_encoded_bytes())?.strip_prefix(b".")?;
    let (instance, suffix) = rest.split_at_checked(INSTANCE_DIGITS)?;
    let suffix = std::str::from_utf8(suffix.strip_prefix(b".")?).ok()?;
    let hexadecimal = instance.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let known = hexadecimal && (suffix == EAR || suffix == DEAF);
    known.then(|| (String::from_utf8_lossy(instance).into_owned(), suffix == DEAF))
}

fn named(spool: &Path, instance: &str, suffix: &str) -> PathBuf {
    let mut name = spool.as_os_str().to_owned();
    name.push(format!(".{instance}.{suffix}"));
    name.into()
}

/// Makes a pipe and listens. It is opened for writing as well, so that it never ends when a caller
/// leaves.
#[cfg(unix)]
fn open_pipe(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    crate::os::wait::make_fifo(path)?;
    fs::OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path)
}

#[cfg(not(unix))]
fn open_pipe(_path: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A full pipe has been called often enough.
#[cfg(unix)]
fn call_pipe(path: &Path) -> bool {
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
    let is_pipe = fs::symlink_metadata(path).is_ok_and(|about| about.file_type().is_fifo());
    let opened =
        is_pipe.then(|| fs::OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(path));
    let Some(Ok(pipe)) = opened else { return false };
    match io::Write::write(&mut &pipe, b"!") {
        Ok(_) => true,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

#[cfg(not(unix))]
fn call_pipe(_path: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const INSTANCE: &str = "00112233445566aa";

    #[test]
    fn a_call_is_heard_once_and_by_the_living_only() {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("bell.db");
        assert_eq!(call(&spool, None), 0);
        let ear = PeerSignal::open(&spool, INSTANCE).unwrap();
        assert!(!ear.heard());
        for _ in 0..10_000 {
            assert_eq!(call(&spool, None), 1);
        }
        assert_eq!(call(&spool, Some(INSTANCE)), 0, "nobody calls itself");
        assert!(ear.heard());
        assert!(!ear.heard());
        drop(ear);
        assert_eq!(call(&spool, None), 0);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_ear_of_the_dead_is_swept_away_and_a_living_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("bell.db");
        let ring = lock::create(&spool, INSTANCE).unwrap();
        let ear = PeerSignal::open(&spool, INSTANCE).unwrap();
        for suffix in [EAR, DEAF] {
            open_pipe(&named(&spool, "00112233445566ab", suffix)).unwrap();
        }
        sweep(&spool);
        let left: Vec<_> = list(&spool).into_iter().map(|found| found.instance).collect();
        assert_eq!(left, [INSTANCE]);
        drop(ring);
        std::mem::forget(ear);
        sweep(&spool);
        assert!(list(&spool).is_empty());
    }
}
