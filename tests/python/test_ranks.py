"""Of the processes of one job, one tells."""

from __future__ import annotations

import json
import sys
import types

import pytest

import taskbell
from bells import settings
from taskbell._rank import rank
from tools import python

JOB = """
import sys, taskbell
with taskbell.Bell(sys.argv[1]) as bell:
    bell.wait(bell.task_complete({"name": "a bell"}))
    assert bell.poll() is not None or bell.stats() == {}
taskbell.init(sys.argv[1])
taskbell.on_task_complete({"name": "default"})
assert taskbell.shutdown(20) == 0
"""


@pytest.mark.parametrize("variable", ["RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK"])
def test_the_first_rank_tells_and_no_other_opens_anything(tmp_path, receive, variable):
    receiver = receive()
    config = settings(tmp_path, receiver.url())
    assert python(JOB, json.dumps(config), env={variable: "1"}) == ""
    assert list(tmp_path.iterdir()) == []
    python(JOB, json.dumps(config), env={variable: "0"})
    names = [request.json()["data"]["task"]["name"] for request in receiver.wait_for(2)]
    assert names == ["a bell", "default"]


def test_a_rank_that_is_no_number_is_none(monkeypatch):
    monkeypatch.setenv("RANK", "general")
    assert rank() is None
    monkeypatch.setenv("SLURM_PROCID", "2")
    assert rank() == 2


def test_torch_knows_best(monkeypatch):
    distributed = types.SimpleNamespace(
        is_available=lambda: True, is_initialized=lambda: True, get_rank=lambda: 3
    )
    monkeypatch.setitem(sys.modules, "torch.distributed", distributed)
    monkeypatch.setenv("RANK", "0")
    assert rank() == 3


def test_every_rank_tells_where_the_host_wants_it(tmp_path, receive, monkeypatch):
    receiver = receive()
    monkeypatch.setenv("RANK", "1")
    with taskbell.Bell(settings(tmp_path, receiver.url()), every_rank=True) as bell:
        assert bell.wait(bell.task_complete({"name": "a"}))
    receiver.wait_for(1)
