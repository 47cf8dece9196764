//! Which signals a thread takes: none of the host's on ours, and none of our making on the host's.

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocked {
    Every,
    AllButRuntimes,
}

/// Sets this thread's signal mask, and sets it back when it is dropped.
#[cfg(unix)]
pub(super) struct Mask {
    before: libc::sigset_t,
}

#[cfg(unix)]
impl Mask {
    #[inline(never)]
    pub(super) fn set(blocked: Blocked) -> Self {
        // SAFETY: both sets are plain data that the calls fill in before anything reads them.
        unsafe {
            let mut mask = std::mem::zeroed();
            let mut before = std::mem::zeroed();
            libc::sigfillset(&mut mask);
            if blocked == Blocked::AllButRuntimes {
                runtime_signals().for_each(|signal| {
                    libc::sigdelset(&mut mask, signal);
                });
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &mask, &mut before);
            Mask { before }
        }
    }
}

#[cfg(unix)]
impl Drop for Mask {
    fn drop(&mut self) {
        // SAFETY: `before` was filled in by `set` on this same thread.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, std::ptr::null_mut()) };
    }
}

/// The signals by which runtimes stop their threads: SIGPWR and SIGXCPU (Mono, Boehm), and the real-time
/// ones (Mono, CoreCLR).
#[cfg(target_os = "linux")]
fn runtime_signals() -> impl Iterator<Item = libc::c_int> {
    [libc::SIGPWR, libc::SIGXCPU].into_iter().chain(libc::SIGRTMIN()..=libc::SIGRTMAX())
}

#[cfg(all(unix, not(target_os = "linux")))]
fn runtime_signals() -> impl Iterator<Item = libc::c_int> {
    [libc::SIGXCPU].into_iter()
}

#[cfg(not(unix))]
pub(super) struct Mask;

#[cfg(not(unix))]
impl Mask {
    pub(super) fn set(_: Blocked) -> Self {
        Mask
    }
}

/// While it lives, a write on this thread that fails raises no signal: SIGPIPE for a pipe without a reader, and
/// SIGXFSZ for a file that would exceed `RLIMIT_FSIZE`. Either would end a host that has not prepared for it.
/// The write returns its error.
#[cfg(unix)]
pub(crate) struct WriteSignals {
    before: libc::sigset_t,
    /// Those that waited already, for the host.
    waited: libc::sigset_t,
    /// A mask belongs to its thread.
    not_send: std::marker::PhantomData<*const ()>,
}

#[cfg(unix)]
const OF_WRITES: [libc::c_int; 2] = [libc::SIGPIPE, libc::SIGXFSZ];

#[cfg(unix)]
impl WriteSignals {
    pub(crate) fn hold() -> WriteSignals {
        // SAFETY: the sets are plain data that the calls fill in before anything reads them.
        unsafe {
            let (mut block, mut before, mut waited) = std::mem::zeroed();
            libc::sigemptyset(&mut block);
            for signal in OF_WRITES {
                libc::sigaddset(&mut block, signal);
            }
            libc::pthread_sigmask(libc::SIG_BLOCK, &block, &mut before);
            libc::sigpending(&mut waited);
            WriteSignals { before, waited, not_send: std::marker::PhantomData }
        }
    }
}

#[cfg(unix)]
impl Drop for WriteSignals {
    /// Takes what our writes raised, and gives the host its mask back.
    fn drop(&mut self) {
        // SAFETY: as in `hold`. The signals are blocked and one of them is pending, so that `sigwait` returns at
        // once; `before` was filled in on this same thread.
        unsafe {
            let mut pending = std::mem::zeroed();
            libc::sigpending(&mut pending);
            for signal in OF_WRITES {
                let is_new = libc::sigismember(&pending, signal) == 1;
                if is_new && libc::sigismember(&self.waited, signal) != 1 {
                    let mut ours = std::mem::zeroed();
                    libc::sigemptyset(&mut ours);
                    libc::sigaddset(&mut ours, signal);
                    libc::sigwait(&ours, &mut 0);
                }
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, std::ptr::null_mut());
        }
    }
}

#[cfg(not(unix))]
pub(crate) struct WriteSignals;

#[cfg(not(unix))]
impl WriteSignals {
    pub(crate) fn hold() -> WriteSignals {
        WriteSignals
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_write_to_a_pipe_without_a_reader_is_an_error_and_no_signal() {
        // The test binary ignores SIGPIPE as every Rust program does, so its default action is set for a child.
        // SAFETY: the child only writes, and ends itself, which is allowed after a fork.
        let status = unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::signal(libc::SIGPIPE, libc::SIG_DFL);
                let mut ends = [0; 2];
                libc::pipe(ends.as_mut_ptr());
                libc::close(ends[0]);
                let held = WriteSignals::hold();
                let written = libc::write(ends[1], c"!".as_ptr().cast(), 1);
                drop(held);
                libc::_exit(if written == -1 { 7 } else { 8 });
            }
            let mut status = 0;
            libc::waitpid(child, &mut status, 0);
            status
        };
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 7, "status {status}");
    }
}
