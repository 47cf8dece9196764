"""C and C++ hosts: compiled with every warning as an error, run, and run once under valgrind."""

from __future__ import annotations

import json
import re

import pytest

from bells import settings
from tools import ROOT, need, run

C = ROOT / "tests" / "c"
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
INCLUDES = ["-I", str(ROOT / "include"), "-I", str(ROOT / "bindings" / "cpp"), "-I", str(C)]


@pytest.fixture
def build(tmp_path, library_path):
    """Compiles files of tests/c into a program linked with the library."""

    def compile_program(compiler: str, standard: str, *files: str, flags: tuple[str, ...] = ()) -> str:
        program = tmp_path / "program"
        sources = [C / file for file in files]
        link = [library_path, f"-Wl,-rpath,{library_path.parent}", "-pthread", "-ldl"]
        run(compiler, f"-std={standard}", *WARNINGS, *flags, *INCLUDES, *sources, "-o", program, *link)
        return str(program)

    return compile_program


@pytest.mark.parametrize("name", ["abi", "bad_input"])
def test_a_c_host(tmp_path, build, receive, name):
    program = build(need("cc"), "c11", f"{name}.c", flags=("-Wpedantic",))
    assert "ok" in run(program, receive().url(), tmp_path / "bell.db", cwd=tmp_path)


def test_threads_emit_while_another_closes(tmp_path, build, receive):
    receiver = receive()
    program = build(need("cc"), "c11", "threads.c")
    text = run(program, receiver.url(), tmp_path / "bell.db")
    taken, undelivered = map(int, re.fullmatch(r"taken (\d+) undelivered (\d+)\n", text).groups())
    ids = {request.header("webhook-id") for request in receiver.requests}
    assert len(ids) + undelivered >= taken >= 64


def test_the_header_may_be_included_twice_and_in_two_files(build):
    run(build(need("cc"), "c11", "include_twice_a.c", "include_twice_b.c"))


@pytest.mark.parametrize("standard", ["c++14", "c++17", "c++20"])
def test_a_cpp_host_without_exceptions(tmp_path, build, receive, standard):
    flags = ("-Wpedantic", "-Wshadow", "-fno-exceptions", "-fno-rtti")
    program = build(need("c++"), standard, "host.cpp", flags=flags)
    assert "ok" in run(program, receive().url(), tmp_path / "bell.db")


@pytest.mark.parametrize("left_open", ["0", "1"])
def test_a_host_lives_on_after_the_library_is_unloaded(tmp_path, build, library_path, receive, left_open):
    program = build(need("cc"), "c11", "unload.c")
    config = json.dumps(settings(tmp_path, receive().url()))
    assert "alive" in run(program, library_path, config, left_open)


def test_valgrind_finds_no_error_and_no_leak(tmp_path, build, receive):
    program = build(need("cc"), "c11", "abi.c")
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
