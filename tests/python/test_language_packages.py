"""The packages of the languages: their content, their examples, what they say of a library that is wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bells import settings
from languages import JNA, PACKAGE, SCENARIO, Runner, go_environment, install_npm, with_purego
from newer_glibc import CALL, need_newer_glibc
from tools import ROOT, compile_native, need, run

BINDINGS = ROOT / "bindings"
DESCRIPTION = json.loads((ROOT / "include" / "taskbell.abi.json").read_text(encoding="utf-8"))


def stub(folder: Path, abi: int, functions: list[str], more: str = "") -> Path:
    """A library with these functions, which do nothing, and this number of an ABI."""
    source = folder / "stub.c"
    lines = [
        f"int {name}(void) {{ return {abi if name == 'taskbell_abi_version' else 0}; }}" for name in functions
    ]
    source.write_text("\n".join(lines) + more)
    run(need("cc"), "-shared", "-fPIC", source, "-o", folder / "libtaskbell.so")
    return folder / "libtaskbell.so"


def missing(folder: Path, _library: Path) -> Path:
    return folder / "libtaskbell.so"


def not_a_library(folder: Path, _library: Path) -> Path:
    (folder / "libtaskbell.so").write_text("this is text\n" * 100)
    return folder / "libtaskbell.so"


def of_another_processor(folder: Path, library: Path) -> Path:
    head = bytearray(library.read_bytes()[:65536])
    # `e_machine`: PowerPC 64, which no machine of these tests is.
    head[18:20] = (21).to_bytes(2, "little")
    (folder / "libtaskbell.so").write_bytes(head)
    return folder / "libtaskbell.so"


def of_another_abi(folder: Path, _library: Path) -> Path:
    return stub(folder, 99, [function["name"] for function in DESCRIPTION["functions"]])


def of_a_newer_glibc(folder: Path, _library: Path) -> Path:
    return need_newer_glibc(
        stub(folder, 1, [function["name"] for function in DESCRIPTION["functions"]], more=CALL)
    )


def without_a_function(folder: Path, _library: Path) -> Path:
    return stub(folder, 1, ["taskbell_abi_version"])


FAULTS = {
    missing: "no such file|missing",
    not_a_library: "for this system|for another system|missing or cannot be loaded",
    of_another_processor: "for this system|for another system|missing or cannot be loaded",
    of_another_abi: "ABI version 99",
    of_a_newer_glibc: "needs glibc 2.9.9|GLIBC_2.9.9|missing or cannot be loaded",
    without_a_function: "lacks|taskbell_version",
}


@pytest.mark.skipif(sys.platform != "linux", reason="makes libraries of Linux")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
@pytest.mark.parametrize(
    "language", ["csharp", "python", "node", "go", "go_purego", "java", "java_foreign", "lua", "luajit"]
)
def test_a_library_that_cannot_be_used_is_one_sentence(
    tmp_path, runner_command, library_path, language, fault
):
    wrong = fault(tmp_path, library_path)
    runner = Runner(runner_command(language), wrong)
    said = " ".join(runner.greeting)
    assert runner.end() == 0, said
    assert runner.greeting[0] == "unusable", said
    assert re.search(FAULTS[fault], said), said
    assert "\n" not in said
    if fault is not without_a_function or language != "csharp":
        assert re.search(r"set TASKBELL_LIBRARY|use (the|a)|install|put ", said), said


def slim(library: Path, folder: Path) -> Path:
    """The library without what debuggers read, as it is shipped."""
    run(need("strip"), library, "-o", folder / library.name)
    return folder / library.name


def own_library_only() -> dict[str, str]:
    """An environment in which only the package has a library."""
    names = ("TASKBELL_LIBRARY", "LD_LIBRARY_PATH")
    return {name: value for name, value in os.environ.items() if name not in names}


WORKERS = """
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { Bell } from 'taskbell';

const [configs, number] = isMainThread ? [JSON.parse(process.argv[2]), 0] : workerData;
const bell = new Bell(configs[number]);
bell.emit('test.event', { number });
if (isMainThread) {
  for (const own of [1, 2]) {
    const worker = new Worker(new URL(import.meta.url), { workerData: [configs, own] });
    await new Promise((resolve) => worker.once('exit', resolve));
  }
  // One that is stopped leaves its bell open, and nothing else behind.
  const stopped = new Worker(new URL(import.meta.url), { workerData: [configs, 3] });
  await new Promise((resolve) => stopped.once('message', resolve));
  await stopped.terminate();
  await bell.close();
  console.log('ok');
} else if (number === 3) {
  await bell.flush(30_000);
  parentPort.postMessage('open');
  setInterval(() => {}, 1000);
}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="packs the library of Linux")
def test_the_package_for_npm_has_its_library_and_works_in_worker_threads(tmp_path, receive, library_path):
    receiver = receive()
    library = slim(library_path, tmp_path)
    machine = {"x86_64": "x64", "aarch64": "arm64"}[os.uname().machine]
    run(sys.executable, PACKAGE, "npm", tmp_path, f"linux-{machine}={library}")
    install_npm(tmp_path)
    (tmp_path / "workers.mjs").write_text(WORKERS)
    configs = []
    for number in range(4):
        (tmp_path / str(number)).mkdir()
        configs.append(json.dumps(settings(tmp_path / str(number), receiver.url())))
    words = run(
        need("node"), tmp_path / "workers.mjs", json.dumps(configs), env=own_library_only(), timeout=60
    )
    assert words == "ok\n"
    numbers = {request.json()["data"]["number"] for request in receiver.wait_for(4)}
    assert numbers == {0, 1, 2, 3}


def test_the_types_for_node_have_what_the_package_exports():
    declared = (BINDINGS / "node" / "index.d.ts").read_text(encoding="utf-8")
    exported = (BINDINGS / "node" / "index.mjs").read_text(encoding="utf-8")
    names = set(re.findall(r"^  (\w+),$", exported, flags=re.MULTILINE))
    assert names == set(re.findall(r"^export (?:class|function) (\w+)", declared, flags=re.MULTILINE))
    bell = (BINDINGS / "node" / "lib" / "bell.cjs").read_text(encoding="utf-8")
    methods = set(
        re.findall(r"^  (?:async )?([a-z]\w+)\([^()]*(?:\([^()]*\))?[^()]*\) \{$", bell, flags=re.MULTILINE)
    )
    methods -= {"constructor"}
    described = declared.split("export class Bell")[1].split("\n}\n")[0]
    assert methods == set(re.findall(r"^  ([a-z]\w+)\(", described, flags=re.MULTILINE)) - {"constructor"}


@pytest.mark.skipif(sys.platform != "linux", reason="packs the library of Linux")
@pytest.mark.parametrize("language", ["java", "java_foreign"])
def test_the_jar_has_its_library_and_comes_with_its_sources(
    tmp_path, receive, library_path, runner_command, language
):
    # Where JNA, a compiler or the newer Java is missing, the runner says so.
    java, *_ = runner_command(language)
    receiver = receive()
    library = slim(library_path, tmp_path)
    machine = {"x86_64": "x64", "aarch64": "arm64"}[os.uname().machine]
    run(sys.executable, PACKAGE, "jar", tmp_path, f"linux-{machine}={library}")
    (package,) = (path for path in tmp_path.glob("*.jar") if "sources" not in path.name)
    with zipfile.ZipFile(package.with_name(f"{package.stem}-sources.jar")) as packed:
        sources = {name for name in packed.namelist() if name.endswith(".java")}
    base = BINDINGS / "java" / "src" / "main" / "java"
    assert sources == {path.relative_to(base).as_posix() for path in base.rglob("*.java")}
    example = BINDINGS / "java" / "examples" / "Render.java"
    run("javac", "-Xlint:all", "-Werror", "-cp", package, "-d", tmp_path, example)
    path = os.pathsep.join(map(str, [package, tmp_path, *([JNA] if language == "java" else [])]))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    options = [f"-Djava.io.tmpdir={temporary}", "-cp", path]
    config = json.dumps(settings(tmp_path, receiver.url()))
    words = run(java, *options, "Render", config, env=own_library_only(), timeout=120)
    assert "everybody knows" in words, words
    assert len(receiver.wait_for(4)) == 4
    assert list(temporary.glob("taskbell-*")) == []
    if language == "java_foreign":
        temporary.rmdir()
        words = run(java, *options, "Render", config, env=own_library_only(), timeout=120, expect=1)
        assert "set TASKBELL_LIBRARY to the path of the library, or java.io.tmpdir" in words, words


@pytest.mark.parametrize("language", ["node", "lua", "luajit"])
def test_an_example_runs_from_the_package(tmp_path, receive, runner_command, library_path, language):
    receiver = receive()
    *command, runner = runner_command(language)
    suffix = Path(str(runner)).suffix
    example = next((BINDINGS / language.removesuffix("jit") / "examples").glob(f"*{suffix}"))
    # Node looks for the package above the file that imports it.
    place = shutil.copy(example, Path(str(runner)).parent) if language == "node" else example
    config = json.dumps(settings(tmp_path, receiver.url()))
    env = {**os.environ, "TASKBELL_LIBRARY": str(library_path)}
    words = run(*command, place, config, env=env, timeout=60)
    assert "everybody knows" in words, words
    assert len(receiver.wait_for(4)) == 4


def test_the_example_for_cpp_runs(tmp_path, receive, library_path):
    receiver = receive()
    source = BINDINGS / "cpp" / "examples" / "render.cpp"
    program = compile_native(library_path, tmp_path / "render", source, standard="c++17", flags=["-Wshadow"])
    words = run(program, json.dumps(settings(tmp_path, receiver.url())), timeout=60)
    assert "everybody knows, 0 left" in words, words
    assert len(receiver.wait_for(4)) == 4


def test_the_example_for_go_is_sound_and_runs(tmp_path, receive, runner_command, library_path):
    runner_command("go")
    receiver = receive()
    config = tmp_path / "taskbell.json"
    config.write_text(json.dumps(settings(tmp_path, receiver.url())))
    cache = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "go"
    source = (BINDINGS / "go" / "example_test.go").read_text(encoding="utf-8")
    # An example without a line of output is compiled and not run.
    copied = tmp_path / "go"
    shutil.copytree(BINDINGS / "go", copied)
    (copied / "example_test.go").write_text(source.rstrip()[:-1] + "\t// Output:\n}\n")
    env = {
        **os.environ,
        "GOCACHE": str(cache),
        "GOFLAGS": "-mod=mod",
        "TASKBELL_LIBRARY": str(library_path),
        "TASKBELL_CONFIG": str(config),
    }
    done = subprocess.run(
        [need("go"), "test", "-count=1", "."],
        cwd=copied,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(receiver.wait_for(3)) == 3


@pytest.mark.parametrize("system", ["linux", "windows", "darwin"])
def test_the_binding_for_go_compiles_without_cgo(tmp_path, system):
    module = tmp_path / "go"
    shutil.copytree(BINDINGS / "go", module)
    with_purego(module, SCENARIO / "purego")
    env = {**go_environment(tmp_path), "CGO_ENABLED": "0", "GOOS": system, "GOARCH": "amd64"}
    assert run(need("go"), "vet", ".", cwd=module, env=env) == ""


def test_every_package_has_the_version_of_the_library():
    version = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), flags=re.MULTILINE)
    assert version is not None
    assert json.loads((BINDINGS / "node" / "package.json").read_text())["version"] == version[1]
    assert f"<version>{version[1]}</version>" in (BINDINGS / "java" / "pom.xml").read_text()
    assert f"<version>{version[1]}</version>" in (BINDINGS / "java" / "README.md").read_text()
    assert (BINDINGS / "lua" / f"taskbell-{version[1]}-1.rockspec").exists()
