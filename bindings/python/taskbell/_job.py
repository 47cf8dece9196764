"""A job whose items others work off, such as the frames of a render farm: one report at its end."""

from __future__ import annotations

import threading
import time
from typing import Any

from ._bell import Bell
from ._default import default
from ._faults import noted
from ._outcome import error_of, instant, outcome, text_of
from ._task import Progress

MAX_FAILURES = 20
MAX_NAME = 200


class Job:
    """Counts the items of a job, and reports it once, as ``batch.end`` with its name as ``id``.

    ``succeeded``, ``failed`` and ``cancelled`` may be set where the manager of the job has counted itself.
    What ``total`` has beyond them at the end is cancelled. All methods may be called from any thread.
    """

    def __init__(
        self, name: str, total: int | None = None, *, bell: Bell | None = None, **fields: Any
    ) -> None:
        self.name = name
        self.total = total
        self.succeeded = self.failed = self.cancelled = 0
        self.failures: list[dict[str, Any]] = []
        """The first failed items, each with ``name`` and ``error``."""
        self.fields = fields
        self._bell = bell or default
        self._began = time.time()
        self._progress = Progress("batch.progress", self._bell)
        self._mutex = threading.Lock()
        self._is_over = False

    def done(self) -> None:
        """An item has succeeded."""
        with self._mutex:
            self.succeeded += 1

    def fail(self, item: object, error: BaseException | str | None = None) -> None:
        """An item has failed."""
        with self._mutex:
            self.failed += 1
        self.name_failure(item, error)

    def name_failure(self, item: object, error: BaseException | str | None = None) -> None:
        """Names a failed item that ``failed`` already counts."""
        with self._mutex:
            if len(self.failures) < MAX_FAILURES:
                self.failures.append(failure(text_of(item), error))

    def progress(self) -> None:
        """Reports ``batch.progress``, at most every 15 s, so that it may be called with each item."""
        done = self.succeeded + self.failed
        self._progress.at(done, self.total, lambda: {**self._head(), "failed": self.failed})

    def finish(
        self, error: BaseException | str | None = None, *, status: str | None = None, **fields: Any
    ) -> int:
        """Reports the end, once, with what ended the job as a whole, if any. Returns the ticket.

        ``fields`` are further ones of the event, such as ``users``, ``url``, or the ``duration_s`` that the
        manager has measured.
        """
        with self._mutex:
            if self._is_over:
                return 0
            self._is_over = True
        with noted(self._bell.strict):
            return self._bell.emit("batch.end", {**self._head(), **self._end(error, status), **fields})
        return 0

    def _head(self) -> dict[str, Any]:
        return {"id": self.name, "started_at": instant(self._began), **self.fields}

    def _end(self, error: BaseException | str | None, status: str | None) -> dict[str, Any]:
        said = {"error": {"message": error}} if isinstance(error, str) else outcome(error)
        if "error" in said and not self.failed:
            self.fail(self.name, error)
        now, ended = time.time(), self.succeeded + self.failed + self.cancelled
        total = max(self.total or 0, ended)
        return {
            **said,
            "status": status or said.get("status") or "error",
            "finished_at": instant(now),
            "duration_s": max(round(now - self._began, 3), 0),
            "total": total,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "cancelled": self.cancelled + total - ended,
            "failures": self.failures,
        }


def failure(name: str, error: BaseException | str | None) -> dict[str, Any]:
    """A failed item as an event names it; a card has room for its message alone."""
    if error is None:
        return {"name": name[:MAX_NAME]}
    said = {"message": error} if isinstance(error, str) else error_of(error)
    kept = {key: value for key, value in said.items() if key != "traceback"}
    return {"name": name[:MAX_NAME], "error": kept}
