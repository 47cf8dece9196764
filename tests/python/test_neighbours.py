"""Several processes on one spool: hosts, and the command line."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections import Counter

import pytest

from bells import endpoint, eventually, settings, switches
from fake_platform import command
from steps import Hang, Reply
from test_crash import HOST, KILLED
from tools import need, python, run


@pytest.fixture
def start(host):
    """Starts a host that has this many events in the spool: ``start(config, first, count)``."""

    def start_host(config, first, count):
        started = host(config)
        for n in range(first, first + count):
            started.call("emit", "test.event", {"n": n})
        assert started.call("sync", 20)
        return started

    return start_host


def number(request):
    return request.json()["data"]["n"]


def test_a_living_host_sends_what_a_killed_one_had_in_flight_and_in_line(tmp_path, receive, ring, start):
    receiver = receive([Hang(), Hang()])
    config = settings(tmp_path, endpoints={"e0": endpoint(receiver.url(), timeout="60s", concurrency=2)})
    survivor = ring(config)
    victim = start(config, 0, 10)
    in_flight = {request.header("webhook-id") for request in receiver.wait_for(2)}
    victim.kill()
    killed = time.monotonic()
    eventually("every event", lambda: {number(r) for r in receiver.requests[2:]} == set(range(10)))
    assert time.monotonic() - killed < 15
    counts = Counter(request.header("webhook-id") for request in receiver.requests)
    assert {event for event, count in counts.items() if count > 1} == in_flight
    assert survivor.stats()["recovered"] == 10


def test_a_host_that_is_alone_notices_the_death_of_a_newcomer(tmp_path, receive, ring):
    receiver = receive()
    config = settings(tmp_path, receiver.url())
    ring(config)
    time.sleep(0.5)  # into deep sleep, with nobody else in sight
    python(HOST, json.dumps(config), 0, 20, expect=KILLED)
    killed = time.monotonic()
    eventually("every event", lambda: {number(r) for r in receiver.requests} == set(range(20)))
    assert time.monotonic() - killed < 15


TALLY = """
import os, signal, sys, taskbell
bell = taskbell.Bell(sys.argv[1])
for task in range(7):
    bell.task_complete({"id": str(task)})
if sys.argv[2] == "spooled":
    assert bell.sync(20)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("moment", ["at once", "spooled"])
def test_the_counts_of_a_killed_host_go_on_in_a_living_one(tmp_path, receive, ring, moment):
    receiver = receive()
    config = settings(tmp_path, receiver.url(), hooks=[{"on": ["queue.end"], "to": ["e0"]}])
    survivor = ring(config)
    survivor.task_complete({"id": "mine"})
    assert survivor.sync(20)
    python(TALLY, json.dumps(config), moment, expect=KILLED)
    eventually("nothing is left of it", lambda: len(list(tmp_path.glob("*.ring"))) == 1)
    assert survivor.sync(20)
    survivor.queue_end()
    (request,) = receiver.wait_for(1)
    assert request.json()["data"]["queue"]["total"] == 8


CHILD = """
import json, os, signal, sys, taskbell
bell = taskbell.Bell(sys.argv[1])
for n in range(int(sys.argv[2])):
    assert bell.emit("test.event", {"n": n})
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("children", [1, 3])
def test_a_parent_that_closes_sends_what_its_dead_children_accepted(tmp_path, receive, ring, children):
    receiver = receive()
    config = settings(tmp_path, receiver.url())
    parent = ring(config)
    for _ in range(children):
        python(CHILD, json.dumps(config), 20, expect=KILLED)
    assert parent.close(20) == 0
    assert Counter(number(r) for r in receiver.requests) == dict.fromkeys(range(20), children)
    assert list(tmp_path.glob("*.ring*")) == []


def test_a_parent_without_time_counts_what_its_dead_child_accepted(tmp_path, receive, ring):
    receiver = receive([Hang()] * 100)
    config = settings(tmp_path, endpoints={"e0": endpoint(receiver.url(), timeout="60s", concurrency=1)})
    parent = ring(config)
    python(CHILD, json.dumps(config), 20, expect=KILLED)
    assert parent.close(0.5) == 20


def test_deliver_sends_what_waits_and_says_whether_anything_is_left(tmp_path, receive):
    receiver = receive([Hang()])
    config = settings(tmp_path, endpoints={"e0": endpoint(receiver.url(), timeout="60s", concurrency=1)})
    path = tmp_path / "taskbell.json"
    path.write_text(json.dumps(config))
    assert run(command(), "deliver", path) == "nothing waits\n"
    python(CHILD, str(path), 3, expect=KILLED)
    left = run(command(), "deliver", path, "--timeout", "500ms", "--json", expect=3)
    assert json.loads(left.splitlines()[-1]) == {"ok": False, "delivered": 0, "dead": 0, "left": 3}
    sent = run(command(), "deliver", path, "--json")
    assert json.loads(sent.splitlines()[-1]) == {"ok": True, "delivered": 3, "dead": 0, "left": 0}
    assert {number(request) for request in receiver.requests} == {0, 1, 2}


SCRIPT = """
import sys, taskbell
bell = taskbell.Bell(sys.argv[1])
bell.emit("test.event", {"n": 1})
"""


def test_a_script_that_ends_before_its_slow_receiver_answers_sends_once(tmp_path, receive):
    receiver = receive([Reply(delay=5)])
    config = settings(tmp_path, receiver.url())
    config["endpoints"]["e0"]["timeout"] = "30s"
    for _ in range(2):
        python(SCRIPT, json.dumps(config))
    assert [number(request) for request in receiver.requests] == [1, 1]
    assert len({request.header("webhook-id") for request in receiver.requests}) == 2


def interrupted_settings(tmp_path, receiver):
    hooks = [
        {"on": ["queue.start"], "to": ["e0"]},
        {"on": ["queue.end"], "to": ["e0"], "only_failures": True},
    ]
    return settings(tmp_path, endpoints={"e0": endpoint(receiver.url(), concurrency=1)}, hooks=hooks)


def told(receiver):
    """The type of each message, whether its queue was interrupted, and how many tasks it had."""
    bodies = [request.json() for request in list(receiver.requests)]
    queues = [(body["type"], body["data"]["queue"]) for body in bodies]
    return [(kind, queue.get("interrupted", False), queue["total"]) for kind, queue in queues]


@pytest.mark.parametrize("moment", ["at once", "spooled"])
def test_a_queue_that_was_killed_in_the_middle_is_told_by_the_next_start_and_the_next_begins_at_zero(
    tmp_path, receive, ring, moment
):
    receiver = receive()
    config = interrupted_settings(tmp_path, receiver)
    python(TALLY, json.dumps(config), moment, expect=KILLED)
    bell = ring(config)
    eventually("the end of the dead queue", lambda: told(receiver) == [("queue.end", True, 7)])
    bell.emit("queue.start", {})
    for status in ["error", "success"]:
        bell.task_complete({"status": status})
    bell.queue_end()
    wanted = [("queue.end", True, 7), ("queue.start", False, 0), ("queue.end", False, 2)]
    eventually("the next queue", lambda: told(receiver) == wanted)


def test_a_queue_that_a_living_host_has_counted_in_goes_on(tmp_path, receive, start):
    receiver = receive()
    config = interrupted_settings(tmp_path, receiver)
    living, victim = start(config, 0, 0), start(config, 0, 0)
    for host in [living, victim, victim]:
        host.call("task_complete", {"status": "error"})
        assert host.call("sync", 20)
    victim.kill()
    again = start(config, 0, 0)
    again.call("emit", "server.start", {})
    assert again.call("flush", 20)
    eventually("nothing is left of the dead one", lambda: len(list(tmp_path.glob("*.ring"))) == 2)
    assert told(receiver) == []
    for host in [again, living]:
        host.call("emit", "queue.end", {})
        assert host.call("flush", 20)
        host.close()
    eventually("every task in an end", lambda: sum(total for _, _, total in told(receiver)) == 3)
    assert not any(was_interrupted for _, was_interrupted, _ in told(receiver))


def test_hosts_that_die_and_start_together_end_their_queue_once(tmp_path, receive, host):
    receiver = receive()
    config = interrupted_settings(tmp_path, receiver)
    for deaths in range(1, 5):
        hosts = [host(config), host(config)]
        for one in hosts:
            assert one.call("sync", 20)
        eventually("the ends of the dead", lambda count=deaths - 1: len(told(receiver)) == count)
        for one in hosts:
            one.call("task_complete", {"status": "error"})
            assert one.call("sync", 20)
        for one in hosts:
            one.kill()
    assert told(receiver) == [("queue.end", True, 2)] * 3


def test_two_busy_hosts_send_nothing_twice(tmp_path, receive, start):
    receiver = receive()
    config = settings(tmp_path, endpoints={"e0": endpoint(receiver.url(), concurrency=4)})
    hosts = [start(config, first, 150) for first in (0, 1000)]
    python(HOST, json.dumps(config), 2000, 0, expect=KILLED)
    receiver.wait_for(300)
    for host in hosts:
        host.close()
    counts = Counter(number(request) for request in receiver.requests)
    assert set(counts) == {*range(150), *range(1000, 1150)}
    assert set(counts.values()) == {1}


def test_what_a_host_leaves_when_it_closes_is_sent_by_the_one_that_stays(tmp_path, receive, ring):
    receiver = receive([Hang()])
    config = settings(tmp_path, endpoints={"e0": endpoint(receiver.url(), timeout="60s", concurrency=1)})
    ring(config)
    leaver = ring(config)
    for n in range(3):
        leaver.emit("test.event", {"n": n})
    receiver.wait_for(1)
    assert leaver.close(0.2) == 3
    eventually("all three", lambda: {number(r) for r in receiver.requests[1:]} == {0, 1, 2}, 5)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("neighbour", [False, True])
def test_an_idle_host_hardly_ever_wakes(tmp_path, receive, ring, start, neighbour):
    config = settings(tmp_path, receive().url())
    if neighbour:
        start(config, 0, 0)
    ring(config)
    time.sleep(1.5)
    before = switches()
    time.sleep(6)
    woken = switches() - before
    assert woken < (2 * 6 if neighbour else 2), woken


def test_a_bell_in_memory_uses_no_processor_once_its_messages_are_delivered(tmp_path, receive, ring):
    bell = ring(settings(tmp_path, receive().url(), spool={"path": ":memory:"}))
    bell.emit("test.event")
    assert bell.flush(30)

    def rests():
        before = time.process_time()
        time.sleep(1)
        return time.process_time() - before < 0.05

    eventually("a second without work", rests)


def test_the_command_line_replays_beside_a_running_host_that_sleeps(tmp_path, receive, ring):
    receiver = receive([Reply(410)])
    config = settings(tmp_path, receiver.url())
    place = tmp_path / "bell.json"
    place.write_text(json.dumps(config))
    bell = ring(str(place))
    bell.emit("test.event", {"n": 1})
    eventually("a dead letter", lambda: bell.stats()["dead"] == 1)
    assert "e0" in run(command(), "list", place, "--dead")
    time.sleep(0.5)
    began = time.monotonic()
    assert "the running host sends it now" in run(command(), "replay", place, "--dead")
    first, second = receiver.wait_for(2)
    assert time.monotonic() - began < 2
    assert (first.header("webhook-id"), first.body) == (second.header("webhook-id"), second.body)
    assert second.header("taskbell-attempt") == "2"
    eventually("delivered", lambda: bell.stats()["delivered"] == 1)
    assert bell.stats()["lanes"]["e0"]["state"] == "open"


SLOW_NAMES = """
import sys, time, taskbell
bell = taskbell.Bell(sys.argv[1])
bell.emit("test.event", {"n": 1})
assert bell.sync(20)
time.sleep(0.5)
start = time.monotonic()
left = bell.close(0.5)
took = time.monotonic() - start
assert left == 1, left
assert took < 0.5 + 0.25 + 1.0, took
print("in time")
"""


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs a mount of its own")
def test_close_keeps_its_time_while_the_name_server_hangs(tmp_path, receive, ring):
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.77", 53))
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.77\noptions timeout:30 attempts:3\n")
    receiver = receive()
    config = settings(tmp_path, "http://hung.example:9/")
    config["endpoints"]["e0"]["timeout"] = "60s"
    code = tmp_path / "host.py"
    code.write_text(SLOW_NAMES)
    said = run(
        need("unshare"), "-m", "sh", "-c",
        f'mount --bind "{tmp_path}/resolv.conf" /etc/resolv.conf && exec "$0" "$@"',
        sys.executable, code, json.dumps(config),
    )  # fmt: skip
    assert "in time" in said
    assert silent.recv(512), "the server was asked"
    silent.close()
    config["endpoints"]["e0"]["url"] = receiver.url()
    ring(config)
    (request,) = receiver.wait_for(1)
    assert number(request) == 1


def test_titles_name_the_host_as_soon_as_another_host_shares_the_spool(tmp_path, receive, ring, start):
    receiver = receive()
    shown = endpoint(receiver.url(), platform="discord", rate=[])
    hooks = [{"on": ["test.event"], "to": ["e0"]}]
    config = settings(tmp_path, endpoints={"e0": shown}, hooks=hooks, host={"name": "studio"})
    bell = ring(config)

    def next_title():
        count = len(receiver.requests)
        bell.emit("test.event")
        return receiver.wait_for(count + 1)[count].json()["embeds"][0]["title"]

    assert next_title() == "test.event"
    start(config, 0, 0)
    time.sleep(1)
    assert next_title() == "test.event", "another process of the same host"
    start({**config, "host": {"name": "farm"}}, 0, 0)
    eventually("the host in the title", lambda: next_title() == "test.event · studio")


def test_what_hosts_leave_behind_failed_attempts_is_taken_over_within_five_seconds(
    tmp_path, receive, ring, start
):
    receiver = receive(default=Reply(500))
    waits = {"e0": endpoint(receiver.url(), retry={"schedule": ["1h"]})}
    config = settings(tmp_path, endpoints=waits)
    survivors = [ring(config), ring(config)]
    leavers = [start(config, first, 3) for first in (0, 3, 6)]
    receiver.wait_for(9)
    for leaver in leavers:
        leaver.close()
    closed = time.monotonic()
    eventually("every delivery", lambda: sum(bell.stats()["recovered"] for bell in survivors) == 9)
    assert time.monotonic() - closed < 6
