"""Hosts of Windows that TerminateProcess ends at random instants, and one that unloads the DLL, under Wine.

``TASKBELL_TEST_SEED`` repeats a run.
"""

from __future__ import annotations

import json
import random
import select
import subprocess

import pytest
from packages import ROOT
from windows import build

from bells import settings
from test_kill import SEED, THREADS, Crashes

C = ROOT / "tests" / "c"
KILLS = 12


class WindowsCrashes(Crashes):
    """The same, with hosts of Windows."""

    def __init__(self, directory, receiver, ring, wine, tree):
        super().__init__(directory, receiver, ring)
        self.wine, self.programs = wine, tree / "bin"

    def config(self, run):
        config = super().config(run)
        config["spool"]["path"] = "bell.db"
        return config

    def kill_one(self, program, moment):
        words = [json.dumps(self.config(self.kills)), "accepted", str(self.kills), str(THREADS)]
        host = f"Z:{self.programs / program}".replace("/", "\\")
        killer = [self.wine.program, self.programs / "kill.exe", host, *words]
        host = subprocess.Popen(
            killer, cwd=self.directory, env=self.wine.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        try:
            if moment.random() < 0.8:
                assert select.select([host.stdout], [], [], 120)[0], "the host opens"
                assert host.stdout.readline().rstrip() == b"open"
                select.select([host.stdout], [], [], moment.random() * 0.5)
            else:
                select.select([host.stdout], [], [], moment.random())
            host.stdin.close()
            assert host.wait(120) == 0
        finally:
            host.kill()
            host.wait(60)
            host.stdout.close()
        for event in self.ids("delivered"):
            self.recorded.setdefault(event, self.kills)
        self.kills += 1

    def drain(self):
        config = json.dumps(self.config(self.kills))
        assert "drained" in self.wine(self.programs / "drain.exe", config, cwd=self.directory)


@pytest.mark.parametrize("ring", ["auto"])
def test_nothing_accepted_is_lost_when_terminate_process_ends_hosts(tree, wine, tmp_path, receive, ring):
    programs = tree / "bin"
    library = ["-I", tree / "include", "-I", C, tree / "lib" / "libtaskbell.dll.a"]
    build("gcc", programs / "host.exe", C / "crash_host.c", *library, "-pthread")
    build("gcc", programs / "drain.exe", C / "drain.c", *library)
    build("gcc", programs / "kill.exe", C / "windows_kill.c")
    moment = random.Random(f"{SEED} {ring}")
    crashes = WindowsCrashes(tmp_path, receive(), ring, wine, tree)
    for _ in range(KILLS):
        crashes.kill_one("host.exe", moment)
    print(f"seed {SEED}: {crashes.reconcile()}")


def test_a_host_lives_on_after_the_dll_is_unloaded(tree, wine, tmp_path, receive):
    program = tree / "bin" / "unload.exe"
    build("gcc", program, C / "windows_unload.c")
    receiver = receive()
    config = settings(tmp_path, receiver.url())
    config["spool"]["path"] = "bell.db"
    assert "alive" in wine(program, "taskbell.dll", json.dumps(config), cwd=tmp_path)
    receiver.wait_for(2)
