//! Named pipes next to the rings: one for each instance.

use crate::intake::lock::{self, named};
use crate::os;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

const LISTENING: &str = "pipe";
/// The name of a pipe until its instance has opened it for reading.
const OPENING: &str = "pipe.new";

/// The pipe on which an instance receives signals. Dropping it removes the pipe, except in a forked child.
pub struct PipeSignal {
    pipe: File,
    path: PathBuf,
    pid: u32,
}

impl PipeSignal {
    /// Creates the pipe of an instance.
    pub fn open(spool: &Path, instance: &str) -> io::Result<PipeSignal> {
        let spool = std::path::absolute(spool)?;
        let path = named(&spool, instance, LISTENING);
        let first = named(&spool, instance, OPENING);
        let opened = open_pipe(&first).and_then(|pipe| fs::rename(&first, &path).map(|()| pipe));
        match opened {
            Ok(pipe) => Ok(PipeSignal { pipe, path, pid: std::process::id() }),
            Err(error) => {
                let _ = fs::remove_file(&first);
                Err(error)
            }
        }
    }

    /// Whether a signal arrived since the last call. Never waits.
    pub fn heard(&self) -> bool {
        let mut bytes = [0; 64];
        let mut heard = false;
        while matches!(io::Read::read(&mut &self.pipe, &mut bytes), Ok(read) if read > 0) {
            heard = true;
        }
        heard
    }
}

impl std::os::fd::AsFd for PipeSignal {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

impl Drop for PipeSignal {
    fn drop(&mut self) {
        if self.pid == std::process::id() {
            // If this fails, the next peer removes it (`sweep`).
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Signals the instances on this spool except `but`; returns how many were reached. Never waits.
pub fn call(spool: &Path, but: Option<&str>) -> usize {
    // A reader may end between the opening of its pipe and the write.
    let _quiet = os::WriteSignals::hold();
    let pipes = list(spool).into_iter().filter(|pipe| Some(pipe.instance.as_str()) != but);
    pipes.filter(|pipe| !pipe.opening && call_pipe(&pipe.path)).count()
}

/// Removes the pipes of dead instances.
pub fn sweep(spool: &Path) {
    // List the pipes first: an instance creates its ring before its pipe.
    let pipes = list(spool);
    if pipes.is_empty() {
        return;
    }
    let Ok(rings) = lock::list(spool) else { return };
    for pipe in pipes {
        let lives = rings.iter().any(|ring| ring.instance == pipe.instance && lock::is_living(&ring.path));
        if !lives {
            let _ = fs::remove_file(&pipe.path);
        }
    }
}

struct SignalPipe {
    instance: String,
    path: PathBuf,
    opening: bool,
}

fn list(spool: &Path) -> Vec<SignalPipe> {
    let Ok(spool) = std::path::absolute(spool) else { return Vec::new() };
    let (Some(folder), Some(name)) = (spool.parent(), spool.file_name()) else { return Vec::new() };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| {
        let file_name = entry.file_name();
        let (instance, suffix) = lock::parse(name, &file_name, [LISTENING, OPENING])?;
        Some(SignalPipe { instance, path: folder.join(file_name), opening: suffix == OPENING })
    });
    found.collect()
}

/// Creates a pipe and opens it for reading; for writing as well, so that it never reports end of file
/// when a sender closes it.
fn open_pipe(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    crate::os::wait::make_fifo(path)?;
    fs::OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path)
}

/// Writes one byte. A full pipe counts as signalled: its reader has not looked yet.
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

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANCE: &str = "00112233445566aa";

    #[test]
    fn a_signal_arrives_once_and_only_at_living_instances() {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("bell.db");
        assert_eq!(call(&spool, None), 0);
        let pipe = PipeSignal::open(&spool, INSTANCE).unwrap();
        assert!(!pipe.heard());
        for _ in 0..10_000 {
            assert_eq!(call(&spool, None), 1);
        }
        assert_eq!(call(&spool, Some(INSTANCE)), 0, "an instance does not signal itself");
        assert!(pipe.heard());
        assert!(!pipe.heard());
        drop(pipe);
        assert_eq!(call(&spool, None), 0);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_pipe_of_a_dead_instance_is_removed_and_that_of_a_living_one_kept() {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("bell.db");
        let ring = lock::create(&spool, INSTANCE).unwrap();
        let pipe = PipeSignal::open(&spool, INSTANCE).unwrap();
        for suffix in [LISTENING, OPENING] {
            open_pipe(&named(&spool, "00112233445566ab", suffix)).unwrap();
        }
        sweep(&spool);
        let left: Vec<_> = list(&spool).into_iter().map(|found| found.instance).collect();
        assert_eq!(left, [INSTANCE]);
        drop(ring);
        std::mem::forget(pipe);
        sweep(&spool);
        assert!(list(&spool).is_empty());
    }
}
