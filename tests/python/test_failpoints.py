"""A process that dies at each step of the pipeline: nothing accepted is lost, nothing gets a second id.

The processes that die load a library that has the places at which one can end them
(``crates/ring/src/failpoint.rs``): ``TASKBELL_FAILPOINTS_LIBRARY``, else the library under test. The
release library has none.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from bells import eventually, query, settings
from receiver import Reply
from tools import lacking, python

ABORTED = -signal.SIGABRT
EACH = 12
RELEASE = os.environ.get("TASKBELL_RELEASE_LIBRARY")

HOST = """
import os, sys, taskbell
bell = taskbell.Bell(sys.argv[1])
log = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
first, count = int(sys.argv[3]), int(sys.argv[4])
for number in range(first, first + count):
    bell.emit("task.complete", {"id": str(number)})
    os.write(log, b"%d\\n" % number)
    if number % 4 == 3:
        bell.sync(30)
bell.flush(30)
if len(sys.argv) > 5:
    os.kill(os.getpid(), int(sys.argv[5]))
"""

# The turns at which it dies: the first, and a later one.
LATER = {
    7: ["before-ring-commit", "after-ring-commit"],
    3: ["before-transaction", "before-commit", "after-commit", "after-ring-release"],
    2: ["after-early-dispatch"],
    5: ["before-send", "after-send"],
}
PLACES = [f"{place}:{turn}" for later, places in LATER.items() for place in places for turn in (1, later)]


@pytest.fixture(scope="session")
def failing_library(library_path) -> Path:
    """A library that was built with the feature ``failpoints``."""
    library = Path(os.environ.get("TASKBELL_FAILPOINTS_LIBRARY") or library_path)
    if b"TASKBELL_FAILPOINT" not in library.read_bytes():
        lacking(f"{library} has no fail points; `cargo build --features failpoints` adds them")
    return library


@pytest.fixture
def die(tmp_path, failing_library):
    """Runs a host that dies at a place: ``die(config, place, first number)``."""

    def run_host(config, place: str, first: int) -> None:
        env = {"TASKBELL_LIBRARY": str(failing_library), "TASKBELL_FAILPOINT": place}
        python(HOST, json.dumps(config), tmp_path / "accepted", first, EACH, env=env, expect=ABORTED)

    return run_host


def kill_after_emitting(config, log: Path, first: int, count: int) -> None:
    """Runs a host that is killed the ordinary way with everything still in its ring."""
    code = HOST.replace("    if number % 4 == 3:\n        bell.sync(30)\nbell.flush(30)\n", "")
    assert "sync" not in code
    assert "flush" not in code
    kill = int(signal.SIGKILL)
    python(code, json.dumps(config), log, first, count, kill, expect=-kill)


def reconcile(tmp_path: Path, receiver, ring, config) -> set[int]:
    """Starts once more without a fail point; gives the numbers that arrived."""
    bell = ring(config)
    bell.queue_end()
    eventually("the end of the queue arrives", lambda: ends(receiver))
    assert bell.flush(60)
    eventually("everything is delivered", lambda: bell.stats()["pending"] == 0)
    log = tmp_path / "accepted"
    accepted = {int(line) for line in log.read_text().split()} if log.exists() else set()
    ids: dict[int, set[str]] = {}
    bodies: dict[str, set[bytes]] = {}
    for request in list(receiver.requests):
        data = request.json()["data"]
        if "task" in data:
            ids.setdefault(int(data["task"]["id"]), set()).add(request.header("webhook-id"))
            bodies.setdefault(request.header("webhook-id"), set()).add(request.body)
    assert accepted <= ids.keys(), f"lost: {sorted(accepted - ids.keys())}"
    assert all(len(of_one) == 1 for of_one in ids.values()), "an event has one id for ever"
    assert all(len(of_one) == 1 for of_one in bodies.values()), "and the same bytes on each attempt"
    totals = [queue["total"] for queue in ends(receiver).values()]
    assert sum(totals) == len(ids), "each task counts once, in one queue"
    spool = tmp_path / "bell.db"
    assert query(spool, "SELECT DISTINCT state FROM all_deliveries") == [{"state": "delivered"}]
    assert query(spool, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    left = [path.name for path in tmp_path.glob("bell.db.*.ring*")]
    assert len(left) == 1, "only the ring of the living process is there"
    return set(ids)


def ends(receiver) -> dict[str, dict]:
    """The queue of each end, by the id of the message."""
    found = {request.header("webhook-id"): request.json()["data"] for request in list(receiver.requests)}
    return {id: data["queue"] for id, data in found.items() if "queue" in data}


def configure(tmp_path: Path, receiver) -> dict:
    hooks = [{"on": ["task.complete", "queue.end"], "to": ["e0"]}]
    return settings(tmp_path, receiver.url(), queue={"end_delay": "0s"}, hooks=hooks)


@pytest.mark.parametrize("place", PLACES)
def test_a_death_at_any_step_loses_nothing_accepted(tmp_path, receive, ring, die, place):
    receiver = receive()
    config = configure(tmp_path, receiver)
    die(config, place, 0)
    arrived = reconcile(tmp_path, receiver, ring, config)
    assert arrived <= set(range(EACH))


@pytest.mark.parametrize("place", ["before-commit:1", "after-commit:1", "after-send:1"])
def test_deaths_in_a_row_lose_nothing_accepted(tmp_path, receive, ring, die, place):
    receiver = receive()
    config = configure(tmp_path, receiver)
    for turn in range(4):
        kill_after_emitting(config, tmp_path / "accepted", turn * 1000 + 500, 5)
        die(config, place, turn * 1000)
    arrived = reconcile(tmp_path, receiver, ring, config)
    assert {turn * 1000 + 500 + at for turn in range(4) for at in range(5)} <= arrived


# A panic takes the transaction back before the commit, and leaves its answer unheard after it.
@pytest.mark.parametrize("step", ["before-commit", "after-commit", "after-ring-release"])
@pytest.mark.parametrize("turn", [1, 3])
def test_a_transaction_that_is_tried_again_writes_nothing_twice(
    tmp_path, receive, ring, failing_library, step, turn
):
    receiver = receive()
    config = configure(tmp_path, receiver)
    env = {"TASKBELL_LIBRARY": str(failing_library), "TASKBELL_FAILPOINT": f"{step}:!{turn}"}
    python(HOST, json.dumps(config), tmp_path / "accepted", 0, EACH, env=env)
    assert reconcile(tmp_path, receiver, ring, config) == set(range(EACH))
    numbers = [json.loads(event["payload"])["id"] for event in tasks(tmp_path)]
    assert sorted(numbers, key=int) == [str(number) for number in range(EACH)]
    (deliveries,) = query(
        tmp_path / "bell.db", "SELECT count(*) AS n, count(DISTINCT event) AS of FROM all_deliveries"
    )
    assert deliveries["n"] == deliveries["of"]


def tasks(tmp_path: Path) -> list:
    return query(tmp_path / "bell.db", "SELECT payload FROM all_events WHERE type = 'task.complete'")


@pytest.mark.parametrize(
    "place", ["before-commit:1", "after-commit:1", "before-ring-removal:1", "after-takeover:1"]
)
@pytest.mark.parametrize("where", ["auto", "beside"])
def test_a_death_while_it_adopts_another_ring_loses_nothing(tmp_path, receive, ring, die, place, where):
    receiver = receive()
    config = configure(tmp_path, receiver)
    config["queue"]["ring"] = where
    kill_after_emitting(config, tmp_path / "accepted", 0, 30)
    for turn in range(2):
        die(config, place, 100 + turn * 100)
    arrived = reconcile(tmp_path, receiver, ring, config)
    assert set(range(30)) <= arrived


def test_a_death_while_a_new_spool_is_made_leaves_room_for_the_next(tmp_path, receive, ring, die):
    receiver = receive()
    config = configure(tmp_path, receiver)
    die(config, "in-creation:1", 0)
    assert not (tmp_path / "bell.db").exists(), "a spool appears whole or not at all"
    bell = ring(config)
    bell.emit("task.complete", {"id": "1"})
    assert bell.close(30) == 0
    assert reconcile(tmp_path, receiver, ring, config) == {1}


@pytest.mark.skipif(RELEASE is None, reason="no release build was given")
def test_the_release_library_has_no_fail_points():
    code = Path(RELEASE or "").read_bytes()
    assert b"TASKBELL_CONFIG" in code, "texts of the library can be found in it"
    assert b"TASKBELL_FAILPOINT" not in code
    assert b"before-ring-removal" not in code


@pytest.mark.parametrize("step", ["before-repair-file", "in-creation", "before-repair", "after-repair"])
def test_a_repair_that_is_killed_at_any_step_is_finished_by_the_next_start(
    tmp_path, receive, ring, die, step
):
    down = [True]
    receiver = receive(lambda request, number: Reply(503) if down else Reply())
    config = configure(tmp_path, receiver)
    config["endpoints"]["e0"]["retry"] = {"schedule": ["1s"] * 100}
    bell = ring(config)
    for number in range(EACH, 60):
        bell.emit("task.complete", {"id": str(number)})
    assert bell.sync(30)
    bell.close(0.2)
    eventually("its log is copied", lambda: not list(tmp_path.glob("bell.db-*")))
    spool = tmp_path / "bell.db"
    (found,) = query(spool, "SELECT rootpage, (SELECT page_size FROM pragma_page_size) AS size "
                     "FROM sqlite_master WHERE name = 'deliveries_pending'")  # fmt: skip
    data = bytearray(spool.read_bytes())
    at = (found["rootpage"] - 1) * found["size"]
    data[at : at + found["size"]] = b"Z" * found["size"]
    spool.write_bytes(data)
    die(config, f"{step}:1", 0)
    down.clear()
    arrived = reconcile(tmp_path, receiver, ring, config)
    assert set(range(EACH, 60)) <= arrived
    assert not list(tmp_path.glob("bell.db.repairing-*")), "it was read to its end"
    assert list(tmp_path.glob("bell.db.corrupt-*")), "and is kept"


LAST_PART = """
import json, sys, time, taskbell
bell = taskbell.Bell(sys.argv[1])
bell.task_complete(json.loads(sys.argv[2]))
time.sleep(60)
"""


# The first transaction counts the task and writes the end of its batch.
@pytest.mark.parametrize(
    "step", ["before-transaction", "before-commit", "after-commit", "after-ring-release"]
)
@pytest.mark.parametrize("number", [1, 2])
def test_a_batch_ends_once_though_the_host_that_sees_it_whole_dies(
    tmp_path, receive, ring, failing_library, step, number
):
    receiver = receive()
    config = settings(tmp_path, receiver.url(), hooks=[{"on": ["batch.end", "test.event"], "to": ["e0"]}])
    living = ring(config)
    living.task_complete({"id": "a", "batch": {"id": "b", "total": 2}})
    assert living.sync(30)
    env = {"TASKBELL_LIBRARY": str(failing_library), "TASKBELL_FAILPOINT": f"{step}:{number}"}
    last = json.dumps({"id": "b", "status": "error", "batch": {"id": "b", "total": 2}})
    python(LAST_PART, json.dumps(config), last, env=env, expect=ABORTED)
    receiver.wait_for(1)
    living.emit("test.event")
    receiver.wait_for(2)
    assert living.flush(30)
    assert living.close(20) == 0
    # A message whose answer was not recorded comes again, with the same id.
    bodies = {request.header("webhook-id"): request.json() for request in receiver.requests}
    (batch,) = [body["data"]["batch"] for body in bodies.values() if body["type"] == "batch.end"]
    assert (batch["total"], batch["succeeded"], batch["failed"]) == (2, 1, 1)


KILLED = """
import json, sys, time, taskbell
bell = taskbell.Bell(sys.argv[1])
for kind in sys.argv[2:]:
    bell.emit(kind, {"text": kind})
time.sleep(60)
"""
ENDED = KILLED.replace("time.sleep(60)", "assert bell.flush(30); print(json.dumps(bell.stats()), flush=True)")


def printed(said: str) -> dict:
    """The statistics, between lines of the log."""
    return json.loads(next(line for line in said.splitlines() if line.startswith("{")))


# Where the text stands that ends the process, the failing place, and what the fifth start does: so many
# messages arrive, and so many are dead letters.
FATAL = {
    "template": ({"template": {"t": "KILLER {{ event.id }}"}}, "in-evaluation=KILLER", 0, 1),
    "file": ({"template": "file:killer.j2"}, "in-evaluation=KILLER", 0, 1),
    "condition": ({"when": "event.id ~ 'KILLER' == 'x'"}, "in-evaluation=KILLER", 1, 0),
    "key": ({"cooldown": "1h", "cooldown_by": "event.id ~ 'KILLER'"}, "in-evaluation=KILLER", 1, 0),
    "event": ({}, "in-decision=test.killer", 0, 0),
}


def fatal(tmp_path, receiver, place, where="auto"):
    """A configuration with a hook that ends the process at this place, and one that does not."""
    (tmp_path / "killer.j2").write_text('{"t": "KILLER", "id": {{ event.id }}}')
    killer = {"name": "killer", "on": ["test.killer"], "to": ["e0"], **FATAL[place][0]}
    hooks = [killer, {"on": ["test.fine"], "to": ["e0"]}]
    path = tmp_path / "bell.json"
    path.write_text(json.dumps(settings(tmp_path, receiver.url(), hooks=hooks, queue={"ring": where})))
    return path


@pytest.mark.parametrize(
    ("place", "where"), [*((place, "auto") for place in FATAL), ("template", "beside"), ("event", "beside")]
)
def test_what_ends_four_processes_is_never_tried_again(tmp_path, receive, failing_library, place, where):
    _, fail, arrive, dead = FATAL[place]
    receiver = receive()
    path = fatal(tmp_path, receiver, place, where)
    env = {"TASKBELL_LIBRARY": str(failing_library), "TASKBELL_FAILPOINT": fail}
    python(KILLED, path, "test.fine", "test.killer", "test.fine", "test.fine", env=env, expect=ABORTED)
    for _ in range(3):
        python(KILLED, path, "test.fine", env=env, expect=ABORTED)
    stats = printed(python(ENDED, path, "test.fine", env=env))
    assert stats["dead"] == dead, stats
    ids = {request.header("webhook-id") for request in receiver.requests}
    assert len(ids) == 7 + arrive, "each event has one id for ever"
    spool = tmp_path / "bell.db"
    killers = query(spool, "SELECT e.id, e.payload, a.said, d.reason FROM events e "
                    "LEFT JOIN accounts a ON a.event = e.seq LEFT JOIN deliveries d ON d.event = e.seq "
                    "WHERE e.type = 'test.killer'")  # fmt: skip
    (killer,) = killers
    assert "test.killer" in str(killer["payload"]), "what the host reported is kept"
    said = f"{killer['said']} {killer['reason']}"
    assert arrive or "ended the process four times" in said, said


@pytest.mark.parametrize("place", FATAL)
def test_a_panic_over_one_event_loses_neither_it_nor_another(tmp_path, receive, failing_library, place):
    _, fail, arrive, dead = FATAL[place]
    path = fatal(tmp_path, receive(), place)
    env = {"TASKBELL_LIBRARY": str(failing_library), "TASKBELL_FAILPOINT": fail.replace("=", "=!")}
    said = python(ENDED, path, "test.fine", "test.killer", "test.fine", env=env)
    stats = printed(said)
    assert (stats["delivered"], stats["dead"]) == (2 + arrive, dead), stats
    assert stats["defects"] >= 1
    (killer,) = query(tmp_path / "bell.db", "SELECT payload FROM all_events WHERE type = 'test.killer'")
    assert "test.killer" in str(killer["payload"])
