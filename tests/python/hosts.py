"""A host in a process of its own, which makes the calls it is told to."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

CODE = """
import json, sys, taskbell
bell = taskbell.Bell(sys.argv[1], strict=True)
for line in sys.stdin:
    call, *arguments = json.loads(line)
    print(json.dumps(getattr(bell, call)(*arguments)), flush=True)
bell.close(20)
"""


class Host:
    def __init__(self, config: dict[str, Any] | str, within: Sequence[str] = ()) -> None:
        """``config`` may be the path of a file; ``within`` are words before the command."""
        given = config if isinstance(config, str) else json.dumps(config)
        self.process = subprocess.Popen(
            [*within, sys.executable, "-c", CODE, given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, name: str, *arguments: Any) -> Any:
        """What a method of its bell returns."""
        assert self.process.stdout is not None
        print(json.dumps([name, *arguments]), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)

    def close(self) -> None:
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0
