"""A stub of Unreal's ``unreal``: the Movie Render Queue by the pages of its Python API, with two jobs."""

from __future__ import annotations

from types import SimpleNamespace as Thing


class MoviePipelineQueueSubsystem:
    """The queue of the editor."""

    def get_queue(self):
        return Thing(get_jobs=lambda: [Thing(job_name="a"), Thing(job_name="b")])


def get_editor_subsystem(kind):
    return kind()


def log_warning(text):
    print(text)


class Delegate:
    """A multicast delegate."""

    def __init__(self):
        self.callables = []

    def add_callable_unique(self, function):
        self.callables.append(function)

    def broadcast(self, *arguments):
        for function in self.callables:
            function(*arguments)


class MoviePipelinePIEExecutor:
    """Its delegates, with the arguments that the pages name."""

    def __init__(self):
        self.on_individual_job_work_finished_delegate = Delegate()
        self.on_executor_errored_delegate = Delegate()
        self.on_executor_finished_delegate = Delegate()

    def render(self, *successes, fatal=""):
        for name, success in zip("ab", successes):
            output = Thing(job=Thing(job_name=name), success=success, shot_data=[])
            self.on_individual_job_work_finished_delegate.broadcast(output)
        if fatal:
            self.on_executor_errored_delegate.broadcast(self, None, True, fatal)
        self.on_executor_finished_delegate.broadcast(self, all(successes) and not fatal)
