"""Items worked off one after the other, reported as one batch: how far it is, and how it ended."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Sized
from types import TracebackType
from typing import Any, Generic, TypeVar

from ._bell import Bell
from ._default import default
from ._faults import noted
from ._job import MAX_FAILURES, failure
from ._outcome import outcome, text_of
from ._task import Progress
from ._unfinished import at_end, last_fault, last_value

T = TypeVar("T")

DECIDE_S = 1.0
"""How long after a loop that ended early the reason is awaited: an exception reaches the top by then."""


class Batch(Generic[T]):
    """An iterator over items; made by ``taskbell.batch``.

    ``failed(item, error)`` counts an item that the loop itself has caught. In ``with`` the batch knows the
    exception that ended it; a bare ``for`` learns of it only where it ends the program.
    """

    def __init__(self, items: Iterable[T], name: str, total: int | None, bell: Bell | None) -> None:
        self.name = name
        self.done = 0
        """How many items have ended."""
        self.failures: list[dict[str, Any]] = []
        """The first failed items, each with ``name`` and ``error``."""
        self._items = iter(items)
        self._total = len(items) if total is None and isinstance(items, Sized) else total
        self._bell = bell or default
        self._progress = Progress("batch.progress", self._bell)
        self._began = 0.0
        self._current: list[T] = []
        self._failed = 0
        self._is_open = False
        self._in_with = False
        self._process = 0
        self._last_value: object = None

    def failed(self, item: object, error: BaseException | str | None = None) -> None:
        """An item has failed, and the loop goes on."""
        self._failed += 1
        if len(self.failures) < MAX_FAILURES:
            self.failures.append(failure(text_of(item), error))

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if self._is_open:
            self._end_item()
        elif not self._began:
            self._start()
        try:
            item = next(self._items)
        except BaseException as fault:
            self._finish(None if isinstance(fault, StopIteration) else fault)
            raise
        self._current = [item]
        return item

    def _start(self) -> None:
        self._began = time.time()
        self._is_open = True
        _open.add(self)
        self._last_value = last_value()
        self._process = os.getpid()
        self._progress.at(0, self._total, self._head)

    def _end_item(self) -> None:
        if self._current:
            self._current = []
            self.done += 1
            self._progress.at(self.done, self._total, lambda: {**self._head(), "failed": self._failed})

    def _head(self) -> dict[str, Any]:
        return {"id": self.name, "started_at": self._began}

    def _finish(self, fault: BaseException | None, is_early: bool = False) -> None:
        """Reports the end, once."""
        if not self._is_open or self._process != os.getpid():
            return
        self._is_open = False
        with noted(self._bell.strict):
            self._bell.emit("batch.end", {**self._head(), **self._end(fault, is_early)})

    def _end(self, fault: BaseException | None, is_early: bool) -> dict[str, Any]:
        said, now = outcome(fault), time.time()
        failures, failed = list(self.failures), self._failed
        if "error" in said:
            failed += 1
            name = text_of(self._current[0]) if self._current else f"item {self.done + 1}"
            failures.append(failure(name, fault))
        elif is_early:
            said = {"status": "cancelled"}
        ended = self.done + failed - self._failed
        total = max(self._total or 0, ended)
        return {
            **said,
            "finished_at": now,
            "duration_s": max(round(now - self._began, 3), 0),
            "total": total,
            "succeeded": max(self.done - self._failed, 0),
            "failed": failed,
            "cancelled": total - ended,
            "failures": failures,
        }

    def _decide(self, is_exit: bool = True) -> None:
        """A bare ``for`` was left. Whether by ``break`` or by an exception is known only of one that ended
        the program, or a cell of a notebook: the interpreter keeps it as ``sys.last_value``."""
        fault = last_fault(self._last_value)
        if fault is None and not is_exit:
            return
        if fault is None:
            self._end_item()
        self._finish(fault, is_early=True)
        _undecided.discard(self)

    def __del__(self) -> None:
        if self._is_open and not self._in_with:
            _undecided.add(self)
            timer = threading.Timer(DECIDE_S, self._decide)
            timer.daemon = True
            timer.start()

    def __enter__(self) -> Batch[T]:
        self._in_with = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if fault is None:
            # A loop that was left by ``break`` had this item done.
            self._end_item()
        self._finish(fault, is_early=True)


_open: weakref.WeakSet[Batch[Any]] = weakref.WeakSet()

_undecided: set[Batch[Any]] = set()
"""Those whose loop was left and whose reason is awaited."""


@at_end
def _decide_all(is_exit: bool) -> None:
    for one in {*_open, *_undecided}:
        one._decide(is_exit)


def batch(
    items: Iterable[T], name: str = "batch", *, total: int | None = None, bell: Bell | None = None
) -> Batch[T]:
    """The items, one after the other, as a batch: ``for frame in taskbell.batch(frames, "shot 042"):``.

    Reports ``batch.progress`` at the start and then at most every 15 s, and ``batch.end`` with the counts:
    of a loop that ran to its end, that was left, or that something ended. ``total`` is needed where the
    items have no length, and wanted. Without ``bell`` the default instance reports.
    """
    return Batch(items, name, total, bell)
