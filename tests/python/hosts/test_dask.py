"""A real scheduler of Dask with workers of its own."""

from __future__ import annotations

import sys

from examples import batches, need_host, surroundings
from tools import run

need_host("distributed")

WORK = """
import sys, time
from distributed import Client, LocalCluster, wait
from taskbell.integrations.dask import TaskbellPlugin

def double(number):
    if number == 13:
        raise ValueError("no light")
    return 2 * number

if __name__ == "__main__":
    with LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            client.register_plugin(TaskbellPlugin("features", "env:TEAM_URL"))
            first = client.map(double, range(8, 14))
            last = client.submit(sum, first, key="total")
            wait([*first, last])
"""


def test_what_a_scheduler_does_until_it_is_idle_is_one_batch(tmp_path, receive):
    receiver = receive()
    (tmp_path / "work.py").write_text(WORK)
    run(sys.executable, "work.py", cwd=tmp_path, env=surroundings(receiver, tmp_path))
    (batch,) = batches(receiver)
    assert (batch["id"], batch["total"]) == ("features", 7)
    assert (batch["succeeded"], batch["failed"], batch["cancelled"]) == (5, 1, 1)
    (failed,) = batch["failures"]
    assert failed["name"].startswith("double-")
    assert failed["error"]["message"] == "ValueError('no light')"
    assert [request.json()["type"] for request in receiver.requests] == ["batch.end"]


def test_a_scheduler_works_without_the_library(tmp_path, receive):
    receiver = receive()
    (tmp_path / "work.py").write_text(WORK)
    env = {**surroundings(receiver, tmp_path), "TASKBELL_LIBRARY": "/none"}
    text = run(sys.executable, "work.py", cwd=tmp_path, env=env)
    assert text.count("a call to Taskbell failed: ") == 1, text
    assert receiver.requests == []
