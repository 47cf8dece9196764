"""What a disk may hold after the power went, rebuilt from what it was told (``tests/c/powercut.c``).

What was synced is there. Of what was written to a file after its last sync, each sector of 512 bytes is
the new one or the old one, whatever the order. Names appear and vanish in order, and surely only once
their folder was synced.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
HEAD = struct.Struct("=QqQQQQ")


@dataclass
class Operation:
    kind: str
    descriptor: int
    offset: int
    first: bytes
    second: bytes


def read_trace(path: Path) -> list[Operation]:
    operations = []
    data = path.read_bytes()
    at = 0
    while at + HEAD.size <= len(data):
        kind, descriptor, offset, first, second, _ = HEAD.unpack_from(data, at)
        at += HEAD.size
        if at + first + second > len(data):
            break
        operations.append(
            Operation(
                chr(kind), descriptor, offset, data[at : at + first], data[at + first : at + first + second]
            )
        )
        at += first + second
    return operations


@dataclass
class File:
    """A file on the disk: what is surely there, and what was written since."""

    durable: bytearray = field(default_factory=bytearray)
    unsynced: list[Operation] = field(default_factory=list)

    def sync(self) -> None:
        for operation in self.unsynced:
            apply(self.durable, operation)
        self.unsynced.clear()

    def after_a_cut(self, chance: random.Random) -> bytes:
        content = bytearray(self.durable)
        kept = chance.choice([0.0, 0.5, 0.9, 1.0])
        for operation in self.unsynced:
            if operation.kind == "T":
                if chance.random() < kept:
                    apply(content, operation)
                continue
            for part in sectors(operation):
                if chance.random() < kept:
                    apply(content, part)
        return bytes(content)


def apply(content: bytearray, operation: Operation) -> None:
    end = operation.offset if operation.kind == "T" else operation.offset + len(operation.first)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if operation.kind == "T":
        del content[end:]
    else:
        content[operation.offset : end] = operation.first


def sectors(operation: Operation) -> Iterator[Operation]:
    at = 0
    while at < len(operation.first):
        length = SECTOR - (operation.offset + at) % SECTOR
        yield Operation("W", -1, operation.offset + at, operation.first[at : at + length], b"")
        at += length


class Disk:
    """Follows a trace; at any point of it, the power may go."""

    def __init__(self, folder: Path) -> None:
        self.folder = bytes(folder)
        self.files: dict[int, File | None] = {}
        """By descriptor; ``None`` is the folder itself."""
        self.names: dict[bytes, File] = {}
        self.durable_names: dict[bytes, File] = {}
        self.unsynced_names: list[tuple[str, bytes, bytes, File | None]] = []

    def follow(self, operation: Operation) -> None:
        kind, descriptor = operation.kind, operation.descriptor
        if kind == "O" and operation.first == self.folder:
            self.files[descriptor] = None
        elif kind == "O":
            if operation.first not in self.names:
                self.rename("O", operation.first, b"", File())
            self.files[descriptor] = self.names[operation.first]
        elif kind == "C":
            self.files.pop(descriptor)
        elif kind in "ULR":
            self.rename(kind, operation.first, operation.second, None)
        elif kind == "S":
            self.sync(self.files[descriptor])
        else:
            file = self.files[descriptor]
            assert file is not None
            file.unsynced.append(operation)

    def rename(self, kind: str, first: bytes, second: bytes, file: File | None) -> None:
        change = (kind, first, second, file)
        rename(self.names, change)
        self.unsynced_names.append(change)

    def sync(self, file: File | None) -> None:
        if file is not None:
            file.sync()
            return
        self.durable_names = dict(self.names)
        self.unsynced_names.clear()

    def after_a_cut(self, chance: random.Random) -> dict[str, bytes]:
        """The files by their names inside the folder."""
        names = dict(self.durable_names)
        for change in self.unsynced_names[: chance.randint(0, len(self.unsynced_names))]:
            rename(names, change)
        contents: dict[int, bytes] = {}
        for file in names.values():
            if id(file) not in contents:
                contents[id(file)] = file.after_a_cut(chance)
        prefix = len(self.folder) + 1
        return {name[prefix:].decode(): contents[id(file)] for name, file in names.items()}


def rename(names: dict[bytes, File], change: tuple[str, bytes, bytes, File | None]) -> None:
    kind, first, second, file = change
    if kind == "O":
        assert file is not None
        names[first] = file
    elif kind == "U":
        names.pop(first, None)
    elif kind == "L":
        names[second] = names[first]
    else:
        names[second] = names.pop(first)
