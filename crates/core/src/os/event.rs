//! Events of Windows: one thread sets one, and another waits for it. With a name, they are of several processes.

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::time::Duration;
use windows_sys::Win32::Foundation::{ERROR_ALREADY_EXISTS, HANDLE, WAIT_OBJECT_0};
use windows_sys::Win32::System::Threading::{
    CreateEventW, EVENT_MODIFY_STATE, INFINITE, OpenEventW, ResetEvent, SetEvent, WaitForMultipleObjects,
    WaitForSingleObject,
};

/// Stays set until it is taken.
pub struct Event {
    handle: OwnedHandle,
}

impl Event {
    /// One of this process alone.
    ///
    /// # Errors
    /// When the system has no room for another.
    pub fn unnamed() -> io::Result<Event> {
        Event::create(ptr::null())
    }

    /// One that other processes of the same user set by its name.
    ///
    /// # Errors
    /// When the name is taken, or this process may not create it.
    pub fn named(name: &str) -> io::Result<Event> {
        Event::create(wide(name).as_ptr())
    }

    fn create(name: *const u16) -> io::Result<Event> {
        // SAFETY: the name is none, or ends with NUL and outlives the call.
        let handle = unsafe { CreateEventW(ptr::null(), 1, 0, name) };
        let error = io::Error::last_os_error();
        let handle = owned(handle).ok_or_else(io::Error::last_os_error)?;
        match error.raw_os_error() {
            Some(code) if !name.is_null() && code == ERROR_ALREADY_EXISTS as i32 => Err(error),
            _ => Ok(Event { handle }),
        }
    }

    /// Sets the event of this name; whether there is one that may be set.
    pub fn set_named(name: &str) -> bool {
        let name = wide(name);
        // SAFETY: the name ends with NUL and outlives the call.
        let handle = unsafe { OpenEventW(EVENT_MODIFY_STATE, 0, name.as_ptr()) };
        owned(handle).is_some_and(|handle| Event { handle }.set())
    }

    /// Sets it; whether that was possible.
    pub fn set(&self) -> bool {
        // SAFETY: the handle is open.
        unsafe { SetEvent(self.handle.as_raw_handle()) != 0 }
    }

    /// Whether it was set; it no longer is. What is set in between counts as taken. Never waits.
    pub fn take(&self) -> bool {
        self.wait_and_reset(0)
    }

    /// Waits until it is set, and takes it.
    pub fn wait(&self) {
        self.wait_and_reset(INFINITE);
    }

    fn wait_and_reset(&self, millis: u32) -> bool {
        let handle = self.handle.as_raw_handle();
        // SAFETY: the handle is open.
        let is_set = unsafe { WaitForSingleObject(handle, millis) } == WAIT_OBJECT_0;
        if is_set {
            // SAFETY: the handle is open.
            unsafe { ResetEvent(handle) };
        }
        is_set
    }
}

/// Waits until one of these is set, `limit` at most (rounded up to a millisecond), or for ever, and takes none. May
/// return early.
pub fn await_any(events: &[&Event], limit: Option<Duration>) {
    let handles: Vec<HANDLE> = events.iter().map(|event| event.handle.as_raw_handle()).collect();
    // The largest number means for ever.
    let millis = |limit: Duration| {
        u32::try_from(limit.as_micros().div_ceil(1000)).unwrap_or(u32::MAX).min(INFINITE - 1)
    };
    // SAFETY: the handles are as many as said, and open for the call.
    unsafe {
        WaitForMultipleObjects(handles.len() as u32, handles.as_ptr(), 0, limit.map_or(INFINITE, millis));
    }
}

fn owned(handle: HANDLE) -> Option<OwnedHandle> {
    // SAFETY: nobody else has this handle.
    (!handle.is_null()).then(|| unsafe { OwnedHandle::from_raw_handle(handle) })
}

fn wide(name: &str) -> Vec<u16> {
    name.encode_utf16().chain([0]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_found_by_its_name_taken_once_and_gone_with_its_owner() {
        let name = format!("Local\\taskbell-test-{}", std::process::id());
        assert!(!Event::set_named(&name));
        let event = Event::named(&name).unwrap();
        assert!(Event::named(&name).is_err(), "the name is taken");
        assert!(!event.take());
        assert!(Event::set_named(&name) && Event::set_named(&name));
        await_any(&[&Event::unnamed().unwrap(), &event], None);
        assert!(event.take());
        assert!(!event.take());
        drop(event);
        assert!(!Event::set_named(&name));
    }
}
