//! Batches: tasks that belong together and say so, `batch = {id, total}`. The spool counts them.

use super::{EndRequest, QueueTally, Task};
use serde::{Deserialize, Serialize};

/// The batch a task says it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRef {
    /// Its id, the same in every task of it.
    pub id: String,
    /// Its number of tasks, where the task says so.
    pub total: Option<u64>,
}

/// A completed task that belongs to a batch.
#[derive(Debug, Clone)]
pub struct BatchTask {
    /// The batch.
    pub of: BatchRef,
    /// What the host reports.
    pub task: Task,
    /// What tells a repetition of it from another task.
    pub key: Option<String>,
    /// What it asked to be told at the end of the batch.
    pub asked: Option<EndRequest>,
    /// When the host's call accepted it, in Unix milliseconds.
    pub accepted_at: i64,
}

impl BatchTask {
    /// The task as a member of its batch; `None` when it names no batch. Only a task with an id can be
    /// recognised when it is reported again; one without an id that asked for something is known by its event.
    pub fn new(task: &Task, asked: Option<EndRequest>, accepted_at: i64) -> Option<BatchTask> {
        let of = task.batch.clone()?;
        let key = task.id.clone().or_else(|| asked.as_ref().map(|asked| asked.event.clone()));
        Some(BatchTask { of, task: task.clone(), key, asked, accepted_at })
    }
}

/// The count of one batch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchTally {
    /// The queue of its first task.
    pub queue: String,
    /// The number of its tasks: the largest that a task of it named; 0 when none has named one.
    pub expected: u64,
    pub tally: QueueTally,
    /// When its last task ended, in Unix milliseconds, once it is complete.
    #[serde(skip)]
    pub ended_at: Option<i64>,
}

impl BatchTally {
    /// Nothing counted yet, in a batch that begins with this task.
    pub fn opened_by(task: &BatchTask) -> BatchTally {
        BatchTally {
            queue: task.task.queue.clone(),
            tally: QueueTally::opened_at(task.accepted_at),
            ..BatchTally::default()
        }
    }

    /// Counts a task, which may complete the batch.
    pub fn count(&mut self, task: &BatchTask) {
        self.expected = self.expected.max(task.of.total.unwrap_or(0));
        self.tally.count(&task.task, task.accepted_at);
        if self.expected > 0 && self.tally.total >= self.expected {
            self.ended_at = Some(self.tally.finished_at);
        }
    }

    /// Lets go of what only the message about its end needs.
    pub fn forget_details(&mut self) {
        self.tally = QueueTally::opened_at(self.tally.started_at);
    }
}
