"""The archives for other kinds of Linux: hosts, command and wheel, by the loader of musl and by QEMU."""

from __future__ import annotations

import json
import os
import re
import sys
import zipfile

import pytest
from packages import DIST, ROOT, package, paths_of_this_machine, unpacked, user, version
from systems import archives, build, place, runner

from bells import settings
from documents import one
from tools import compile_csharp, need, run

SEND = """
import sys, platform, taskbell
taskbell.notify(sys.argv[1], "first message", timeout=60)
print(platform.machine(), taskbell.version())
"""


@pytest.fixture(scope="module", params=archives().items(), ids=archives().keys())
def system(request, tmp_path_factory):
    """What an archive is for, and its tree."""
    triple, archive = request.param
    return triple, unpacked(archive, tmp_path_factory.mktemp("installed"))


def needed(file):
    """The libraries that a file of ELF loads, and the newest glibc that it names."""
    said = run(need("readelf"), "--dynamic", "--version-info", "--wide", file)
    names = [int(minor) for minor in re.findall(r"GLIBC_2\.(\d+)", said)]
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", said)), max(names, default=None)


@pytest.mark.parametrize("name", ["abi.c", "host.cpp"])
def test_a_host_is_built_from_the_archive_and_delivers(system, tmp_path, receive, name):
    triple, tree = system
    program = build(triple, tmp_path / "host", tree, ROOT / "tests" / "c" / name)
    receiver = receive()
    assert "ok" in run(*runner(triple), program, receiver.url(), tmp_path / "bell.db", cwd=tmp_path)
    assert receiver.requests


def test_a_host_that_links_the_static_library_delivers(system, tmp_path, receive):
    triple, tree = system
    program = build(triple, tmp_path / "host", tree, ROOT / "tests" / "c" / "abi.c", static=True)
    assert not any("taskbell" in library for library in needed(program)[0])
    receiver = receive()
    assert "ok" in run(*runner(triple), program, receiver.url(), tmp_path / "bell.db", cwd=tmp_path)
    assert receiver.requests


def test_a_host_lives_on_after_the_library_is_unloaded(system, tmp_path, receive):
    triple, tree = system
    program = build(triple, tmp_path / "host", tree, ROOT / "tests" / "c" / "unload.c")
    config = json.dumps(settings(tmp_path, receive().url()))
    assert "alive" in run(*runner(triple), program, tree / "lib" / "libtaskbell.so.1", config, "0")


def test_the_command_checks_sends_and_lists(system, tmp_path, receive):
    triple, tree = system
    receiver = receive()
    (tmp_path / "taskbell.json").write_text(json.dumps(settings(tmp_path, receiver.url())))
    command = [*runner(triple), tree / "bin" / "taskbell"]
    env = user(tmp_path / "home")
    assert run(*command, "--version", env=env).strip() == f"taskbell {version()}"
    for words, answer in (
        (["check", "taskbell.json"], "fine"),
        (["send", "taskbell.json", "test.event", "{}"], "delivered"),
        (["list", "taskbell.json"], "1 delivered, 0 dead"),
    ):
        assert answer in run(*command, *words, env=env, cwd=tmp_path)
    assert receiver.wait_for(1)[0].json()["type"] == "test.event"


def test_the_binaries_need_the_c_library_of_the_system_and_nothing_newer(system):
    triple, tree = system
    for name in ("lib/libtaskbell.so.1", "bin/taskbell"):
        libraries, glibc = needed(tree / name)
        if triple.endswith("musl"):
            # The command is static, and runs wherever there is a kernel.
            assert (libraries, glibc) == ({"libc.so"} if name.startswith("lib/") else set(), None)
        else:
            assert glibc == 17
            assert all(re.match(r"(lib(c|m|dl|rt|util|pthread)|ld-linux-)", library) for library in libraries)


def test_no_path_of_the_building_machine_is_in_what_is_shipped(system):
    _, tree = system
    for name in ("lib/libtaskbell.so.1", "lib/libtaskbell.a", "bin/taskbell"):
        assert paths_of_this_machine(tree / name) == []


def test_the_wheel_has_the_library_and_the_command_of_the_archive(system):
    triple, tree = system
    machine = triple.split("-")[0]
    tag = "musllinux_1_2" if triple.endswith("musl") else "manylinux_2_17"
    with zipfile.ZipFile(package(f"taskbell-{version()}-py3-none-{tag}_{machine}.whl")) as wheel:
        assert wheel.testzip() is None
        assert wheel.read("taskbell/libtaskbell.so") == (tree / "lib/libtaskbell.so.1").read_bytes()
        command = f"taskbell-{version()}.data/scripts/taskbell"
        assert wheel.read(command) == (tree / "bin/taskbell").read_bytes()


@pytest.fixture
def aarch64():
    """Python for aarch64, where the release is for it."""
    if not [triple for triple in archives() if "aarch64" in triple]:
        pytest.skip("this release is not for aarch64")
    return place("aarch64") / "python"


def test_pip_takes_the_wheel_and_python_sends_its_first_message(aarch64, tmp_path, receive):
    wheel = package("taskbell-*-manylinux_2_17_aarch64.whl")
    folder = tmp_path / "packages"
    words = ["--no-index", "--only-binary", ":all:", "--platform", "manylinux_2_17_aarch64"]
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *words, "--target", folder, wheel)
    receiver = receive()
    env = user(tmp_path / "home", PYTHONPATH=str(folder))
    said = run(aarch64, "-c", SEND, receiver.url(), env=env, cwd=tmp_path)
    assert said.split() == ["aarch64", version()]
    assert receiver.wait_for(1)[0].json()["type"] == "message"


def test_a_host_in_csharp_delivers_on_aarch64(aarch64, tmp_path, receive):
    (tmp_path / "Host.cs").write_text(one("README.md", "csharp"))
    compile_csharp(tmp_path / "Host.exe", tmp_path / "Host.cs")
    library = unpacked(package("taskbell-*-aarch64-unknown-linux-gnu.tar.gz"), tmp_path / "tree")
    (tmp_path / "libtaskbell.so").symlink_to(library / "lib" / "libtaskbell.so.1")
    receiver = receive()
    config = settings(tmp_path, receiver.url(), hooks=[{"on": ["queue.end"], "to": ["e0"]}])
    (tmp_path / "taskbell.json").write_text(json.dumps(config))
    root = aarch64.parent / "root"
    mono = [*runner("aarch64"), root / "usr/bin/mono-sgen", tmp_path / "Host.exe"]
    env = {"TASKBELL_CONFIG": "taskbell.json", "MONO_PATH": str(root / "usr/lib/mono/4.5")}
    run(*mono, env=user(tmp_path / "home", **env), cwd=tmp_path)
    assert receiver.wait_for(1)[0].json()["data"]["queue"]["total"] == 12


def test_the_debian_package_is_for_its_processor(aarch64):
    (deb,) = DIST.glob("taskbell_*_arm64.deb")
    fields = run(need("dpkg-deb"), "--field", deb)
    assert "Architecture: arm64\n" in fields
    assert "./usr/lib/aarch64-linux-gnu/libtaskbell.so.1" in run(need("dpkg-deb"), "--contents", deb)
    assert os.path.basename(deb) in (DIST / "SHA256SUMS").read_text()
