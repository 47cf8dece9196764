"""A real training with the Trainer of Transformers."""

from __future__ import annotations

from pathlib import Path

from examples import CTRL_C, need_host, run_example, run_interrupted, tasks

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


def test_ctrl_c_cancels_a_training(tmp_path, receive):
    receiver = receive()
    stop = f"        if self.weight != 0:\n            {CTRL_C}\n"
    task = run_interrupted(
        NAME, receiver, tmp_path, ('        return {"loss"', f'{stop}        return {{"loss"')
    )
    assert (task["name"], task["status"]) == ("double", "cancelled")


def test_the_best_checkpoint_is_an_output(tmp_path, receive):
    receiver = receive()
    best = 'save_strategy="epoch", eval_strategy="epoch", load_best_model_at_end=True'
    changes = (
        ('save_strategy="no"', best),
        ("    callbacks", "    eval_dataset=[{'x': numbers[1], 'labels': numbers[2]}],\n    callbacks"),
    )
    run_example(NAME, receiver, tmp_path, *changes)
    ((output,),) = (task["outputs"] for task in tasks(receiver))
    assert Path(output["path"]).parent == tmp_path / "double"
    assert Path(output["path"]).is_dir()
