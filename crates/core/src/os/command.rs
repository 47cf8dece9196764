//! What a process needs that runs another one in its place: the signals that are meant for both, a terminal for the
//! output, and what the other one used.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// A signal that reached this process and not a handler of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caught {
    /// Its number.
    pub signal: i32,
    /// The process that sent it to this one; `None` when the terminal did, which sends it to the whole group.
    pub sender: Option<u32>,
}

impl Caught {
    /// The window of the terminal has another size.
    pub fn is_resize(self) -> bool {
        self.signal == libc::SIGWINCH
    }

    /// Ctrl-Z, or as if.
    pub fn is_stop(self) -> bool {
        self.signal == libc::SIGTSTP
    }

    /// The process goes on after a stop.
    pub fn is_continue(self) -> bool {
        self.signal == libc::SIGCONT
    }
}

/// The signals that are passed on; of the others each process has its own.
const PASSED_ON: [libc::c_int; 10] = [
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGHUP,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGALRM,
    libc::SIGWINCH,
    libc::SIGTSTP,
    libc::SIGCONT,
];

fn passed_on() -> libc::sigset_t {
    // SAFETY: a set is plain data, which `sigemptyset` fills in.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for signal in PASSED_ON {
            libc::sigaddset(&mut set, signal);
        }
        set
    }
}

/// Keeps the signals that are passed on from ending this process. To be called before it starts threads, which
/// inherit that; `command` does not.
pub fn hold_signals(command: &mut Command) {
    // SAFETY: both sets are plain data; after the fork nothing but a system call is made.
    unsafe {
        let mut former: libc::sigset_t = std::mem::zeroed();
        libc::pthread_sigmask(libc::SIG_BLOCK, &passed_on(), &mut former);
        command.pre_exec(move || {
            libc::pthread_sigmask(libc::SIG_SETMASK, &former, std::ptr::null_mut());
            Ok(())
        });
    }
}

/// Waits for the next signal that is held.
pub fn next_signal() -> Caught {
    let set = passed_on();
    loop {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            // SAFETY: `info` is plain data that the call fills in before it is read; a signal of another process has
            // its number there.
            let (signal, sender) = unsafe {
                let mut info: libc::siginfo_t = std::mem::zeroed();
                let signal = libc::sigwaitinfo(&set, &mut info);
                let by_process = info.si_code <= 0;
                (signal, by_process.then(|| info.si_pid() as u32))
            };
            if signal > 0 {
                return Caught { signal, sender };
            }
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        {
            let mut signal = 0;
            // SAFETY: both are writable for the length of the call.
            if unsafe { libc::sigwait(&set, &mut signal) } == 0 {
                // Who sent it is not known: those of a terminal have reached the command already.
                let of_terminal = [libc::SIGINT, libc::SIGQUIT, libc::SIGTSTP].contains(&signal);
                return Caught { signal, sender: (!of_terminal).then_some(0) };
            }
        }
    }
}

/// Sends a signal to a process that this one has started and not waited for.
pub fn send_signal(process: u32, signal: i32) {
    if let Ok(process) = libc::pid_t::try_from(process) {
        // SAFETY: it takes two numbers.
        unsafe { libc::kill(process, signal) };
    }
}

/// Stops this process until it is continued, as the terminal's Ctrl-Z does.
pub fn stop_here() {
    // SAFETY: it takes a number.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// Ends this process by a signal, so that its parent sees what ended the command. Leaves no core file of its own.
/// Returns where the signal ends nothing.
pub fn end_by(signal: i32) {
    // SAFETY: plain data and numbers; the handler is the system's.
    unsafe {
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &none);
        libc::signal(signal, libc::SIG_DFL);
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &set, std::ptr::null_mut());
        libc::raise(signal);
    }
}

/// What the processes used that this one has started and waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// The most memory of the largest one, in bytes.
    pub peak_bytes: u64,
    /// Seconds of processor time, of all.
    pub cpu_s: f64,
}

/// What the ended children of this process used.
pub fn usage_of_children() -> Usage {
    // SAFETY: plain data that the call fills in.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        if libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage) != 0 {
            return Usage::default();
        }
        usage
    };
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Usage {
        peak_bytes: u64::try_from(usage.ru_maxrss).unwrap_or(0) * unit,
        cpu_s: seconds(usage.ru_utime) + seconds(usage.ru_stime),
    }
}

/// Two ends of a terminal: what is written into the second is read from the first, byte by byte as it was.
///
/// # Errors
/// When the system has no terminal to give.
pub fn open_terminal(like: &impl AsFd) -> io::Result<(File, OwnedFd)> {
    let check = |result: libc::c_int| if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) };
    // SAFETY: the descriptors are new and belong to nobody else; the name is a text of the system, copied at once;
    // `modes` is plain data that is filled in before it is used.
    unsafe {
        let ours = check(libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC))?;
        let ours = OwnedFd::from_raw_fd(ours);
        check(libc::grantpt(ours.as_raw_fd()))?;
        check(libc::unlockpt(ours.as_raw_fd()))?;
        let name = libc::ptsname(ours.as_raw_fd());
        if name.is_null() {
            return Err(io::Error::last_os_error());
        }
        let theirs = check(libc::open(name, libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC))?;
        let theirs = OwnedFd::from_raw_fd(theirs);
        let mut modes: libc::termios = std::mem::zeroed();
        check(libc::tcgetattr(like.as_fd().as_raw_fd(), &mut modes))?;
        // The real terminal does that.
        modes.c_oflag &= !libc::OPOST;
        modes.c_lflag &= !(libc::ECHO | libc::ISIG);
        check(libc::tcsetattr(theirs.as_raw_fd(), libc::TCSANOW, &modes))?;
        let ours = File::from(ours);
        copy_size(like, &ours);
        Ok((ours, theirs))
    }
}

/// Gives a terminal the size of another one.
pub fn copy_size(from: &impl AsFd, to: &impl AsFd) {
    // SAFETY: `size` is plain data that the first call fills in.
    unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        if libc::ioctl(from.as_fd().as_raw_fd(), libc::TIOCGWINSZ, &mut size) == 0 {
            libc::ioctl(to.as_fd().as_raw_fd(), libc::TIOCSWINSZ, &size);
        }
    }
}
