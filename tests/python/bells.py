"""Configurations for the tests, and waiting for what a bell does."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
    with reading(directory / "bell.db") as spool:
        return [dict(row) for row in spool.execute("SELECT * FROM attempts ORDER BY rowid")]


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The spool as any other program reads it."""
    spool = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    spool.row_factory = sqlite3.Row
    try:
        yield spool
    finally:
        spool.close()


def all_text(path: Path) -> str:
    """Every value of every table of the spool that a person could read, blobs of text included."""
    seen: list[str] = []
    with reading(path) as spool:
        tables = [row[0] for row in spool.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in spool.execute(f'SELECT * FROM "{table}"'):
                for value in tuple(row):
                    if isinstance(value, bytes):
                        seen.append(value.decode("utf-8", "replace"))
                    elif value is not None:
                        seen.append(str(value))
    return "\n".join(seen)


def invariant(stats: dict[str, Any], made: int) -> None:
    """Deliveries made = delivered + dead + pending."""
    assert stats["delivered"] + stats["dead"] + stats["pending"] == made, json.dumps(stats, indent=1)
