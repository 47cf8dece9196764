"""A real training with the Trainer of Transformers."""

from __future__ import annotations

from examples import need_host, run_example, tasks

need_host("transformers")
NAME = "transformers_trainer.py"


def test_a_training_reports_its_losses(tmp_path, receive):
    receiver = receive()
    run_example(NAME, receiver, tmp_path)
    (task,) = tasks(receiver)
    assert (task["name"], task["kind"], task["status"]) == ("double", "training", "success")
    assert len(task["metrics"]["loss"]) == 4
    assert "train_runtime" in task["metrics"]


def test_a_training_that_fails_is_a_crash(tmp_path, receive):
    receiver = receive()
    run_example(NAME, receiver, tmp_path, ('return {"loss"', 'return {"los"'), expect=1)
    (task,) = tasks(receiver)
    assert task["status"] == "error"
    assert "transformers" in task["error"]["traceback"]
