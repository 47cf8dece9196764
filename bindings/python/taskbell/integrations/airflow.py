"""For Airflow: ``TaskbellNotifier()`` as ``on_success_callback`` and ``on_failure_callback`` of a DAG."""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import BaseNotifier

from .._bell import Bell
from .._faults import noted
from .._job import Job
from .._outcome import outcome

GOOD = ("success", "skipped", "removed")


class TaskbellNotifier(BaseNotifier):
    """Reports a run of a DAG as one batch, with its failed tasks. As a callback of a task, that task.

    ``config`` is a URL, ``env:NAME`` or the path of a configuration; without one, ``TASKBELL_CONFIG`` has it.
    Airflow calls it in a process of its own.
    """

    def __init__(self, config: str | None = None) -> None:
        super().__init__()
        self.config = config

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Nothing of it is a template."""

    def notify(self, context: Any) -> None:
        """Reports what this context is about. What cannot be sent at once waits for the next run."""
        with noted(False), Bell(self.config or os.environ.get("TASKBELL_CONFIG", "taskbell.toml")) as bell:
            # A callback of a DAG has the reason for its end.
            if "reason" in context:
                _report_run(bell, context)
            else:
                _report_task(bell, context)


def _report_run(bell: Bell, context: Any) -> None:
    dag, reason = context["dag"], str(context["reason"] or "")
    states = _states(dag.dag_id, context)
    job = Job(dag.dag_id, len(states) or len(dag.task_ids), bell=bell, run_id=context.get("run_id"))
    for name, state in states.items():
        if state == "failed":
            job.fail(name, "the log of the task says why")
        elif state in GOOD:
            job.done()
    run = context.get("dag_run")
    began, ended = getattr(run, "start_date", None), getattr(run, "end_date", None)
    times = {"started_at": began, "duration_s": ended - began} if began and ended else {}
    if reason == "success":
        job.succeeded = job.succeeded if states else len(dag.task_ids)
        job.finish(**times)
    else:
        job.finish(None if job.failed else reason or "the run has failed", status="error", **times)


def _states(dag_id: str, context: Any) -> dict[str, str]:
    """The states of the tasks of a run by their names, where this process may ask for them."""
    try:
        run_id = context["run_id"]
        found = context["ti"].get_task_states(dag_id=dag_id, run_ids=[run_id])
        return {name: str(state) for name, state in found[run_id].items()}
    except Exception:  # ``dag.test()`` has nobody to ask
        return {}


def _report_task(bell: Bell, context: Any) -> None:
    task, fault = context["ti"], context.get("exception")
    if fault is None or isinstance(fault, BaseException):
        said = outcome(fault)
    else:
        said = {"status": "error", "error": {"message": str(fault)}}
    began = getattr(task, "start_date", None)
    times = {"started_at": began} if began else {}
    name = f"{task.dag_id}.{task.task_id}"
    bell.asked_task_complete({"id": str(task.id), "name": name, "kind": "airflow", **times, **said})
