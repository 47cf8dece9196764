"""The stand-in for SwarmUI that the tests compile against, compared with SwarmUI's own source.

``TASKBELL_SWARMUI`` names the folder of a checkout. The program itself cannot be compiled here: its packages
are on NuGet alone.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from csharp_source import Member, members_of, without_comments_and_strings
from tools import ROOT

SOURCE = os.environ.get("TASKBELL_SWARMUI")

pytestmark = pytest.mark.skipif(not SOURCE, reason="TASKBELL_SWARMUI names no checkout of SwarmUI")


def members(*folders: Path) -> list[Member]:
    files = [file for folder in folders for file in sorted(folder.rglob("*.cs"))]
    return [one for file in files for one in members_of(file.read_text(encoding="utf-8-sig"))]


def used() -> set[str]:
    """Every word of the extension."""
    files = (ROOT / "bindings" / "hosts" / "swarmui").glob("*.cs")
    return {
        word for file in files for word in re.findall(r"\w+", without_comments_and_strings(file.read_text()))
    }


def fits(stub: Member, real: Member) -> bool:
    """Whether what is compiled against one compiles against the other."""
    if (stub.type, stub.is_static) != (real.type, real.is_static):
        return False
    if stub.parameters is None or real.parameters is None:
        return stub.parameters == real.parameters
    theirs = [one for one in real.parameters if one in stub.parameters]
    others = [one for one in real.parameters if one not in stub.parameters]
    return tuple(theirs) == stub.parameters and all(one.is_optional for one in others)


def test_each_member_that_the_extension_uses_is_in_the_source_of_swarmui():
    real: dict[tuple[str, str], list[Member]] = {}
    for one in members(Path(str(SOURCE)) / "src"):
        real.setdefault((one.owner, one.name), []).append(one)
    words = used()
    compared, wrong = 0, []
    for stub in members(ROOT / "tests" / "csharp" / "stubs"):
        if not stub.owner.startswith("SwarmUI") or stub.name not in words:
            continue
        compared += 1
        candidates = real.get((stub.owner, stub.name), [])
        if not any(fits(stub, one) for one in candidates):
            wrong.append((stub, candidates))
    assert not wrong, "\n".join(f"{stub}\n  really {candidates}" for stub, candidates in wrong)
    assert compared > 60
