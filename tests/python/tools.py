"""Programs the tests use. On CI a missing one is a failure, elsewhere its tests are skipped."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]


def lacking(message: str) -> NoReturn:
    """A failure on CI, which has what the tests need; elsewhere the test is skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def need(*names: str) -> str:
    """The path of the first of these programs that exists."""
    for name in names:
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
        if found:
            return found
    lacking(f"{' or '.join(names)} is not installed")


def run(*command: object, timeout: float = 300.0, expect: int = 0, **options: object) -> str:
    """Runs a program and returns its output; fails the test on another exit code than expected."""
    done = attempt(*command, timeout=timeout, **options)
    assert done.returncode == expect, f"{' '.join(done.args)} exited with {done.returncode}:\n{done.stdout}"
    return str(done.stdout)


def attempt(*command: object, timeout: float = 300.0, **options: object) -> subprocess.CompletedProcess[str]:
    """Runs a program that may fail."""
    return subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
        **options,  # type: ignore[call-overload]
    )


def line_by_line(messages: list[Any], *judge: object) -> list[str]:
    """What a program says of each message: it reads one as JSON and answers in one line each."""
    done = subprocess.run(
        [str(part) for part in judge],
        input="".join(json.dumps(message) + "\n" for message in messages),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.split("\n")[:-1]
    assert len(said) == len(messages)
    return said


def python(code: str, *arguments: object, env: dict[str, str | None] | None = None, **options: Any) -> str:
    """Runs a Python host of its own with the binding on its path.

    ``arguments`` are its ``sys.argv[1:]``; ``env`` adds variables, or takes them away with ``None``.
    """
    surroundings = {**os.environ, **(env or {})}
    kept = {name: value for name, value in surroundings.items() if value is not None}
    return run(sys.executable, "-c", code, *arguments, env=kept, **options)


def linkable(library: Path) -> Path:
    """The library, with the name next to it that a linked host looks for: with the number of the ABI."""
    if library.suffix == ".so":
        with contextlib.suppress(FileExistsError):
            library.with_name("libtaskbell.so.1").symlink_to(library.name)
    return library


def compile_native(library: Path, program: Path, *sources: Path, standard: str = "", flags: Any = ()) -> Path:
    """A host in C or C++, every warning an error, linked with the library."""
    is_cpp = sources[0].suffix == ".cpp"
    compiler, usual = ("c++", "c++14") if is_cpp else ("cc", "c11")
    includes = [part for folder in ("include", "bindings/cpp", "tests/c") for part in ("-I", ROOT / folder)]
    link = [linkable(library), f"-Wl,-rpath,{library.parent}", "-pthread", "-ldl"]
    strict = [f"-std={standard or usual}", "-Wall", "-Wextra", "-Werror", *flags]
    run(need(compiler), *strict, *includes, *sources, "-o", program, *link)
    return program


def compile_csharp(program: Path, *sources: Path) -> Path:
    """A host in C# with the binding, in the newest version of the language that this compiler knows."""
    binding = [ROOT / "bindings" / "csharp" / name for name in ("Taskbell.cs", "Native.cs")]
    run(need("mcs"), "-langversion:7.2", "-warn:4", "-warnaserror", f"-out:{program}", *sources, *binding)
    return program


def adapter(host: str, folder: Path) -> Path | None:
    """The adapter of a release, unpacked below this folder, where the tests are for a release."""
    dist = os.environ.get("TASKBELL_DIST")
    if dist is None:
        return None
    (archive,) = Path(dist).glob(f"taskbell-{host}-*.zip")
    with zipfile.ZipFile(archive) as unpacked:
        unpacked.extractall(folder)
        return folder / unpacked.namelist()[0].split("/")[0]


def coreclr_folder() -> Path:
    """Where the package ``dotnetcore2`` keeps CoreCLR."""
    found = importlib.util.find_spec("dotnetcore2")
    if found is None or found.origin is None:
        pytest.fail("the package dotnetcore2 is missing; `cargo xtask test` installs it")
    return Path(found.origin).parent / "bin"


def coreclr(program: Path) -> list[object]:
    """The command that runs a program under CoreCLR."""
    framework = {"name": "Microsoft.NETCore.App", "version": "3.1.0"}
    properties = {"System.Globalization.Invariant": True}
    runtime = program.with_suffix(".runtimeconfig.json")
    runtime.write_text(
        json.dumps({"runtimeOptions": {"framework": framework, "configProperties": properties}})
    )
    return [coreclr_folder() / "dotnet", "exec", "--runtimeconfig", runtime, program]
