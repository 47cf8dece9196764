"""A thousand nodes against one relay, by their posts: events accepted a second, memory, answers 429.

    python benches/peers/farm_nodes.py target/release/taskbell [--nodes 1000] [--events 40] [--returning 200]

Posts are those of the library: signed, at most 500 events, one in flight per node. Two phases: every node
posts one event at a time (``--events`` each); then all come back from an outage with ``--returning`` each.
Nothing is delivered: hooks and endpoints cost the same with one node. Of answers, 0 is a closed connection.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import os
import secrets
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

KEY = secrets.token_bytes(32)
SECRET = "whsec_" + base64.b64encode(KEY).decode()


class Relay:
    """`taskbell relay` on the embedded store."""

    def __init__(self, command: str, folder: Path, max_waiting: str) -> None:
        config = {
            "spool": {"path": str(folder / "relay.db")},
            "farm": {"listen": "127.0.0.1:0", "secrets": [SECRET], "max_waiting": max_waiting},
            "endpoints": {"none": {"platform": "json", "url": "http://127.0.0.1:9/"}},
            "hooks": [{"on": ["queue.end"], "to": ["none"]}],
        }
        path = folder / "relay.json"
        path.write_text(json.dumps(config))
        self.process = subprocess.Popen(
            [command, "--json", "relay", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        self.port = int(json.loads(self.process.stdout.readline())["listening"].rsplit(":", 1)[1])

    def memory(self, name: str) -> float:
        """``VmRSS`` or ``VmHWM``, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(name))
        return int(line.split()[1]) / 1024

    def processor_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def event_id() -> str:
    number = int(time.time() * 1000) << 80 | secrets.randbits(80)
    return f"evt_{number & ~(0xF << 76 | 3 << 62) | 7 << 76 | 2 << 62:032x}"


def body(name: str, first: int, count: int, waiting: int) -> bytes:
    now = int(time.time() * 1000)
    head = {"node": name, "host": f"{name}.studio", "version": "0.1.0", "waiting": waiting}
    lines = [head]
    for number in range(first, first + count):
        task = {
            "id": f"{name}-{number}",
            "name": f"Frame {number}",
            "status": "success",
            "duration_s": 12.5,
            "queue": "film",
        }
        lines.append({"id": event_id(), "type": "task.complete", "accepted_at": now, "data": task})
    return b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)


class Node:
    """One connection, one post in flight."""

    def __init__(self, number: int, port: int, answers: Counter[int]) -> None:
        self.name, self.port, self.answers = f"node-{number}", port, answers
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.sent = 0

    async def post(self, count: int, waiting: int) -> float:
        """Posts until it is taken, and waits as long as it is asked to; how long the last answer took."""
        content = body(self.name, self.sent, count, waiting)
        while True:
            began = time.monotonic()
            try:
                status, wait = await self.request(content)
            except (asyncio.IncompleteReadError, OSError):
                # A relay closes a connection without use, as the library knows.
                self.streams = None
                self.answers[0] += 1
                continue
            self.answers[status] += 1
            if status == 204:
                self.sent += count
                return time.monotonic() - began
            assert status in (421, 429), status
            await asyncio.sleep(wait or 0.25)

    async def request(self, content: bytes) -> tuple[int, float]:
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        number, stamp = f"msg_{secrets.token_hex(8)}", str(int(time.time()))
        signed = hmac.new(KEY, f"{number}.{stamp}.".encode() + content, hashlib.sha256).digest()
        head = (
            f"POST /v1/events HTTP/1.1\r\nhost: relay\r\ncontent-type: application/x-ndjson\r\n"
            f"content-length: {len(content)}\r\nwebhook-id: {number}\r\nwebhook-timestamp: {stamp}\r\n"
            f"webhook-signature: v1,{base64.b64encode(signed).decode()}\r\n\r\n"
        )
        writer.write(head.encode() + content)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        await reader.readexactly(int(headers.get("content-length", 0)))
        return int(lines[0].split()[1]), float(headers.get("retry-after", 0))


async def steadily(nodes: list[Node], events: int) -> list[float]:
    async def one(node: Node) -> list[float]:
        return [await node.post(1, 1) for _ in range(events)]

    return [took for times in await asyncio.gather(*map(one, nodes)) for took in times]


async def coming_back(nodes: list[Node], events: int) -> None:
    async def one(node: Node) -> None:
        for left in range(events, 0, -500):
            await node.post(min(500, left), left)

    await asyncio.gather(*map(one, nodes))


async def run(words: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        relay = Relay(words.command, Path(folder), words.max_waiting)
        try:
            answers: Counter[int] = Counter()
            nodes = [Node(number, relay.port, answers) for number in range(words.nodes)]
            await nodes[0].post(1, 1)
            empty = relay.memory("VmRSS")
            for name, phase in [("one event a post", words.events), ("back from an outage", words.returning)]:
                answers.clear()
                began, used = time.monotonic(), relay.processor_s()
                times: list[float] = []
                if phase == words.events:
                    times = sorted(await steadily(nodes, phase))
                else:
                    await coming_back(nodes, phase)
                took, processor = time.monotonic() - began, relay.processor_s() - used
                count = words.nodes * phase
                print(f"{name}: {count} events of {words.nodes} nodes in {took:.1f} s, {count / took:.0f}/s")
                print(f"    {processor / count * 1e6:.0f} µs of the relay's processor each")
                if times:
                    middle, last = times[len(times) // 2] * 1e3, times[len(times) * 99 // 100] * 1e3
                    print(f"    an answer took p50 {middle:.0f} ms, p99 {last:.0f} ms")
                print(f"    answers {dict(sorted(answers.items()))}")
            peak = relay.memory("VmHWM")
            print(f"memory: {empty:.0f} MiB with one node, {peak:.0f} MiB at most, {peak / empty:.1f} times")
        finally:
            relay.process.kill()
            relay.process.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("command", help="the `taskbell` command, optimised")
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--events", type=int, default=40, help="of each node, one a post")
    parser.add_argument("--returning", type=int, default=200, help="of each node, after the outage")
    parser.add_argument("--max-waiting", default="8MiB")
    asyncio.run(run(parser.parse_args()))
