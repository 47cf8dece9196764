"""The Python binding itself: what it makes of values, and how it leaves."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import numbers
from collections import OrderedDict, deque
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

import taskbell
from bells import eventually, settings
from taskbell._config import config_bytes
from taskbell._encode import dump, milliseconds, payload_bytes
from tools import python


class Scalar:
    """Like a NumPy number."""

    def __init__(self, value):
        self.value = value

    def item(self):
        return self.value


def test_odd_values_never_refuse_an_event():
    task = {
        "path": Path("/out/a.png"),
        "when": datetime(2026, 1, 2, tzinfo=timezone.utc),
        "loss": float("nan"),
        "best": Scalar(0.25),
        "worst": Scalar(float("inf")),
        "tags": {"b", "a"},
        "name": "half a \ud83d surrogate",
        7: "a number as a key",
        ("a", 1): "a tuple as a key",
        "nested": [(1, float("-inf"))],
    }
    value = json.loads(payload_bytes(task).decode("utf-8"))
    assert value["path"] == str(Path("/out/a.png"))
    assert value["when"].startswith("2026-01-02")
    assert (value["loss"], value["best"], value["worst"]) == (None, 0.25, None)
    assert value["tags"] == ["a", "b"]
    assert value["name"] == "half a ? surrogate"
    assert value["7"] == "a number as a key"
    assert value["nested"] == [[1, None]]


class Status(enum.Enum):
    FAILED = "error"


@dataclasses.dataclass
class Point:
    x: int
    inner: object


class Sullen:
    """Refuses whatever is asked of it."""

    def __str__(self):
        raise RuntimeError("no text")

    def item(self):
        raise OSError("no number")


class Array:
    """Like an array of NumPy or Torch."""

    def __init__(self, values, dtype=None):
        self.values, self.shape, self.dtype = values, (len(values),), dtype

    def tolist(self):
        return list(self.values)

    def __iter__(self):
        return iter(self.values)

    def item(self):
        raise ValueError("only one element")


class Stamp(datetime):
    """Like a time of pandas without a zone."""

    def astimezone(self, tz=None):
        raise TypeError("Cannot convert tz-naive Timestamp, use tz_localize to localize")


class NAType:
    """Like the NA of pandas, which answers no question."""

    def __ne__(self, other):
        return self

    def __bool__(self):
        raise TypeError("boolean value of NA is ambiguous")

    __hash__ = object.__hash__


class MaskedConstant(Scalar):
    """Like the masked number of NumPy, whose item is a zero."""


@numbers.Real.register
class LongDouble:
    """Like a number of NumPy that Python has no type for."""

    def item(self):
        return self

    def __float__(self):
        return 0.25


class Dtype(str):
    @property
    def kind(self):
        return "m" if self.startswith("timedelta") else "M"


class Moment:
    """Like a `datetime64` or `timedelta64` of NumPy: not a time is unequal to itself."""

    shape = ()

    def __init__(self, dtype, value, micros=None):
        self.dtype, self.value, self.micros = Dtype(dtype), value, micros

    def astype(self, dtype):
        assert dtype in ("timedelta64[us]", "datetime64[us]")
        return Moment(dtype, self.micros)

    def item(self):
        return self.value

    def __ne__(self, other):
        return self.value is None

    def __str__(self):
        return "a time"

    __hash__ = object.__hash__


CIRCLE: dict = {"name": "a"}
CIRCLE.update({f"again{number}": CIRCLE for number in range(9)})
DEEP: dict = {}
LEVEL = DEEP
for _ in range(5000):
    LEVEL["level"] = {}
    LEVEL = LEVEL["level"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (timedelta(hours=1, milliseconds=1), 3600.001),
        (datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=1))), "2026-01-02T03:00:00+01:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (Decimal("3.50"), 3.5),
        (Decimal("12345678901234567890123"), 12345678901234567890123),
        (Decimal("1E+1000000"), None),
        (Decimal("NaN"), None),
        (Fraction(1, 4), 0.25),
        (Status.FAILED, "error"),
        (Point(1, Point(2, {3})), {"x": 1, "inner": {"x": 2, "inner": [3]}}),
        (b"caf\xc3\xa9", "café"),
        (bytearray(b"x"), "x"),
        ({"b", "a", None}, [None, "a", "b"]),
        ({1: 2}.values(), [2]),
        (range(3), [0, 1, 2]),
        (deque([1, math.inf]), [1, None]),
        (OrderedDict(a=math.nan), {"a": None}),
        (Array([0.5, math.nan]), [0.5, None]),
        (Scalar(timedelta(seconds=90)), 90),
        (Scalar(None), None),
        (Scalar((1, 0.5)), [1, 0.5]),
        (Stamp(2026, 1, 2, 3, 4, 5, 6), datetime(2026, 1, 2, 3, 4, 5, 6).astimezone().isoformat()),
        (NAType(), None),
        (MaskedConstant(0.0), None),
        (LongDouble(), 0.25),
        (Moment("timedelta64[ns]", 5, timedelta(hours=1)), 3600),
        (Moment("timedelta64", 7), 7),
        (Moment("timedelta64[s]", None), None),
        (Moment("datetime64[ns]", 5, datetime(2026, 1, 2, 3)), "2026-01-02T03:00:00"),
        (Moment("datetime64[D]", 5, 10**18), "a time"),
        (Moment("datetime64[D]", None), None),
        (
            Array([Moment("datetime64[s]", 5, datetime(2026, 1, 2))], Dtype("datetime64[s]")),
            ["2026-01-02T00:00:00"],
        ),
        ({Status.FAILED: 1, (1, 2): 2, None: 3, True: 4}, {"error": 1, "(1, 2)": 2, "null": 3, "true": 4}),
        (2**200, 2**200),
        (10**5000, hex(10**5000)),
        (Sullen(), "<Sullen>"),
        (ValueError("out of memory"), "ValueError: out of memory"),
        (CIRCLE, {"name": "a", **{f"again{number}": "<dict>" for number in range(9)}}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_value_of_python_has_a_form_in_json(value, expected):
    def no_constant(name):
        raise AssertionError(name)

    def of(payload):
        return json.loads(payload_bytes(payload), parse_constant=no_constant)

    assert of({"v": value})["v"] == expected
    # Beside a value that takes the slow way it is the same.
    assert of({"v": value, "loss": math.nan, "w": {"v": [value]}}) == {
        "v": expected, "loss": None, "w": {"v": [expected]},
    }  # fmt: skip


def test_a_payload_without_end_is_json_too():
    assert json.loads(dump({"deep": DEEP, "name": "a"}))["name"] == "a"


@pytest.mark.parametrize(
    "told",
    [
        {"duration_s": math.nan},
        {"duration_s": math.inf},
        {"duration_s": Scalar(math.nan)},
        {"duration_s": Decimal("NaN")},
        {"duration_s": Sullen()},
        {"duration_s": timedelta(seconds=-5)},
        {"duration_s": Point(1, 2)},
        {"duration_s": {1, 2}},
        {"duration_s": b"soon"},
        {"duration_s": date(2026, 1, 1)},
        {"started_at": math.nan, "finished_at": 5},
        {"started_at": date(2026, 1, 1), "finished_at": datetime(2026, 1, 1, tzinfo=timezone.utc)},
    ],
)
def test_a_duration_that_nobody_can_read_rings_and_is_counted(tmp_path, receive, ring, told):
    receiver = receive()
    long = [{"on": ["task.complete"], "to": ["e0"], "min_duration": "1h"}]
    bell = ring(settings(tmp_path, receiver.url(), hooks=long))
    bell.task_complete({"name": "a", **told})
    assert receiver.wait_for(1)[0].json()["data"]["task"]["name"] == "a"
    assert bell.stats()["conditions_broken"] == 1


@pytest.mark.parametrize(
    "told",
    [
        {"duration_s": timedelta(hours=2)},
        {"duration_s": Decimal("7200.5")},
        {"duration_s": Fraction(14400, 2)},
        {"duration_s": Scalar(7200.0)},
        {"duration_s": str(timedelta(days=1, hours=2))},
        {"started_at": datetime(2026, 1, 1, 10), "finished_at": datetime(2026, 1, 1, 12)},
        {
            "started_at": datetime(2026, 1, 1, 10, tzinfo=timezone.utc),
            "finished_at": datetime(2026, 1, 1, 13, tzinfo=timezone(timedelta(hours=1))),
        },
        {"started_at": "2026-01-01 10:00:00", "finished_at": "2026-01-01 12:00:00"},
        {
            "started_at": datetime(2026, 1, 1, 10, tzinfo=timezone.utc).timestamp() * 1000,
            "finished_at": 1767268800000,
        },
    ],
)
def test_a_duration_in_the_types_of_python_is_read(tmp_path, receive, ring, told):
    receiver = receive()
    hooks = [{"on": ["task.complete"], "to": ["e0"], "min_duration": bound} for bound in ("110m", "28h")]
    bell = ring(settings(tmp_path, receiver.url(), hooks=hooks))
    bell.task_complete({"name": "a", **told})
    receiver.wait_for(1)
    assert bell.stats()["conditions_broken"] == 0


def test_a_file_name_that_is_not_utf8_is_still_json():
    # As Python reads the bytes `caf\xe9.png` on Linux.
    assert json.loads(payload_bytes({"name": "caf\udce9.png"})) == {"name": "caf?.png"}


def test_text_bytes_and_nothing_pass_as_they_are():
    assert payload_bytes(None) is None
    assert payload_bytes("{}") == b"{}"
    assert payload_bytes(b"{}") == b"{}"
    assert config_bytes({"a": 1}) == b'{"a": 1}'
    assert config_bytes(Path("bell.toml")) == b"bell.toml"
    assert dump({"a": "é"}) == '{"a": "é"}'


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, 0), (-1, 0), (0.0001, 1), (1.5, 1500), (timedelta(minutes=1), 60_000), (1e12, 2**32 - 1)],
)
def test_timeouts_are_whole_milliseconds(seconds, expected):
    assert milliseconds(seconds) == expected


def test_not_a_number_is_no_timeout():
    assert milliseconds(float("nan")) == 0


def test_the_log_is_told_and_stops(tmp_path, receive, ring):
    receiver = receive()
    receiver.close()
    lines: list[tuple[int, str]] = []
    bell = ring(settings(tmp_path, receiver.url()))
    bell.set_log(lambda level, message: lines.append((level, message)))
    bell.wait(bell.emit("test.event"))
    eventually("a line about the endpoint that is away", lambda: any("e0" in text for _, text in lines))
    bell.set_log(None)
    before = len(lines)
    bell.wait(bell.emit("test.event"))
    assert len(lines) == before


def test_an_error_has_code_name_and_words():
    place = str(Path("/nowhere/at/all.toml"))
    with pytest.raises(taskbell.TaskbellError) as refusal:
        taskbell.Bell(place)
    assert (refusal.value.code, refusal.value.name) == (6, "CONFIG")
    assert place in refusal.value.message
    assert str(refusal.value) == f"CONFIG: {refusal.value.message}"


def test_a_bell_is_a_context_manager(tmp_path, receive):
    receiver = receive()
    with taskbell.Bell.open(settings(tmp_path, receiver.url())) as bell:
        bell.queue_end()
        assert bell.sync(20)
    with pytest.raises(taskbell.TaskbellError):
        bell.stats()


LEAVES = """
import sys, threading, taskbell
taskbell.init(sys.argv[1])
bell = taskbell.Bell(sys.argv[2])
bell.set_log(lambda level, message: None)
bell.emit("test.event", {"n": 1})
taskbell.on_task_complete({"name": "at exit"})
threading.Thread(target=lambda bell=bell: [bell.emit("test.event") for _ in range(200)]).start()
del bell
"""


def test_an_interpreter_may_end_with_everything_open(tmp_path, receive, ring):
    receiver = receive()
    (tmp_path / "other").mkdir()
    configs = [settings(tmp_path, receiver.url()), settings(tmp_path / "other", receiver.url())]
    for _ in range(3):
        assert python(LEAVES, *map(json.dumps, configs)) == ""
    # What the exit's short close left in the spools comes with the next start.
    for config in configs:
        ring(config)
    ids = eventually("all events of three runs", lambda: _ids(receiver, 3 * 202))
    assert len(ids) == 3 * 202


def _ids(receiver, count):
    ids = {request.header("webhook-id") for request in list(receiver.requests)}
    return ids if len(ids) >= count else None


UNUSED = """
import taskbell
assert taskbell._native._library is None
"""


def test_importing_loads_nothing():
    python(UNUSED, env={"TASKBELL_LIBRARY": "/nowhere.so"})


MISSING = """
import taskbell
taskbell.on_queue_end()
taskbell.default.strict = True
try:
    taskbell.on_queue_end()
except ImportError as fault:
    assert "/nowhere.so" in str(fault) and "TASKBELL_LIBRARY" in str(fault), fault
    print("ok")
"""


def test_a_missing_library_says_where_it_was_looked_for():
    warned, ok = python(MISSING, env={"TASKBELL_LIBRARY": "/nowhere.so"}).splitlines()
    assert "/nowhere.so" in warned
    assert ok == "ok"
