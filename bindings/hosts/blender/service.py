"""The bell of this Blender, opened when there is a configuration."""

from __future__ import annotations

import atexit
import importlib
import json
import os
from pathlib import Path
from typing import Any, Callable

HERE = Path(__file__).resolve().parent

EXIT_TIMEOUT_S = 10.0
"""The longest time that Blender's end waits for pending deliveries."""


class Service:
    """Everything that needs the library. It is loaded once there is a configuration."""

    def __init__(self) -> None:
        self.config = ""
        self.fault: str | None = None
        self._bell: Any = None

    def start(self, chosen: str) -> None:
        """Opens the bell if there is a configuration."""
        fault = self.apply(chosen)
        if fault:
            print(f"taskbell: {fault}")
        atexit.register(self.stop)

    def apply(self, chosen: str) -> str | None:
        """Reads the configuration, again if the bell is open. Returns why that failed."""
        self.config = chosen or os.environ.get("TASKBELL_CONFIG") or _usual_place()
        self.fault = (
            self._open() if os.path.isfile(self.config) else f"there is no {self.config}; nothing is sent"
        )
        return self.fault

    def _open(self) -> str | None:
        try:
            if self._bell is None:
                self._bell = _binding().Bell(self.config)
            else:
                self._bell.reload(self.config)
        except Exception as fault:
            return f"{self.config} cannot be used: {fault}"
        return None

    def emit(self, kind: str, payload: dict[str, Any]) -> None:
        """Reports an event, if there is a bell."""
        if self._bell is not None:
            self._bell.emit(kind, json.dumps(payload))

    def note(self, text: str) -> str | None:
        """Sends a note to the hooks that listen to task.note. Returns why nothing is sent."""
        if self._bell is None:
            return self.fault
        note = {"name": text, "kind": "note", "webhook_params": {"notify": "manual"}}
        try:
            if not _binding().preview(self.config, "task.note", note)["requests"]:
                return 'no hook listens to task.note: write `on = ["task.note"]` into one'
            self._bell.emit("task.note", note)
        except Exception as fault:
            return str(fault)
        return None

    def guarded(self, function: Callable[..., None], *arguments: Any) -> None:
        """Prints what the function raises: nothing may stop a render."""
        try:
            function(*arguments)
        except Exception as fault:
            print(f"taskbell: something was left out: {fault}")

    def stop(self) -> None:
        """Delivers what it can, and closes."""
        bell, self._bell = self._bell, None
        if bell is not None:
            left = bell.close(EXIT_TIMEOUT_S)
            if left:
                print(f"taskbell: {left} deliveries wait for the next start")


def _usual_place() -> str:
    import bpy

    return os.path.join(bpy.utils.user_resource("CONFIG"), "taskbell.toml")


def _binding() -> Any:
    """The binding in this folder, else the installed one."""
    if (HERE / "taskbell" / "__init__.py").is_file():
        return importlib.import_module(".taskbell", __package__)
    return importlib.import_module("taskbell")


SERVICE = Service()
