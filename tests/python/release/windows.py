"""The archive for Windows, and Wine to run its programs."""

from __future__ import annotations

import os

from packages import DIST

from tools import need, run

ARCHIVES = sorted(DIST.glob("taskbell-*-x86_64-pc-windows-gnu.zip"))


class Wine:
    """Runs programs of Windows in a prefix of its own: ``wine(program, *words, cwd=folder, NAME=value)``."""

    def __init__(self, prefix):
        self.program, self.prefix = need("wine"), prefix
        self.variables = {"WINEPREFIX": str(prefix), "WINEDEBUG": "-all"}
        self.env = {**os.environ, **self.variables}

    def __call__(self, *command, cwd, **variables):
        return run(self.program, *command, cwd=cwd, env={**self.env, **variables})


def build(language, program, *words):
    """Compiles a program of Windows."""
    run(need(f"x86_64-w64-mingw32-{language}"), "-static", "-o", program, *words)
