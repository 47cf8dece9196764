"""The power goes at any instant: what ``taskbell_sync`` has promised is there, and nothing is corrupt.

``TASKBELL_TEST_SEED`` repeats a run; ``TASKBELL_TEST_CUTS`` makes it longer or shorter.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

import pytest

import taskbell
from bells import settings
from disk import Disk, Operation, read_trace
from tools import ROOT, need, python, run

SEED = int(os.environ.get("TASKBELL_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
CUTS = int(os.environ.get("TASKBELL_TEST_CUTS") or 400)
TURNS = 350
EACH = 4
NUMBER = re.compile(rb'"n":\s*(\d+)')

HOST = """
import os, sys, taskbell
bell = taskbell.Bell(sys.argv[1])
promised = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT, 0o600)
rounds, each = int(sys.argv[3]), int(sys.argv[4])
for number in range(rounds * each):
    bell.emit("test.event", {"n": number, "text": "x" * (number * 37 % 3000)})
    if number % each == each - 1:
        assert bell.sync(60)
        os.write(promised, number.to_bytes(8, "little"))
assert bell.flush(60)
bell.close(10)
"""

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs LD_PRELOAD")


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    library = tmp_path_factory.mktemp("shim") / "powercut.so"
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    run(need("cc"), *flags, ROOT / "tests" / "c" / "powercut.c", "-o", library, "-ldl", "-pthread")
    return library


@pytest.fixture
def image_folder():
    """Where the images go: into memory where that is to be had, for they are many."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)


def record(tmp_path: Path, shim: Path, receiver) -> tuple[Path, list[Operation]]:
    """Lets a host run, and gives the folder of its spool and what the disk was told."""
    folder = tmp_path / "spool"
    folder.mkdir()
    config = settings(folder, receiver.url(), queue={"ring": "beside"})
    env = {
        "LD_PRELOAD": str(shim),
        "POWERCUT_FOLDER": str(folder),
        "POWERCUT_TRACE": str(tmp_path / "trace"),
    }
    python(HOST, json.dumps(config), folder / "promised", TURNS, EACH, env=env)
    return folder, read_trace(tmp_path / "trace")


def test_what_was_synced_survives_a_power_cut_and_the_spool_is_whole(tmp_path, shim, receive, image_folder):
    folder, operations = record(tmp_path, shim, receive())
    chance = random.Random(SEED)
    # The making of the spool is short and has many steps: a quarter of the cuts fall there.
    starting = min(120, len(operations))
    cuts = [chance.randint(1, starting) for _ in range(CUTS // 4)]
    cuts += [chance.randint(1, len(operations)) for _ in range(CUTS - len(cuts))]
    disk = Disk(folder)
    promised = -1
    checked = promises = pending = 0
    nowhere = taskbell_config(image_folder / "image" / "bell.db")
    done = 0
    for cut in sorted(cuts):
        for operation in operations[done:cut]:
            disk.follow(operation)
            if operation.kind == "W" and disk.files[operation.descriptor] is disk.names.get(
                bytes(folder / "promised")
            ):
                promised = int.from_bytes(operation.first, "little")
        done = cut
        image = disk.after_a_cut(chance)
        words = f"seed {SEED}, cut at {cut} of {len(operations)}"
        wanted = set(range(promised + 1))
        for check in (by_sqlite, by_taskbell):
            target = image_folder / "image"
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            for name, content in image.items():
                if name.startswith("bell.db") and not name.endswith((".ring", "-shm", ".ring.new")):
                    (target / name).write_bytes(content)
            found = check(target, nowhere, words)
            assert wanted <= found, f"{words}: {len(wanted - found)} of {len(wanted)} synced events are lost"
        checked += 1
        promises += promised >= 0
        pending += len(disk.unsynced_names) + sum(len(file.unsynced) for file in disk.names.values())
    assert promises > CUTS // 2, "the cuts fell where something was promised"
    assert pending > checked, "and where something was not synced"
    assert len(disk.names[bytes(folder / "bell.db")].durable) > 1 << 20, "the log was checkpointed"
    print(f"seed {SEED}: {checked} images of {len(operations)} operations, {promised + 1} events, none lost")


def taskbell_config(path: Path) -> dict:
    """A bell that only keeps: its endpoint is where nobody listens."""
    endpoint = {"platform": "json", "url": "http://127.0.0.1:9/", "rate": "1/h"}
    hooks = [{"on": ["test.event"], "to": ["e0"]}]
    return {"spool": {"path": str(path)}, "endpoints": {"e0": endpoint}, "hooks": hooks}


def by_sqlite(folder: Path, _config: dict, words: str) -> set[int]:
    """What any SQLite finds in an image."""
    path = folder / "bell.db"
    if not path.exists():
        return set()
    with contextlib.closing(sqlite3.connect(path)) as spool:
        assert spool.execute("PRAGMA integrity_check").fetchall() == [("ok",)], words
        tables = {row[0] for row in spool.execute("SELECT name FROM sqlite_master")}
        if "events" not in tables:
            return set()
        assert spool.execute("PRAGMA foreign_key_check").fetchall() == [], words
        return numbers(spool)


def numbers(spool: sqlite3.Connection) -> set[int]:
    found = (NUMBER.search(row[0]) for row in spool.execute("SELECT payload FROM all_events"))
    return {int(match[1]) for match in found if match}


def by_taskbell(folder: Path, config: dict, words: str) -> set[int]:
    """What Taskbell makes of an image: it opens it, takes one more event, and loses nothing by that."""
    bell = taskbell.Bell(config)
    try:
        bell.emit("test.event", {"n": 10_000_000})
        assert bell.sync(30), words
    finally:
        bell.close(0)
    found = by_sqlite(folder, config, words)
    assert 10_000_000 in found
    assert not [path.name for path in folder.iterdir() if "corrupt" in path.name], words
    return found
