"""How long the console takes for each of its views over 100,000 deliveries.

``python console_views.py TASKBELL [DELIVERIES]``, with the binding and the library of the same build in the
environment.
"""

from __future__ import annotations

import http.server
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import taskbell

VIEWS = {
    "now": "/",
    "deliveries": "/deliveries",
    "the last page": "/deliveries?before=100",
    "dead of an endpoint": "/deliveries?state=dead&endpoint=ops",
    "an endpoint without deliveries": "/deliveries?endpoint=nobody",
    "a type": "/deliveries?type=queue.end",
    "a text that is nowhere": "/deliveries?text=nowhere",
    "the last hour": "/deliveries?since=1h",
    "one delivery": "/deliveries/1000",
    "dead letters": "/dead",
    "figures": "/figures",
    "metrics": "/metrics",
}
REPEATS = 15
COLUMNS = "SELECT group_concat(name) FROM pragma_table_info(?) WHERE name NOT IN ('seq', 'event', 'id')"


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes what is sent to one path, and refuses the rest."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200 if self.path == "/good" else 400)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def seed(folder: Path) -> Path:
    """A spool with ten delivered deliveries and one dead letter, made by the library."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    config = folder / "taskbell.json"
    endpoints = {
        "ci": {"platform": "json", "url": f"{url}/good"},
        "ops": {"platform": "json", "url": f"{url}/bad", "retry": {"schedule": []}},
    }
    hooks = [
        {"on": ["task.complete"], "to": ["ci"]},
        {"on": ["queue.end"], "to": ["ops"]},
    ]
    text = {"spool": {"path": str(folder / "bell.db")}, "endpoints": endpoints, "hooks": hooks}
    config.write_text(json.dumps(text))
    with taskbell.Bell(str(config), strict=True) as bell:
        for number in range(10):
            prompt = "a lighthouse at dusk, " * 20
            bell.emit("task.complete", {"id": f"t-{number}", "duration_s": 30, "prompt": prompt})
        bell.emit("queue.end", {"total": 10})
        deadline = time.monotonic() + 30
        while bell.stats()["delivered"] + bell.stats()["dead"] < 11:
            if time.monotonic() > deadline:
                raise SystemExit(f"not all ended: {bell.stats()}")
            time.sleep(0.01)
    server.shutdown()
    return config


def multiply(spool: Path, count: int) -> None:
    """Repeats what is there until there are this many deliveries, spread over the last day."""
    connection = sqlite3.connect(spool)
    events, deliveries, arrivals = (
        connection.execute(COLUMNS, [table]).fetchone()[0] for table in ("events", "deliveries", "arrivals")
    )
    own = connection.execute("SELECT count(*) FROM all_deliveries").fetchone()[0]
    least, most = connection.execute("SELECT min(seq), max(seq) FROM all_deliveries").fetchone()
    step = most - least + 1
    for turn in range(1, count // own + 1):
        connection.execute(
            f"INSERT INTO events (seq, id, {events}) SELECT seq + ?1, "
            f"substr(id, 1, 28) || printf('%08x', ?1 + seq), {events} FROM events WHERE seq <= ?2",
            [turn * step, most],
        )
        connection.execute(
            f"INSERT INTO deliveries (seq, event, {deliveries}) SELECT seq + ?1, event + ?1, {deliveries} "
            "FROM deliveries WHERE seq <= ?2",
            [turn * step, most],
        )
        connection.execute(
            f"INSERT INTO arrivals (seq, id, {arrivals}) SELECT seq + ?1, "
            f"substr(id, 1, 28) || printf('%08x', ?1 + seq), {arrivals} FROM arrivals WHERE seq <= ?2",
            [turn * step, most],
        )
    for table in ("deliveries", "arrivals"):
        connection.execute(f"UPDATE {table} SET ended_at = ended_at - (seq % 86000) * 1000")
    connection.commit()
    connection.close()


def main() -> None:
    command, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with tempfile.TemporaryDirectory() as name:
        config = seed(Path(name))
        multiply(Path(name) / "bell.db", count)
        console = subprocess.Popen(
            [command, "--json", "console", str(config), "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert console.stdout is not None
        url = json.loads(console.stdout.readline())["listening"].rstrip("/")
        print(f"{'view':32} {'median ms':>10} {'most ms':>10}   of {count} deliveries")
        for view, path in VIEWS.items():
            times = []
            for _ in range(REPEATS):
                before = time.perf_counter()
                with urllib.request.urlopen(url + path, timeout=60) as answer:
                    answer.read()
                times.append((time.perf_counter() - before) * 1000)
            print(f"{view:32} {statistics.median(times):10.1f} {max(times):10.1f}")
        console.kill()
        console.wait()


if __name__ == "__main__":
    main()
