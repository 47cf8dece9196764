"""For Houdini 20 or later, checked by a stub written from its types (types-houdini), not in a real Houdini.

Put this file and the Python package ``taskbell`` into ``$HOUDINI_USER_PREF_DIR/python3.11libs``, and into
``456.py`` next to it ``import taskbell_houdini; taskbell_houdini.watch_all()``, or call ``watch(node)`` for
one ROP. From https://www.sidefx.com/docs/houdini/hom/hou/RopNode.html (``addRenderEventCallback``).
"""

from __future__ import annotations

from typing import Any

import hou

try:
    import taskbell
except ImportError:
    taskbell = None
    print("taskbell_houdini.py: nothing is reported: the Python package taskbell is missing")


_jobs: dict[str, taskbell.Job] = {}


def watch(node: hou.RopNode) -> None:
    """Reports each render of this ROP as one batch: its frames, and the frames that have errors."""
    if taskbell is not None:
        node.addRenderEventCallback(_heard)


def watch_all() -> None:
    """The same for all ROPs of the scene."""
    root = hou.node("/")
    for node in root.allSubChildren() if root else ():
        if isinstance(node, hou.RopNode):
            watch(node)


def _heard(node: hou.RopNode, event: Any, time: float) -> None:
    """An event of a render. Taskbell's calls raise nothing, so that no render ends by them."""
    path = node.path()
    if event == hou.ropRenderEventType.PreRender:
        name = f"{hou.hipFile.basename()} {path}"
        _jobs[path] = taskbell.Job(name, frames(node), users=[hou.getenv("USER", "")])
    elif event == hou.ropRenderEventType.PostFrame and path in _jobs:
        errors = node.errors()
        if errors:
            _jobs[path].fail(f"frame {hou.timeToFrame(time)}", errors[-1])
        else:
            _jobs[path].done()
        _jobs[path].progress()
    elif event == hou.ropRenderEventType.PostRender and path in _jobs:
        job, errors = _jobs.pop(path), node.errors()
        job.finish(errors[-1] if errors and not job.failed else None, status="error" if job.failed else None)
        # A batch process (hython) may leave without the exit hooks of Python.
        taskbell.default.sync()


def frames(node: hou.RopNode) -> int | None:
    """How many frames the range of a ROP has; unknown for one without a range."""
    kind, span = node.parm("trange"), node.parmTuple("f")
    if kind is None or span is None:
        return None
    first, last, step = span.evalAsFloats()
    return 1 if kind.evalAsInt() == 0 else max(int((last - first) / (step or 1)) + 1, 1)
