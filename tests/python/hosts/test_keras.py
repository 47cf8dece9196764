"""A real fit of Keras, with JAX."""

from __future__ import annotations

from examples import CTRL_C, need_host, run_example, run_interrupted, tasks

need_host("keras")

BROKEN = """
class Broken(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise ValueError("no disk")


taskbell.init"""

BROKEN_CALLBACK = ("[TaskbellCallback()]", "[TaskbellCallback(), Broken()]")


def test_a_fit_reports_its_losses(tmp_path, receive):
    receiver = receive()
    run_example("keras_fit.py", receiver, tmp_path)
    (task,) = tasks(receiver)
    assert (task["name"], task["kind"], task["status"]) == ("double", "training", "success")
    assert len(task["metrics"]["loss"]) == 4


def test_a_fit_that_fails_is_a_crash(tmp_path, receive):
    receiver = receive()
    run_example("keras_fit.py", receiver, tmp_path, BROKEN_CALLBACK, ("taskbell.init", BROKEN), expect=1)
    (task,) = tasks(receiver)
    assert (task["status"], task["error"]["type"], task["error"]["message"]) == (
        "error",
        "ValueError",
        "no disk",
    )
    assert len(task["metrics"]) == 1


def test_ctrl_c_cancels_a_fit(tmp_path, receive):
    receiver = receive()
    stop = ("taskbell.init", BROKEN.replace('raise ValueError("no disk")', CTRL_C))
    task = run_interrupted("keras_fit.py", receiver, tmp_path, BROKEN_CALLBACK, stop)
    assert (task["name"], task["status"]) == ("double", "cancelled")
    assert len(task["metrics"]) == 1
