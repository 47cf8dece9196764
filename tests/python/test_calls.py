"""What bad input gets: a status and a last error that names the fault, and nothing else."""

from __future__ import annotations

import ctypes
import itertools
import json
import threading
import time

import pytest

from bells import eventually, settings
from taskbell import Bell, TaskbellError, _bell, _native
from tools import python

MIB = 1 << 20


@pytest.fixture
def bell(tmp_path, receive, ring):
    return ring(settings(tmp_path, receive().url()))


def emit(bell, kind, payload, length=None):
    """The raw call: status and last error."""
    size = (len(payload) if payload is not None else 2) if length is None else length
    status = _native.library().taskbell_emit(bell._handle, kind, payload, size, None)
    return status, _native.last_error()


BAD_EVENTS = [
    (None, b"{}", {"INVALID_ARGUMENT"}, "type"),
    (b"", b"{}", {"INVALID_ARGUMENT"}, "type"),
    (b"Task.Complete", b"{}", {"INVALID_ARGUMENT"}, "Task.Complete"),
    (b"a..b", b"{}", {"INVALID_ARGUMENT"}, "a..b"),
    (b"a b", b"{}", {"INVALID_ARGUMENT"}, "a b"),
    (b"x" * 65, b"{}", {"INVALID_ARGUMENT"}, "64"),
    (b"\xff\xfe", b"{}", {"INVALID_ARGUMENT"}, "UTF-8"),
    (b"test.event", None, {"INVALID_ARGUMENT"}, "json"),
    (b"test.event", b"", {"INVALID_JSON"}, ""),
    (b"test.event", b"{", {"INVALID_JSON"}, "line 1"),
    (b"test.event", b'{"a": 1,\n "b": }', {"INVALID_JSON"}, "line 2"),
    (b"test.event", b"[1, 2]", {"INVALID_JSON"}, "object"),
    (b"test.event", b'"text"', {"INVALID_JSON"}, "object"),
    (b"test.event", b"null", {"INVALID_JSON"}, "object"),
    (b"test.event", b"{} {}", {"INVALID_JSON"}, "line 1"),
    (b"test.event", b'{"a": NaN}', {"INVALID_JSON"}, "line 1"),
    (b"test.event", b'{"a": "\xc3\x28"}', {"INVALID_JSON", "INVALID_ARGUMENT"}, "UTF-8"),
    (b"test.event", b'{"a": "\\ud800"}', {"INVALID_JSON"}, ""),
    (b"test.event", b'{"a": "' + b"x" * MIB + b'"}', {"TOO_LARGE"}, "bytes"),
]


@pytest.mark.parametrize(("kind", "payload", "names", "words"), BAD_EVENTS)
def test_a_bad_event_is_refused_by_name(bell, kind, payload, names, words):
    before = bell.stats()["accepted"]
    status, message = emit(bell, kind, payload)
    assert _native.error_name(status) in names, message
    assert message
    assert words in message
    assert bell.stats()["accepted"] == before
    assert emit(bell, b"test.event", b"{}")[0] == 0


def test_refusals_are_counted_by_reason(bell):
    emit(bell, b"Bad", b"{}")
    emit(bell, b"test.event", b"[]")
    emit(bell, b"test.event", b'{"a": "' + b"x" * MIB + b'"}')
    refused = bell.stats()["refused"]
    assert (refused["invalid"], refused["too_large"]) == (2, 1)


def test_the_largest_event_is_taken(bell):
    frame = len('{"a": ""}')
    assert emit(bell, b"test.event", b'{"a": "' + b"x" * (MIB - frame) + b'"}')[0] == 0


def test_null_where_a_value_is_required_is_an_error(bell):
    library = _native.library()
    handle = ctypes.c_void_p()
    calls = [
        library.taskbell_open(None, ctypes.byref(handle)),
        library.taskbell_open(b"{}", None),
        library.taskbell_init(None),
        library.taskbell_reload(bell._handle, None),
        library.taskbell_metric(bell._handle, None, 1.0),
        library.taskbell_check(None, None, 0, None),
        library.taskbell_preview(None, b"test.event", b"{}", None, 0, None),
        library.taskbell_verify(None, b"{}", b"", 0, 0),
        library.taskbell_verify(b"{}", None, b"", 0, 0),
    ]
    assert [_native.error_name(call) for call in calls] == ["INVALID_ARGUMENT"] * len(calls)


def test_a_small_buffer_is_told_its_size_and_left_alone(bell):
    library = _native.library()
    buffer = ctypes.create_string_buffer(b"mine", 8)
    needed = ctypes.c_size_t(0)
    status = library.taskbell_stats(bell._handle, ctypes.addressof(buffer), 8, ctypes.byref(needed))
    assert (_native.error_name(status), buffer.value) == ("BUFFER_TOO_SMALL", b"mine")
    whole = ctypes.create_string_buffer(needed.value)
    status = library.taskbell_stats(bell._handle, ctypes.addressof(whole), needed.value, ctypes.byref(needed))
    # The numbers may have grown by a digit between the two calls.
    assert _native.error_name(status) == "BUFFER_TOO_SMALL" or whole.value.startswith(b"{")


def test_a_report_is_kept_when_its_buffer_is_too_small(bell):
    assert bell.wait(bell.emit("test.event"))
    eventually("a report", lambda: bell.stats()["delivered"] == 1)
    needed = ctypes.c_size_t(0)
    poll = _native.library().taskbell_poll
    status = eventually(
        "a report that does not fit",
        lambda: poll(bell._handle, None, 0, ctypes.byref(needed)) == _native.BUFFER_TOO_SMALL,
    )
    assert status
    assert needed.value > 1
    report = bell.poll()
    assert report is not None
    assert report["state"] == "delivered"


def test_each_thread_has_its_own_last_error(bell):
    emit(bell, b"Bad Type", b"{}")
    seen = []
    other = threading.Thread(target=lambda: seen.append(_native.last_error()))
    other.start()
    other.join()
    assert seen == [""]
    assert "Bad Type" in _native.last_error()


def test_calls_after_close_are_refused(tmp_path, receive):
    bell = Bell(settings(tmp_path, receive().url()), strict=True)
    handle = bell._handle
    bell.close()
    library = _native.library()
    calls = [
        library.taskbell_emit(handle, b"test.event", b"{}", 2, None),
        library.taskbell_metric(handle, b"a", 1.0),
        library.taskbell_flush(handle, 10),
        library.taskbell_sync(handle, 10),
        library.taskbell_wait(handle, 1, 10),
        library.taskbell_reload(handle, b"{}"),
        library.taskbell_close(handle, 10, None),
        library.taskbell_set_log(handle, _native.LogFunction(), None),
        _native.text_out(library.taskbell_stats, handle)[0],
        _native.text_out(library.taskbell_poll, handle)[0],
    ]
    assert [_native.error_name(call) for call in calls] == ["CLOSED"] * len(calls)
    assert bell.close() == 0
    with pytest.raises(TaskbellError) as refusal:
        bell.emit("test.event")
    assert refusal.value.name == "CLOSED"


class SlowLog:
    """A log function whose first call waits until it is let go."""

    def __init__(self, bell):
        self.inside = threading.Event()
        self.go = threading.Event()
        self.running = 0
        bell.set_log(self.call)

    def call(self, _level, _message):
        self.running += 1
        self.inside.set()
        self.go.wait(30)
        self.running -= 1


def name_of(status):
    return "OK" if status == _native.OK else _native.error_name(status)


def slow_log(tmp_path, receive):
    """A bell whose log function is in a call."""
    bell = Bell(settings(tmp_path, receive().url()))
    log = SlowLog(bell)
    bell.emit("test.event", {})
    assert log.inside.wait(30)
    return bell, log


def raw_close(handle, timeout_ms):
    """The raw call: the name of the status, and the number of deliveries left, -1 when it was not written."""
    left = ctypes.c_uint64(2**64 - 1)
    status = _native.library().taskbell_close(handle, timeout_ms, ctypes.byref(left))
    return name_of(status), ctypes.c_int64(left.value).value


def test_close_waits_for_a_running_log_function_until_its_timeout(tmp_path, receive):
    bell, log = slow_log(tmp_path, receive)
    threading.Timer(0.5, log.go.set).start()
    name, left = raw_close(bell._handle, 20_000)
    assert (name, left, log.running) == ("OK", 0, 0)


def test_close_that_leaves_a_log_function_running_says_so_and_waits_for_it_the_next_time(tmp_path, receive):
    bell, log = slow_log(tmp_path, receive)
    handle = bell._handle
    for _ in range(2):
        start = time.monotonic()
        assert raw_close(handle, 300) == ("TIMEOUT", 0)
        assert 0.2 < time.monotonic() - start < 5
        assert log.running == 1
        assert "log function" in _native.last_error()
    assert emit(bell, b"test.event", b"{}")[0] == _native.CLOSED
    assert _native.error_name(_native.text_out(_native.library().taskbell_stats, handle)[0]) == "CLOSED"
    log.go.set()
    assert raw_close(handle, 20_000) == ("OK", 0)
    assert log.running == 0
    assert raw_close(handle, 0)[0] == "CLOSED"


def test_the_binding_keeps_a_log_function_that_still_runs(tmp_path, receive):
    bell, log = slow_log(tmp_path, receive)
    bell.close(0.1)
    assert bell in _bell._open_bells
    log.go.set()
    bell.close(20)
    assert bell not in _bell._open_bells


DEFAULT_WITH_A_SLOW_LOG = """
import json, sys, threading, taskbell
from taskbell import _native
inside, go = threading.Event(), threading.Event()
taskbell.init(sys.argv[1])
taskbell.default.set_log(lambda level, message: (inside.set(), go.wait(30)))
taskbell.default.emit("test.event", {})
assert inside.wait(30)
codes = [_native.library().taskbell_shutdown(100)]
go.set()
codes += [_native.library().taskbell_shutdown(milliseconds) for milliseconds in (20000, 100)]
taskbell.init(sys.argv[1])
print(codes == [_native.TIMEOUT, _native.OK, _native.CLOSED], codes)
"""


def test_shutdown_may_be_called_again_while_the_log_function_runs(tmp_path, receive):
    config = json.dumps(settings(tmp_path, receive().url()))
    assert python(DEFAULT_WITH_A_SLOW_LOG, config).startswith("True")


BEFORE_OPEN = """
import os, sys, taskbell
from taskbell import _native
taskbell.default.strict = True
for call in (lambda: taskbell.on_task_complete({}), lambda: taskbell.on_queue_end(None)):
    try:
        call()
        raise SystemExit("no error")
    except taskbell.TaskbellError as fault:
        assert fault.name == "CONFIG", fault
        assert "taskbell.toml" in fault.message, fault
status = _native.library().on_task_complete(b"{")
assert _native.error_name(status) in {"INVALID_JSON", "CONFIG"}, status
assert os.listdir(".") == [], os.listdir(".")
print("ok")
"""


def test_without_a_configuration_the_two_calls_say_what_is_missing(tmp_path):
    assert "ok" in python(BEFORE_OPEN, cwd=tmp_path, env={"TASKBELL_CONFIG": None, "HOME": str(tmp_path)})


OPENS_ITSELF = """
import taskbell
taskbell.on_task_complete(None)
taskbell.on_task_complete({})
assert taskbell.default.stats()["accepted"] == 2
assert taskbell.shutdown(20) == 0
print("ok")
"""

TOML = """
[spool]
path = '{spool}'
[endpoints.main]
url = "{url}"
[[hooks]]
on = ["task.complete"]
to = ["main"]
"""


@pytest.mark.parametrize("named", [True, False])
def test_the_default_instance_opens_itself_on_first_use(tmp_path, receive, named):
    receiver = receive()
    place = tmp_path / ("named.toml" if named else "taskbell.toml")
    place.write_text(TOML.format(spool=tmp_path / "bell.db", url=receiver.url()))
    env = {"TASKBELL_CONFIG": str(place) if named else None}
    assert "ok" in python(OPENS_ITSELF, cwd=tmp_path, env=env)
    assert len(receiver.wait_for(2)) == 2


def test_64_threads_emit_while_another_closes_and_nothing_is_lost(tmp_path, receive):
    receiver = receive()
    config = settings(tmp_path, receiver.url())
    bell = Bell(config)
    handle = bell._handle
    taken: list[int] = []
    refused: set[str] = set()

    def worker(number: int) -> None:
        for turn in itertools.count():
            body = b'{"n": %d}' % (number * 1_000_000 + turn)
            status = _native.library().taskbell_emit(handle, b"test.event", body, len(body), None)
            if status == 0:
                taken.append(number * 1_000_000 + turn)
            else:
                refused.add(_native.error_name(status))
                if status == _native.CLOSED:
                    return
            # The pace of 64 busy hosts, not of a loop that fills the disk.
            time.sleep(0.002)

    threads = [threading.Thread(target=worker, args=(number,), daemon=True) for number in range(64)]
    for thread in threads:
        thread.start()
    eventually("some events", lambda: len(taken) >= 128)
    bell.close(0.5)
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert "CLOSED" in refused
    assert refused <= {"CLOSED", "QUEUE_FULL"}

    def arrived() -> set[int]:
        return {request.json()["data"]["n"] for request in list(receiver.requests)}

    with Bell(config):
        eventually("every event that was taken", lambda: arrived() >= set(taken), timeout=120)
    assert arrived() == set(taken)
