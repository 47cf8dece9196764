//! The memory of a ring: a mapped file or plain memory. Both are a slice of atomic words, so nothing above
//! this file needs `unsafe`, and no two threads race on a byte, not even in a ring that the host has
//! overwritten.

#![allow(unsafe_code)]

use crate::header::PAGE_BYTES;
use memmap2::{MmapOptions, MmapRaw};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicU64, Ordering};

/// The words of a ring.
pub enum Region {
    /// Gone with the process.
    Memory(Box<[AtomicU64]>),
    /// In the page cache, which outlives the process.
    Mapped(Mapped),
}

/// A file mapped for reading and writing.
pub struct Mapped {
    map: MmapRaw,
    words: usize,
    written_out: bool,
}

impl Region {
    /// `bytes` (a multiple of 8) of zeroed memory, every page touched.
    pub fn memory(bytes: usize) -> Region {
        let region = Region::Memory((0..bytes / 8).map(|_| AtomicU64::new(0)).collect());
        // The compiler asks for memory that is zero already, which the system maps page by page at the first store.
        region.touch();
        region
    }

    /// Fills the file with `bytes` zeros (a multiple of the page size) and maps it.
    ///
    /// The zeros are written, not left as a hole: a full disk must fail here, not as a fault on a host's
    /// thread. Every page is then touched through the mapping.
    pub fn map(file: &File, bytes: usize) -> io::Result<Region> {
        let mut writer = file;
        let zeros = vec![0_u8; bytes.min(256 * 1024)];
        writer.seek(SeekFrom::Start(0))?;
        let mut left = bytes;
        while left > 0 {
            let part = left.min(zeros.len());
            writer.write_all(&zeros[..part])?;
            left -= part;
        }
        let map = MmapOptions::new().len(bytes).map_raw(file)?;
        if !map.as_mut_ptr().cast::<AtomicU64>().is_aligned() {
            return Err(io::Error::other("the system mapped it at an unaligned address"));
        }
        let region = Region::Mapped(Mapped { map, words: bytes / 8, written_out: true });
        region.touch();
        Ok(region)
    }

    /// Stores into every page, so that no event pays for its first use.
    fn touch(&self) {
        for page in self.words().chunks(PAGE_BYTES / 8) {
            page[0].store(0, Ordering::Relaxed);
        }
    }

    /// The same region, of a file that the system never writes to a disk.
    pub fn in_memory_only(mut self) -> Region {
        if let Region::Mapped(mapped) = &mut self {
            mapped.written_out = false;
        }
        self
    }

    /// Whether the system writes its pages to a disk, and makes them read-only each time.
    pub fn is_written_out(&self) -> bool {
        matches!(self, Region::Mapped(Mapped { written_out: true, .. }))
    }

    /// All words, those of the first page first.
    pub fn words(&self) -> &[AtomicU64] {
        match self {
            Region::Memory(words) => words,
            Region::Mapped(mapped) => mapped.words(),
        }
    }
}

impl Mapped {
    fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping holds at least `words` words, is aligned (both checked in `map`), and
        // lives as long as `self`. Its bytes are initialised (a file has no others) and any bits are
        // a valid u64. Within this process it is only ever reached through this slice, so every
        // access is atomic; what another process writes into the file is then merely another value.
        unsafe { std::slice::from_raw_parts(self.map.as_mut_ptr().cast::<AtomicU64>(), self.words) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_through_the_mapping_reaches_the_file() {
        let file = tempfile::tempfile().unwrap();
        let region = Region::map(&file, 2 * PAGE_BYTES).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 2 * PAGE_BYTES as u64);
        region.words()[600].store(0x1122_3344, Ordering::Relaxed);
        let mut bytes = Vec::new();
        (&file).seek(SeekFrom::Start(0)).unwrap();
        io::Read::read_to_end(&mut &file, &mut bytes).unwrap();
        assert_eq!(bytes[4800..4808], 0x1122_3344_u64.to_ne_bytes());
    }

    /// Pages that the system has mapped for this thread at their first use.
    #[cfg(target_os = "linux")]
    fn faults() -> u64 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        fields.split_whitespace().nth(7).unwrap().parse().unwrap()
    }

    #[cfg(all(target_os = "linux", not(miri)))]
    #[test]
    fn no_store_of_an_event_is_the_first_into_its_page() {
        const PAGES: usize = 2048;
        let region = Region::memory(PAGES * PAGE_BYTES);
        let before = faults();
        region.words().iter().for_each(|word| word.store(1, Ordering::Relaxed));
        let taken = faults() - before;
        assert!(taken < PAGES as u64 / 8, "{taken} pages were mapped by a store");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_has_no_holes() {
        use std::os::unix::fs::MetadataExt;
        let file = tempfile::tempfile().unwrap();
        let _region = Region::map(&file, 1 << 20).unwrap();
        file.sync_all().unwrap();
        assert!(file.metadata().unwrap().blocks() * 512 >= 1 << 20);
    }
}
