"""Builds the wheel and the source distribution: as a backend of pip, and as a command of the release.

The wheel has the library inside the package and the command next to Python's own. Its tag comes from what
both need of the system. The same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import io
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import time
import zipfile
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "bindings" / "python" / "taskbell"
LIBRARIES = {"win32": "taskbell.dll", "darwin": "libtaskbell.dylib"}

SOURCES = [
    "Cargo.toml", "Cargo.lock", "build.rs", "cbindgen.toml", "pyproject.toml", "LICENSE", "README.md",
    "build", "src", "include", "crates", "benches", "xtask", "bindings/python", "tests/it",
]  # fmt: skip
"""What cargo and this backend read: every member of the workspace, and the package."""

OLDEST_GLIBC = 17
"""Python's package index knows none that is older."""


def project() -> dict[str, Any]:
    """The metadata of pyproject.toml, with the version of Cargo.toml."""
    cargo = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    described = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {**described["project"], "version": cargo["workspace"]["package"]["version"]}


def metadata() -> str:
    """The core metadata, version 2.4."""
    of = project()
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {of['name']}",
        f"Version: {of['version']}",
        f"Summary: {of['description']}",
        f"Requires-Python: {of['requires-python']}",
        f"License-Expression: {of['license']}",
        *(f"License-File: {name}" for name in of["license-files"]),
        f"Keywords: {','.join(of['keywords'])}",
        *(f"Classifier: {name}" for name in of["classifiers"]),
        *(f"Project-URL: {name}, {url}" for name, url in of["urls"].items()),
        "Description-Content-Type: text/markdown",
    ]
    return "\n".join(lines) + "\n\n" + (ROOT / of["readme"]).read_text(encoding="utf-8")


def moment() -> int:
    """When the files of an archive were made: ``SOURCE_DATE_EPOCH``, else 1980, where zip begins."""
    return max(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), 315532800)


def linux_tag(machine: str, files: list[bytes]) -> str:
    """The platform of a wheel by the newest glibc that its files name; without one they are for musl."""
    names = [int(minor) for data in files for minor in re.findall(rb"\0GLIBC_2\.(\d+)(?=[.\0])", data)]
    return f"manylinux_2_{max(OLDEST_GLIBC, *names)}_{machine}" if names else f"musllinux_1_2_{machine}"


def platform_tag(files: list[bytes]) -> str:
    """The platform of this interpreter."""
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return linux_tag(platform[len("linux_") :], files) if platform.startswith("linux_") else platform


def built() -> tuple[Path, Path]:
    """The library and the command, built with cargo."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    command = ["cargo", "build", "--profile", "dist", "--locked", "-p", "taskbell-ffi", "-p", "taskbell"]
    try:
        subprocess.run(command, cwd=ROOT, check=True)
    except FileNotFoundError:
        raise SystemExit(
            "taskbell: there is no wheel for this system, and its source needs cargo, which is not on PATH; "
            "install Rust 1.89 or later, and install again"
        ) from None
    folder = ROOT / target / "dist"
    name = "taskbell.exe" if sys.platform == "win32" else "taskbell"
    return folder / LIBRARIES.get(sys.platform, "libtaskbell.so"), folder / name


def python_files() -> dict[str, bytes]:
    """The package's own files by their path in the wheel."""
    files = (path for path in sorted(PACKAGE.rglob("*")) if path.suffix == ".py" or path.name == "py.typed")
    return {path.relative_to(PACKAGE.parent).as_posix(): path.read_bytes() for path in files}


def write_wheel(
    folder: Path,
    library: Path,
    command: Path,
    tag: str = "",
    notices: tuple[Path, ...] = (),
    editable: bool = False,
) -> str:
    """Writes a wheel into the folder, and returns its name."""
    of = project()
    base = f"{of['name']}-{of['version']}"
    data = [library.read_bytes(), command.read_bytes()]
    tag = tag or platform_tag(data)
    files = {f"{base}.data/scripts/{command.name}": data[1]}
    if editable:
        files["taskbell.pth"] = f"{PACKAGE.parent}\n".encode()
    else:
        files.update(python_files())
        files[f"taskbell/{library.name}"] = data[0]
    about = f"{base}.dist-info"
    files[f"{about}/METADATA"] = metadata().encode()
    files[f"{about}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: taskbell_build {of['version']}\n"
        f"Root-Is-Purelib: false\nTag: py3-none-{tag}\n"
    ).encode()
    files[f"{about}/licenses/LICENSE"] = (ROOT / "LICENSE").read_bytes()
    for path in notices:
        kind = "sboms" if path.suffix == ".json" else "licenses"
        files[f"{about}/{kind}/{path.name}"] = path.read_bytes()
    record = "".join(f"{name},{digest(content)},{len(content)}\n" for name, content in sorted(files.items()))
    files[f"{about}/RECORD"] = f"{record}{about}/RECORD,,\n".encode()
    name = f"{base}-py3-none-{tag}.whl"
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, content in sorted(files.items()):
            archive.writestr(zip_entry(place), content)
    return name


def digest(content: bytes) -> str:
    """As a wheel's RECORD writes it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def zip_entry(path: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, time.gmtime(moment())[:6])
    runs = "/scripts/" in path or path.endswith((".so", ".dll", ".dylib"))
    entry.external_attr = (0o100755 if runs else 0o100644) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    # As on Unix, wherever it is written.
    entry.create_system = 3
    return entry


def source_files() -> list[Path]:
    """What the source distribution has, without what is built."""
    found = []
    for name in SOURCES:
        path = ROOT / name
        found += [path] if path.is_file() else [part for part in path.rglob("*") if part.is_file()]
    made = {"__pycache__", "target", ".ruff_cache", ".mypy_cache"}
    return sorted(
        path
        for path in found
        if not made & set(path.relative_to(ROOT).parts) and path.suffix not in {".so", ".dll"}
    )


def write_sdist(folder: Path) -> str:
    """Writes the source distribution into the folder, and returns its name."""
    of = project()
    base = f"{of['name']}-{of['version']}"
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as archive:
        files = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in source_files()}
        files["PKG-INFO"] = metadata().encode()
        for path, data in sorted(files.items()):
            entry = tarfile.TarInfo(f"{base}/{path}")
            entry.size, entry.mtime, entry.mode = len(data), moment(), 0o644
            archive.addfile(entry, io.BytesIO(data))
    name = f"{base}.tar.gz"
    (folder / name).write_bytes(gzip.compress(content.getvalue(), mtime=0))
    return name


def build_wheel(wheel_directory: str, config_settings: Any = None, metadata_directory: Any = None) -> str:
    """PEP 517: a wheel for this system."""
    return write_wheel(Path(wheel_directory), *built())


def build_editable(wheel_directory: str, config_settings: Any = None, metadata_directory: Any = None) -> str:
    """PEP 660: a wheel that leads to this folder; ``TASKBELL_LIBRARY`` says where the library is."""
    return write_wheel(Path(wheel_directory), *built(), editable=True)


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    """PEP 517: the source distribution."""
    return write_sdist(Path(sdist_directory))


def main() -> None:
    """The command of the release: packs what is built already."""
    parser = argparse.ArgumentParser(description="Packs the wheel or the source distribution.")
    parser.add_argument("what", choices=["wheel", "sdist"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--library", type=Path)
    parser.add_argument("--command", type=Path)
    parser.add_argument("--machine", help="of a wheel for Linux; its system comes from the files")
    parser.add_argument("--tag", default="", help="the platform of a wheel for another system")
    parser.add_argument(
        "--notice", type=Path, action="append", default=[], help="a list of licences or parts"
    )
    given = parser.parse_args()
    if given.what == "sdist":
        print(write_sdist(given.folder))
        return
    if given.library is None or given.command is None:
        parser.error("a wheel needs --library and --command")
    files = [given.library.read_bytes(), given.command.read_bytes()]
    tag = given.tag or (linux_tag(given.machine, files) if given.machine else "")
    print(write_wheel(given.folder, given.library, given.command, tag, tuple(given.notice)))


if __name__ == "__main__":
    main()
