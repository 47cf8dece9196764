"""The receiver that the ``taskbell`` command ships, playing a platform."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from bells import DEADLINE_S
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
        patience = threading.Timer(DEADLINE_S, self.process.kill)
        patience.start()
        line = self.process.stdout.readline()
        patience.cancel()
        assert line, f"it ended with code {self.process.wait()}"
        return json.loads(line)


def refused(*arguments: str) -> str:
    """What the command says of wrong arguments."""
    done = subprocess.run(
        [command(), "serve", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    return done.stderr


@cache
def platforms() -> list[str]:
    """The platforms that can be played."""
    known = re.search(r", only (.*)", refused("--as", "carrier-pigeon"))
    assert known
    return known[1].split(", ")


@cache
def answers(platform: str) -> dict[str, str]:
    """The known answers of a platform by their names, and what follows from each."""
    listed = refused("--as", platform, "--answer", "help").splitlines()
    found = [re.fullmatch(r"  (\S+) +\d+ ([\w ]+): .*", line) for line in listed if line.startswith("  ")]
    return {line[1]: line[2] for line in found if line}


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
