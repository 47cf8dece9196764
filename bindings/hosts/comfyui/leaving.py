"""Notices every way in which ComfyUI ends, but for those that nobody can notice.

ComfyUI leaves by Ctrl-C and the end of its program. ComfyUI-Manager restarts it with ``os.execv``, which runs
nothing more; a service manager or a container sends SIGTERM, which ends Python at once.
"""

from __future__ import annotations

import atexit
import functools
import os
import signal
import threading
from typing import Any, Callable

from .guard import guarded


def call_at_the_end(last: Callable[[], None]) -> None:
    """Calls ``last`` before this process ends or becomes another; it may be called more than once."""
    atexit.register(guarded, last)
    for name in ("execv", "execve"):
        setattr(os, name, _before(getattr(os, name), last))
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGBREAK"):
            _before_signal(getattr(signal, name, None), last)


def _before(original: Callable[..., Any], last: Callable[[], None]) -> Callable[..., Any]:
    @functools.wraps(original)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        guarded(last)
        return original(*arguments, **named)

    return wrapped


def _before_signal(number: Any, last: Callable[[], None]) -> None:
    """Only where nobody else listens; then the process ends by the signal, as it would have."""
    if number is None or signal.getsignal(number) != signal.SIG_DFL:
        return

    def handle(received: int, _frame: Any) -> None:
        signal.signal(received, signal.SIG_DFL)
        guarded(last)
        os.kill(os.getpid(), received)

    signal.signal(number, handle)
