//! A ring in a file in memory.
//!
//! A page of a file on disk that was just written out is read-only for a moment, and the next store waits
//! in the file system: up to tens of milliseconds on a busy disk, on a host's thread. A file in a
//! memory-backed file system (Linux: tmpfs at `/dev/shm`) is never written out, yet outlives its process.
//! It does not outlive the machine, or the container whose memory it is.
//!
//! The lock file next to the spool remains the ring's claim, which other processes find and lock. It holds
//! a [`Pointer`] instead of the ring.

use super::lock::RingClaim;
use crate::os;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use taskbell_ring::Region;

/// The first line of a pointer; a ring starts differently.
const MAGIC: &str = "TASKBELL RING ELSEWHERE 1";

/// Multiples of its own size that a ring leaves free for others.
const SPARE: u64 = 2;

/// Where this process may keep a ring in memory; `None` when no such place outlives the process: on systems
/// without one, and for the first process of a container, which ends with it.
pub(super) fn folder() -> Option<PathBuf> {
    if !cfg!(target_os = "linux") || std::process::id() == 1 {
        return None;
    }
    Some(Path::new("/dev/shm").join(format!("taskbell-{}", os::user_id()?)))
}

/// Where a ring is, and what identifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointer {
    pub path: PathBuf,
    pub key: u64,
    device: u64,
    inode: u64,
}

/// Creates the ring of an instance in `folder`, and writes its location into the claim.
pub(super) fn create(
    folder: &Path,
    instance: &str,
    bytes: usize,
    key: u64,
    claim: &mut RingClaim,
) -> io::Result<Region> {
    own(folder)?;
    let room = os::memory_backed_room(folder).ok_or_else(|| refused("it is not in memory"))?;
    if room < (bytes as u64).saturating_mul(1 + SPARE) {
        return Err(refused("too little of it is free"));
    }
    let path = path_in(folder, instance);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW);
    }
    let file = options.open(&path)?;
    let made = Pointer::to(&file, &path, key).and_then(|pointer| {
        // Write the name first: a process killed from here on leaves no file that cannot be found.
        pointer.write(&claim.file)?;
        file.try_lock()?;
        Region::map(&file, bytes).map(Region::in_memory_only)
    });
    match made {
        Ok(region) => {
            (claim.ring, claim.ring_lock) = (Some(path), Some(file));
            Ok(region)
        }
        Err(error) => {
            let _ = claim.file.set_len(0);
            let _ = fs::remove_file(&path);
            Err(error)
        }
    }
}

/// Where the ring of a process would be that died before it wrote its location down: it holds nothing.
pub(super) fn unnamed(instance: &str) -> Option<PathBuf> {
    folder().map(|folder| path_in(&folder, instance))
}

/// Creates the folder, or checks that only this user can enter it: any user may create folders there.
fn own(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(false);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let about = fs::symlink_metadata(folder)?;
    if !about.is_dir() {
        return Err(refused("it is not a folder"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if Some(about.uid()) != os::user_id() {
            return Err(refused("it belongs to another user"));
        } else if about.mode() & 0o077 != 0 {
            return Err(refused("other users may enter it"));
        }
    }
    Ok(())
}

fn path_in(folder: &Path, instance: &str) -> PathBuf {
    folder.join(format!("{instance}.ring"))
}

fn refused(why: &str) -> io::Error {
    io::Error::other(format!("the folder for rings in memory cannot be used: {why}"))
}

impl Pointer {
    fn to(file: &File, path: &Path, key: u64) -> io::Result<Pointer> {
        let (device, inode) = identity(file)?;
        Ok(Pointer { path: path.to_owned(), key, device, inode })
    }

    fn write(&self, mut claim: &File) -> io::Result<()> {
        let text = self.text().ok_or_else(|| refused("its name is not UTF-8"))?;
        claim.set_len(0)?;
        claim.seek(SeekFrom::Start(0))?;
        claim.write_all(text.as_bytes())
    }

    fn text(&self) -> Option<String> {
        let path = self.path.to_str().filter(|path| !path.contains('\n'))?;
        let Pointer { key, device, inode, .. } = self;
        let text = format!("{MAGIC}\nkey {key:016x}\nfile {device} {inode}\npath {path}\n");
        let check = crc32fast::hash(text.as_bytes());
        Some(format!("{text}check {check:08x}\n"))
    }

    /// Parses a claim's first bytes: `None` when they are not a pointer, an error when it is damaged.
    pub fn read(bytes: &[u8]) -> Option<Result<Pointer, &'static str>> {
        bytes.starts_with(MAGIC.as_bytes()).then(|| {
            let text = std::str::from_utf8(bytes).ok();
            text.and_then(Pointer::parse).ok_or("it says where its ring is, and is damaged")
        })
    }

    fn parse(text: &str) -> Option<Pointer> {
        let (body, check) = text.strip_suffix('\n')?.rsplit_once("check ")?;
        if check.len() != 8 || u32::from_str_radix(check, 16) != Ok(crc32fast::hash(body.as_bytes())) {
            return None;
        }
        let mut lines = body.lines().skip(1);
        let key = u64::from_str_radix(lines.next()?.strip_prefix("key ")?, 16).ok()?;
        let (device, inode) = lines.next()?.strip_prefix("file ")?.split_once(' ')?;
        let path = PathBuf::from(lines.next()?.strip_prefix("path ")?);
        Some(Pointer { path, key, device: device.parse().ok()?, inode: inode.parse().ok()? })
    }

    /// Opens the ring that a claim points to; `None` when it no longer exists.
    ///
    /// # Errors
    /// When the file of that name is not the ring: another file, another user's, a link.
    pub fn open(&self, claim: &File) -> io::Result<Option<File>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let file = match options.open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        if identity(&file)? != (self.device, self.inode) {
            // Names are never reused: memory was cleared, and another program created this file.
            return Err(io::Error::other("another file has its name"));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            if file.metadata()?.uid() != claim.metadata()?.uid() {
                return Err(io::Error::other("it belongs to another user than the file that names it"));
            }
        }
        #[cfg(not(unix))]
        let _ = claim;
        Ok(Some(file))
    }
}

#[cfg(unix)]
fn identity(file: &File) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    file.metadata().map(|about| (about.dev(), about.ino()))
}

#[cfg(not(unix))]
fn identity(_: &File) -> io::Result<(u64, u64)> {
    Err(refused("this system has none"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
