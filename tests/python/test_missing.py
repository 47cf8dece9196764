"""A host whose webhook is wrong learns of it at its end, in every language."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from bells import endpoint, settings
from steps import Hang, Reply
from tools import ROOT, compile_csharp, compile_native, need, run

DEAD = "1 message did not arrive: "
WAITING = "1 message did not arrive, and waits for another attempt: "

PYTHON = """
import logging, sys, taskbell
config, ear, way = sys.argv[1:]
if ear == "silent":
    logging.getLogger("taskbell").setLevel(logging.CRITICAL)
if ear == "own":
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("own %(message)s"))
    logging.getLogger("taskbell").addHandler(handler)
    logging.getLogger("taskbell").propagate = False
if way == "shutdown":
    taskbell.init(config)
    bell = taskbell.default
else:
    bell = taskbell.Bell(config)
if ear == "log":
    bell.set_log(lambda level, line: print("log", line))
taskbell.on_task_complete() if way == "shutdown" else bell.task_complete()
bell.flush(20)
if way != "exit":
    bell.close(20)
"""


@pytest.fixture(scope="module", params=["c++", "c#", "python"])
def host(request, tmp_path_factory, library_path):
    """A function that runs a host of this language, and gives its output and what it wrote to stderr."""
    folder, tests = tmp_path_factory.mktemp("host"), ROOT / "tests"
    if request.param == "c++":
        command = [compile_native(library_path, folder / "missing", tests / "c" / "missing.cpp")]
    elif request.param == "c#":
        command = [need("mono"), compile_csharp(folder / "Missing.exe", tests / "csharp" / "Missing.cs")]
    else:
        command = [sys.executable, "-c", PYTHON]

    def start(config, ear, way):
        left_open = {"c++": "destroy", "c#": "dispose", "python": "exit"}[request.param]
        arguments = [json.dumps(config), ear, left_open if way == "left open" else way]
        env = {**os.environ, "LD_LIBRARY_PATH": str(library_path.parent)}
        done = subprocess.run(
            [*command, *arguments], env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done
        return done.stdout, done.stderr

    return start


@pytest.mark.parametrize("way", ["close", "left open", "shutdown"])
def test_a_host_without_a_log_hears_of_messages_that_did_not_arrive(tmp_path, receive, host, way):
    gone = receive(default=Reply(410))
    output, said = host(settings(tmp_path, gone.url()), "stderr", way)
    # Python's logging has the dead letter itself before.
    (line,) = [line for line in said.splitlines() if "did not arrive" in line]
    assert (output, DEAD in line) == ("", True), said
    assert "410" in line, said
    assert line.endswith("; see `taskbell list`"), said


def test_a_message_that_waits_for_another_attempt_is_named_too(tmp_path, receive, host):
    wrong = receive(default=Reply(404, body=b'{"error": "no_service"}'))
    waits = {"e0": endpoint(wrong.url(), retry={"schedule": ["1h"]})}
    output, said = host(settings(tmp_path, endpoints=waits), "stderr", "close")
    assert (output, said.count("\n"), WAITING in said, "404" in said) == ("", 1, True, True), said
    # The next start has the message, and says so again.
    output, said = host({**settings(tmp_path, endpoints=waits)}, "own", "shutdown")
    assert said == ""
    assert output.startswith("own 2 messages did not arrive, and wait for another attempt: "), output
    # A spool in memory ends with the host, so there is nothing to list.
    lost = settings(tmp_path, endpoints=waits, spool={"path": ":memory:"})
    _, said = host(lost, "stderr", "close")
    assert "1 message did not arrive before the end: " in said, said
    assert "taskbell list" not in said, said


def test_an_answer_that_never_comes_is_named(tmp_path, receive, host):
    hangs = {"e0": endpoint(receive(default=Hang()).url(), timeout="3s", retry={"schedule": ["1h"]})}
    _, said = host(settings(tmp_path, endpoints=hangs), "stderr", "close")
    assert WAITING + "127.0.0.1" in said, said
    assert "did not answer within 3s" in said, said


@pytest.mark.parametrize(("ear", "expected"), [("silent", ""), ("own", "own "), ("log", "log ")])
def test_the_line_can_be_silenced_or_taken_and_goes_to_a_log_that_is_set(
    tmp_path, receive, host, ear, expected
):
    output, said = host(settings(tmp_path, receive(default=Reply(410)).url()), ear, "close")
    lines = [line for line in output.splitlines() if "did not arrive" in line]
    assert (said, len(lines)) == ("", 1 if expected else 0), output
    assert all(line.startswith(expected + DEAD) for line in lines), lines


def test_a_host_whose_messages_arrive_hears_nothing(tmp_path, receive, host):
    assert host(settings(tmp_path, receive().url()), "stderr", "left open") == ("", "")


C_HOST = """
#include "taskbell.h"
#include <stdio.h>

int main(int argc, char **argv) {
    char words[1024];
    size_t needed = 0;
    taskbell_t *bell = NULL;
    if (argc != 2 || taskbell_emit(NULL, "Not A Type", "{}", 2, NULL) == 0) return 1;
    if (taskbell_open(argv[1], &bell) != 0) return 2;
    if (taskbell_emit(bell, "task.complete", "{}", 2, NULL) != 0) return 3;
    if (taskbell_flush(bell, 20000) != 0) return 3;
    if (taskbell_close(bell, 20000, NULL) != 0) return 4;
    if (taskbell_last_error(words, sizeof words, &needed) != 0) return 5;
    puts(words);
    return 0;
}
"""


def test_a_c_host_reads_the_line_from_last_error_and_nothing_is_printed(tmp_path, receive, library_path):
    program, source = tmp_path / "host", tmp_path / "host.c"
    source.write_text(C_HOST)
    compile_native(library_path, program, source)
    gone, fine = receive(default=Reply(410)), receive()
    said = run(program, json.dumps(settings(tmp_path, gone.url())))
    assert said.startswith(DEAD), said
    (tmp_path / "fine").mkdir()
    assert run(program, json.dumps(settings(tmp_path / "fine", fine.url()))) == "\n"
