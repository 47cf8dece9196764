//! The first page of a ring: format, capacity, and the range of its records.
//!
//! Words 0 to 4 never change: magic, version, capacity in bytes, key, and a CRC-32 of these four.
//! Two positions count bytes since the ring was created; only the dispatcher writes them: `tail` (word 16),
//! up to which the space is free again, and `released` (word 17), up to which everything is spooled. They
//! differ only while the dispatcher clears the space between them. Words 18 and 19 say what the dispatcher works on,
//! for whoever adopts the ring of a process that this has ended.

/// The size of the first page; the records follow it.
pub const PAGE_BYTES: usize = 4096;
/// The same in words.
pub const PAGE_WORDS: usize = PAGE_BYTES / 8;
/// The fewest bytes for records.
pub const MIN_CAPACITY: usize = 64 * 1024;
/// The most bytes for records.
pub const MAX_CAPACITY: usize = 1 << 30;
/// The word of the position up to which the space is free again.
pub const TAIL: usize = 16;
/// The word of the position up to which everything is spooled.
pub const RELEASED: usize = 17;
/// The word of the thing that is being decided about; 0 for none.
pub const SUBJECT: usize = 18;
/// The word of the template or condition that is being evaluated for it; 0 for none.
pub const PIECE: usize = 19;

const MAGIC: u64 = u64::from_le_bytes(*b"TASKRING");
const VERSION: u64 = 2;
const FIXED_WORDS: usize = 5;

/// The constant part of a ring's first page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Bytes for records.
    pub capacity: usize,
    /// The key of the checks.
    pub key: u64,
}

/// Why this version cannot read a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderError {
    /// Empty or all zeros: its process died while creating it. It holds nothing.
    Unfinished,
    /// It is of this other version.
    Version(u64),
    /// It contradicts itself, as the sentence says.
    Damaged(&'static str),
}

/// The range of positions that can hold records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Everything before it is spooled.
    pub from: u64,
    /// Nothing was reserved beyond it.
    pub to: u64,
}

impl Header {
    /// The constant words, from word 0 on.
    pub fn words(&self) -> [u64; FIXED_WORDS] {
        let words = [MAGIC, VERSION, self.capacity as u64, self.key];
        [words[0], words[1], words[2], words[3], u64::from(sum(&words))]
    }

    /// Reads a first page. Trusts nothing in it.
    pub fn read(page: &[u64]) -> Result<(Header, Ends), HeaderError> {
        if page.iter().all(|word| *word == 0) {
            return Err(HeaderError::Unfinished);
        }
        let Some((fixed, _)) = page.split_first_chunk::<FIXED_WORDS>() else {
            return Err(HeaderError::Damaged("it is shorter than any ring"));
        };
        let [magic, version, capacity, key, check] = *fixed;
        if magic != MAGIC {
            return Err(HeaderError::Damaged("it does not start as a ring does"));
        } else if check != u64::from(sum(&fixed[..4])) {
            return Err(HeaderError::Damaged("the checksum of its header does not fit"));
        } else if version != VERSION {
            return Err(HeaderError::Version(version));
        }
        let capacity = usize::try_from(capacity).unwrap_or(usize::MAX);
        if !(MIN_CAPACITY..=MAX_CAPACITY).contains(&capacity) || !capacity.is_power_of_two() {
            return Err(HeaderError::Damaged("it claims a capacity that no ring has"));
        }
        Ok((Header { capacity, key }, Ends::read(page, capacity as u64)?))
    }
}

impl Ends {
    fn read(page: &[u64], capacity: u64) -> Result<Ends, HeaderError> {
        let position = |index: usize| page.get(index).copied().unwrap_or(0);
        let (tail, released) = (position(TAIL), position(RELEASED));
        let orderly = tail % 8 == 0
            && released % 8 == 0
            && tail < u64::MAX / 2
            && (tail..=tail + capacity).contains(&released);
        if orderly {
            Ok(Ends { from: released, to: tail + capacity })
        } else {
            Err(HeaderError::Damaged("its positions contradict each other"))
        }
    }
}

fn sum(words: &[u64]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    for word in words {
        sum.update(&word.to_le_bytes());
    }
    sum.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(header: Header, tail: u64, released: u64) -> Vec<u64> {
        let mut page = vec![0; PAGE_WORDS];
        page[..FIXED_WORDS].copy_from_slice(&header.words());
        (page[TAIL], page[RELEASED]) = (tail, released);
        page
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let header = Header { capacity: MIN_CAPACITY, key: 99 };
        let read = Header::read(&page(header, 80, 160));
        assert_eq!(read, Ok((header, Ends { from: 160, to: 80 + 65_536 })));
    }

    #[test]
    fn another_version_an_unfinished_ring_and_rubbish_are_told_apart() {
        let header = Header { capacity: MIN_CAPACITY, key: 99 };
        let good = page(header, 0, 0);
        let mut newer = good.clone();
        newer[1] = VERSION + 1;
        newer[4] = u64::from(sum(&newer[..4]));
        assert_eq!(Header::read(&newer), Err(HeaderError::Version(VERSION + 1)));
        assert_eq!(Header::read(&[]), Err(HeaderError::Unfinished));
        assert_eq!(Header::read(&vec![0; PAGE_WORDS]), Err(HeaderError::Unfinished));
        for word in [0, 1, 2, 3, 4] {
            let mut bad = good.clone();
            bad[word] ^= 0x100;
            assert!(matches!(Header::read(&bad), Err(HeaderError::Damaged(_))), "word {word}");
        }
        for capacity in [0, 1000, MIN_CAPACITY + 8, MAX_CAPACITY * 2] {
            let bad = page(Header { capacity, key: 1 }, 0, 0);
            assert!(matches!(Header::read(&bad), Err(HeaderError::Damaged(_))), "capacity {capacity}");
        }
        for (tail, released) in [(8, 0), (0, 65_544), (0, 7), (7, 8), (u64::MAX - 7, u64::MAX - 7)] {
            let bad = page(header, tail, released);
            assert!(matches!(Header::read(&bad), Err(HeaderError::Damaged(_))), "{tail} {released}");
        }
    }
}
