"""`taskbell run` of the archive for Windows, under Wine: the same life of a command as on Unix."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import time

import pytest
from windows import build

from bells import endpoint, settings

COPY = """
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
int main(void) {
    char part[65536];
    size_t length;
    _setmode(0, _O_BINARY), _setmode(1, _O_BINARY);
    while ((length = fread(part, 1, sizeof part, stdin)) > 0) fwrite(part, 1, length, stdout);
    return 0;
}
"""

ACCESS_VIOLATION = "#include <windows.h>\nint main(void) { ExitProcess(0xC0000005); }\n"

WAIT = """
#include <stdio.h>
#include <windows.h>
static BOOL WINAPI end(DWORD event) { ExitProcess(7); }
int main(void) { SetConsoleCtrlHandler(end, TRUE); puts("ready"); fflush(stdout); Sleep(120000); return 0; }
"""


@pytest.fixture(scope="module")
def programs(tree):
    """Programs that copy, fail and wait, next to the command."""
    folder = tree / "bin"
    for name, text in [("copy", COPY), ("broken", ACCESS_VIOLATION), ("wait", WAIT)]:
        (folder / f"{name}.c").write_text(text)
        build("gcc", folder / f"{name}.exe", folder / f"{name}.c")
    return folder


@pytest.fixture
def place(programs, wine, tmp_path, receive):
    """Runs a command by `taskbell run`, and gives what its receiver was told."""
    folder, env = programs, wine.env
    receiver = receive()
    config = settings(
        tmp_path, endpoints={"e0": endpoint(receiver.url())}, hooks=[{"on": ["task.*"], "to": ["e0"]}]
    )
    config["spool"]["path"] = f"Z:{tmp_path / 'bell.db'}"
    path = tmp_path / "taskbell.json"
    path.write_text(json.dumps(config))
    words = [wine.program, str(folder / "taskbell.exe"), "run", f"Z:{path}", "--"]

    def run(*command, **options):
        return subprocess.run(
            [*words, *command], cwd=folder, env=env, capture_output=True, timeout=120, **options
        )

    run.words, run.folder, run.env = words, folder, env
    return run, lambda: receiver.wait_for(1)[0].json()["data"]["task"]


def test_output_and_exit_code_pass_through_and_the_reason_is_told(place):
    run, told = place
    done = run("cmd", "/c", "echo frame 1& echo no light 1>&2& exit 3")
    assert (done.returncode, done.stdout, done.stderr.strip()) == (3, b"frame 1\r\n", b"no light")
    task = told()
    assert [task["name"], task["status"], task["exit_code"]] == ["cmd", "error", 3]
    assert task["error"]["message"] == "exit code 3: no light"


def test_input_and_bytes_pass_through_untouched(place):
    run, told = place
    data = os.urandom(1 << 20)
    assert run("copy.exe", input=data).stdout == data
    assert told()["status"] == "success"


def test_an_exception_of_windows_is_named_as_people_search_for_it(place):
    run, told = place
    run("broken.exe")
    assert told()["error"]["message"] == "exit code 0xC0000005"


def test_a_command_that_cannot_be_run_is_told_and_has_the_code_of_a_shell(place):
    run, told = place
    assert run("missing.exe").returncode == 127
    assert told()["error"]["type"] == "NotStarted"


def test_ctrl_c_reaches_the_command_and_it_is_cancelled(place):
    run, told = place
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(run.folder)
        os.execve(run.words[0], [*run.words, "wait.exe"], run.env)
    text, typed, end = b"", False, time.monotonic() + 120
    while (ended := os.waitpid(process, os.WNOHANG))[0] == 0:
        assert time.monotonic() < end, text
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                text += os.read(terminal, 65536)
            except OSError:
                continue
        # The console prints character by character, with sequences between them.
        if not typed and text.count(b"\x1b[?25h") >= 5:
            os.write(terminal, b"\x03")
            typed = True
    assert os.waitstatus_to_exitcode(ended[1]) == 7
    assert [told()["status"], told()["exit_code"]] == ["cancelled", 7]
