"""Python values as JSON and C strings. No value makes an event fail."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Union

Payload = Union[Mapping[str, Any], str, bytes, None]
Config = Union[Mapping[str, Any], str, "os.PathLike[str]"]


def utf8(text: str) -> bytes:
    """UTF-8 bytes of a text. Half surrogates, as in file names that are not UTF-8, become ``?``."""
    return text.encode("utf-8", "replace")


def milliseconds(seconds: float | timedelta) -> int:
    """A timeout for the C functions: whole milliseconds, rounded up, at most 2**32 - 1."""
    if isinstance(seconds, timedelta):
        seconds = seconds.total_seconds()
    if not seconds > 0:
        return 0
    return min(math.ceil(min(seconds, 5e6) * 1000), 2**32 - 1)


def payload_bytes(payload: Payload) -> bytes | None:
    """The JSON text of an event. A string is already JSON; ``None`` stays ``None``."""
    if payload is None or isinstance(payload, bytes):
        return payload
    return utf8(payload if isinstance(payload, str) else dump(payload))


def config_bytes(config: Config) -> bytes:
    """A path or a configuration's text unchanged; a mapping as JSON."""
    if isinstance(config, Mapping):
        return utf8(dump(config))
    return utf8(os.fspath(config))


def dump(value: Any) -> str:
    """JSON of a value. Paths, dates, NaN and tensors are converted, never refused."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except (ValueError, TypeError):
        return json.dumps(_finite(value), ensure_ascii=False, default=_plain, skipkeys=True)


def _plain(value: Any) -> Any:
    """A value without a JSON form: a duration in seconds, a time with its zone (naive: local), one with
    ``item()`` (NumPy, Torch) as its number, any other as text."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.astimezone()).isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, Mapping):
        return {str(key): entry for key, entry in value.items()}
    item = getattr(value, "item", None)
    if callable(item):
        try:
            number = item()
        except (TypeError, ValueError, RuntimeError):
            return str(value)
        if isinstance(number, float) and not math.isfinite(number):
            return None
        if isinstance(number, (bool, int, float, str)):
            return number
    return str(value)


def _finite(value: Any) -> Any:
    """The same tree with ``null`` for NaN and the infinities, which JSON cannot write."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(entry) for entry in value]
    return value
