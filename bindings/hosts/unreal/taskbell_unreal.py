"""For Unreal Engine 5, checked by a stub written from its Python API, not in a real engine.

Put this file and the Python package ``taskbell`` into ``Content/Python`` of the project, and give the
executor of the Movie Render Queue to ``watch`` before it renders:

    executor = unreal.MoviePipelinePIEExecutor()
    taskbell_unreal.watch(executor, "trailer")
    subsystem.render_queue_with_executor_instance(executor)

From https://dev.epicgames.com/documentation/en-us/unreal-engine/python-api/class/MoviePipelinePIEExecutor.
"""

from __future__ import annotations

from typing import Any

import unreal

try:
    import taskbell
except ImportError:
    taskbell = None
    print("taskbell_unreal.py: nothing is reported: the Python package taskbell is missing")


class Queue:
    """A queue that is rendered, as one batch: its jobs, and the errors of the executor."""

    def __init__(self, name: str, total: int | None) -> None:
        self.job = taskbell.Job(name, total)
        self.fatal = ""

    def job_ended(self, output: Any) -> None:
        """A job of the queue is done, by its ``MoviePipelineOutputData``."""
        name = str(output.job.job_name)
        if output.success:
            self.job.done()
        else:
            self.job.fail(name, "the pipeline has failed; the log of Unreal says why")
        self.job.progress()

    def failed(self, _executor: Any, pipeline: Any, is_fatal: bool, text: Any) -> None:
        """An error of the executor."""
        unreal.log_warning(f"Taskbell reports: {text}")
        self.fatal = str(text) if is_fatal else self.fatal

    def ended(self, _executor: Any, success: bool) -> None:
        """The queue is empty, or was cancelled."""
        if self.fatal:
            self.job.finish(self.fatal, status="error")
        else:
            self.job.finish(
                status=None
                if success and not self.job.failed
                else "error"
                if self.job.failed
                else "cancelled"
            )
        taskbell.default.sync()


def watch(executor: Any, name: str = "render queue") -> Queue | None:
    """Listens to an executor. Keep what it returns until the end: Unreal refers to bound functions weakly."""
    if taskbell is None:
        return None
    queue = unreal.get_editor_subsystem(unreal.MoviePipelineQueueSubsystem).get_queue()
    told = Queue(name, len(queue.get_jobs()) if queue else None)
    executor.on_individual_job_work_finished_delegate.add_callable_unique(told.job_ended)
    executor.on_executor_errored_delegate.add_callable_unique(told.failed)
    executor.on_executor_finished_delegate.add_callable_unique(told.ended)
    return told
