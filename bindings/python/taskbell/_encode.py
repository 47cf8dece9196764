"""Python values as JSON and C strings. No value makes an event fail."""

from __future__ import annotations

import json
import math
import numbers
from collections.abc import Mapping, MappingView, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, Union

from ._outcome import as_meant, text_of

Payload = Union[Mapping[str, Any], str, bytes, None]

MEASURES = {"duration_s", "started_at", "finished_at", "total", "failed"}
"""The fields whose values thresholds read."""

MAX_DEPTH = 64
"""Levels of a payload with values that JSON cannot write; deeper ones, like circles, end as text."""

MAX_DIGITS = 4000
"""Beyond, a number is no longer written out."""

MAX_ELEMENTS = 1000
"""The elements of an array that travel; a larger one travels as its own short text."""


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
    if isinstance(payload, Mapping):
        payload = dump(as_meant(payload))
    return utf8(payload if isinstance(payload, str) else dump(payload))


def dump(value: Any) -> str:
    """JSON of a value. Whatever JSON cannot write is converted, never refused."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except Exception:  # whatever the host's own classes raise
        return json.dumps(_tree(value), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """A value without a JSON form: a duration in seconds, a time with its zone (naive: local), the value of
    an enumeration, a dataclass by its fields, a number of an array library by ``item()``, others as text."""
    if _is_missing(value):
        return math.nan
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        # Pandas' subclass without a zone refuses ``astimezone``.
        aware = value if value.tzinfo else datetime.combine(value.date(), value.time()).astimezone()
        return aware.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (Decimal, Fraction)):
        return _number(value)
    if isinstance(value, Mapping):
        return {_key(key): entry for key, entry in value.items()}
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, (Set, MappingView)):
        entries: Any = value
        return sorted(entries, key=str)
    if isinstance(value, Sequence):
        return list(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}".removesuffix(": ")
    if callable(getattr(value, "item", None)):
        return _item(value)
    return str(value)


def _number(value: Decimal | Fraction) -> Any:
    """An exact number as a JSON number: whole where it is, and never as long as its exponent."""
    if isinstance(value, Fraction) or not value.is_finite():
        return float(value)
    is_whole = abs(value.adjusted()) < MAX_DIGITS and value == value.to_integral_value()
    return int(value) if is_whole else float(value)


def _is_missing(value: Any) -> bool:
    """Whether it is what a library writes where there is no value: NaN, NaT, NA, a masked number."""
    if type(value).__name__ in ("NAType", "MaskedConstant"):
        return True
    is_one = isinstance(value, datetime) or (hasattr(value, "item") and not getattr(value, "shape", ()))
    try:
        return is_one and bool(value != value)
    except Exception:  # whatever the host's own classes raise
        return False


def _item(value: Any) -> Any:
    """What an array library makes of its number or small array."""
    dtype = getattr(value, "dtype", None)
    is_time = getattr(dtype, "kind", "") in ("m", "M")
    shape = getattr(value, "shape", ())
    if isinstance(shape, tuple) and shape and math.prod(shape) <= MAX_ELEMENTS and hasattr(value, "tolist"):
        # A list of Python's own has no nanoseconds, and would hold bare integers.
        return list(value) if is_time else value.tolist()
    if is_time and hasattr(value, "astype") and "[" in str(dtype):
        micros = value.astype(str(dtype).partition("[")[0] + "[us]").item()
        if isinstance(micros, timedelta):
            return micros.total_seconds()
        return micros.isoformat() if isinstance(micros, datetime) else str(value)
    try:
        number = value.item()
    except (TypeError, ValueError, RuntimeError):
        return str(value)
    if number is None or isinstance(number, (bool, int, float, str, tuple)):
        return number
    if isinstance(number, numbers.Real):
        return float(number)
    return _plain(number) if isinstance(number, (datetime, timedelta, Decimal, bytes)) else str(number)


def _key(key: Any) -> str:
    if isinstance(key, Enum):
        key = key.value
    if key is None or isinstance(key, bool):
        return json.dumps(key)
    return text_of(key)


def _tree(value: Any, key: str = "", path: tuple[int, ...] = ()) -> Any:
    """The same tree in JSON's own types, whatever is in it; circles end as text. NaN and the infinities,
    which JSON cannot write, become ``null``, but a text where thresholds read, so that one notices."""
    if value is None or (isinstance(value, (bool, str)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, int) and not isinstance(value, Enum):
        return int(value) if value.bit_length() <= MAX_DIGITS else hex(value)
    if isinstance(value, float) and not isinstance(value, Enum):
        return float(value) if math.isfinite(value) else (str(float(value)) if key in MEASURES else None)
    if id(value) in path or len(path) >= MAX_DEPTH:
        return f"<{type(value).__name__}>"
    path = (*path, id(value))
    if not isinstance(value, (Mapping, list, tuple)):
        try:
            return _tree(_plain(value), key, path)
        except Exception:  # whatever the host's own classes raise
            return text_of(value)
    try:
        if isinstance(value, Mapping):
            return {_key(name): _tree(entry, _key(name), path) for name, entry in value.items()}
        return [_tree(entry, key, path) for entry in value]
    except Exception:  # as above
        return f"<{type(value).__name__}>"
