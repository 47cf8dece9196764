"""For Celery: ``install()`` once, where the application is made."""

from __future__ import annotations

import time
from typing import Any

from celery import signals

from .._bell import EXIT_TIMEOUT_S, Bell
from .._default import default
from .._outcome import instant, outcome
from .._task import result_of

_began: dict[str, float] = {}


def install(bell: Bell | None = None) -> None:
    """Reports each task that a worker of this application ends: done, failed or revoked, and a worker that
    was lost. A retry is not an end."""
    reporter = bell or default

    def report(task_id: str, name: str, more: dict[str, Any]) -> None:
        began = _began.pop(task_id, None)
        times: dict[str, Any] = {}
        if began is not None:
            times = {"started_at": instant(began), "duration_s": round(time.time() - began, 3)}
        reporter.asked_task_complete({"id": task_id, "name": name, "kind": "celery", **times, **more})

    def started(task_id: str = "", **_more: Any) -> None:
        _began[task_id] = time.time()

    def ended(task_id: str = "", state: str = "", **_more: Any) -> None:
        # Those that end without a report of their own, such as a retry.
        _began.pop(task_id, None)

    def succeeded(sender: Any = None, result: Any = None, **_more: Any) -> None:
        report(sender.request.id, sender.name, {"status": "success", "metrics": result_of(result)})

    def failed(sender: Any = None, task_id: str = "", exception: Any = None, **_more: Any) -> None:
        report(task_id, sender.name, outcome(exception))

    def revoked(sender: Any = None, request: Any = None, **_more: Any) -> None:
        report(request.id, getattr(sender, "name", "task"), {"status": "cancelled"})

    def leaves(**_more: Any) -> None:
        reporter.flush(EXIT_TIMEOUT_S)

    for signal, function in (
        (signals.task_prerun, started),
        (signals.task_success, succeeded),
        (signals.task_failure, failed),
        (signals.task_revoked, revoked),
        (signals.task_postrun, ended),
        (signals.worker_process_shutdown, leaves),
    ):
        signal.connect(function, weak=False, dispatch_uid=f"taskbell.{function.__name__}")
