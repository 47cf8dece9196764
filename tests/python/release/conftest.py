"""Fixtures of the tests that use the archive for Windows."""

from __future__ import annotations

import zipfile

import projects
import pytest
from packages import DIST, HERE, ROOT
from systems import archives
from windows import ARCHIVES, Wine, build

from tools import attempt, need, run

# What a release is not for is not tested.
collect_ignore_glob = [] if ARCHIVES else ["test_windows*.py", "test_dotnet.py"]
collect_ignore_glob += [] if archives() else ["test_other_linux.py"]
if not [*DIST.glob(f"taskbell-*-{HERE}.tar.gz")]:
    here = ["archive", "deb", "install", "languages", "nuget", "release", "static", "wheel"]
    collect_ignore_glob += [f"test_{name}.py" for name in here]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The unpacked archive, with the DLL that Wine lacks next to its programs."""
    with zipfile.ZipFile(ARCHIVES[0]) as archive:
        folder = tmp_path_factory.mktemp("windows")
        archive.extractall(folder)
    (top,) = folder.iterdir()
    source = ROOT / "tests" / "c" / "windows_prng.c"
    build("gcc", top / "bin" / "bcryptprimitives.dll", "-shared", source, "-ladvapi32")
    return top


@pytest.fixture(scope="module")
def wine(tmp_path_factory):
    """Wine, whose server ends with the module."""
    wine = Wine(tmp_path_factory.mktemp("wine") / "prefix")
    run(wine.program, "wineboot", "--init", env=wine.env)
    yield wine
    # It answers with 1 when its last program has ended by itself.
    attempt(need("wineserver", "/usr/lib/wine/wineserver"), "--kill", env=wine.env)


@pytest.fixture
def project(tmp_path):
    """The sources of hosts in C and C++, in a folder of their own."""
    return projects.write(tmp_path / "project")
