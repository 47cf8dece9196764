"""Metrics that cross a threshold ring once, and once more when they are good again."""

from __future__ import annotations

import json
import math
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

import taskbell
from bells import endpoint, eventually, settings, switches
from tools import ROOT, need, python, run

KILLED = -9
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def watching(tmp_path, receiver, *alerts, **sections):
    """A configuration whose alerts ring at one receiver, in order; above 90 unless they say otherwise."""
    bounds = [{} if "below" in alert else {"above": 90} for alert in alerts]
    alerts = [{"name": "a", "metric": "m", **bound, **alert} for bound, alert in zip(bounds, alerts)]
    return settings(
        tmp_path,
        endpoints={"e0": endpoint(receiver.url(), concurrency=1)},
        hooks=[{"on": ["alert.firing", "alert.resolved", "test.event"], "to": ["e0"]}],
        alerts=alerts,
        **sections,
    )


def told(receiver, bell=None):
    """The alerts told of so far; with a bell, up to now for certain."""
    # Values that come while the bell opens are judged once it has: when the first event has ended, their
    # alerts stand before the second.
    for _ in range(2 if bell else 0):
        assert bell.wait(bell.emit("test.event"), 30)
    bodies = [request.json() for request in list(receiver.requests)]
    return [(body["type"], body["data"].get("alert")) for body in bodies if body["type"] != "test.event"]


def kinds(receiver, bell=None):
    return [kind.split(".")[1] for kind, _ in told(receiver, bell)]


def test_a_metric_of_the_host_fires_once_and_resolves_once(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(watching(tmp_path, receiver, {"clear": 80}))
    for value in (50, 91, 99.5, 85, 95, 80.5):
        bell.metric("m", value)
    bell.metric("other", 1000)
    assert kinds(receiver, bell) == ["firing"]
    assert bell.stats()["alerts_firing"] == 1
    for value in (80, 10, 90):
        bell.metric("m", value)
    (_, firing), (_, resolved) = told(receiver, bell)
    assert {
        key: firing[key] for key in ("name", "metric", "value", "threshold", "direction", "reminder")
    } == {
        "name": "a",
        "metric": "m",
        "value": 91,
        "threshold": 90,
        "direction": "above",
        "reminder": 0,
    }
    assert resolved["value"] == 80
    assert resolved["since"] == firing["since"]
    assert resolved["duration_s"] >= 0
    assert kinds(receiver) == ["firing", "resolved"]
    stats = bell.stats()
    assert (stats["alerts_firing"], stats["alert_events"]) == (0, 2)


def test_the_deadline_of_for_needs_no_further_value(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(watching(tmp_path, receiver, {"for": "1s"}))
    bell.metric("m", 95)
    bell.metric("m", 5)
    assert kinds(receiver, bell) == []
    # Let the bell fall into its deep sleep first: the value has to wake it.
    time.sleep(0.5)
    start, before = time.monotonic(), len(receiver.requests)
    bell.metric("m", 95)
    receiver.wait_for(before + 1)
    assert 0.9 < time.monotonic() - start < 20
    assert kinds(receiver) == ["firing"]


def test_a_second_hook_hears_of_an_alert_that_lasts(tmp_path, receive, ring):
    ops, pager = receive(), receive()
    config = watching(tmp_path, ops, {"every": "1s"})
    config["endpoints"]["pager"] = endpoint(pager.url())
    config["hooks"][0]["when"] = "alert.reminder == 0"
    config["hooks"].append({"on": ["alert.firing"], "to": ["pager"], "min_duration": "1500ms"})
    bell = ring(config)
    bell.metric("m", 95)
    pager.wait_for(1)
    assert told(pager)[0][1]["reminder"] == 2
    assert [alert["reminder"] for _, alert in told(ops)] == [0]


HOST = """
import os, signal, sys, taskbell
bell = taskbell.Bell(sys.argv[1])
for value in map(float, sys.argv[2].split(",")):
    bell.metric("m", value)
while bell.stats()["alert_events"] == 0:
    pass
if sys.argv[3] == "spooled":
    assert bell.sync(20)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("moment", ["at once", "spooled"])
def test_an_alert_of_a_killed_host_is_told_once(tmp_path, receive, ring, moment):
    receiver = receive()
    config = watching(tmp_path, receiver, {})
    python(HOST, json.dumps(config), "95", moment, expect=KILLED)
    bell = ring(config)
    bell.metric("m", 96)
    assert bell.wait(bell.emit("test.event"), 30)
    eventually("the alert", lambda: once(receiver) == ["alert.firing"])
    bell.close(10)
    # Now it ends, and the host dies before it can be told.
    python(HOST, json.dumps(config), "10,11", moment, expect=KILLED)
    bell = ring(config)
    bell.metric("m", 12)
    eventually("its end", lambda: len(once(receiver)) == 2)
    assert bell.wait(bell.emit("test.event"), 30)
    assert once(receiver) == ["alert.firing", "alert.resolved"]


ABOUT_TO_FIRE = """
import os, signal, sys, taskbell
sys.path.append(sys.argv[3])
from bells import eventually, query
bell = taskbell.Bell(sys.argv[1])
bell.metric("m", 95)
kept = "SELECT name FROM state WHERE kind = 'alert'"
eventually("its state in the spool", lambda: query(sys.argv[2], kept))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_time_of_for_goes_on_when_a_host_is_killed_and_started_again(tmp_path, receive, ring):
    receiver = receive()
    config = watching(tmp_path, receiver, {"for": "7s"})
    python(ABOUT_TO_FIRE, json.dumps(config), config["spool"]["path"], Path(__file__).parent, expect=KILLED)
    started = time.time()
    bell = ring(config)
    bell.metric("m", 96)
    eventually("the alert", lambda: once(receiver) == ["alert.firing"])
    ((_, alert),) = told(receiver, bell)
    since = datetime.fromisoformat(alert["since"].replace("Z", "+00:00")).timestamp()
    # It is kept after five seconds.
    assert since <= started - 4.5
    assert (alert["value"], alert["duration_s"] >= 7) == (96, True)


def once(receiver):
    """The alerts told of so far. What a host was sending when it was killed is sent again, by the same id."""
    bodies = {request.header("webhook-id"): request.json() for request in list(receiver.requests)}
    return [body["type"] for body in bodies.values() if body["type"] != "test.event"]


def test_a_value_or_a_name_that_cannot_be_is_refused(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(watching(tmp_path, receiver, {}))
    heard = []
    bell.set_log(lambda level, text: heard.append((level, text)))
    for name, value in [
        ("m", math.nan),
        ("m", math.inf),
        ("m", -math.inf),
        ("", 1.0),
        ("a b", 1.0),
        ("x" * 129, 1.0),
        ("cpu.percent", 1.0),
        ("disk.free_gb:/", 1.0),
    ]:
        with pytest.raises(taskbell.TaskbellError) as refusal:
            bell.metric(name, value)
        assert refusal.value.name == "INVALID_ARGUMENT"
    assert bell.stats()["refused"]["invalid"] == 8
    lines = eventually("the log has it", lambda: [text for _, text in heard if "metric" in text])
    assert len(lines) == 1, lines
    assert "metric `m` is NaN" in lines[0]
    assert kinds(receiver, bell) == []


def watch_threads():
    names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    return names.count("taskbell-watch")


@LINUX
def test_the_memory_of_the_host_fires_and_the_thread_exists_only_while_it_is_needed(tmp_path, receive, ring):
    receiver = receive()
    fed = watching(tmp_path, receiver, {})
    bell = ring(fed)
    assert watch_threads() == 0
    built_in = {"name": "rss", "metric": "process.rss_mb", "above": 0, "sample": "1s"}
    folder = {"name": "disk", "metric": f"disk.free_percent:{tmp_path}", "below": 101}
    bell.reload(watching(tmp_path, receiver, built_in, folder))
    receiver.wait_for(2)
    alerts = {alert["name"]: alert for _, alert in told(receiver, bell)}
    assert 1 < alerts["rss"]["value"] < 1e6
    assert 0 <= alerts["disk"]["value"] <= 100
    assert watch_threads() == 1
    bell.reload(fed)
    eventually("the thread ends", lambda: watch_threads() == 0)
    bell.reload(watching(tmp_path, receiver, built_in))
    eventually("it starts again", lambda: watch_threads() == 1)
    bell.close(5)
    eventually("it ends with the bell", lambda: watch_threads() == 0)


GPU_HOST = """
import sys, taskbell, time
with taskbell.Bell(sys.argv[1]) as bell:
    end = time.monotonic() + 30
    while bell.stats()["delivered"] < int(sys.argv[2]) and time.monotonic() < end:
        time.sleep(0.01)
    print("delivered", bell.stats()["delivered"])
"""


@LINUX
def test_graphics_cards_are_measured_where_the_driver_is(tmp_path, receive):
    drivers = tmp_path / "drivers"
    drivers.mkdir()
    source = ROOT / "tests" / "c" / "nvml.c"
    run(need("cc"), "-std=c11", "-shared", "-fPIC", source, "-o", drivers / "libnvidia-ml.so.1")
    receiver = receive()
    alerts = [
        {"name": "hot", "metric": "gpu.0.temperature_c", "above": 60},
        {"name": "memory", "metric": "gpu.1.memory_percent", "above": 24.5},
        {"name": "busy", "metric": "gpu.0.percent", "above": 36},
        {"name": "not told by this card", "metric": "gpu.1.percent", "below": 101},
        {"name": "no such card", "metric": "gpu.9.percent", "below": 101},
    ]
    config = json.dumps(watching(tmp_path, receiver, *alerts))
    output = python(GPU_HOST, config, 3, env={"LD_LIBRARY_PATH": str(drivers)})
    assert "delivered 3" in output
    values = {alert["name"]: alert["value"] for _, alert in told(receiver)}
    assert values == {"hot": 66, "memory": 25, "busy": 37}


@LINUX
def test_without_a_driver_graphics_cards_have_no_value_and_nothing_is_said(tmp_path, receive, ring):
    receiver = receive()
    gpu = {"name": "hot", "metric": "gpu.99.temperature_c", "below": 1000, "sample": "1s"}
    rss = {"name": "rss", "metric": "process.rss_mb", "above": 0, "sample": "1s"}
    config = watching(tmp_path, receiver, gpu, rss)
    report = taskbell.check(config)
    assert (report["ok"], report["warnings"]) == (True, [])
    bell = ring(config)
    said = []
    bell.set_log(lambda _level, text: said.append(text))
    receiver.wait_for(1)
    assert [alert["name"] for _, alert in told(receiver, bell)] == ["rss"]
    assert not any("gpu" in text for text in said)


@LINUX
def test_a_watch_over_quiet_metrics_hardly_wakes(tmp_path, receive, ring):
    alerts = [{"name": "fed", "for": "1h", "every": "1h"}, {"name": "rss", "metric": "process.rss_mb"}]
    bell = ring(watching(tmp_path, receive(), *[{**alert, "above": 1e9} for alert in alerts]))
    bell.metric("m", 2e9)
    before, start = switches(), time.monotonic()

    def settled():
        nonlocal before, start
        count, now = switches(), time.monotonic()
        if count != before and now - start < 3:
            before, start = count, now
        return now - start >= 3

    eventually("three quiet seconds", settled)
    assert switches() - before < 6
    # Values that change nothing wake nobody.
    before = switches()
    for value in range(1000):
        bell.metric("m", 2e9 + value)
    assert switches() - before < 6
