"""``python -m taskbell``: the command that was installed with this package."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

NAME = "taskbell.exe" if sys.platform == "win32" else "taskbell"


def places() -> list[Path]:
    """Where an installation puts the command: environment, user folder, ``pip install --target``."""
    user = sysconfig.get_preferred_scheme("user") if sys.version_info >= (3, 10) else f"{os.name}_user"
    package = Path(__file__).resolve().parent
    return [
        Path(sysconfig.get_path("scripts"), NAME),
        Path(sysconfig.get_path("scripts", user), NAME),
        package.parent / "bin" / NAME,
        # An environment on top of another one, such as that of a build.
        *(parent / folder / NAME for parent in package.parents[2:4] for folder in ("bin", "Scripts")),
    ]


def main() -> int:
    """Becomes the command, or runs it where a process cannot become another."""
    command = next((place for place in places() if place.is_file()), None)
    if command is None:
        print(
            f"taskbell: the command is missing: it is not at {places()[0]}; install it with "
            "`pip install --force-reinstall taskbell` or `cargo install taskbell`",
            file=sys.stderr,
        )
        return 1
    words = [str(command), *sys.argv[1:]]
    if sys.platform != "win32":
        os.execv(command, words)
    try:
        return subprocess.run(words, check=False).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
