"""What the library of each archive weighs and costs: its file, its start, its idle memory.

``python benches/peers/targets.py target/dist target/dist-systems``, after `cargo xtask dist`. Hosts of other
systems run under Wine and QEMU, which take time and memory of their own: a bare host is measured beside, and
memory is what the library adds to it. It prints a table of Markdown.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNS = 5
IDLE_S = 2
MIB = 1 << 20
WINDOWS = "x86_64-pc-windows-gnu"


class Accept(BaseHTTPRequestHandler):
    """Takes every message."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        pass


def private_kib(pid: int) -> int:
    """The memory of a process that is of no file."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0])


def run(command: list[str], env: dict[str, str], folder: str) -> tuple[float, int]:
    """The milliseconds of a start, and the private memory once the host is idle, in KiB."""
    host = subprocess.Popen(command, cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert host.stdin is not None
    assert host.stdout is not None
    took = float(host.stdout.readline()) / 1000
    time.sleep(IDLE_S)
    memory = private_kib(host.pid)
    host.communicate(b"end\n", timeout=120)
    if host.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {host.returncode}")
    return took, memory


def measure(command: list[str], env: dict[str, str], url: str) -> tuple[float, float]:
    """The median start in milliseconds, and the private memory over the bare host in MiB."""
    starts, over = [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            config = {
                "spool": {"path": "bell.db"},
                "endpoints": {"e0": {"platform": "json", "url": url}},
                "hooks": [{"on": ["*"], "to": ["e0"]}],
            }
            _, bare = run(command, env, folder)
            took, memory = run([*command, json.dumps(config)], env, folder)
        starts.append(took)
        over.append((memory - bare) / 1024)
    return statistics.median(starts), statistics.median(over)


def host_for(triple: str, tree: Path, prefix: Path) -> tuple[list[str], dict[str, str], str]:
    """A host built from an unpacked archive: how it is run, and by what."""
    import systems
    import windows

    source, program = ROOT / "benches/peers/footprint.c", tree / "bin" / "footprint.exe"
    env = dict(os.environ)
    if triple == WINDOWS:
        prng = ROOT / "tests/c/windows_prng.c"
        windows.build("gcc", tree / "bin/bcryptprimitives.dll", "-shared", prng, "-ladvapi32")
        windows.build(
            "gcc", program, "-I", tree / "include", source, tree / "lib/libtaskbell.dll.a", "-lwinpthread"
        )
        wine = windows.Wine(prefix)
        subprocess.run([wine.program, "wineboot", "--init"], env=wine.env, check=True)
        return [wine.program, str(program)], wine.env, "Wine"
    if triple in systems.COMPILERS:
        systems.build(triple, program, tree, source)
    else:
        words = ["-I", tree / "include", "-L", tree / "lib", "-ltaskbell", f"-Wl,-rpath,{tree / 'lib'}"]
        subprocess.run(["cc", source, "-o", program, *words], check=True)
    runner = systems.runner(triple) if triple in systems.COMPILERS else []
    return [*runner, str(program)], env, "QEMU" if runner else "this machine"


def unpack(archive: Path, folder: Path) -> Path:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
    else:
        subprocess.run(["tar", "-xzf", archive, "-C", folder], check=True)
    (top,) = folder.iterdir()
    return top


def main() -> None:
    os.environ["TASKBELL_DIST"], os.environ["TASKBELL_SYSTEMS"] = (
        str(Path(word).resolve()) for word in sys.argv[1:]
    )
    sys.path[:0] = [str(ROOT / "tests/python/release"), str(ROOT / "tests/python")]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Accept)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    print("| target | library | open to first event | private memory, idle, over the bare host | run by |")
    print("|---|---|---|---|---|")
    for archive in sorted(Path(sys.argv[1]).iterdir()):
        named = re.fullmatch(r"taskbell-[\d.]+-(\w+-\w+-\w+-\w+)\.(?:zip|tar\.gz)", archive.name)
        if named is None:
            continue
        triple = named[1]
        with tempfile.TemporaryDirectory() as folder:
            tree = unpack(archive, Path(folder))
            library = tree / ("bin/taskbell.dll" if triple == WINDOWS else "lib/libtaskbell.so.1")
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as prefix:
                command, env, by = host_for(triple, tree, Path(prefix) / "wine")
                took, over = measure(command, env, url)
            size = library.stat().st_size / MIB
            print(f"| `{triple}` | {size:.2f} MiB | {took:.1f} ms | {over:.1f} MiB | {by} |", flush=True)


if __name__ == "__main__":
    main()
