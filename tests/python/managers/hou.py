"""A stub of Houdini's ``hou``, from its types (types-houdini 21): one ROP of three frames."""

from __future__ import annotations

from types import SimpleNamespace as Thing

ropRenderEventType = Thing(PreRender=1, PreFrame=2, PostFrame=3, PostWrite=4, PostRender=5)
hipFile = Thing(basename=lambda: "film.hip")
FPS = 24


def getenv(name, default=None):
    return "ada" if name == "USER" else default


def timeToFrame(time):
    return round(time * FPS) + 1


class RopNode:
    """A ROP; its render makes the calls in the order of the documentation."""

    def __init__(self):
        self.callbacks, self.faults = [], []

    def path(self):
        return "/out/mantra1"

    def addRenderEventCallback(self, callback, run_before_script=False):
        self.callbacks.append(callback)

    def parm(self, name):
        return Thing(evalAsInt=lambda: 1) if name == "trange" else None

    def parmTuple(self, name):
        return Thing(evalAsFloats=lambda: (1.0, 3.0, 1.0)) if name == "f" else None

    def errors(self):
        return tuple(self.faults)

    def render(self, bad=()):
        """What Houdini does; ``bad`` are frames with an error."""
        events = ropRenderEventType
        self._tell(events.PreRender, 0.0)
        for frame in (1, 2, 3):
            self.faults = ["no light"] if frame in bad else []
            for event in (events.PreFrame, events.PostFrame, events.PostWrite):
                self._tell(event, (frame - 1) / FPS)
        self._tell(events.PostRender, 2 / FPS)

    def _tell(self, event, time):
        for callback in self.callbacks:
            callback(self, event, time)


NODE = RopNode()


def node(path):
    return Thing(allSubChildren=lambda: (NODE, Thing()))
