//! The process-wide default bell, which opens itself on the first event.

use super::boundary::quiet_panics;
use super::config::load;
use super::handles::{self, NoBell};
use super::text::invalid;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, TryLockError};
use std::time::{Duration, Instant};
use taskbell_core::engine::{Bell, Error, ErrorKind};
use taskbell_core::os::ForkSafeLock;

/// No default bell was opened yet.
const NEVER: usize = 0;

/// The default bell was closed: an event does not open it again.
const CLOSED: usize = 2;

/// The pause after a failure to open itself: the host's threads must not read files with every task.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// A handle, or one of the two even numbers above.
static HANDLE: AtomicUsize = AtomicUsize::new(NEVER);

/// Held while the bell is opened or closed.
static CHANGING: ForkSafeLock = ForkSafeLock::new();

static FAILED: Mutex<Option<(Instant, Error)>> = Mutex::new(None);

/// The handle of the default bell, for an event: opens it from `$TASKBELL_CONFIG`, else `./taskbell.toml`, the first
/// time.
pub fn open_on_first_use() -> Result<usize, Error> {
    if HANDLE.load(Ordering::Acquire) == NEVER {
        open_now()?;
    }
    get()
}

#[cold]
fn open_now() -> Result<(), Error> {
    if let Some(failure) = recent_failure() {
        return Err(failure);
    }
    let _turn = CHANGING.lock();
    if HANDLE.load(Ordering::Acquire) != NEVER {
        return Ok(());
    }
    let opened = open(&config_source());
    if let (Err(failure), Ok(mut failed)) = (&opened, FAILED.try_lock()) {
        *failed = Some((Instant::now(), failure.clone()));
    }
    opened
}

/// The handle of the default bell, if it is open.
pub fn get() -> Result<usize, Error> {
    match HANDLE.load(Ordering::Acquire) {
        NEVER => {
            let message = "no default bell is open; call taskbell_init, or report an event first";
            Err(Error::new(ErrorKind::Closed, message))
        }
        CLOSED => Err(NoBell::Closed.into()),
        handle => Ok(handle),
    }
}

/// Opens the default bell from a configuration.
pub fn init(config: &str) -> Result<(), Error> {
    let _turn = CHANGING.lock();
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
    let _turn = CHANGING.lock();
    get()
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
