"""A piece of work that reports its start, its progress and its end, whatever that is."""

from __future__ import annotations

import functools
import inspect
import os
import time
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Callable, TypeVar, overload

from ._bell import Bell
from ._default import default
from ._faults import noted
from ._outcome import instant, outcome, output, text_of
from ._unfinished import at_end, last_fault, last_value

F = TypeVar("F", bound=Callable[..., Any])

PROGRESS_S = 15.0
"""The shortest time between two reports of progress."""

MAX_SERIES = 200
"""Values of a metric; beyond, every second one is left out."""

MAX_RESULT = 500
"""Characters of a result that is neither a number nor a mapping."""


class Progress:
    """How far something has come: reports at most every ``PROGRESS_S``, and computes what the rest takes."""

    def __init__(self, event: str, bell: Bell) -> None:
        self._event = event
        self._bell = bell
        self._began = time.monotonic()
        self._last = float("-inf")

    def at(self, done: int, total: int | None, more: Callable[[], Mapping[str, Any]]) -> None:
        """``done`` of ``total`` have ended; ``more`` gives further fields where it is reported."""
        now = time.monotonic()
        if now - self._last < PROGRESS_S:
            return
        self._last = now
        with noted(self._bell.strict):
            took = now - self._began
            known: dict[str, Any] = {"done": done, "total": total, "duration_s": round(took, 3)}
            if done > 0 and took > 0:
                known["rate"] = round(done * 60 / took, 3)
                if total is not None:
                    known["eta_s"] = round(max(total - done, 0) * took / done, 3)
            self._bell.emit(self._event, {**known, **more()})


class Task:
    """A piece of work between ``__enter__`` and ``__exit__``; made by ``taskbell.task``.

    ``metrics`` and ``fields`` may be changed until the end. ``status`` and ``error``, once set, are what is
    reported in place of what the block raised or did not raise.
    """

    def __init__(self, name: str, kind: str | None, bell: Bell | None, fields: Mapping[str, Any]) -> None:
        self.name = name
        self.kind = kind
        self.id = uuid.uuid4().hex[:12]
        self.metrics: dict[str, Any] = {}
        self.fields: dict[str, Any] = dict(fields)
        self.status: str | bool | None = None
        self.error: BaseException | str | None = None
        self.result: Any = None
        self._outputs: list[Any] = []
        self._series: dict[str, list[Any]] = {}
        self._bell = bell or default
        self._began = 0.0
        self._progress = Progress("task.progress", self._bell)
        self._last_value: object = None
        self._process = 0

    def output(self, file: str | os.PathLike[str], **more: Any) -> None:
        """Adds a file or an address that the task has made, with ``name``, ``mime`` or ``url`` if wanted."""
        made = output(file)
        self._outputs.append({**(made if isinstance(made, Mapping) else {"name": text_of(made)}), **more})

    def log(self, values: Mapping[str, Any]) -> None:
        """Adds a value to each of these metrics, which become curves. What is no number is left out."""
        for name, value in values.items():
            if _is_number(value):
                series = self._series.setdefault(str(name), [])
                series.append(value)
                if len(series) > MAX_SERIES:
                    # The last one stays.
                    del series[-2::-2]

    def progress(self, done: int, total: int | None = None) -> None:
        """Reports ``task.progress``, at most every 15 s, so that it may be called with each step."""

        def more() -> dict[str, Any]:
            amount = f"{done}" if total is None else f"{done} of {total}"
            metrics = {**self._curves(), **self.metrics}
            head = {**self._head(), "title": f"{self.name}: {amount}"}
            return {**head, "metrics": metrics} if metrics else head

        self._progress.at(done, total, more)

    def start(self) -> Task:
        """Begins it, and reports ``task.start``."""
        self._began, self._last_value, self._process = time.time(), last_value(), os.getpid()
        _running.add(self)
        self._bell.emit("task.start", {**self._head(), "title": f"{self.name} has started"})
        return self

    def finish(self, fault: BaseException | None = None) -> int:
        """Reports ``task.complete`` with what the task raised, if any. Returns the ticket; 0 when its end
        is reported already. A child made by fork leaves the end to its parent."""
        if self._process and (self._process != os.getpid() or self not in _running):
            return 0
        _running.discard(self)
        payload: dict[str, Any] = {**self._head(), "finished_at": instant(time.time())}
        with noted(self._bell.strict):
            payload.update(self._end(fault))
        return self._bell.asked_task_complete(payload)

    def _end(self, fault: BaseException | None) -> dict[str, Any]:
        if fault is None and isinstance(self.error, BaseException):
            fault = self.error
        end = {"duration_s": max(round(time.time() - self._began, 3), 0), **outcome(fault)}
        if fault is None and self.error is not None:
            end.update(status="error", error={"message": self.error})
        if self.status is not None:
            end["status"] = self.status
        if metrics := {**result_of(self.result), **self._curves(), **self.metrics}:
            end["metrics"] = metrics
        if self._outputs:
            end["outputs"] = self._outputs
        return end

    def _curves(self) -> dict[str, Any]:
        return {name: values if len(values) > 2 else values[-1] for name, values in self._series.items()}

    def _head(self) -> dict[str, Any]:
        kind = {"kind": self.kind} if self.kind else {}
        began = instant(self._began)
        return {"id": self.id, "name": self.name, **kind, "started_at": began, **self.fields}

    def __enter__(self) -> Task:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.finish(fault)


_running: set[Task] = set()


@at_end
def _finish_all(is_exit: bool) -> None:
    """A callback of a host that tells of no exception is not told its end either."""
    for one in list(_running):
        fault = last_fault(one._last_value)
        if fault is None and not is_exit:
            continue
        if fault is None:
            one.status = "cancelled"
        one.finish(fault)


def task(name: str, *, kind: str | None = None, bell: Bell | None = None, **fields: Any) -> Task:
    """A piece of work, for ``with``: reports ``task.start``, and ``task.complete`` with its status,
    duration, error with traceback, metrics and files. Ctrl-C is a task that was cancelled, ``SystemExit``
    counts by its code.

    ``fields`` are further fields of the task, such as ``user``, ``params`` or ``queue``. Without ``bell`` the
    default instance reports.
    """
    return Task(name, kind, bell, fields)


@overload
def watch(function: F) -> F: ...
@overload
def watch(
    *, name: str | None = None, kind: str | None = None, bell: Bell | None = None, **fields: Any
) -> Callable[[F], F]: ...
def watch(
    function: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    kind: str | None = None,
    bell: Bell | None = None,
    **fields: Any,
) -> Any:
    """Makes each call of a function a task: ``@taskbell.watch``, or ``@taskbell.watch(kind="training")``.

    A number or a mapping of numbers that it returns is shown as metrics, another result as text. Coroutine
    functions work too.
    """

    def decorate(wrapped: Callable[..., Any]) -> Callable[..., Any]:
        def running() -> Task:
            return Task(name or str(getattr(wrapped, "__name__", "task")), kind, bell, fields)

        async def awaited(*arguments: Any, **named: Any) -> Any:
            with running() as one:
                one.result = await wrapped(*arguments, **named)
            return one.result

        def delegated(*arguments: Any, **named: Any) -> Any:
            with running() as one:
                one.result = yield from wrapped(*arguments, **named)
            return one.result

        async def drawn(*arguments: Any, **named: Any) -> Any:
            with running():
                async for item in wrapped(*arguments, **named):
                    yield item

        def called(*arguments: Any, **named: Any) -> Any:
            with running() as one:
                one.result = wrapped(*arguments, **named)
            return one.result

        kinds: list[tuple[Callable[[Any], bool], Callable[..., Any]]] = [
            (inspect.iscoroutinefunction, awaited),
            (inspect.isgeneratorfunction, delegated),
            (inspect.isasyncgenfunction, drawn),
        ]
        around = next((around for is_kind, around in kinds if is_kind(wrapped)), called)
        return functools.wraps(wrapped)(around)

    return decorate if function is None else decorate(function)


def _is_number(value: Any) -> bool:
    is_one = isinstance(value, (int, float)) or (hasattr(value, "item") and not getattr(value, "shape", None))
    return is_one and not isinstance(value, bool)


def result_of(result: Any) -> dict[str, Any]:
    """What a result says: its numbers by name, or its text."""
    if result is None or _is_number(result):
        return {} if result is None else {"result": result}
    if isinstance(result, Mapping) and (
        numbers := {str(key): one for key, one in result.items() if _is_number(one)}
    ):
        return numbers
    text = result if isinstance(result, str) else repr(result)
    return {"result": text if len(text) <= MAX_RESULT else f"{text[: MAX_RESULT - 1]}…"}
