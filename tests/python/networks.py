"""Machines of a farm as name spaces of the network, joined by links that can be set down.

Nothing passes then, and nobody says so. It needs root.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NoReturn

import pytest

from tools import need

# A network that is set aside for tests (RFC 2544).
ADDRESSES = "198.18"


class Network:
    """Each machine is a name space, apart from the test's own, ``None``."""

    def __init__(self, *machines: str) -> None:
        if sys.platform != "linux":
            pytest.skip("name spaces of the network are of Linux")
        self._ip = need("ip")
        self._own = f"tb{os.getpid() % 100_000}"
        self._links = 0
        self._ends: dict[tuple[str | None, str | None], tuple[str, str]] = {}
        self._machines: list[str] = []
        for machine in machines:
            self._add(machine)

    def _add(self, machine: str) -> None:
        done = self._try("netns", "add", self._name(machine))
        if done.returncode != 0:
            self.close()
            self._refused(done.stderr)
        self._machines.append(machine)
        self._run("-n", self._name(machine), "link", "set", "lo", "up")

    def _refused(self, reason: str) -> NoReturn:
        assert os.geteuid() != 0 or os.environ.get("CI") != "true", reason
        pytest.skip(
            "no name space can be made here; the proxy of test_relay_failover.py loses packets in its place: "
            f"{reason.strip()}"
        )

    def join(self, one: str | None, other: str | None) -> tuple[str, str]:
        """Joins two machines; their addresses on this link."""
        number, self._links = self._links, self._links + 1
        ends = [f"{self._own}{side}{number}" for side in "ab"]
        addresses = [f"{ADDRESSES}.{number}.{host}" for host in (1, 2)]
        self._run("link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
        for machine, end, address in zip((one, other), ends, addresses):
            if machine is not None:
                self._run("link", "set", end, "netns", self._name(machine))
            self._run(*self._of(machine), "addr", "add", f"{address}/30", "dev", end)
            self._run(*self._of(machine), "link", "set", end, "up")
        self._ends[one, other] = (ends[0], ends[1])
        return addresses[0], addresses[1]

    def set(self, one: str | None, other: str | None, state: str) -> None:
        """Sets the far end of a link ``up`` or ``down``: the near one keeps its address and its routes."""
        self._run(*self._of(other), "link", "set", self._ends[one, other][1], state)

    def within(self, machine: str | None) -> list[str]:
        """The words before a command that runs there."""
        return [] if machine is None else [self._ip, "netns", "exec", self._name(machine)]

    def close(self) -> None:
        for machine in self._machines:
            self._try("netns", "del", self._name(machine))

    def _name(self, machine: str) -> str:
        return f"{self._own}-{machine}"

    def _of(self, machine: str | None) -> list[str]:
        return [] if machine is None else ["-n", self._name(machine)]

    def _run(self, *words: str) -> None:
        done = self._try(*words)
        assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"

    def _try(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self._ip, *words], capture_output=True, text=True, timeout=60)
