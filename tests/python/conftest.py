"""The library under test and the fixtures that every module uses."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Real hosts of large packages: each has an environment of its own, `cargo xtask test --hosts`.
collect_ignore = [] if os.environ.get("TASKBELL_HOSTS") else ["hosts"]
# The packages of a release, which `cargo xtask dist` makes.
collect_ignore += [] if os.environ.get("TASKBELL_DIST") else ["release"]
sys.path.insert(0, str(ROOT / "bindings" / "python"))
# Python hosts in processes of their own have the binding, too.
os.environ["PYTHONPATH"] = sys.path[0]


def _leave_home(home: Path) -> None:
    """No test reads the developer's configuration or spools; what builds for the tests keeps its folders."""
    for name, folder in {
        "CARGO_HOME": ".cargo",
        "RUSTUP_HOME": ".rustup",
        "NPM_CONFIG_USERCONFIG": ".npmrc",
    }.items():
        if name not in os.environ and (own := Path.home() / folder).exists():
            os.environ[name] = str(own)
    os.environ.update(dict.fromkeys(("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"), str(home)))
    for name in [name for name in os.environ if name.startswith("XDG_") and name.endswith("_HOME")]:
        del os.environ[name]


def _library() -> Path:
    """``TASKBELL_LIBRARY``, else the newest build, else a new one."""
    if named := os.environ.get("TASKBELL_LIBRARY"):
        return Path(named).resolve()
    names = {"win32": "taskbell.dll", "darwin": "libtaskbell.dylib"}
    name = names.get(sys.platform, "libtaskbell.so")
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    built = [target / profile / name for profile in ("debug", "release")]
    if not any(path.exists() for path in built):
        subprocess.run(["cargo", "build", "--lib"], cwd=ROOT, check=True)
    return max((path for path in built if path.exists()), key=lambda path: path.stat().st_mtime)


os.environ["TASKBELL_LIBRARY"] = str(_library())
_home = tempfile.TemporaryDirectory(prefix="taskbell-home-", ignore_cleanup_errors=True)
_leave_home(Path(_home.name))


@pytest.fixture(scope="session")
def library_path() -> Path:
    """The shared library under test."""
    return Path(os.environ["TASKBELL_LIBRARY"])


@pytest.fixture(scope="session")
def runner_command(tmp_path_factory: Any, library_path: Path) -> Callable[[str], list[object]]:
    """The command that starts the scenario's host in a language, built once."""
    from languages import builder

    return builder(tmp_path_factory.mktemp("runners"), library_path)


@pytest.fixture
def receive() -> Iterator[Callable[..., Any]]:
    """Starts receivers that end with the test: ``receive(script, default=…, tls=…)``."""
    from receiver import Receiver

    started = []

    def start(*arguments: Any, **options: Any) -> Receiver:
        started.append(Receiver(*arguments, **options))
        return started[-1]

    yield start
    for receiver in started:
        receiver.close()


@pytest.fixture
def host() -> Iterator[Callable[..., Any]]:
    """Starts hosts in processes of their own that end with the test: ``host(config)``."""
    from hosts import Host

    started = []

    def start(config: Any) -> Host:
        started.append(Host(config))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()


@pytest.fixture
def ring() -> Iterator[Callable[..., Any]]:
    """Opens bells that raise what fails and are closed with the test: ``ring(config)``."""
    import taskbell

    opened = []

    def start(config: Any) -> taskbell.Bell:
        opened.append(taskbell.Bell(config, strict=True))
        return opened[-1]

    yield start
    for bell in opened:
        bell.close(2.0)
