//! What the operating system is asked for beside files and sockets.

use std::io;
use std::thread::{Builder, JoinHandle};

/// Starts a thread of this library. `name` has at most 15 characters and starts with `taskbell-`.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).spawn(work)
}
