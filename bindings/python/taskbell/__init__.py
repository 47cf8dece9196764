"""Taskbell for Python: report events; the library sends signed webhooks from its own threads.

    import taskbell

    taskbell.init("taskbell.toml")
    taskbell.on_task_complete({"name": "render 12", "status": "success", "duration_s": 42.5})
    taskbell.on_queue_end()
    taskbell.shutdown()

The module functions use the process-wide default instance; ``Bell`` is an instance with its own
configuration. Both may be used from any thread. No event call raises unless it is asked to
(``strict=True``): a failure is logged once and counted by ``failures()``.

In a job of several processes (torchrun, Slurm, MPI) only the first one tells. A child made by ``os.fork``
opens its bells anew with its first call.

Without ``set_log`` the lines of the library's log go to ``logging.getLogger("taskbell")``. Open instances are
closed at interpreter exit, within ``EXIT_TIMEOUT_S``; undelivered messages stay in the spool for the next
start.
"""

from ._batch import Batch, batch
from ._bell import EXIT_TIMEOUT_S, Bell
from ._default import default, init, on_queue_end, on_task_complete, shutdown
from ._faults import failures
from ._ipython import load_ipython_extension, unload_ipython_extension
from ._job import Job
from ._native import TaskbellError, last_error
from ._notify import LogHandler, notify
from ._task import Task, task, watch
from ._tools import check, preview, verify, version

__all__ = [
    "EXIT_TIMEOUT_S",
    "Batch",
    "Bell",
    "Job",
    "LogHandler",
    "Task",
    "TaskbellError",
    "batch",
    "check",
    "default",
    "failures",
    "init",
    "last_error",
    "load_ipython_extension",
    "notify",
    "on_queue_end",
    "on_task_complete",
    "preview",
    "shutdown",
    "task",
    "unload_ipython_extension",
    "verify",
    "version",
    "watch",
]
