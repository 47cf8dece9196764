"""The bell of this ComfyUI: opened when there is a configuration, and reloaded when its file changes."""

from __future__ import annotations

import importlib
import logging
import os
import re
import threading
from pathlib import Path
from typing import Any

from .guard import guarded, log

HERE = Path(__file__).resolve().parent

EXIT_TIMEOUT_S = 5.0
"""The longest time that the end of ComfyUI waits for pending deliveries."""

LOOK_S = 2.0
"""How often the time of the configuration's file is looked at."""

CONFIGURED = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Service:
    """Everything that needs the library. It is loaded once there is a configuration."""

    def __init__(self) -> None:
        self.config = Path(os.environ.get("TASKBELL_CONFIG") or HERE / "taskbell.toml")
        self.fault: str | None = None
        self._bell: Any = None
        self._changed: float | None = None
        # A signal may end ComfyUI while its main thread looks at the file.
        self._lock = threading.RLock()
        self._ended = threading.Event()

    def start(self) -> None:
        """Opens the bell if it can, and goes on looking at the file."""
        self.look()
        if self._bell is None:
            log.log(logging.ERROR if self._changed else logging.INFO, "%s", self.fault)
        threading.Thread(target=self._watch, name="taskbell-config", daemon=True).start()

    def look(self, again: bool = False) -> str | None:
        """Applies the configuration if its file has changed, or in any case. Returns why that failed."""
        with self._lock:
            if self._ended.is_set():
                return "ComfyUI is ending"
            changed = self.config.stat().st_mtime if self.config.is_file() else None
            if changed is None:
                if self._bell is None:
                    self.fault = f"there is no {self.config}, so nothing is sent"
                return self.fault
            if changed != self._changed or again:
                self._changed = changed
                self.fault = self._apply()
            return self.fault

    def _apply(self) -> str | None:
        try:
            if self._bell is None:
                self._bell = binding().Bell(self.config)
            else:
                self._bell.reload(self.config)
        except (binding().TaskbellError, OSError) as fault:
            # One sentence: it names the file, the line and the key.
            what = "nothing is sent" if self._bell is None else "the former configuration stays in force"
            return f"{what}: {getattr(fault, 'message', None) or fault}"
        return None

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_S):
            before = self.fault
            now = guarded(self.look)
            if now and now != before:
                log.error("%s", now)

    def emit(self, kind: str, payload: dict[str, Any] | None = None) -> bool:
        """Reports an event; false when nothing is sent."""
        bell = self._bell
        if bell is None:
            return False
        try:
            bell.emit(kind, payload)
        except binding().TaskbellError as fault:
            log.error("%s was not accepted: %s", kind, fault)
            return False
        return True

    def note(
        self, endpoint: str | None, text: str, outputs: list[dict[str, Any]] | None = None
    ) -> str | None:
        """Sends a note to one endpoint, or to those of the hooks. Returns why nothing is sent."""
        if self._bell is None:
            return self.fault
        note: dict[str, Any] = {"name": text, "kind": "note", "webhook_params": {"notify": "manual"}}
        if outputs:
            note["outputs"] = outputs
        if endpoint is not None:
            if endpoint not in self.endpoints():
                return f"there is no endpoint {endpoint}"
            note["webhook_params"]["to"] = [endpoint]
        try:
            if not binding().preview(self.config, "task.note", note)["requests"]:
                return 'no hook listens to task.note: write `on = ["task.note"]` into one'
        except binding().TaskbellError as fault:
            return str(fault)
        return None if self.emit("task.note", note) else "the note was not accepted; the log says why"

    def endpoints(self) -> list[str]:
        """The names of the configured endpoints."""
        return [name for name in self.stats().get("lanes", {}) if CONFIGURED.fullmatch(name)]

    def stats(self) -> dict[str, Any]:
        """Taskbell's counters; empty when nothing is sent."""
        bell = self._bell
        return bell.stats() if bell is not None else {}

    def stop(self) -> None:
        """Says that ComfyUI ends, and delivers what it can."""
        self._ended.set()
        with self._lock:
            bell, self._bell = self._bell, None
        if bell is not None:
            guarded(bell.emit, "server.stop")
            bell.close(EXIT_TIMEOUT_S)


def binding() -> Any:
    """The binding in this folder, else the installed one."""
    if (HERE / "taskbell" / "__init__.py").is_file():
        return importlib.import_module(".taskbell", __package__)
    return importlib.import_module("taskbell")


SERVICE = Service()
