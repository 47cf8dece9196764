"""C and C++ hosts: compiled with every warning as an error, run, and run once under valgrind."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from bells import settings
from tools import ROOT, compile_native, need, run

C = ROOT / "tests" / "c"


@pytest.fixture
def build(tmp_path, library_path):
    """Compiles files of tests/c into a program linked with the library."""

    def compile_program(*files: str, **options: Any) -> Path:
        return compile_native(library_path, tmp_path / "program", *(C / file for file in files), **options)

    return compile_program


def test_a_c_host(tmp_path, build, receive):
    program = build("abi.c", flags=["-Wpedantic"])
    assert "ok" in run(program, receive().url(), tmp_path / "bell.db", cwd=tmp_path)


def test_threads_emit_while_another_closes(tmp_path, build, receive):
    receiver = receive()
    program = build("threads.c")
    text = run(program, receiver.url(), tmp_path / "bell.db")
    taken, undelivered = map(int, re.fullmatch(r"taken (\d+) undelivered (\d+)\n", text).groups())
    ids = {request.header("webhook-id") for request in receiver.requests}
    assert len(ids) + undelivered >= taken >= 64


@pytest.mark.skipif(sys.platform != "linux", reason="counts by a filter of Linux")
def test_a_call_makes_no_system_call_while_events_flow(tmp_path, build, receive):
    program = build("system_calls.c")
    text = run(program, receive().url(), tmp_path / "bell.db")
    calls, refused, made = map(
        int, re.fullmatch(r"calls (\d+) refused (\d+) system calls (\d+)\n", text).groups()
    )
    assert refused == 0
    # On a busy machine the thread may be kept from calling for so long that the dispatcher goes to sleep.
    assert made <= calls / 1000


def test_the_header_may_be_included_twice_and_in_two_files(build):
    run(build("include_twice_a.c", "include_twice_b.c"))


@pytest.mark.parametrize("standard", ["c++14", "c++17", "c++20"])
def test_a_cpp_host_without_exceptions(tmp_path, build, receive, standard):
    flags = ["-Wpedantic", "-Wshadow", "-fno-exceptions", "-fno-rtti"]
    program = build("host.cpp", standard=standard, flags=flags)
    assert "ok" in run(program, receive().url(), tmp_path / "bell.db")


@pytest.mark.parametrize("left_open", ["0", "1"])
def test_a_host_lives_on_after_the_library_is_unloaded(tmp_path, build, library_path, receive, left_open):
    program = build("unload.c")
    config = json.dumps(settings(tmp_path, receive().url()))
    assert "alive" in run(program, library_path, config, left_open)


def test_valgrind_finds_no_error_and_no_leak(tmp_path, library_path, receive):
    program = compile_native(library_path, tmp_path / "program", C / "abi.c")
    run(
        need("valgrind"),
        "--error-exitcode=9",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite",
        program,
        receive().url(),
        tmp_path / "bell.db",
        timeout=600,
    )
