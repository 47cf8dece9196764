"""For Nuke 13.2 or later, checked by a stub written from its types (types-nuke), not in a real Nuke.

Put this file and the Python package ``taskbell`` into a folder of ``NUKE_PATH``, and into its ``init.py``
``import taskbell_nuke; taskbell_nuke.install()``; it works in the window and with ``nuke -x``. From
https://learn.foundry.com/nuke/developers/latest/pythonreference/ (``nuke.callbacks``).
"""

from __future__ import annotations

import os

import nuke

try:
    import taskbell
except ImportError:
    taskbell = None
    print("taskbell_nuke.py: nothing is reported: the Python package taskbell is missing")


_jobs: dict[str, taskbell.Job] = {}


def install() -> None:
    """Reports each render of a Write node as one batch: its frames, and what ended it early."""
    if taskbell is None:
        return
    nuke.addBeforeRender(_begin)
    nuke.addAfterFrameRender(_frame)
    nuke.addAfterRender(_end)


def _begin() -> None:
    node = nuke.thisNode()
    script = os.path.basename(nuke.root().name())
    job = taskbell.Job(f"{script} {node.fullName()}", _frames(node), output=nuke.filename(node) or "")
    _jobs[node.fullName()] = job


def _frame() -> None:
    job = _jobs.get(nuke.thisNode().fullName())
    if job is not None:
        job.done()
        job.progress()


def _end() -> None:
    """Nuke calls it after a failure and after a stop, too: then frames are missing."""
    node = nuke.thisNode()
    job = _jobs.pop(node.fullName(), None)
    if job is None:
        return
    if node.hasError():
        job.fail(f"frame {nuke.frame()}", "the node has an error")
        job.finish(status="error")
    else:
        missing = job.total is not None and job.succeeded < job.total
        job.finish(status="cancelled" if missing else None)
    # ``nuke -x`` leaves without the exit hooks of Python.
    taskbell.default.sync()


def _frames(node: nuke.Node) -> int:
    first, last = (int(nuke.root()[name].value()) for name in ("first_frame", "last_frame"))
    if node.knob("use_limit") is not None and node["use_limit"].value():
        first, last = int(node["first"].value()), int(node["last"].value())
    return max(last - first + 1, 1)
