//! Free space of the file system below a path.

use std::io;
use std::path::Path;

/// Bytes of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Space {
    /// What this user may still write.
    pub free: u64,
    /// What is in use.
    pub used: u64,
}

/// The space below a path that exists. Waits as long as the file system does.
#[cfg(unix)]
pub(crate) fn space(path: &Path) -> io::Result<Space> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: plain numbers, for which zeros are a value.
    let mut stat: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path ends with NUL, and `stat` is writable for the length of the call.
    if unsafe { libc::statvfs(path.as_ptr(), &mut stat) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // The fields have other types on other systems.
    #[allow(clippy::unnecessary_cast)]
    let (unit, all) = (stat.f_frsize as u64, stat.f_blocks as u64);
    #[allow(clippy::unnecessary_cast)]
    let (unused, free) = (stat.f_bfree as u64, stat.f_bavail as u64);
    Ok(Space { free: free.saturating_mul(unit), used: all.saturating_sub(unused).saturating_mul(unit) })
}

/// The space below a path that exists. Waits as long as the file system does.
#[cfg(windows)]
pub(crate) fn space(path: &Path) -> io::Result<Space> {
    use std::os::windows::ffi::OsStrExt;
    use windows_sys::Win32::Storage::FileSystem::GetDiskFreeSpaceExW;
    let path: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
    let (mut free, mut all, mut unused) = (0, 0, 0);
    // SAFETY: the path ends with NUL, and the three are writable for the length of the call.
    if unsafe { GetDiskFreeSpaceExW(path.as_ptr(), &mut free, &mut all, &mut unused) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Space { free, used: all.saturating_sub(unused) })
}
