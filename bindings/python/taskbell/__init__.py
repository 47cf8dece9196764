"""Taskbell for Python: report events; the library sends signed webhooks from its own threads.

    import taskbell

    taskbell.init("taskbell.toml")
    taskbell.on_task_complete({"name": "render 12", "status": "success", "duration_s": 42.5})
    taskbell.on_queue_end()
    taskbell.shutdown()

The module functions use the process-wide default instance; ``Bell`` is an instance with its own
configuration. Both may be used from any thread. A call that fails raises ``TaskbellError``.

Open instances are closed at interpreter exit, within ``EXIT_TIMEOUT_S``. Undelivered messages stay in
the spool for the next start; a line of ``logging.getLogger("taskbell")`` says how many messages did not
arrive, and why, unless ``set_log`` gets it. After ``os.fork()`` the child's calls raise ``FORKED`` until it
calls ``init`` or opens a ``Bell`` of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import json
import logging
import os
from collections.abc import Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Callable, Union

from . import _native
from ._encode import Config, Payload, config_bytes, dump, milliseconds, payload_bytes, utf8
from ._native import TaskbellError, check_status, failure, last_error, library, text_out

__all__ = [
    "EXIT_TIMEOUT_S",
    "Bell",
    "TaskbellError",
    "check",
    "default",
    "init",
    "last_error",
    "on_queue_end",
    "on_task_complete",
    "preview",
    "shutdown",
    "verify",
    "version",
]

Seconds = Union[float, timedelta]

EXIT_TIMEOUT_S = 2.0
"""The longest time that closing takes at interpreter exit, for each open instance."""


class Bell:
    """An instance of Taskbell: one configuration, one spool, its own threads.

    Use it as a context manager, or call ``close``. All methods may be called from any thread.
    """

    def __init__(self, config: Config) -> None:
        """Opens an instance from a path to a ``.toml`` or ``.json`` file, the text, or a mapping."""
        self._handle: int | None = None
        self._log: Any = None
        self._closed = False
        handle = ctypes.c_void_p()
        check_status(library().taskbell_open(config_bytes(config), ctypes.byref(handle)))
        self._handle = handle.value
        _open_bells.add(self)

    @classmethod
    def open(cls, config: Config) -> Bell:
        """The same as ``Bell(config)``."""
        return cls(config)

    def close(self, timeout: Seconds = 5.0) -> int:
        """Refuses new events, delivers what it can until ``timeout``, and stops.

        Returns the number of deliveries left in the spool for the next start. A second call returns 0; while
        a call of the log function has not returned, it waits for that.
        """
        if self._closed and self not in _open_bells:
            return 0
        self._closed = True
        left, ended = _close(self._handle, timeout, self._log)
        if ended:
            _open_bells.discard(self)
        return left

    def emit(self, type: str, payload: Payload = None) -> int:
        """Reports one event of any type. Returns its ticket, for ``wait``."""
        self._refuse_closed()
        body = payload_bytes({} if payload is None else payload) or b""
        ticket = ctypes.c_uint64(0)
        check_status(library().taskbell_emit(self._handle, utf8(type), body, len(body), ctypes.byref(ticket)))
        return ticket.value

    def task_complete(self, task: Payload = None) -> int:
        """Reports a completed task. Returns the ticket."""
        return self.emit("task.complete", task)

    def queue_end(self, queue: Payload = None) -> int:
        """Reports that the queue is empty. Taskbell counts the queue itself, so no numbers are needed."""
        return self.emit("queue.end", queue)

    def metric(self, name: str, value: float) -> None:
        """Reports the value of a metric, for ``[[alerts]]``."""
        self._refuse_closed()
        check_status(library().taskbell_metric(self._handle, utf8(name), value))

    def wait(self, ticket: int, timeout: Seconds = 30.0) -> bool:
        """Waits until every delivery of that event has ended; false after the timeout."""
        self._refuse_closed()
        return _in_time(library().taskbell_wait(self._handle, ticket, milliseconds(timeout)))

    def sync(self, timeout: Seconds = 5.0) -> bool:
        """Waits until all accepted events are on disk; false after the timeout."""
        self._refuse_closed()
        return _in_time(library().taskbell_sync(self._handle, milliseconds(timeout)))

    def flush(self, timeout: Seconds = 5.0) -> bool:
        """Waits until all accepted events have been tried once; false after the timeout."""
        self._refuse_closed()
        return _in_time(library().taskbell_flush(self._handle, milliseconds(timeout)))

    def poll(self) -> dict[str, Any] | None:
        """The next report of an ended delivery; ``None`` when none is available."""
        self._refuse_closed()
        code, text = text_out(library().taskbell_poll, self._handle)
        if code == _native.NOT_FOUND:
            return None
        check_status(code)
        report: dict[str, Any] = json.loads(text)
        return report

    def stats(self) -> dict[str, Any]:
        """Counters and gauges."""
        self._refuse_closed()
        code, text = text_out(library().taskbell_stats, self._handle)
        check_status(code)
        numbers: dict[str, Any] = json.loads(text)
        return numbers

    def reload(self, config: Config) -> None:
        """Applies a new configuration, as a whole or not at all: after an error the old one stays."""
        self._refuse_closed()
        check_status(library().taskbell_reload(self._handle, config_bytes(config)))

    def set_log(self, function: Callable[[int, str], None] | None) -> None:
        """Calls ``function(level, message)`` for each line of the library's log; ``None`` stops it.

        The level is 1 for errors, 2 for warnings, 3 for information and 4 for details.

        Warning: the function runs on a thread of the library, which waits for the interpreter's lock. Keep it
        short, never call Taskbell from it, and close the bell before the interpreter ends (the exit hook
        does). ``poll`` has none of these restrictions.
        """
        self._refuse_closed()

        def forward(_userdata: Any, level: int, message: bytes | None) -> None:
            if function is not None and message is not None:
                with contextlib.suppress(Exception):
                    function(level, message.decode("utf-8", "replace"))

        callback = _native.LogFunction() if function is None else _native.LogFunction(forward)
        check_status(library().taskbell_set_log(self._handle, callback, None))
        # The former callback may be freed only now: none runs after taskbell_set_log has returned.
        self._log = callback

    def _refuse_closed(self) -> None:
        if self._closed:
            raise TaskbellError(_native.CLOSED, "CLOSED", "this bell has been closed")

    def __enter__(self) -> Bell:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _DefaultBell(Bell):
    """The process-wide default instance: the NULL handle of the C functions."""

    def __init__(self) -> None:
        self._handle = None
        self._log = None
        self._closed = False

    def close(self, timeout: Seconds = 5.0) -> int:
        """The same as ``shutdown``."""
        return shutdown(timeout)


default = _DefaultBell()
"""The default instance, for the methods that have no module function (``default.stats()``)."""


def init(config: Config) -> None:
    """Opens the default instance."""
    check_status(library().taskbell_init(config_bytes(config)))


def shutdown(timeout: Seconds = 5.0) -> int:
    """Closes the default instance. Returns the number of deliveries left in the spool for the next start."""
    return _close(None, timeout, default._log)[0]


def on_task_complete(task: Payload = None) -> None:
    """Reports a completed task. Opens the default instance on first use."""
    check_status(library().on_task_complete(payload_bytes(task)))


def on_queue_end(queue: Payload = None) -> None:
    """Reports that the queue is empty. Opens the default instance on first use."""
    check_status(library().on_queue_end(payload_bytes(queue)))


def check(config: Config) -> dict[str, Any]:
    """Checks a configuration without opening anything; returns the report with its errors and warnings."""
    code, text = text_out(library().taskbell_check, config_bytes(config))
    if code not in (_native.OK, _native.CONFIG) or not text:
        raise failure(code)
    report: dict[str, Any] = json.loads(text)
    return report


def preview(config: Config, type: str, payload: Payload = None) -> Any:
    """The requests that an event would cause, with secrets removed; ``None`` for a sample event."""
    body = payload_bytes(payload)
    code, text = text_out(library().taskbell_preview, config_bytes(config), utf8(type), body)
    check_status(code)
    return json.loads(text)


def verify(
    scheme: Mapping[str, Any] | str,
    headers: Mapping[str, str],
    body: bytes,
    now: int = 0,
) -> bool:
    """Whether a received body has a valid signature; for receivers.

    ``scheme`` is an entry of ``sign`` as in the configuration, ``now`` a Unix time in seconds (0: the
    current time).
    """
    scheme_json = scheme if isinstance(scheme, str) else dump(scheme)
    code = library().taskbell_verify(utf8(scheme_json), utf8(dump(dict(headers))), body, len(body), now)
    if code == _native.SIGNATURE:
        return False
    check_status(code)
    return True


def version() -> str:
    """The version of the loaded library."""
    text: bytes = library().taskbell_version()
    return text.decode("utf-8")


def _close(handle: int | None, timeout: Seconds, log: Any) -> tuple[int, bool]:
    """The deliveries left, and whether the log function has ended."""
    left = ctypes.c_uint64(0)
    ended = _in_time(library().taskbell_close(handle, milliseconds(timeout), ctypes.byref(left)))
    missing = last_error() if ended and log is None else ""
    if missing:
        logging.getLogger("taskbell").warning("%s", missing)
    return left.value, ended


def _in_time(code: int) -> bool:
    if code == _native.TIMEOUT:
        return False
    check_status(code)
    return True


_open_bells: set[Bell] = set()
"""Referenced until the log function has ended: the library may call it without another reference."""


def _close_at_exit() -> None:
    """Closes every instance, because no callback may reach Python while it finalises."""
    if _native._library is None:
        return
    for bell in list(_open_bells):
        with contextlib.suppress(TaskbellError):
            bell.close(EXIT_TIMEOUT_S)
    with contextlib.suppress(TaskbellError):
        shutdown(EXIT_TIMEOUT_S)


def _forget_in_child() -> None:
    """The parent's instances do not work in a forked child, which must not close them at its exit."""
    _open_bells.clear()


atexit.register(_close_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
