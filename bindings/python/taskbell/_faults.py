"""What failed without being raised: counted, and logged once."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Iterator

from ._native import TaskbellError

log = logging.getLogger("taskbell")

_counts: Counter[str] = Counter()
_lock = threading.Lock()


def failures() -> dict[str, int]:
    """How many calls of this process failed without raising, by the name of the error: ``{"CONFIG": 3}``."""
    return dict(_counts)


def note(fault: BaseException, *, always: bool = False) -> None:
    """Counts a failure. The first of its kind is logged, as one sentence; with ``always`` each one is."""
    name = fault.name if isinstance(fault, TaskbellError) else type(fault).__name__
    with _lock:
        _counts[name] += 1
        is_first = _counts[name] == 1
    if is_first:
        log.warning(
            "a call to Taskbell failed: %s; further failures of this kind are only counted", said(fault)
        )
    elif always:
        log.warning("a call to Taskbell failed: %s", said(fault))


@contextlib.contextmanager
def noted(strict: bool) -> Iterator[None]:
    """Notes what its block raises, and passes it on only where the host is strict."""
    try:
        yield
    except Exception as fault:
        if strict:
            raise
        note(fault)


def said(fault: BaseException) -> str:
    """The fault in one line. Of several errors in a configuration it has the first, and how many follow."""
    text = fault.message if isinstance(fault, TaskbellError) else str(fault)
    first, *others = [line for line in text.splitlines() if line.strip()] or [type(fault).__name__]
    return f"{first} (and {len(others)} more lines; `taskbell check` shows them)" if others else first


def forget_lock() -> None:
    """In a child made by fork: another thread of the parent may have held the lock."""
    global _lock
    _lock = threading.Lock()
