"""A real study of Optuna."""

from __future__ import annotations

from examples import need_host, run_example, tasks

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
