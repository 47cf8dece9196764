"""A library that cannot be used: each binding says in one sentence what is wrong and what to do."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from bells import settings
from newer_glibc import CALL, need_newer_glibc
from tools import ROOT, compile_csharp, need, run

PYTHON = """
import taskbell
try:
    taskbell.version()
except ImportError as fault:
    print(fault)
"""

CSHARP = """
using System;
using TaskbellNet;

static class Host
{
    static void Main()
    {
        try
        {
            Console.WriteLine(Taskbell.Version);
        }
        catch (Exception fault)
        {
            Console.WriteLine(fault.GetType().Name + ": " + fault.Message);
        }
    }
}
"""

CPP = """
#include "taskbell.hpp"
int main() {
    auto bell = taskbell::Bell::open("{}");
    std::printf("%s\\n", bell.message().c_str());
}
"""

# Machine: RISC-V, bytes 18 and 19 of an ELF file.
OTHER_PROCESSOR = b"\xf3\x00"


def fake(folder: Path, *functions: str, text: str = "") -> Path:
    """A library with these functions alone; ``taskbell_abi_version`` says 7."""
    source = folder / "fake.c"
    bodies = [
        f"unsigned {name}(void) {{ return {7 if name == 'taskbell_abi_version' else 0}; }}"
        for name in functions
    ]
    source.write_text("\n".join(bodies) + text)
    library = folder / "libtaskbell.so"
    run(need("cc"), "-shared", "-fPIC", "-Wl,-soname,libtaskbell.so.1", source, "-o", library)
    return library


def every_function() -> list[str]:
    from taskbell import _native

    return list(_native.PROTOTYPES)


@pytest.fixture
def libraries(tmp_path, library_path):
    """Every kind of a library that cannot be used, by name."""

    def make(kind: str) -> Path:
        folder = tmp_path / kind
        folder.mkdir()
        library = folder / "libtaskbell.so"
        if kind == "another processor":
            content = bytearray(library_path.read_bytes())
            content[18:20] = OTHER_PROCESSOR
            library.write_bytes(content)
        elif kind == "a text":
            library.write_text("no library")
        elif kind == "another ABI":
            fake(folder, *every_function())
        elif kind == "a part":
            fake(folder, "taskbell_abi_version")
        elif kind == "a newer glibc":
            return need_newer_glibc(fake(folder, *every_function(), text=CALL))
        return library

    return make


@pytest.mark.skipif(sys.platform != "linux", reason="makes files of Linux")
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("nothing", "there is no such file: set TASKBELL_LIBRARY to the path of the library"),
        ("another processor", "it is no library for this system"),
        ("a text", "it is no library for this system"),
        (
            "another ABI",
            "has ABI version 7, this package needs 1: install a library and a package of the same release",
        ),
        ("a part", "it lacks a function"),
        ("a newer glibc", "it needs glibc 2.9.9, and this system has 2."),
    ],
)
def test_python_says_what_is_wrong_with_a_library(libraries, kind, words):
    library = libraries(kind)
    env = {**os.environ, "TASKBELL_LIBRARY": str(library)}
    said = run(sys.executable, "-c", PYTHON, env=env)
    assert words in said
    assert str(library) in said
    assert said.count("\n") == 1, "one sentence"


@pytest.mark.skipif(sys.platform != "linux", reason="makes files of Linux")
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("nothing", "The taskbell library is missing or cannot be loaded"),
        ("another processor", "for this system next to the program"),
        ("a newer glibc", "The taskbell library is missing or cannot be loaded"),
        ("another ABI", "The taskbell library has ABI version 7, Taskbell.cs needs 1"),
    ],
)
def test_csharp_says_what_is_wrong_with_a_library(libraries, tmp_path, kind, words):
    (tmp_path / "Host.cs").write_text(CSHARP)
    program = compile_csharp(tmp_path / "Host.exe", tmp_path / "Host.cs")
    library = libraries(kind)
    if library.exists():
        shutil.copy(library, tmp_path / library.name)
    said = run(need("mono"), program, env={**os.environ, "LD_LIBRARY_PATH": ""}, cwd=tmp_path)
    assert words in said, said
    assert said.count("\n") == 1, "one sentence"


@pytest.mark.skipif(sys.platform != "linux", reason="makes files of Linux")
def test_cpp_refuses_a_library_with_another_abi(libraries, tmp_path):
    library = libraries("another ABI")
    shutil.copy(library, library.with_name("libtaskbell.so.1"))
    (tmp_path / "host.cpp").write_text(CPP)
    includes = ["-I", ROOT / "include", "-I", ROOT / "bindings" / "cpp"]
    link = [library, f"-Wl,-rpath,{library.parent}"]
    run(need("c++"), "-std=c++14", *includes, tmp_path / "host.cpp", *link, "-o", tmp_path / "host")
    said = run(tmp_path / "host", env={**os.environ, "LD_LIBRARY_PATH": ""})
    assert "has ABI version 7, this program needs 1: use a library and headers of the same release" in said


TWO = """
import ctypes, json, sys
for path, config in zip(sys.argv[1::2], sys.argv[2::2]):
    library = ctypes.CDLL(path)
    library.taskbell_version.restype = ctypes.c_char_p
    print(library.taskbell_version().decode())
    bell = ctypes.c_void_p()
    assert library.taskbell_open(config.encode(), ctypes.byref(bell)) == 0
    ticket = ctypes.c_uint64()
    assert library.taskbell_emit(bell, b"test.event", b"{}", 2, ctypes.byref(ticket)) == 0
    assert library.taskbell_wait(bell, ticket, 20000) == 0
    first = (library, bell) if path == sys.argv[1] else first
assert first[0]._handle != library._handle
assert first[0].taskbell_close(first[1], 5000, None) == 0
assert library.taskbell_close(bell, 5000, None) == 0
"""


def test_two_versions_in_one_process_share_a_spool_and_both_deliver(tmp_path, library_path, receive):
    """Such as the package of an adapter and one that pip has installed."""
    version = re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE).group(1)
    newer = version[:-1] + ("8" if version[-1] == "9" else "9")
    receiver = receive()
    config, arguments = json.dumps(settings(tmp_path, receiver.url())), []
    for name in (version, newer):
        copy = tmp_path / name / library_path.name
        copy.parent.mkdir()
        copy.write_bytes(library_path.read_bytes().replace(version.encode(), name.encode()))
        arguments += [copy, config]
    assert run(sys.executable, "-c", TWO, *arguments).split() == [version, newer]
    sent = receiver.wait_for(2)
    assert len({request.header("webhook-id") for request in sent}) == 2
    assert [request.header("user-agent").split("/")[1] for request in sent] == [version, newer]
