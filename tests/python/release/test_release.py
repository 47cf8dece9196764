"""A release as a whole: its checksums, and the zips of the hosts."""

from __future__ import annotations

import hashlib
import zipfile

import pytest
from packages import DIST, HERE, ROOT, package, version

from tools import run


def test_every_file_has_its_checksum():
    text = run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=DIST)
    listed = {line.split(": ")[0] for line in text.splitlines()}
    assert listed == {path.name for path in DIST.iterdir() if "SHA256SUMS" not in path.name}
    assert len(listed) >= 6


def test_the_python_packages_have_the_same_bytes_when_they_are_packed_again(tmp_path):
    import sys

    wheel = package(f"taskbell-*-manylinux*_{HERE.split('-')[0]}.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    data = tmp_path / f"taskbell-{version()}.data/scripts/taskbell"
    about = tmp_path / f"taskbell-{version()}.dist-info"
    notices = [about / "licenses/THIRD-PARTY.md", about / "sboms/taskbell.cdx.json"]
    again = tmp_path / "again"
    again.mkdir()
    backend = [sys.executable, ROOT / "bindings/python/taskbell_build.py"]
    words = [
        "--library",
        tmp_path / "taskbell/libtaskbell.so",
        "--command",
        data,
        "--machine",
        HERE.split("-")[0],
    ]
    words += [part for notice in notices for part in ("--notice", notice)]
    run(*backend, "wheel", again, *words)
    run(*backend, "sdist", again)
    for path in again.iterdir():
        assert (
            hashlib.sha256(path.read_bytes()).digest()
            == hashlib.sha256((DIST / path.name).read_bytes()).digest()
        ), path.name


@pytest.mark.parametrize(
    ("host", "files"),
    [
        ("swarmui", ["TaskbellExtension/TaskbellExtension.cs", "TaskbellExtension/Native.cs"]),
        ("comfyui", ["taskbell/__init__.py", "taskbell/taskbell/_native.py", "taskbell/pyproject.toml"]),
        ("blender", ["taskbell_blender/blender_manifest.toml", "taskbell_blender/taskbell/_native.py"]),
    ],
)
def test_the_zip_of_a_host_has_everything_that_it_needs(host, files):
    with zipfile.ZipFile(package(f"taskbell-{host}-{version()}.zip")) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
    assert set(files) <= names
    assert any(name.endswith("linux-x64/libtaskbell.so") for name in names)
    (top,) = {name.split("/")[0] for name in names}
    assert f"{top}/LICENSE" in names
    assert not [name for name in names if "__pycache__" in name]


def test_the_zip_of_the_managers_has_the_script_of_every_other_host():
    hosts = ROOT / "bindings/hosts"
    scripts = {
        f"taskbell-managers/{path.relative_to(hosts).as_posix()}"
        for path in hosts.rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and path.relative_to(hosts).parts[0] not in ("blender", "comfyui", "swarmui", "ruff.toml")
    }
    assert scripts
    with zipfile.ZipFile(package(f"taskbell-managers-{version()}.zip")) as archive:
        assert archive.testzip() is None
        assert scripts | {"taskbell-managers/LICENSE"} <= set(archive.namelist())
