"""The packages under test, and the environment of a user who has nothing but one of them."""

from __future__ import annotations

import os
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "python"))

DIST = Path(os.environ["TASKBELL_DIST"])
HERE = f"{os.uname().machine}-unknown-linux-gnu"


def package(pattern: str) -> Path:
    """The one file of the release with such a name."""
    found = sorted(DIST.glob(pattern))
    assert len(found) == 1, (pattern, [path.name for path in DIST.iterdir()])
    return found[0]


def version() -> str:
    """The version of the release, from the name of its source distribution."""
    return package("taskbell-[0-9]*[0-9].tar.gz").name[len("taskbell-") : -len(".tar.gz")]


def unpacked(archive: Path, folder: Path) -> Path:
    """The tree in an archive."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="fully_trusted")
    (top,) = folder.iterdir()
    return top


def paths_of_this_machine(file: Path) -> list[str]:
    """What a shipped file names of the machine that built it: the project, a home, the folders of Rust."""
    home = Path(os.environ.get("CARGO_HOME", "~/.cargo")).expanduser().parent
    names = (str(ROOT), f"{home}/", "/.cargo/", "/.rustup/")
    content = file.read_bytes()
    return [name for name in names if name.encode() in content]


def user(home: Path, **variables: str) -> dict[str, str]:
    """The environment of a user without Rust, and without anything of this project."""
    home.mkdir(exist_ok=True)
    places = [without_rust(Path(place), home) for place in os.environ["PATH"].split(os.pathsep)]
    kept = ("LANG", "TMPDIR", "PIP_", "UV_", "SSL_", "REQUESTS_", "HTTP", "http", "no_proxy", "NO_PROXY")
    env = {name: value for name, value in os.environ.items() if name.startswith(kept)}
    path = os.pathsep.join(str(place) for place in places)
    return {**env, "PATH": path, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1", **variables}


def without_rust(place: Path, home: Path) -> Path:
    """A folder of programs, or links to all of them but those of Rust."""
    rust = {"cargo", "rustc"}
    if not any((place / name).exists() for name in rust):
        return place
    links = home / "programs" / str(place).strip("/").replace("/", "-")
    if not links.exists():
        links.mkdir(parents=True)
        for program in place.iterdir():
            if program.name not in rust:
                (links / program.name).symlink_to(program)
    return links
