"""A real study of Optuna."""

from __future__ import annotations

from examples import CTRL_C, need_host, run_example, run_interrupted, tasks

need_host("optuna")


def test_a_study_reports_its_best_value_and_parameters(tmp_path, receive):
    receiver = receive()
    run_example("optuna_study.py", receiver, tmp_path)
    (task,) = tasks(receiver)
    assert (task["name"], task["kind"], task["status"]) == ("distance", "study", "success")
    assert (task["metrics"]["trials"], task["metrics"]["failed"]) == (20, 0)
    assert task["metrics"]["best"] == min(task["metrics"]["value"])
    assert -10 <= task["params"]["x"] <= 10


def test_an_objective_that_fails_is_a_crash(tmp_path, receive):
    receiver = receive()
    broken = ("return (x - 2) ** 2", "raise ValueError(f'no {x}')")
    run_example("optuna_study.py", receiver, tmp_path, broken, expect=1)
    (task,) = tasks(receiver)
    assert (task["status"], task["error"]["type"]) == ("error", "ValueError")
    assert "in distance" in task["error"]["traceback"]
    assert task["metrics"] == {"trials": 1, "failed": 1}


def test_ctrl_c_cancels_a_study_and_what_was_found_is_reported(tmp_path, receive):
    receiver = receive()
    stop = ("    return (x", f"    if trial.number == 3:\n        {CTRL_C}\n    return (x")
    task = run_interrupted("optuna_study.py", receiver, tmp_path, stop)
    assert (task["name"], task["status"]) == ("distance", "cancelled")
    assert len(task["metrics"]["value"]) == 3
    assert task["metrics"]["best"] == min(task["metrics"]["value"])
