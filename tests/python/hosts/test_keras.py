"""A real fit of Keras, with JAX."""

from __future__ import annotations

from examples import need_host, run_example, tasks

need_host("keras")

BROKEN = """
class Broken(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise ValueError("no disk")


taskbell.init"""


def test_a_fit_reports_its_losses(tmp_path, receive):
    receiver = receive()
    run_example("keras_fit.py", receiver, tmp_path)
    (task,) = tasks(receiver)
    assert (task["name"], task["kind"], task["status"]) == ("double", "training", "success")
    assert len(task["metrics"]["loss"]) == 4


def test_a_fit_that_fails_is_a_crash(tmp_path, receive):
    receiver = receive()
    changes = ("[TaskbellCallback()]", "[TaskbellCallback(), Broken()]"), ("taskbell.init", BROKEN)
    run_example("keras_fit.py", receiver, tmp_path, *changes, expect=1)
    (task,) = tasks(receiver)
    assert (task["status"], task["error"]["type"], task["error"]["message"]) == (
        "error",
        "ValueError",
        "no disk",
    )
    assert len(task["metrics"]) == 1
