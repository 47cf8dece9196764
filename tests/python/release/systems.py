"""Other systems that this machine runs: musl by its loader, aarch64 by QEMU."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from packages import DIST, ROOT

from tools import lacking, need, run

ZIG = [sys.executable, "-m", "ziglang"]
COMPILERS = {
    # For musl, a host is static by default, and loads no library.
    "x86_64-unknown-linux-musl": {
        ".c": [*ZIG, "cc", "-target", "x86_64-linux-musl", "-dynamic"],
        ".cpp": [*ZIG, "c++", "-target", "x86_64-linux-musl", "-dynamic"],
    },
    "aarch64-unknown-linux-gnu": {
        ".c": ["aarch64-linux-gnu-gcc"],
        ".cpp": ["aarch64-linux-gnu-g++"],
    },
}
"""What compiles C and C++ for the system of each archive."""


def archives():
    """The archives of this release that are for such a system, by what they are for."""
    return {triple: path for triple in COMPILERS for path in DIST.glob(f"taskbell-*-{triple}.tar.gz")}


def runner(triple: str) -> list[str]:
    """What runs a program of the system: nothing, or QEMU with the system's own libraries."""
    if "aarch64" not in triple:
        return []
    return [need("qemu-aarch64"), "-L", str(place("aarch64") / "root")]


def place(name: str, complete: str = "python") -> Path:
    """Where `cargo xtask dist` has put what belongs to another system, with this file once it is complete."""
    folder = Path(os.environ.get("TASKBELL_SYSTEMS", "/nowhere")) / name
    if not (folder / complete).exists():
        lacking(f"there is no {folder}, which `cargo xtask dist` makes")
    return folder


def build(triple: str, program: Path, tree: Path, source: Path, *, static: bool = False) -> Path:
    """A host in C or C++, from the unpacked archive alone."""
    words = [*COMPILERS[triple][source.suffix], "-Wall", "-Wextra", "-O1", source, "-o", program]
    words += ["-I", tree / "include", "-I", ROOT / "tests" / "c"]
    if static:
        # Compilers but GCC name what unwinds the stack.
        words += [tree / "lib" / "libtaskbell.a", *(["-lunwind"] if triple.endswith("musl") else []), "-lm"]
    else:
        words += ["-L", tree / "lib", "-ltaskbell", f"-Wl,-rpath,{tree / 'lib'}"]
    # Zig builds the library of C++ when it is first needed.
    run(*words, "-pthread", "-ldl", timeout=1800)
    return program
