"""The library exports what the header declares, and nothing else."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from taskbell import _native
from tools import ROOT, need, run

HEADER = ROOT / "include" / "taskbell.h"
RELEASE = os.environ.get("TASKBELL_RELEASE_LIBRARY")
MIB = 1 << 20


def declared() -> set[str]:
    """The functions of the header: comments and preprocessor lines aside, a name before a parenthesis."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", HEADER.read_text(), flags=re.DOTALL)
    text = re.sub(r"^\s*#.*(?:\\\n.*)*$", " ", text, flags=re.MULTILINE)
    names = set()
    for statement in text.split(";"):
        if "typedef" not in statement and (found := re.search(r"\b(\w+)\s*\(", statement)):
            names.add(found.group(1))
    return names


def exported(library: Path) -> set[str]:
    lines = run(need("nm"), "-D", "--defined-only", library).splitlines()
    return {line.split()[-1].split("@")[0] for line in lines if line}


def test_the_library_exports_exactly_the_header(library_path):
    assert exported(library_path) == declared()


def unresolved(library: Path) -> set[str]:
    """What the library needs and no library of the system is named for. A shared library links in silence
    without it, and fails in the host."""
    lines = run(need("nm"), "-D", "--undefined-only", library).splitlines()
    needed = [line.split() for line in lines if line]
    assert any(name.startswith("malloc@GLIBC") for _, name in needed)
    return {name for kind, name in needed if kind == "U" and "@" not in name}


def test_every_symbol_that_the_library_needs_is_the_systems(library_path):
    assert unresolved(library_path) == set()


@pytest.mark.skipif(RELEASE is None, reason="no release build was given")
def test_the_release_library_exports_the_same_and_is_small():
    library = Path(RELEASE or "")
    assert exported(library) == declared()
    assert unresolved(library) == set()
    assert library.stat().st_size <= 10 * MIB


def test_the_status_codes_of_the_header_are_those_of_the_bindings():
    text = HEADER.read_text()
    numbers = {int(number): name for name, number in re.findall(r"\bTASKBELL_ERR_(\w+)\s*=?\s*(\d+)", text)}
    assert numbers == _native.CODES
    csharp = (ROOT / "bindings" / "csharp" / "Taskbell.cs").read_text()
    cpp = (ROOT / "bindings" / "cpp" / "taskbell.hpp").read_text()
    for number, name in _native.CODES.items():
        pascal = "".join(part.capitalize() for part in name.split("_"))
        assert re.search(rf"\b{pascal} = {number},", csharp), name
        assert re.search(rf"\b{name.lower()} = {number},", cpp), name


def test_the_library_needs_only_the_systems_own(library_path):
    lines = run(need("readelf"), "-d", library_path).splitlines()
    needed = {re.search(r"\[(.*)\]", line).group(1) for line in lines if "(NEEDED)" in line}
    system = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libpthread.so.0", "libdl.so.2"}
    assert {name for name in needed if not name.startswith("ld-linux")} <= system


def test_the_library_has_no_part_of_the_page_or_the_relay(library_path):
    """A guest starts no runtime and no server in its host; the command may."""
    tree = run(need("cargo"), "tree", "-p", "taskbell-ffi", "-e", "normal", "--prefix", "none", cwd=ROOT)
    names = {line.split()[0] for line in tree.splitlines() if line}
    assert "taskbell-core" in names
    servers = {"axum", "hyper", "maud", "taskbell-cli", "taskbell-relay", "tokio-rustls", "tower"}
    databases = {"libpq", "postgres", "pq-sys", "sqlx", "tokio-postgres"}
    assert names & {"tokio", *servers, *databases} == set()
    symbols = run(need("nm"), "-C", library_path).lower()
    assert "taskbell_core" in symbols or "no symbols" in symbols
    assert {name for name in ["tokio", "hyper", "postgres", "taskbell_relay"] if name in symbols} == set()
