"""For Prefect: ``@flow(**HOOKS)``, or ``on_failure=[report_flow]`` and the like."""

from __future__ import annotations

import time
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

from .._faults import noted
from .._job import Job

PAGE = 200
"""How many task runs Prefect gives at once."""

WAIT_S = 4.0
"""How long the task runs of a flow that has ended are awaited."""


def report_flow(flow: Any, flow_run: Any, state: Any) -> None:
    """Reports a run of a flow as one batch: its task runs, and those that failed."""
    with noted(False):
        job = Job(f"{flow.name} {flow_run.name}", flow_run=str(flow_run.id))
        runs = _task_runs(flow_run.id)
        for run in runs:
            if run.state.is_completed():
                job.done()
            elif run.state.is_failed() or run.state.is_crashed():
                job.fail(run.name, run.state.message)
            else:
                job.cancelled += 1
        if not runs and state.is_completed():
            job.done()
        times = {"started_at": flow_run.start_time, "duration_s": flow_run.estimated_run_time}
        given = {name: value for name, value in times.items() if value}
        if state.is_completed():
            job.finish(**given)
        elif state.is_cancelling() or state.is_cancelled():
            job.finish(status="cancelled", **given)
        else:
            job.finish(None if job.failed else state.message, status="error", **given)


def _task_runs(flow_run: Any) -> list[Any]:
    """The task runs of this run. They are on their way to the server when the flow ends."""
    found: list[Any] = []
    end = time.monotonic() + WAIT_S
    with get_client(sync_client=True) as client:
        while True:
            before, found = len(found), _read(client, flow_run)
            if found and before == len(found) and all(run.state.is_final() for run in found):
                return found
            if time.monotonic() > end:
                return [run for run in found if run.state is not None]
            time.sleep(0.2)


def _read(client: Any, flow_run: Any) -> list[Any]:
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run]))
    found: list[Any] = []
    while True:
        page = client.read_task_runs(flow_run_filter=wanted, limit=PAGE, offset=len(found))
        found += page
        if len(page) < PAGE:
            return found


HOOKS: dict[str, Any] = {
    "on_completion": [report_flow],
    "on_failure": [report_flow],
    "on_crashed": [report_flow],
    "on_cancellation": [report_flow],
}
"""All ends of a flow."""
