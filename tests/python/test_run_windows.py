"""`taskbell run` for Windows, under Wine: the same life of a command as on Unix.

``TASKBELL_WINDOWS_COMMAND`` names ``taskbell.exe``; without it, Wine and MinGW these tests are skipped.
"""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import time

import pytest

from bells import endpoint, settings
from tools import run as output_of

COMMAND = os.environ.get("TASKBELL_WINDOWS_COMMAND")
COMPILER, WINE = shutil.which("x86_64-w64-mingw32-gcc"), shutil.which("wine")

MISSING = not COMMAND or not COMPILER or not WINE
pytestmark = pytest.mark.skipif(MISSING, reason="no Windows command, Wine or MinGW")

# Wine 8 lacks this library, which every program of Rust loads.
RANDOM = """
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE to, SIZE_T size) { return SystemFunction036(to, size); }
"""

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
def machine(tmp_path_factory):
    """A folder with the command, and Wine's own folder."""
    folder = tmp_path_factory.mktemp("windows")
    shutil.copy(str(COMMAND), folder / "taskbell.exe")
    for name, text in [("copy", COPY), ("broken", ACCESS_VIOLATION), ("wait", WAIT)]:
        build(folder, f"{name}.exe", text)
    build(folder, "bcryptprimitives.dll", RANDOM, "-shared", "-ladvapi32")
    env = {**os.environ, "WINEPREFIX": str(folder / "wine"), "WINEDEBUG": "-all"}
    output_of(WINE, "wineboot", "-i", env=env, cwd=folder)
    yield folder, env
    subprocess.run(["wineserver", "-k"], env=env, check=False)


def build(folder, name, text, *options):
    source = folder / f"{name}.c"
    source.write_text(text)
    output_of(COMPILER, source, "-o", folder / name, *options)


@pytest.fixture
def place(machine, tmp_path, receive):
    """Runs a command by `taskbell run`, and gives what its receiver was told."""
    folder, env = machine
    receiver = receive()
    config = settings(
        tmp_path, endpoints={"e0": endpoint(receiver.url())}, hooks=[{"on": ["task.*"], "to": ["e0"]}]
    )
    config["spool"]["path"] = f"Z:{tmp_path / 'bell.db'}"
    path = tmp_path / "taskbell.json"
    path.write_text(json.dumps(config))
    words = [WINE, str(folder / "taskbell.exe"), "run", f"Z:{path}", "--"]

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
