"""The archive for Windows, under Wine: hosts in C and C++ and the command deliver to a receiver."""

from __future__ import annotations

import json
import re
import zipfile

import pytest
from packages import DIST, ROOT, paths_of_this_machine, version
from windows import build

from bells import settings
from tools import need, run

SYSTEM = {
    "advapi32", "bcrypt", "bcryptprimitives", "combase", "crypt32", "kernel32", "msvcrt", "ntdll", "oleaut32",
    "pdh", "powrprof", "psapi", "rpcrt4", "shell32", "userenv", "ws2_32",
}  # fmt: skip
"""The DLLs of every Windows 10; besides them, sets of its own interfaces."""


@pytest.mark.parametrize("name", ["abi.c", "host.cpp"])
def test_a_host_is_built_from_the_archive_and_delivers(tree, wine, tmp_path, receive, name):
    language = "g++" if name.endswith("cpp") else "gcc"
    program = tree / "bin" / f"{name}.exe"
    source = ROOT / "tests" / "c" / name
    include = ["-I", tree / "include", "-I", source.parent]
    build(language, program, "-Wall", "-Wextra", *include, source, tree / "lib" / "libtaskbell.dll.a")
    receiver = receive()
    assert "ok" in wine(program, receiver.url(), "bell.db", cwd=tmp_path)
    assert receiver.requests


def test_the_command_checks_sends_and_lists(tree, wine, tmp_path, receive):
    receiver = receive()
    config = settings(tmp_path, receiver.url())
    config["spool"]["path"] = "bell.db"
    (tmp_path / "taskbell.json").write_text(json.dumps(config))
    command = tree / "bin" / "taskbell.exe"
    assert wine(command, "--version", cwd=tmp_path).strip() == f"taskbell {version()}"
    assert "fine" in wine(command, "check", "taskbell.json", cwd=tmp_path)
    assert "delivered" in wine(command, "send", "taskbell.json", "test.event", "{}", cwd=tmp_path)
    assert "1 delivered, 0 dead" in wine(command, "list", "taskbell.json", cwd=tmp_path)
    assert receiver.wait_for(1)[0].json()["type"] == "test.event"


def test_the_dll_exports_the_header_and_needs_only_the_systems_own(tree):
    said = run(need("x86_64-w64-mingw32-objdump"), "-p", tree / "bin" / "taskbell.dll")
    needed = {name.lower().removesuffix(".dll") for name in re.findall(r"DLL Name: (\S+)", said)}
    assert {name for name in needed if not name.startswith("api-ms-win-")} <= SYSTEM
    exported = set(re.findall(r"^\s*\[\s*\d+\](?: \+base\[\s*\d+\]\s+\w+)? (\w+)$", said, flags=re.MULTILINE))
    header = (tree / "include" / "taskbell.h").read_text()
    assert exported
    assert all(re.search(rf"\b{name}\(", header) for name in exported), exported
    assert "taskbell_open" in exported


def test_no_path_of_the_building_machine_is_in_what_is_shipped(tree):
    for name in ("taskbell.dll", "taskbell.exe"):
        assert paths_of_this_machine(tree / "bin" / name) == []


def test_the_wheel_for_windows_has_its_dll_and_its_command():
    (wheel,) = DIST.glob("taskbell-*-py3-none-win_amd64.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"taskbell/taskbell.dll", f"taskbell-{version()}.data/scripts/taskbell.exe"} <= names
