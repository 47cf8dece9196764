"""Configurations for the tests, and waiting for what a bell does."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any, Callable

import taskbell

DEADLINE_S = 30.0
TYPES = ["task.complete", "queue.start", "queue.end", "test.event"]


def endpoint(url: str, **more: Any) -> dict[str, Any]:
    """A quick-tempered endpoint: two retries, within a fifth of a second."""
    return {
        "platform": "json",
        "url": url,
        "timeout": "5s",
        "retry": {"schedule": ["50ms", "100ms"]},
        **more,
    }


def settings(directory: Path, *urls: str, **sections: Any) -> dict[str, Any]:
    """A configuration with an endpoint ``e0``, ``e1``, … for each URL and one hook for all of them."""
    endpoints = {f"e{number}": endpoint(url) for number, url in enumerate(urls)}
    config: dict[str, Any] = {
        "host": {"name": "test-host"},
        "spool": {"path": str(directory / "bell.db")},
        "queue": {"end_delay": "50ms"},
        "endpoints": endpoints,
        "hooks": [{"on": TYPES, "to": list(endpoints)}],
    }
    for name, section in sections.items():
        config[name] = section
        if name == "endpoints" and "hooks" not in sections:
            config["hooks"] = [{"on": TYPES, "to": list(section)}]
    return config


def eventually(what: str, condition: Callable[[], Any], timeout: float = DEADLINE_S) -> Any:
    """Waits until the condition gives something true, and returns it."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {timeout} s: {what}"
        time.sleep(0.01)


def reports(bell: taskbell.Bell, count: int, timeout: float = DEADLINE_S) -> list[dict[str, Any]]:
    """The next ``count`` delivery reports."""
    found: list[dict[str, Any]] = []

    def enough() -> bool:
        while (report := bell.poll()) is not None:
            found.append(report)
        return len(found) >= count

    eventually(f"{count} delivery reports", enough, timeout)
    assert len(found) == count, found
    return found


def attempts(directory: Path) -> list[dict[str, Any]]:
    """The attempts that the spool has logged, oldest first."""
    return query(directory / "bell.db", "SELECT * FROM attempts ORDER BY started_at, delivery, number")


READER = """
import contextlib, json, sqlite3, sys
text = lambda value: value.decode("utf-8", "replace") if isinstance(value, bytes) else value
for line in sys.stdin:
    path, statements = json.loads(line)
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as spool:
            spool.row_factory = sqlite3.Row
            rows = map(spool.execute, statements)
            found = [[{key: text(row[key]) for key in row.keys()} for row in found] for found in rows]
    except sqlite3.Error as fault:
        found = str(fault)
    print(json.dumps(found), flush=True)
"""


@cache
def _reader() -> subprocess.Popen[str]:
    """A process that reads spools until this one ends."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", READER], **pipes)


def queries(path: Path | str, *statements: str) -> list[list[dict[str, Any]]]:
    """The rows of each statement, read by a process of its own.

    Two copies of SQLite in one process do not see each other's locks on a file, and this process may have
    a bell open on it.
    """
    reader = _reader()
    assert reader.stdin is not None
    assert reader.stdout is not None
    reader.stdin.write(json.dumps([str(path), statements]) + "\n")
    reader.stdin.flush()
    found = json.loads(reader.stdout.readline())
    assert isinstance(found, list), found
    return found


def query(path: Path | str, sql: str) -> list[dict[str, Any]]:
    """Rows of the spool."""
    return queries(path, sql)[0]


def all_text(path: Path) -> str:
    """Every value of every table of the spool that a person could read, blobs of text included."""
    tables = query(path, "SELECT name FROM sqlite_master WHERE type = 'table'")
    found = queries(path, *(f'SELECT * FROM "{table["name"]}"' for table in tables))
    values = [value for rows in found for row in rows for value in row.values()]
    return "\n".join(str(value) for value in values if value is not None)


def invariant(stats: dict[str, Any], made: int) -> None:
    """Deliveries made = delivered + dead + pending."""
    assert stats["delivered"] + stats["dead"] + stats["pending"] == made, json.dumps(stats, indent=1)


def switches() -> int:
    """How often the threads of this process that are Taskbell's went to sleep so far."""
    total = 0
    for task in Path("/proc/self/task").iterdir():
        if (task / "comm").read_text().startswith("taskbell"):
            status = (task / "status").read_text()
            total += int(status.split("voluntary_ctxt_switches:")[1].split()[0])
    return total
