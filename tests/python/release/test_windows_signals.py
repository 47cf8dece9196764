"""Processes of Windows that share a spool signal each other by named events, under Wine: nobody polls."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from pathlib import Path

import pytest
from windows import build

from bells import eventually, settings
from steps import Reply

HOST = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "taskbell.h"

int main(int argc, char **argv) {
    char line[16];
    taskbell_t *bell = NULL;
    if (argc != 2 || taskbell_open(argv[1], &bell) != 0) return 1;
    if (taskbell_emit(bell, "test.event", "{}", 2, NULL) != 0) return 2;
    if (taskbell_flush(bell, 20000) != 0) return 3;
    puts("idle");
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL) return 4;
    return taskbell_close(bell, 20000, NULL);
}
"""


@pytest.fixture
def host(tree, wine, tmp_path):
    """Starts a host that sends an event, and then does nothing until the test ends: ``host(config)``."""
    source, program = tmp_path / "idle.c", tree / "bin" / "idle.exe"
    source.write_text(HOST)
    build("gcc", program, "-I", tree / "include", source, tree / "lib" / "libtaskbell.dll.a")
    started = []

    def start(config):
        process = subprocess.Popen(
            [wine.program, program, config],
            cwd=tmp_path,
            env=wine.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout.readline().strip() == b"idle"

    yield start
    for process in started:
        process.communicate(b"end\n", timeout=120)
        assert process.returncode == 0


@pytest.fixture
def config(tmp_path):
    """Writes a configuration for these receivers: ``config(url)``."""

    def write(url):
        config = settings(tmp_path, url)
        config["spool"]["path"] = "bell.db"
        (tmp_path / "taskbell.json").write_text(json.dumps(config))
        return "taskbell.json"

    return write


def test_the_command_replays_beside_a_running_host_that_sleeps(tree, wine, tmp_path, receive, host, config):
    receiver = receive([Reply(410)])
    file = config(receiver.url())
    host(file)
    command = tree / "bin" / "taskbell.exe"
    assert "the running host sends it now" in wine(command, "replay", file, "--dead", cwd=tmp_path)
    first, second = receiver.wait_for(2)
    assert first.header("webhook-id") == second.header("webhook-id")


def switches(program):
    """How often the threads of a program have gone to sleep."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        # Others may end meanwhile.
        with contextlib.suppress(OSError):
            if not (process / "cmdline").read_bytes().split(b"\0")[0].endswith(program):
                continue
            for status in process.glob("task/*/status"):
                words = status.read_text().split("voluntary_ctxt_switches:")[1].split()
                total += int(words[0])
    assert total, program
    return total


def test_an_idle_host_hardly_ever_wakes(receive, host, config):
    receiver = receive()
    host(config(receiver.url()))
    receiver.wait_for(1)
    quiet = []

    def rests():
        before = switches(b"idle.exe")
        time.sleep(6)
        quiet.append(switches(b"idle.exe") - before)
        return quiet[-1] < 3

    eventually(f"six seconds of rest, {quiet}", rests, 60)
