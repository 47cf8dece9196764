"""Notebooks: ``%load_ext taskbell``, then ``%%taskbell NAME`` at the top of a cell."""

from __future__ import annotations

from typing import Any

from ._default import default
from ._native import TaskbellError
from ._task import task
from ._unfinished import decide_all


def load_ipython_extension(shell: Any) -> None:
    """Adds the magics ``%taskbell`` and ``%%taskbell``; called by ``%load_ext taskbell``."""

    def open_line(line: str) -> None:
        """%taskbell CONFIG: opens the default instance from a URL, ``env:NAME`` or a path."""
        config = line.strip().strip("'\"")
        if not config:
            raise refusal("%taskbell needs a URL, env:NAME or the path of a configuration")
        try:
            default.start(config, strict=False, every_rank=False)
        except TaskbellError as fault:
            raise refusal(fault.message) from None

    def run_cell(line: str, cell: str) -> Any:
        """%%taskbell [NAME]: runs the cell as a task. Its last value is the result."""
        name = line.strip() or "cell"
        with task(name, kind="cell") as running:
            done = shell.run_cell(cell)
            running.error = done.error_before_exec or done.error_in_exec
            running.result = done.result

    shell.register_magic_function(open_line, magic_kind="line", magic_name="taskbell")
    shell.register_magic_function(run_cell, magic_kind="cell", magic_name="taskbell")
    shell.events.register("post_run_cell", _after_cell)


def unload_ipython_extension(shell: Any) -> None:
    """Takes the events back; called by ``%unload_ext taskbell``."""
    shell.events.unregister("post_run_cell", _after_cell)


def refusal(message: str) -> Exception:
    """What a notebook shows as one sentence."""
    from IPython.core.error import UsageError  # type: ignore[import-not-found,unused-ignore]

    error: Exception = UsageError(message)
    return error


def _after_cell(*_arguments: Any) -> None:
    decide_all(is_exit=False)
