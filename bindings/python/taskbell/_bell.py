"""An open instance: its calls, and what becomes of it in a child made by fork and at the end."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import json
import logging
import os
import sys
import threading
import time
from datetime import timedelta
from types import TracebackType
from typing import Any, Callable, NoReturn, TypeVar, Union

from . import _faults, _native
from ._config import Config, is_url, lasting
from ._encode import Payload, milliseconds, payload_bytes, utf8
from ._native import TaskbellError, check_status, last_error, library, text_out
from ._rank import is_first_rank

Seconds = Union[float, timedelta]
LogFunction = Callable[[int, str], None]
T = TypeVar("T")

EXIT_TIMEOUT_S = 2.0
"""The longest time that closing takes at interpreter exit, for each open instance."""

EXIT_ANSWER_S = 8.0
"""The longest time that the exit waits for an answer to what was sent: the next start would send it again."""

TRY_AGAIN_S = 5.0
"""The pause after a failure to open: the host's threads must not read files with every task."""

LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO}


def _to_logging(level: int, message: str) -> None:
    """The log function of a host that sets none."""
    _faults.log.log(LEVELS.get(level, logging.DEBUG), "%s", message)


class Bell:
    """An instance of Taskbell: one configuration, one spool, its own threads.

    Use it as a context manager, or call ``close``. All methods may be called from any thread.

    ``emit``, ``task_complete``, ``queue_end``, ``metric``, ``wait``, ``sync`` and ``flush`` never raise
    unless the bell is ``strict``: a failure is logged once and counted (``taskbell.failures()``). In a job
    of several processes (torchrun, Slurm, MPI) only the first one opens a bell; in the others these calls do
    nothing, unless ``every_rank`` is set.

    A child made by fork opens the bell anew with its first call.
    """

    def __init__(self, config: Config, *, strict: bool = False, every_rank: bool = False) -> None:
        """Opens an instance from a URL, a path to a ``.toml`` or ``.json`` file, the text, or a mapping.

        Raises ``TaskbellError`` when that fails.
        """
        self._prepare(lasting(config), strict, every_rank)
        if self._tells():
            self._ensure_open()

    def _prepare(self, config: bytes | None, strict: bool, every_rank: bool) -> None:
        self.strict = strict
        self._every_rank = every_rank
        self._config = config
        self._handle: int | None = None
        self._function: LogFunction = _to_logging
        self._log: Any = None
        self._closed = False
        self._failed: tuple[float, TaskbellError] | None = None
        self._process = 0

    @classmethod
    def open(cls, config: Config, *, strict: bool = False, every_rank: bool = False) -> Bell:
        """The same as ``Bell(config)``."""
        return cls(config, strict=strict, every_rank=every_rank)

    def close(self, timeout: Seconds = 5.0) -> int:
        """Refuses new events, delivers what it can until ``timeout``, and stops.

        Returns the number of deliveries left in the spool for the next start. A second call returns 0; while
        a call of the log function has not returned, it waits for that.
        """
        self._closed = True
        if self not in _open_bells:
            return 0
        left, ended = self._end(timeout)
        if ended:
            _open_bells.discard(self)
        return left

    def _await_answers(self) -> None:
        """Waits for the receivers that have a message and have not answered yet."""
        if self._closed or not self._handle or self.flush(EXIT_TIMEOUT_S):
            return
        end = time.monotonic() + EXIT_ANSWER_S
        while time.monotonic() < end and any(lane["in_flight"] for lane in self.stats()["lanes"].values()):
            time.sleep(0.02)

    def emit(self, type: str, payload: Payload = None) -> int:
        """Reports one event of any type. Returns its ticket, for ``wait``; 0 when it was not accepted."""

        def call() -> int:
            kind, body = utf8(type), payload_bytes({} if payload is None else payload) or b""
            ticket = ctypes.c_uint64(0)
            check_status(self._call("taskbell_emit", kind, body, len(body), ctypes.byref(ticket)))
            return ticket.value

        return self._quietly(call, 0)

    def task_complete(self, task: Payload = None) -> int:
        """Reports a completed task. Returns the ticket."""
        return self.emit("task.complete", task)

    def queue_end(self, queue: Payload = None) -> int:
        """Reports that the queue is empty. Taskbell counts the queue itself, so no numbers are needed."""
        return self.emit("queue.end", queue)

    def metric(self, name: str, value: float) -> None:
        """Reports the value of a metric, for ``[[alerts]]``: a number, or what ``float`` makes one of."""

        def call() -> None:
            check_status(self._call("taskbell_metric", utf8(name), float(value)))

        self._quietly(call, None)

    def wait(self, ticket: int, timeout: Seconds = 30.0) -> bool:
        """Waits until every delivery of that event has ended; false after the timeout."""
        return self._waits("taskbell_wait", timeout, ticket)

    def sync(self, timeout: Seconds = 5.0) -> bool:
        """Waits until all accepted events are on disk; false after the timeout."""
        return self._waits("taskbell_sync", timeout)

    def flush(self, timeout: Seconds = 5.0) -> bool:
        """Waits until all accepted events have been tried once; false after the timeout."""
        return self._waits("taskbell_flush", timeout)

    def poll(self) -> dict[str, Any] | None:
        """The next report of an ended delivery; ``None`` when none is available."""
        if not self._tells():
            return None
        code, text = text_out(self._c("taskbell_poll"))
        if code == _native.NOT_FOUND:
            return None
        check_status(code)
        report: dict[str, Any] = json.loads(text)
        return report

    def stats(self) -> dict[str, Any]:
        """Counters and gauges; empty in a process that tells nothing."""
        if not self._tells():
            return {}
        code, text = text_out(self._c("taskbell_stats"))
        check_status(code)
        numbers: dict[str, Any] = json.loads(text)
        return numbers

    def asked_task_complete(self, task: dict[str, Any]) -> int:
        """The same as ``task_complete``, for a task whose program asks to hear of it: with nothing but a URL
        as its configuration a bell otherwise sends failures only."""
        if self._config is None:
            # The default instance, which finds its configuration when it opens.
            self._quietly(self._ensure_open, None)
        if self._config is not None and is_url(os.fsdecode(self._config)):
            task = {"webhook_params": {"notify": "manual"}, **task}
        return self.task_complete(task)

    def reload(self, config: Config) -> None:
        """Applies a new configuration, as a whole or not at all: after an error the old one stays."""
        if not self._tells():
            return
        text = lasting(config)
        check_status(self._call("taskbell_reload", text))
        self._config = text

    def set_log(self, function: LogFunction | None) -> None:
        """Calls ``function(level, message)`` for each line of the library's log. Without one, or with
        ``None``, the lines go to ``logging.getLogger("taskbell")``.

        The level is 1 for errors, 2 for warnings, 3 for information and 4 for details.

        Warning: the function runs on a thread of the library, which waits for the interpreter's lock. Keep it
        short, never call Taskbell from it, and close the bell before the interpreter ends (the exit hook
        does). ``poll`` has none of these restrictions.
        """
        self._function = function or _to_logging
        if self._tells():
            check_status(self._start_log())

    def _start_log(self) -> int:
        function = self._function

        def forward(_userdata: Any, level: int, message: bytes | None) -> None:
            if message is not None:
                with contextlib.suppress(Exception):
                    function(level, message.decode("utf-8", "replace"))

        callback = _native.LogFunction(forward)
        code = self._call("taskbell_set_log", callback, None)
        # The former callback may be freed only now: none runs after taskbell_set_log has returned.
        self._log = callback
        return code

    def _tells(self) -> bool:
        """Whether this process of a job opens the bell and reports. Its number may come after the bell."""
        return self._every_rank or is_first_rank()

    def _ensure_open(self) -> None:
        """Opens it where this process has not: at first, and in a child made by fork. After a failure it is
        not tried again for a while."""
        if self._process == os.getpid():
            return
        with _opening:
            if self._process == os.getpid():
                return
            if self._failed and time.monotonic() - self._failed[0] < TRY_AGAIN_S:
                raise self._failed[1]
            try:
                self._open()
            except TaskbellError as fault:
                self._failed = time.monotonic(), fault
                raise

    def _open(self) -> None:
        """Opens it, in this process."""
        handle = ctypes.c_void_p()
        check_status(library().taskbell_open(self._config, ctypes.byref(handle)))
        self._handle = handle.value
        self._opened()

    def _opened(self) -> None:
        self._process = os.getpid()
        self._failed = self._log = None
        _open_bells.add(self)
        _close_with_worker()
        # Without a thread for it the end still says what did not arrive.
        self._start_log()

    def _c(self, name: str) -> Callable[..., int]:
        """A C function of this bell."""
        return lambda *arguments: self._call(name, *arguments)

    def _call(self, name: str, *arguments: Any) -> int:
        """Calls a C function with the handle of this bell."""
        if self._closed:
            raise TaskbellError(_native.CLOSED, "CLOSED", "this bell has been closed")
        self._ensure_open()
        code: int = getattr(library(), name)(self._handle, *arguments)
        return code

    def _quietly(self, call: Callable[[], T], otherwise: T) -> T:
        """What a call returns. What it raises is noted, and passed on only by a strict bell."""
        if not self._tells():
            return otherwise
        try:
            return call()
        except Exception as fault:
            if self.strict:
                raise
            _faults.note(fault)
            return otherwise

    def _waits(self, name: str, timeout: Seconds, *arguments: Any) -> bool:
        """Whether something has happened in time."""

        def call() -> bool:
            return _in_time(self._call(name, *arguments, milliseconds(timeout)))

        return self._quietly(call, False)

    def _end(self, timeout: Seconds) -> tuple[int, bool]:
        """Closes it: the deliveries left, and whether the log function has ended."""
        left = ctypes.c_uint64(0)
        code = library().taskbell_close(self._handle, milliseconds(timeout), ctypes.byref(left))
        ended = code == _native.CLOSED or _in_time(code)
        missing = last_error() if code == _native.OK and self._log is None else ""
        if missing:
            _faults.log.warning("%s", missing)
        return left.value, ended

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Bell belongs to its process and cannot be pickled or copied: open one in the worker, or use "
            "the functions of the module there, such as taskbell.on_task_complete"
        )

    def __enter__(self) -> Bell:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _in_time(code: int) -> bool:
    if code == _native.TIMEOUT:
        return False
    check_status(code)
    return True


_open_bells: set[Bell] = set()
"""Referenced until the log function has ended: the library may call it without another reference."""

_opening = threading.Lock()


def close_all() -> None:
    """Closes every instance, because no callback may reach Python while it finalises."""
    for bell in list(_open_bells):
        with contextlib.suppress(Exception):
            bell._await_answers()
        with contextlib.suppress(TaskbellError):
            bell.close(EXIT_TIMEOUT_S)


def _close_with_worker() -> None:
    """A worker of ``multiprocessing`` ends without the exit hooks of the interpreter, but with its own."""
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, close_all, exitpriority=0)


def _forget_in_child() -> None:
    """The parent's instances are not the child's: each opens anew with its first call."""
    global _opening
    _opening = threading.Lock()
    _faults.forget_lock()
    _open_bells.clear()


atexit.register(close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
