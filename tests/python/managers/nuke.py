"""A stub of Nuke's ``nuke``, from its types (types-nuke 13.2): a Write node of a script of four frames."""

from __future__ import annotations

from types import SimpleNamespace as Thing

_before, _frames, _after = [], [], []
_fault = False
_frame = 0


class Node:
    """A node with knobs."""

    def __init__(self):
        self.knobs = {"use_limit": True, "first": 2, "last": 4}

    def fullName(self):
        return "Write1"

    def knob(self, name):
        return Thing(value=lambda: self.knobs[name]) if name in self.knobs else None

    def __getitem__(self, name):
        return self.knob(name)

    def hasError(self):
        return _fault


class Root(Node):
    def __init__(self):
        self.knobs = {"first_frame": 1, "last_frame": 4}

    def name(self):
        return "/shots/film.nk"


def addBeforeRender(call, args=(), kwargs=None, nodeClass="Write"):
    _before.append(call)


def addAfterFrameRender(call, args=(), kwargs=None, nodeClass="Write"):
    _frames.append(call)


def addAfterRender(call, args=(), kwargs=None, nodeClass="Write"):
    _after.append(call)


def thisNode():
    return Node()


def root():
    return Root()


def frame():
    return _frame


def filename(node):
    return "/shots/film.%04d.exr"


def execute(until, fault=False):
    """Renders the frames before ``until``; then it was stopped, or has failed."""
    global _fault, _frame
    for call in _before:
        call()
    for _frame in range(2, until):
        for call in _frames:
            call()
    _frame, _fault = until, fault
    for call in _after:
        call()
