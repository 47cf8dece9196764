"""``DeadlineEventListener``: callbacks are added with ``+=`` and deleted with ``del``."""

from __future__ import annotations

import os


class Callback:
    """What a handler is added to."""

    def __init__(self):
        self.handlers = []

    def __iadd__(self, handler):
        self.handlers.append(handler)
        return self

    def __call__(self, *arguments):
        for handler in self.handlers:
            handler(*arguments)


class DeadlineEventListener:
    """Without its initialiser a listener in Python 3 has no callbacks."""

    def __init__(self):
        self.OnJobFinishedCallback = Callback()
        self.OnJobFailedCallback = Callback()
        self.OnJobSuspendedCallback = Callback()

    def GetConfigEntry(self, key):
        return os.environ[f"ENTRY_{key}"]

    def LogWarning(self, message):
        print(f"WARNING: {message}")
