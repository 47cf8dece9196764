//! System calls that may hang and cannot be interrupted, a lookup or a connect: each runs on its own thread,
//! and the caller stops waiting at the deadline or at shutdown.

use super::process_count::ProcessCount;
use crate::os;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The most abandoned threads of one client.
const MAX_ABANDONED: usize = 4;

/// The most threads of a process.
const MOST: u64 = 256;

static THREADS: ProcessCount = ProcessCount::new();

#[derive(Debug)]
pub(super) enum Unfinished {
    /// The deadline passed first.
    Late,
    /// `Client::shutdown` was called.
    Cancelled,
    /// Too many earlier tasks still hang.
    TooMany,
    /// The thread could not be started, or it panicked.
    Lost(io::Error),
}

#[derive(Debug, Default)]
pub(super) struct BlockingTasks {
    state: Mutex<TasksState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct TasksState {
    closed: bool,
    /// Running tasks whose callers stopped waiting.
    abandoned: usize,
}

/// Only touched while the state is locked.
enum TaskResult<T> {
    Running,
    Done(Option<T>),
    Abandoned,
}

impl BlockingTasks {
    fn state(&self) -> MutexGuard<'_, TasksState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends every wait, and starts nothing any more.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// Runs `job` on a thread of this name and waits for it until `until`.
    pub(super) fn run<T: Send + 'static>(
        self: &Arc<Self>,
        name: &str,
        until: Instant,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unfinished> {
        {
            let state = self.state();
            if state.closed {
                return Err(Unfinished::Cancelled);
            }
            if state.abandoned >= MAX_ABANDONED {
                return Err(Unfinished::TooMany);
            }
        }
        let counted = THREADS.add(MOST).ok_or(Unfinished::TooMany)?;
        let result = Arc::new(Mutex::new(TaskResult::Running));
        let (tasks, theirs) = (Arc::clone(self), Arc::clone(&result));
        os::spawn(name, move || {
            let value = catch_unwind(AssertUnwindSafe(job)).ok();
            drop(counted);
            tasks.finish(&theirs, value);
        })
        .map_err(Unfinished::Lost)?;
        self.await_result(&result, until)
    }

    fn finish<T>(&self, result: &Mutex<TaskResult<T>>, value: Option<T>) {
        let mut state = self.state();
        let mut result = result.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*result, TaskResult::Abandoned) {
            state.abandoned = state.abandoned.saturating_sub(1);
        }
        *result = TaskResult::Done(value);
        self.changed.notify_all();
    }

    fn await_result<T>(&self, result: &Mutex<TaskResult<T>>, until: Instant) -> Result<T, Unfinished> {
        let mut state = self.state();
        loop {
            let mut found = result.lock().unwrap_or_else(PoisonError::into_inner);
            let late = Instant::now() >= until;
            if let TaskResult::Done(value) = &mut *found {
                let panicked = || Unfinished::Lost(io::Error::other("the thread panicked"));
                return value.take().ok_or_else(panicked);
            }
            if state.closed || late {
                *found = TaskResult::Abandoned;
                state.abandoned += 1;
                return Err(if state.closed { Unfinished::Cancelled } else { Unfinished::Late });
            }
            drop(found);
            let left = until.saturating_duration_since(Instant::now());
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(30)
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(30)
    }

    #[test]
    fn a_task_returns_its_result() {
        let tasks = Arc::new(BlockingTasks::default());
        assert_eq!(tasks.run("taskbell-test", later(), || 6 * 7).unwrap(), 42);
        assert!(matches!(
            tasks.run("taskbell-test", later(), || -> i32 { std::panic::resume_unwind(Box::new(())) }),
            Err(Unfinished::Lost(_))
        ));
    }

    #[test]
    fn hanging_tasks_are_abandoned_up_to_a_bound() {
        let tasks = Arc::new(BlockingTasks::default());
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        for _ in 0..MAX_ABANDONED {
            let held = Arc::clone(&held);
            let hang = move || held.lock().unwrap().recv().is_ok();
            assert!(matches!(tasks.run("taskbell-test", soon(), hang), Err(Unfinished::Late)));
        }
        assert!(matches!(tasks.run("taskbell-test", later(), || 1), Err(Unfinished::TooMany)));
        drop(release);
        let limit = later();
        while tasks.state().abandoned > 0 {
            assert!(Instant::now() < limit, "the tasks never came home");
            std::thread::yield_now();
        }
        assert_eq!(tasks.run("taskbell-test", later(), || 1).unwrap(), 1);
    }

    #[test]
    fn closing_ends_every_wait() {
        let tasks = Arc::new(BlockingTasks::default());
        let (started, running) = mpsc::channel::<()>();
        let (_release, held) = mpsc::channel::<()>();
        let closer = {
            let tasks = Arc::clone(&tasks);
            std::thread::spawn(move || {
                running.recv().unwrap();
                tasks.close();
            })
        };
        let job = move || {
            started.send(()).unwrap();
            held.recv().is_ok()
        };
        assert!(matches!(tasks.run("taskbell-test", later(), job), Err(Unfinished::Cancelled)));
        closer.join().unwrap();
        assert!(matches!(tasks.run("taskbell-test", later(), || ()), Err(Unfinished::Cancelled)));
    }
}
