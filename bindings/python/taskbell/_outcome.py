"""What a task of Python's own types says: its status, its error, its files."""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

MAX_TRACEBACK = 16_000
"""Characters of a traceback, its last ones; a card shows 40 lines."""

CANCELLED = (KeyboardInterrupt, asyncio.CancelledError, GeneratorExit)
"""What ends a task because somebody wanted it to."""


def error_of(fault: BaseException) -> dict[str, Any]:
    """An exception as the ``error`` of a task: type, message, and the traceback where it was raised."""
    error: dict[str, Any] = {"type": type(fault).__name__, "message": text_of(fault)}
    if isinstance(fault, SystemExit) and not isinstance(fault.code, str):
        error["message"] = f"exit code {fault.code}"
    elif fault.__traceback__ is not None:
        try:
            lines = traceback.format_exception(type(fault), fault, fault.__traceback__)
        except Exception:  # a text of the host's own making
            lines = traceback.format_tb(fault.__traceback__)
        error["traceback"] = "".join(lines)[-MAX_TRACEBACK:]
    return error


def outcome(fault: BaseException | None) -> dict[str, Any]:
    """How a task ended that raised this, or nothing: its ``status`` and ``error``."""
    if fault is None or (isinstance(fault, SystemExit) and fault.code in (None, 0)):
        return {"status": "success"}
    if isinstance(fault, CANCELLED):
        return {"status": "cancelled"}
    return {"status": "error", "error": error_of(fault)}


def text_of(value: Any) -> str:
    """``str`` of a value, whatever that raises."""
    try:
        return str(value)
    except Exception:  # a text of the host's own making
        return f"<{type(value).__name__}>"


def instant(seconds: float) -> datetime:
    """A time of ``time.time``, which people read in an event as a date."""
    return datetime.fromtimestamp(seconds, timezone.utc)


def output(file: Any) -> Any:
    """A file of a task: a path or an address becomes what templates and cards know, others stay."""
    if isinstance(file, str) and "://" in file:
        return {"url": file}
    if isinstance(file, (str, os.PathLike)):
        path = os.fspath(file)
        return {"path": os.path.abspath(os.fsdecode(path) if isinstance(path, bytes) else path)}
    return file


def as_meant(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The payload with what Python says by a type said in the words of an event."""
    changed: dict[str, Any] = {}
    status, error = payload.get("status"), payload.get("error")
    if isinstance(error, BaseException):
        changed = outcome(error)
        if changed["status"] == "success":
            changed["error"] = None
        if status is not None:
            del changed["status"]
    if isinstance(status, bool) or type(status).__name__ in ("bool", "bool_"):
        changed["status"] = "success" if status else "error"
    duration = payload.get("duration")
    if isinstance(duration, timedelta) and "duration_s" not in payload:
        changed["duration_s"] = duration
    files = payload.get("outputs")
    if isinstance(files, (str, os.PathLike)):
        changed["outputs"] = [output(files)]
    elif isinstance(files, (list, tuple)):
        changed["outputs"] = [output(file) for file in files]
    return {**payload, **changed} if changed else payload
