//! Handles: a `taskbell_t *` is a number, not an address. A handle that was closed, or never returned, is
//! recognised without touching memory, even while another thread closes it.

use super::taskbell_t;
use super::text::invalid;
use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use taskbell_core::apart::Striped;
use taskbell_core::engine::{Bell, Error, ErrorKind};
use taskbell_core::os;

/// The most bells open at once in a process.
const SLOTS: usize = 256;

/// How long the removal of a bell waits for calls. A thread that was ended in one never leaves it: its slot is then never
/// used again.
const READERS: Duration = Duration::from_millis(200);

/// A slot's `state` is its generation, shifted by this, and one of the states below. The generation
/// grows with each close, so that an old handle never finds a new bell.
const SHIFT: u32 = 2;
const FREE: usize = 0;
const BUSY: usize = 1;
const OPEN: usize = 2;
const STATE_MASK: usize = 0b11;

struct Slot {
    state: AtomicUsize,
    /// Threads that are using `bell` right now.
    readers: Striped,
    /// `os::forks()` of the process that opened it.
    forks: AtomicU32,
    bell: UnsafeCell<Option<Arc<Bell>>>,
}

// SAFETY: `bell` is written only in the state BUSY, by the one thread that put the slot there and only
// once every part of `readers` was 0; readers look only after they have counted themselves and seen the state OPEN.
unsafe impl Sync for Slot {}

static TABLE: [Slot; SLOTS] = [const {
    Slot {
        state: AtomicUsize::new(FREE),
        readers: Striped::new(),
        forks: AtomicU32::new(0),
        bell: UnsafeCell::new(None),
    }
}; SLOTS];

/// The reasons why a handle has no bell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoBell {
    /// It was closed.
    Closed,
    /// It was never returned.
    Unknown,
    /// It belongs to the process this one was forked from.
    Forked,
}

impl From<NoBell> for Error {
    fn from(reason: NoBell) -> Error {
        match reason {
            NoBell::Closed => Error::new(ErrorKind::Closed, "the bell was closed"),
            NoBell::Unknown => invalid("`bell` is not a handle that taskbell_open returned"),
            NoBell::Forked => Error::new(
                ErrorKind::Forked,
                "this process was forked from the one that opened the bell; taskbell_init opens its own",
            ),
        }
    }
}

/// Puts a bell into the table.
pub fn insert(bell: Bell) -> Result<usize, Error> {
    for (index, slot) in TABLE.iter().enumerate() {
        let state = slot.state.load(Ordering::Relaxed);
        let busy = state & !STATE_MASK | BUSY;
        let free = state & STATE_MASK == FREE;
        if free && slot.state.compare_exchange(state, busy, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            slot.forks.store(os::forks(), Ordering::Relaxed);
            // SAFETY: this thread put the slot into BUSY, and no reader looks before OPEN.
            unsafe { *slot.bell.get() = Some(Arc::new(bell)) };
            slot.state.store(state & !STATE_MASK | OPEN, Ordering::SeqCst);
            return Ok(handle(index, state >> SHIFT));
        }
    }
    Err(invalid(format!("{SLOTS} bells are open already; close one first")))
}

/// The bell of a handle, for a call that may wait.
pub fn get(handle: usize) -> Result<Arc<Bell>, NoBell> {
    with(handle, Arc::clone)
}

/// Uses the bell of a handle for a call that does not wait: until it returns, the bell is not removed. Other than by
/// [`get`], threads that do so at the same time write to no memory in common.
pub fn with<T>(handle: usize, call: impl FnOnce(&Arc<Bell>) -> T) -> Result<T, NoBell> {
    let (slot, generation) = slot(handle)?;
    // The child's copy of the table may name threads of the parent that do not exist here, so it is only
    // read.
    let state = slot.state.load(Ordering::Acquire);
    if state == generation << SHIFT | OPEN && slot.forks.load(Ordering::Relaxed) != os::forks() {
        return Err(NoBell::Forked);
    }
    let _reader = SlotReader::enter(&slot.readers);
    let open = slot.state.load(Ordering::SeqCst) == generation << SHIFT | OPEN;
    // SAFETY: this reader is counted and saw OPEN, so a thread that removes it waits for the end of `_reader`.
    let bell = if open { unsafe { (*slot.bell.get()).as_ref() } } else { None };
    bell.map(call).ok_or_else(|| missing(slot, generation))
}

/// A thread that uses a slot's bell.
struct SlotReader<'a>(&'a AtomicU64);

impl SlotReader<'_> {
    fn enter(readers: &Striped) -> SlotReader<'_> {
        let readers = readers.mine();
        readers.fetch_add(1, Ordering::SeqCst);
        SlotReader(readers)
    }
}

impl Drop for SlotReader<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// Removes the bell of a handle from the table.
pub fn remove(handle: usize) -> Result<Arc<Bell>, NoBell> {
    let (slot, generation) = slot(handle)?;
    let open = generation << SHIFT | OPEN;
    if slot.state.load(Ordering::Acquire) == open && slot.forks.load(Ordering::Relaxed) != os::forks() {
        return Err(NoBell::Forked);
    }
    let busy = generation << SHIFT | BUSY;
    if slot.state.compare_exchange(open, busy, Ordering::SeqCst, Ordering::Relaxed).is_err() {
        return Err(missing(slot, generation));
    }
    // A reader stays for the length of one call that does not wait. Those of a part who come once it was 0 find BUSY.
    let deadline = Instant::now() + READERS;
    for readers in slot.readers.all() {
        while readers.load(Ordering::SeqCst) != 0 {
            if Instant::now() > deadline {
                // SAFETY: the state is BUSY by this thread, so nobody writes.
                return unsafe { (*slot.bell.get()).clone() }.ok_or(NoBell::Closed);
            }
            thread::yield_now();
        }
    }
    // SAFETY: the state is BUSY by this thread, and the last reader that saw OPEN is gone.
    let bell = unsafe { (*slot.bell.get()).take() };
    slot.state.store((generation + 1) << SHIFT | FREE, Ordering::Release);
    bell.ok_or(NoBell::Closed)
}

/// A pointer as a handle.
pub fn from_pointer(bell: *mut taskbell_t) -> usize {
    bell.addr()
}

/// A handle as a pointer.
pub fn to_pointer(handle: usize) -> *mut taskbell_t {
    std::ptr::without_provenance_mut(handle)
}

/// Odd, so that a real pointer is never mistaken for a handle.
fn handle(index: usize, generation: usize) -> usize {
    (generation * SLOTS + index) << 1 | 1
}

fn slot(handle: usize) -> Result<(&'static Slot, usize), NoBell> {
    if handle & 1 == 0 {
        return Err(NoBell::Unknown);
    }
    let number = handle >> 1;
    Ok((&TABLE[number % SLOTS], number / SLOTS))
}

fn missing(slot: &Slot, generation: usize) -> NoBell {
    let current = slot.state.load(Ordering::Relaxed) >> SHIFT;
    let was_given = generation < current || slot.state.load(Ordering::Relaxed) == generation << SHIFT | BUSY;
    if was_given { NoBell::Closed } else { NoBell::Unknown }
}
