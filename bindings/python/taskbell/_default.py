"""The process-wide default instance, and the functions that use it."""

from __future__ import annotations

import os

from . import _native
from ._bell import Bell, Seconds, _open_bells
from ._config import Config, lasting
from ._encode import Payload
from ._faults import note
from ._native import TaskbellError, check_status, library


class _DefaultBell(Bell):
    """The process-wide default instance: the NULL handle of the C functions. It opens itself from
    ``$TASKBELL_CONFIG``, else ``./taskbell.toml``, with its first event."""

    def __init__(self) -> None:
        self._prepare(None, False, False)

    def close(self, timeout: Seconds = 5.0) -> int:
        """The same as ``shutdown``."""
        return super().close(timeout)

    def start(self, config: Config, strict: bool, every_rank: bool) -> None:
        """Opens it; one that is open gets the configuration as a new one."""
        self.strict, self._every_rank = strict, every_rank
        if not self._tells():
            return
        text = lasting(config)
        if _is_open():
            check_status(library().taskbell_reload(None, text))
            self._config = text
        else:
            self._config, self._process, self._failed, self._closed = text, 0, None, False
            self._ensure_open()

    def _open(self) -> None:
        if _is_open():
            # By another language in this process, which closes it and has its log.
            self._process = os.getpid()
            return
        config = self._config or _usual_config()
        check_status(library().taskbell_init(config))
        self._config = config
        self._opened()

    def __reduce__(self) -> str:  # type: ignore[override]
        # The default instance of the process that unpickles it.
        return "default"


default = _DefaultBell()
"""The default instance, for the methods that have no module function (``default.stats()``)."""


def _is_open() -> bool:
    return library().taskbell_stats(None, None, 0, None) not in (_native.CLOSED, _native.FORKED)


def _usual_config() -> bytes:
    """That of the environment, else of this folder."""
    named = os.environ.get("TASKBELL_CONFIG")
    if not named and not os.path.exists("taskbell.toml"):
        message = "nothing is configured: call taskbell.init with a URL or the path of a configuration, set "
        message += "TASKBELL_CONFIG, or write ./taskbell.toml"
        raise TaskbellError(_native.CONFIG, "CONFIG", message)
    return lasting(named or "./taskbell.toml")


def init(config: Config, *, strict: bool = False, every_rank: bool = False) -> bool:
    """Opens the default instance; when it is open, this applies the configuration anew. Whether it is open.

    A failure is logged and counted, so that a program that runs for hours does not end by it; with
    ``strict`` it is raised, here and by every event call of the default instance. ``every_rank``: see
    ``Bell``.
    """
    try:
        default.start(config, strict, every_rank)
    except Exception as fault:
        if strict:
            raise
        note(fault, always=True)
    return default in _open_bells


def shutdown(timeout: Seconds = 5.0) -> int:
    """Closes the default instance, if it is open. Returns the number of deliveries left in the spool for the
    next start."""
    return default.close(timeout)


def on_task_complete(task: Payload = None) -> None:
    """Reports a completed task. Opens the default instance on first use."""
    default.task_complete(task)


def on_queue_end(queue: Payload = None) -> None:
    """Reports that the queue is empty. Opens the default instance on first use."""
    default.queue_end(queue)
