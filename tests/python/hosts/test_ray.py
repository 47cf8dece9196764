"""A real experiment of Ray Tune."""

from __future__ import annotations

from examples import need_host, run_example, tasks

need_host("ray")


def test_an_experiment_reports_its_trials(tmp_path, receive):
    receiver = receive()
    run_example("ray_tune.py", receiver, tmp_path)
    (task,) = tasks(receiver)
    assert (task["name"], task["kind"], task["status"]) == ("distance", "experiment", "success")
    assert task["metrics"] == {"trials": 3, "failed": 0}


def test_an_experiment_whose_trials_all_fail_has_failed(tmp_path, receive):
    receiver = receive()
    run_example("ray_tune.py", receiver, tmp_path, ('["x"]', '["y"]'))
    (task,) = tasks(receiver)
    assert task["status"] == "error"
    assert task["metrics"] == {"trials": 3, "failed": 3}
    assert task["error"]["message"].startswith("all trials failed: ")
