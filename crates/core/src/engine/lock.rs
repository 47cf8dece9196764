//! Locks a mutex, whether or not it is poisoned.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Every value behind a mutex of this module is consistent between statements, so it stays usable after a
/// thread panicked while it held the lock. The panic itself is caught and reported where the thread runs.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
