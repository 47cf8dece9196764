"""A real engine of PyTorch-Ignite."""

from __future__ import annotations

import sys

import pytest

from examples import need_host, surroundings, tasks
from tools import attempt

need_host("pytorch-ignite")

TRAIN = """
import sys
import torch
from ignite.engine import Events, create_supervised_evaluator, create_supervised_trainer
from ignite.metrics import MeanSquaredError
import taskbell
from taskbell.integrations.ignite import TaskbellHandler

taskbell.init("env:TEAM_URL")
model, loss = torch.nn.Linear(1, 1), torch.nn.MSELoss()
trainer = create_supervised_trainer(model, torch.optim.SGD(model.parameters(), lr=0.01), loss)
evaluator = create_supervised_evaluator(model, {"mse": MeanSquaredError()})
TaskbellHandler("run 7").attach(trainer, evaluator)
data = [(torch.ones(2, 1), torch.ones(2, 1))] * 4

@trainer.on(Events.EPOCH_COMPLETED)
def judge(engine):
    evaluator.run(data)
    if sys.argv[1] == "fail" and engine.state.epoch == 2:
        raise ValueError("no light")
    if sys.argv[1] == "stop":
        engine.terminate()

def seen(engine, fault):
    print("handled:", fault)
    raise fault

if "handled" in sys.argv:
    trainer.add_event_handler(Events.EXCEPTION_RAISED, seen)

trainer.run(data, max_epochs=3)
"""


ENDS = [("end", 0, "success", False), ("stop", 0, "success", False), ("fail", 1, "error", False)]


@pytest.mark.parametrize(("how", "code", "status", "is_handled"), [*ENDS, ("fail", 1, "error", True)])
def test_a_run_reports_its_metrics_and_how_it_ended(tmp_path, receive, how, code, status, is_handled):
    receiver = receive()
    (tmp_path / "train.py").write_text(TRAIN)
    env = surroundings(receiver, tmp_path)
    done = attempt(sys.executable, "train.py", how, *["handled"][:is_handled], cwd=tmp_path, env=env)
    assert done.returncode == code, done.stdout
    (task,) = tasks(receiver)
    assert (task["name"], task["kind"], task["status"]) == ("run 7", "training", status)
    assert set(task["metrics"]) == {"loss", "mse"}
    if how == "fail":
        assert (task["error"]["type"], task["error"]["message"]) == ("ValueError", "no light")
        assert "ValueError: no light" in done.stdout
        assert ("handled: no light" in done.stdout) == is_handled
