"""For RQ: ``rq worker --worker-class taskbell.integrations.rq.TaskbellWorker``."""

from __future__ import annotations

from typing import Any

from rq.job import JobStatus
from rq.worker import Worker

from .._default import default
from .._faults import noted
from .._outcome import MAX_TRACEBACK
from .._task import result_of

STATUS = {JobStatus.FINISHED: "success", JobStatus.FAILED: "error", JobStatus.STOPPED: "cancelled"}
"""The ends of a job. One that is tried again has none of them."""


class TaskbellReports:
    """Mixed into a class of workers: reports each job that it ends.

    The jobs of a group are a batch, which is reported once, when all of them have ended.
    """

    connection: Any

    def execute_job(self, job: Any, queue: Any) -> None:
        """Runs a job, mostly in a child made by fork: how it ended is read from Redis."""
        super().execute_job(job, queue)
        with noted(False):
            job.refresh()
            status = STATUS.get(job.get_status())
            if status is not None:
                self._report(job, status)

    def _report(self, job: Any, status: str) -> None:
        task: dict[str, Any] = {"id": job.id, "name": job.func_name, "kind": "rq", "status": status}
        if job.started_at and job.ended_at:
            task.update(started_at=job.started_at, duration_s=job.ended_at - job.started_at)
        result = job.latest_result()
        if status == "success":
            task["metrics"] = result_of(result and result.return_value)
        elif status == "error":
            task["error"] = _error((result and result.exc_string) or "")
        if job.group_id:
            total = self.connection.scard(f"rq:group:{job.group_id}")
            # Nobody is notified of its jobs one by one.
            more = {"batch": {"id": job.group_id, "total": total}, "webhook_params": {"notify": "none"}}
            default.task_complete({**task, **more})
        else:
            default.asked_task_complete(task)


def _error(text: str) -> dict[str, str]:
    """The error of which RQ keeps the text: a traceback, whose last line has type and message."""
    last = text.strip().rpartition("\n")[2]
    kind, found, message = last.partition(": ")
    if "Traceback" not in text or not found:
        return {"message": text.strip()}
    return {"type": kind, "message": message, "traceback": text[-MAX_TRACEBACK:]}


class TaskbellWorker(TaskbellReports, Worker):
    """A worker as RQ's own; it opens ``TASKBELL_CONFIG``."""
