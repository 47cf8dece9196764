"""The page of each language is one screen, and its lines send a first message as they are written."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Callable

import pytest

from documents import one
from languages import JNA, go_environment
from tools import ROOT, compile_csharp, compile_native, need, python, run

URL = re.compile(r"https://hooks\.slack\.com/services/[\w/…]+")
Given = Callable[[str], "list[object]"]


def page(language: str) -> str:
    return f"bindings/{language}/README.md"


def parted(code: str, head: str) -> tuple[str, str]:
    """The lines of a snippet that begin as ``head``, which go to the top of a program, and the others."""
    lines = code.splitlines(keepends=True)
    return "".join(line for line in lines if line.startswith(head)), "".join(
        line for line in lines if not line.startswith(head)
    )


def cpp(folder: Path, code: str, _command: Given, library: Path) -> list[object]:
    top, body = parted(code, "#include")
    log = "static void my_log(int, std::string_view) {}\n"
    (folder / "page.cpp").write_text(f"{top}{log}int main() {{\n{body}}}\n")
    return [compile_native(library, folder / "page", folder / "page.cpp", standard="c++17")]


def csharp(folder: Path, code: str, _command: Given, _library: Path) -> list[object]:
    top, body = parted(code, "using System;")
    names, body = parted(body, "using TaskbellNet;")
    (folder / "Page.cs").write_text(f"{top}{names}static class Page {{ static void Main() {{\n{body}}} }}\n")
    return [need("mono"), compile_csharp(folder / "Page.exe", folder / "Page.cs")]


def node(folder: Path, code: str, command: Given, _library: Path) -> list[object]:
    """Next to the scenario's host, which has the package installed."""
    program, host = command("node")
    place = Path(str(host)).with_name("page.mjs")
    place.write_text(code)
    return [program, place]


def go(folder: Path, code: str, command: Given, _library: Path) -> list[object]:
    """In the module of the scenario's host, which has the package from a proxy."""
    (host,) = command("go")
    place = Path(str(host)).parent / "page"
    place.mkdir()
    names = "".join(f'\t"{name}"\n' for name in ("context", "log", "time"))
    imports = f'import (\n{names}\n\ttaskbell "github.com/taskbell/taskbell/bindings/go"\n)\n'
    (place / "page.go").write_text(
        f"package main\n\n{imports}\nfunc main() {{\n{code}\tif err != nil {{\n\t\tlog.Fatal(err)\n\t}}\n}}\n"
    )
    run(
        need("go"),
        "build",
        "-o",
        folder / "page",
        "./page",
        cwd=place.parent,
        env=go_environment(place.parent),
    )
    return [folder / "page"]


def java(folder: Path, code: str, command: Given, _library: Path) -> list[object]:
    """With the package on the class path, and JNA."""
    *start, path, _runner = command("java")
    imports = "import io.github.taskbell.Bell;\nimport java.time.Duration;\n"
    (folder / "Page.java").write_text(
        f"{imports}class Page {{ public static void main(String[] words) throws Exception {{\n{code}}} }}\n"
    )
    run("javac", "-Xlint:all", "-Werror", "-cp", path, "-d", folder, folder / "Page.java")
    assert str(JNA) in str(path)
    return [*start, f"{folder}{os.pathsep}{path}", "Page"]


def lua(folder: Path, code: str, command: Given, _library: Path) -> list[object]:
    *start, _runner = command("lua")
    (folder / "page.lua").write_text(code)
    return [*start, folder / "page.lua"]


SNIPPETS: dict[str, tuple[str, Any]] = {
    "cpp": ("cpp", cpp),
    "csharp": ("csharp", csharp),
    "node": ("js", node),
    "go": ("go", go),
    "java": ("java", java),
    "lua": ("lua", lua),
}
"""The language of the snippet as its page calls it, and what makes a program of it."""


@pytest.fixture
def place(tmp_path):
    """An empty folder to run in."""
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("language", SNIPPETS)
def test_the_lines_of_a_page_send_a_first_message(
    tmp_path, place, receive, runner_command, library_path, language
):
    receiver = receive()
    name, program = SNIPPETS[language]
    code = one(page(language), name)
    assert len(code.splitlines()) <= 12
    command = program(place, URL.sub(receiver.url(), code), runner_command, library_path)
    (place / "taskbell.toml").write_text(
        f"[endpoints.main]\nurl = '{receiver.url()}'\n\n[[hooks]]\non = ['task.complete']\nto = ['main']\n"
    )
    env = {
        **os.environ,
        "TASKBELL_LIBRARY": str(library_path),
        "LD_LIBRARY_PATH": str(library_path.parent),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    run(*command, cwd=place, env=env, timeout=120)
    (request,) = receiver.wait_for(1)
    assert "frame 12" in request.body.decode()


def test_the_lines_of_the_page_of_python_send_a_first_message(tmp_path, receive):
    receiver = receive()
    code = URL.sub(receiver.url(), one(page("python"), "python"))
    python(code, env={"XDG_STATE_HOME": str(tmp_path / "state")}, cwd=tmp_path, timeout=60)
    (request,) = receiver.wait_for(1)
    assert "training done" in request.body.decode()


@pytest.mark.parametrize("language", SNIPPETS)
def test_a_page_of_a_language_is_one_screen_and_names_what_it_must(language):
    text = (ROOT / page(language)).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 45
    for word in ("Errors", "log", "At the end", "ibrary", "```"):
        assert word in text, word
