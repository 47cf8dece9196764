"""A library that needs a version of glibc that no system has."""

from __future__ import annotations

from pathlib import Path

CALL = "\n#include <stdlib.h>\nvoid *more(void) { return malloc(1); }\n"
"""What its source has for it: a call into glibc."""


def need_newer_glibc(library: Path) -> Path:
    """Changes the last digits of the version that the library asks for."""
    content = library.read_bytes()
    assert content.count(b"\0GLIBC_2.2.5\0") == 1
    hashed = elf_hash(b"GLIBC_2.2.5").to_bytes(4, "little")
    assert hashed in content
    content = content.replace(b"\0GLIBC_2.2.5\0", b"\0GLIBC_2.9.9\0").replace(
        hashed, elf_hash(b"GLIBC_2.9.9").to_bytes(4, "little")
    )
    library.write_bytes(content)
    return library


def elf_hash(name: bytes) -> int:
    """As the system V ABI defines it."""
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high & 0xFFFFFFFF
    return value
