"""Keeps errors of this package away from ComfyUI."""

from __future__ import annotations

import logging
from typing import Any, Callable


class _Named(logging.Filter):
    """ComfyUI's console shows only the message."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = f"taskbell: {record.msg}"
        return True


log = logging.getLogger("taskbell")
log.addFilter(_Named())


def guarded(function: Callable[..., Any], *arguments: Any, fallback: Any = None, **named: Any) -> Any:
    """What the function returns, or the fallback when it raises: that is logged."""
    try:
        return function(*arguments, **named)
    except Exception as fault:
        log.error("something was left out: %s", fault, exc_info=fault)
        return fallback
