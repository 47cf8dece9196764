"""Fixtures of the tests that use the archive for Windows."""

from __future__ import annotations

import zipfile

import pytest
from packages import ROOT
from windows import ARCHIVES, Wine, build

from tools import attempt, need, run

# They are part of a release that is for Windows, too.
collect_ignore_glob = [] if ARCHIVES else ["test_windows*.py"]


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
