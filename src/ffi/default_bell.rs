//! The process-wide default bell, which opens itself on the first event.

use super::boundary::quiet_panics;
use super::config::load;
use super::handles::{self, NoBell};
use super::text::invalid;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::thread;
use std::time::{Duration, Instant};
use taskbell_core::engine::{Bell, Error, ErrorKind};
use taskbell_core::os;

/// No default bell was opened yet.
const NEVER: usize = 0;

/// The default bell was closed: an event does not open it again.
const CLOSED: usize = 2;

/// The pause after a failure to open itself: the host's threads must not read files with every task.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// A handle, or one of the two even numbers above.
static HANDLE: AtomicUsize = AtomicUsize::new(NEVER);

/// The process (as counted by `os::forks()`, plus 1) that opens or closes the bell; 0 for none. So a child
/// of `fork` does not wait for a thread that exists only in its parent.
static BUSY: AtomicU64 = AtomicU64::new(0);

static FAILED: Mutex<Option<(Instant, Error)>> = Mutex::new(None);

/// The default bell, for an event: opens it from `$TASKBELL_CONFIG`, else `./taskbell.toml`, the first time.
pub fn open_on_first_use() -> Result<Arc<Bell>, Error> {
    match get() {
        Err(error) if HANDLE.load(Ordering::Acquire) == NEVER => {
            if let Some(failure) = recent_failure() {
                return Err(failure);
            }
            let _turn = Turn::take();
            if HANDLE.load(Ordering::Acquire) != NEVER {
                return get();
            }
            drop(error);
            let opened = open(&config_source());
            if let (Err(failure), Ok(mut failed)) = (&opened, FAILED.try_lock()) {
                *failed = Some((Instant::now(), failure.clone()));
            }
            opened.and_then(|()| get())
        }
        found => found,
    }
}

/// The default bell, if it is open.
pub fn get() -> Result<Arc<Bell>, Error> {
    match HANDLE.load(Ordering::Acquire) {
        NEVER => {
            let message = "no default bell is open; call taskbell_init, or report an event first";
            Err(Error::new(ErrorKind::Closed, message))
        }
        CLOSED => Err(NoBell::Closed.into()),
        handle => Ok(handles::get(handle)?),
    }
}

/// Opens the default bell from a configuration.
pub fn init(config: &str) -> Result<(), Error> {
    let _turn = Turn::take();
    let handle = HANDLE.load(Ordering::Acquire);
    if handle != NEVER && handle != CLOSED {
        if handles::get(handle).is_ok_and(|bell| !bell.is_closed()) {
            return Err(invalid(
                "the default bell is open already; taskbell_reload changes its configuration",
            ));
        }
        // A closed one whose log function still runs makes room. One of a parent process is not touched.
        let _ = handles::remove(handle);
    }
    open(config)
}

/// The handle of the default bell, for closing.
pub fn handle() -> Result<usize, Error> {
    let _turn = Turn::take();
    let handle = HANDLE.load(Ordering::Acquire);
    if handle == NEVER || handle == CLOSED { get().map(|_| handle) } else { Ok(handle) }
}

/// The default bell with this handle was closed.
pub fn forget(handle: usize) {
    let _ = HANDLE.compare_exchange(handle, CLOSED, Ordering::AcqRel, Ordering::Relaxed);
}

fn open(config: &str) -> Result<(), Error> {
    quiet_panics();
    let config = load(config)?;
    HANDLE.store(handles::insert(Bell::open(config)?)?, Ordering::Release);
    Ok(())
}

fn config_source() -> String {
    std::env::var("TASKBELL_CONFIG")
        .ok()
        .filter(|path| !path.is_empty())
        .unwrap_or_else(|| "./taskbell.toml".to_owned())
}

fn recent_failure() -> Option<Error> {
    let failed = match FAILED.try_lock() {
        Ok(failed) => failed,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return None,
    };
    failed.as_ref().filter(|(at, _)| at.elapsed() < TRY_AGAIN).map(|(_, error)| error.clone())
}

/// One thread of this process at a time.
struct Turn;

impl Turn {
    fn take() -> Turn {
        let own = u64::from(os::forks()) + 1;
        loop {
            let holder = BUSY.load(Ordering::Acquire);
            if holder != own
                && BUSY.compare_exchange(holder, own, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            {
                return Turn;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        BUSY.store(0, Ordering::Release);
    }
}
