"""The receiver that the ``taskbell`` command ships, playing a platform."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conftest import ROOT


def command() -> Path:
    """The command beside the library under test, built where it is missing."""
    name = "taskbell.exe" if sys.platform == "win32" else "taskbell"
    beside = Path(os.environ["TASKBELL_LIBRARY"]).with_name(name)
    if not beside.exists():
        subprocess.run(["cargo", "build", "--bin", "taskbell"], cwd=ROOT, check=True)
    return beside


class FakePlatform:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.url: str = self.next()["listening"]

    def next(self) -> dict[str, Any]:
        """The next line it prints: a request, with the answer it was given."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"it ended with code {self.process.wait()}"
        return json.loads(line)


@contextmanager
def fake_platform(platform: str, *answers: str) -> Iterator[FakePlatform]:
    """Plays the platform: these answers first, then what it would say of itself."""
    arguments = [command(), "serve", "--json", "--port", "0", "--as", platform]
    if answers:
        # `=`: an answer may begin with a minus sign.
        arguments.append(f"--answer={','.join(answers)}")
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        yield FakePlatform(process)
    finally:
        process.kill()
        process.communicate()
