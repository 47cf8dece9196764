"""For Dask: ``client.register_plugin(TaskbellPlugin("features"))``."""

from __future__ import annotations

from typing import Any

from distributed.diagnostics.plugin import SchedulerPlugin

from .._bell import EXIT_TIMEOUT_S
from .._default import default, init
from .._faults import noted
from .._job import Job

IDLE_S = 1.0
"""How long the scheduler has nothing to do until its work has ended."""

OPEN = ("waiting", "queued", "no-worker", "processing")


class TaskbellPlugin(SchedulerPlugin):
    """Reports what a scheduler does from its first task until it has nothing to do, as one job.

    It runs in the scheduler's process, which opens ``config``, or ``TASKBELL_CONFIG`` where none is given.
    """

    name = "taskbell"
    idempotent = True

    def __init__(self, job: str = "dask", config: str | None = None, *, idle: float = IDLE_S) -> None:
        self._name, self._config, self._idle = job, config, idle
        self._open: set[Any] = set()
        self._job: Job | None = None
        self._timer: Any = None
        self._loop: Any = None
        self._scheduler: Any = None

    async def start(self, scheduler: Any) -> None:
        """The scheduler has begun, or has got this plugin."""
        self._scheduler, self._loop = scheduler, scheduler.loop
        if self._config is not None:
            init(self._config)

    def transition(self, key: Any, start: str, finish: str, *_arguments: Any, **_more: Any) -> None:
        """A task has changed its state."""
        with noted(False):
            self._note(key, start, finish)

    def _note(self, key: Any, start: str, finish: str) -> None:
        if finish in OPEN or finish == "erred":
            self._begin(key)
        if finish in OPEN or key not in self._open or self._job is None:
            return
        self._open.discard(key)
        if start == "processing" and finish == "memory":
            self._job.done()
        elif finish == "erred":
            self._fail(key)
        self._job.progress()
        if not self._open:
            self._timer = self._loop.call_later(self._idle, self._end)

    def _begin(self, key: Any) -> None:
        self._open.add(key)
        if self._timer is not None:
            self._loop.remove_timeout(self._timer)
            self._timer = None
        if self._job is None:
            self._job = Job(self._name)

    def _fail(self, key: Any) -> None:
        task = self._scheduler.tasks.get(key)
        blamed = getattr(task, "exception_blame", None)
        if self._job is not None and (blamed is None or blamed is task):
            self._job.fail(key, getattr(task, "exception_text", None))
        elif self._job is not None:
            # It could not run, because one that it needs has failed.
            self._job.cancelled += 1

    def _end(self) -> None:
        self._timer = None
        job, self._job = self._job, None
        if job is not None:
            job.finish()

    async def close(self) -> None:
        """The scheduler ends: what is under way is cancelled."""
        if self._job is not None:
            self._job.cancelled += len(self._open)
            self._job.finish(status="cancelled" if self._open else None)
            self._job = None
        default.flush(EXIT_TIMEOUT_S)
