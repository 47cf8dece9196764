"""After fork() the C calls of the child say so, the binding opens its bells anew, and the parent goes on."""

from __future__ import annotations

import json

from bells import eventually, settings
from tools import python

HOST = """
import json, os, sys, taskbell
from taskbell import _native
mine, childs = sys.argv[1:]
taskbell.init(mine)
bell = taskbell.Bell(json.dumps({**json.loads(mine), "spool": {"path": ":memory:"}}))
bell.emit("test.event", {"who": "parent before"})
taskbell.on_task_complete({"name": "parent before"})
closed = taskbell.Bell(json.dumps({**json.loads(mine), "spool": {"path": ":memory:"}}))
closed.close(20)

child = os.fork()
if child == 0:
    library, handle = _native.library(), bell._handle
    seen = [
        library.taskbell_emit(handle, b"test.event", b"{}", 2, None),
        library.taskbell_flush(handle, 1),
        library.taskbell_stats(handle, None, 0, None),
        library.taskbell_close(handle, 1, None),
        library.on_task_complete(b"{}"),
        library.taskbell_stats(None, None, 0, None),
    ]
    assert seen == [_native.FORKED] * len(seen), seen
    assert _native.last_error(), "no words"
    assert bell.wait(bell.emit("test.event", {"who": "child of a bell"}), 20)
    assert closed.emit("test.event") == 0, "what the parent has closed stays closed"
    taskbell.init(childs)
    taskbell.on_task_complete({"name": "child"})
    assert taskbell.shutdown(20) == 0
    sys.exit(7)
_, status = os.waitpid(child, 0)
assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 7, status
bell.emit("test.event", {"who": "parent after"})
taskbell.on_task_complete({"name": "parent after"})
assert bell.close(20) == 0
assert taskbell.shutdown(20) == 0
print("ok")
"""


def test_the_child_starts_anew_and_the_parent_goes_on(tmp_path, receive):
    parents, childs = receive(), receive()
    (tmp_path / "parent").mkdir()
    (tmp_path / "child").mkdir()
    mine = settings(tmp_path / "parent", parents.url())
    other = settings(tmp_path / "child", childs.url())
    assert "ok" in python(HOST, json.dumps(mine), json.dumps(other), timeout=120)
    names = [request.json()["data"]["task"]["name"] for request in childs.wait_for(1)]
    assert names == ["child"]
    bodies = [request.json()["data"] for request in parents.wait_for(5)]
    said = sorted(body.get("who") or body["task"]["name"] for body in bodies)
    assert said == ["child of a bell", "parent after", "parent after", "parent before", "parent before"]


SAME_SPOOL = """
import os, sys, taskbell
config = sys.argv[1]
taskbell.init(config)
taskbell.on_task_complete({"name": "parent"})
child = os.fork()
if child == 0:
    taskbell.on_task_complete({"name": "child"})
    assert taskbell.shutdown(20) == 0
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
assert taskbell.shutdown(20) == 0
print("ok")
"""


def test_parent_and_child_may_share_a_spool(tmp_path, receive):
    receiver = receive()
    config = json.dumps(settings(tmp_path, receiver.url()))
    assert "ok" in python(SAME_SPOOL, config, timeout=120)
    names = {request.json()["data"]["task"]["name"] for request in receiver.wait_for(2)}
    assert names == {"parent", "child"}


BUSY = """
import json, os, signal, sys, threading, taskbell
shared, own = sys.argv[1:]
own_config = {**json.loads(shared), "spool": {"path": own + "-parent"}}
bells = [taskbell.Bell(shared), taskbell.Bell(json.dumps(own_config))]
stop = threading.Event()

def keep_busy(bell):
    number = 0
    while not stop.is_set():
        bell.emit("test.event", {"who": f"parent {number}"})
        number += 1
        stop.wait(0.0005)

threads = [threading.Thread(target=keep_busy, args=[bell]) for bell in bells]
for thread in threads:
    thread.start()
for number in range(24):
    child = os.fork()
    if child == 0:
        # A child that waits for a lock of its parent's ends by the alarm.
        signal.alarm(100)
        config = json.loads(shared)
        if number % 2:
            config["spool"]["path"] = f"{own}-{number}"
        taskbell.init(config)
        taskbell.on_task_complete({"name": f"child {number}"})
        os._exit(0 if taskbell.shutdown(60) == 0 else 3)
    assert os.waitpid(child, 0)[1] == 0, number
stop.set()
for thread in threads:
    thread.join()
print("ok")
"""


def test_a_child_opens_a_spool_whatever_its_parents_threads_were_doing(tmp_path, receive):
    receiver = receive()
    config = json.dumps(settings(tmp_path, receiver.url()))
    assert "ok" in python(BUSY, config, str(tmp_path / "own.db"), timeout=240)

    def arrived() -> set[str]:
        tasks = (request.json()["data"].get("task") for request in receiver.wait_for(0))
        return {task["name"] for task in tasks if task}

    eventually("every child's message", lambda: arrived() == {f"child {number}" for number in range(24)})
