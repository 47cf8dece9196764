"""A real fit with Lightning, and a job of torchrun."""

from __future__ import annotations

import sys
from pathlib import Path

from examples import CTRL_C, need_host, run_example, run_interrupted, surroundings, tasks
from tools import run

need_host("lightning")
NAME = "lightning_fit.py"

JOB = """
import os, taskbell, torch.distributed
taskbell.init("env:TEAM_URL")
torch.distributed.init_process_group("gloo")
rank = torch.distributed.get_rank()
with taskbell.task(f"rank {rank} of {torch.distributed.get_world_size()}"):
    torch.distributed.barrier()
os.environ.pop("RANK")
with taskbell.task(f"rank {rank} by torch"):
    pass
torch.distributed.destroy_process_group()
"""


def test_a_fit_reports_its_losses(tmp_path, receive):
    receiver = receive()
    run_example(NAME, receiver, tmp_path)
    (task,) = tasks(receiver)
    assert (task["name"], task["kind"], task["status"]) == ("Double", "training", "success")
    assert len(task["metrics"]["loss"]) == 4


def test_a_fit_that_fails_is_a_crash(tmp_path, receive):
    receiver = receive()
    run_example(NAME, receiver, tmp_path, ("return loss", "raise ValueError('no light')"), expect=1)
    (task,) = tasks(receiver)
    assert (task["status"], task["error"]["type"]) == ("error", "ValueError")
    assert "in training_step" in task["error"]["traceback"]


def test_ctrl_c_cancels_a_fit(tmp_path, receive):
    receiver = receive()
    stop = ("return loss", f"{CTRL_C}\n        return loss")
    # Lightning makes an exit code of it.
    task = run_interrupted(NAME, receiver, tmp_path, stop, expect=1)
    assert (task["name"], task["status"]) == ("Double", "cancelled")


def test_the_best_checkpoint_is_an_output(tmp_path, receive):
    receiver = receive()
    best = "lightning.pytorch.callbacks.ModelCheckpoint('kept', monitor='loss')"
    changes = (
        ("enable_checkpointing=False", "enable_checkpointing=True"),
        ("Callback()]", f"Callback(), {best}]"),
    )
    run_example(NAME, receiver, tmp_path, *changes)
    ((output,),) = (task["outputs"] for task in tasks(receiver))
    assert Path(output["path"]).parent == tmp_path / "kept"
    assert Path(output["path"]).is_file()


def test_of_two_ranks_of_torchrun_one_reports(tmp_path, receive):
    receiver = receive()
    script = tmp_path / "job.py"
    script.write_text(JOB)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2]
    run(*torchrun, script, cwd=tmp_path, env=surroundings(receiver, tmp_path), timeout=280)
    assert {task["name"] for task in tasks(receiver, 2)} == {"rank 0 of 2", "rank 0 by torch"}
