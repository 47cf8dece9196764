"""For Deadline 10.3 or later, checked by a stub written from its documentation, not in a real Deadline.

Copy this file and ``Taskbell.param`` to ``custom/events/Taskbell`` of the repository, with the folder
``taskbell`` (the Python package and its library) next to them, and set its state and configuration in the
Monitor: Tools > Configure Events > Taskbell. From
https://docs.thinkboxsoftware.com/products/deadline/10.4/1_User%20Manual/manual/event-plugins.html
and the Deadline Scripting Reference (``Deadline.Jobs.Job``, ``RepositoryUtils``).
"""

from __future__ import annotations

import os
import sys
from typing import Any

from Deadline.Events import DeadlineEventListener
from Deadline.Scripting import RepositoryUtils

sys.path.append(os.path.dirname(os.path.abspath(__file__)))
CLOSE_S = 3.0
"""How long the end of a job waits for a receiver. What is left is sent with the next end of a job."""


def GetDeadlineEventListener() -> TaskbellListener:
    """Called by Deadline when it loads the plugin."""
    return TaskbellListener()


def CleanupDeadlineEventListener(listener: TaskbellListener) -> None:
    """Called by Deadline when it is done with it."""
    for name in ("OnJobFinished", "OnJobFailed", "OnJobSuspended"):
        delattr(listener, f"{name}Callback")


class TaskbellListener(DeadlineEventListener):
    """Reports the end of each job as one batch, named as the job."""

    def __init__(self) -> None:
        super().__init__()
        self.OnJobFinishedCallback += lambda job: self.report(job, "success")
        self.OnJobFailedCallback += lambda job: self.report(job, "error")
        self.OnJobSuspendedCallback += lambda job: self.report(job, "cancelled")

    def report(self, job: Any, status: str) -> None:
        """A fault of its own is logged, and the job ends as it would without."""
        try:
            import taskbell

            bell = taskbell.Bell(self.GetConfigEntry("Config"))
        except Exception as fault:  # of the package, its library or its configuration
            self.LogWarning(f"Taskbell has not reported {job.JobName}: {fault}")
            return
        try:
            one = taskbell.Job(job.JobName, job.JobTaskCount, bell=bell, job_id=job.JobId)
            one.succeeded, one.failed = job.JobCompletedTasks, job.JobFailedTasks
            for task in RepositoryUtils.GetJobTasks(job, True).TaskCollectionTasks:
                if str(task.TaskStatus) == "Failed":
                    one.name_failure(f"frames {task.TaskFrameString}", self.reason(job, task))
            one.finish(
                status=status, users=[job.JobUserName], **times(RepositoryUtils.GetJob(job.JobId, True))
            )
        except Exception as fault:  # of Deadline's own kinds
            self.LogWarning(f"Taskbell has not reported {job.JobName}: {fault}")
        finally:
            bell.close(CLOSE_S)

    def reason(self, job: Any, task: Any) -> str:
        """The title of the last error of a task."""
        reports = RepositoryUtils.GetJobReports(job.JobId).GetTaskErrorReports(task.TaskId)
        title = getattr(reports[len(reports) - 1], "ReportTitle", "") if len(reports) else ""
        return str(title) or "the error reports of the task say why"


def times(job: Any) -> dict[str, float]:
    """How long a job took: Deadline has the times of .NET."""
    took = job.JobCompletedDateTime.Subtract(job.JobStartedDateTime).TotalSeconds
    return {"duration_s": round(took, 3)} if took > 0 else {}
