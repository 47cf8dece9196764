"""`taskbell run`: the life of a command is told, and nothing of it is changed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from bells import endpoint, eventually, settings
from fake_platform import command
from steps import Hang
from tools import run as output_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="of Unix")

FIELDS = ["status", "exit_code", "signal"]


@pytest.fixture
def place(tmp_path, receive):
    """A configuration that reports every task, as a file, and its receiver."""

    def make(*steps, **sections):
        receiver = receive(list(steps))
        config = settings(
            tmp_path,
            endpoints={"e0": endpoint(receiver.url())},
            hooks=[{"on": ["task.*"], "to": ["e0"]}],
            **sections,
        )
        path = tmp_path / "taskbell.json"
        path.write_text(json.dumps(config))
        return path, receiver

    return make


def words(config: object, *line: object) -> list[str]:
    options = list(line[: line.index("--")])
    return [str(word) for word in [command(), "run", *options, config, *line[line.index("--") :]]]


def python(code: str) -> list[str]:
    return ["--", sys.executable, "-c", code]


def run(config: object, *line: object, **options) -> subprocess.CompletedProcess[bytes]:
    """Runs a command by `taskbell run`, with pipes."""
    return subprocess.run(words(config, *line), capture_output=True, timeout=120, **options)


def task(receiver, count: int = 1) -> dict:
    """What was told of the last one."""
    return receiver.wait_for(count)[-1].json()["data"]["task"]


def test_a_command_that_succeeds_is_told_with_what_it_used_and_printed(place):
    config, receiver = place()
    code = "import sys; x = bytearray(60 << 20); print('out', flush=True); sys.stderr.write('err\\n')"
    done = run(config, "--name", "render", "--kind", "film", *python(code))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"out\n", b"err\n")
    told = task(receiver)
    assert [told.get(field) for field in ["name", "kind", *FIELDS]] == ["render", "film", "success", 0, None]
    assert sorted(told["output"].split("\n")) == ["err", "out"]
    assert told["duration_s"] > 0
    assert told["metrics"]["peak_memory_mb"] > 60
    assert "webhook_params" not in told


@pytest.mark.parametrize("code", [1, 3, 125, 255])
def test_the_exit_code_passes_through_and_the_last_line_is_the_reason(place, code):
    config, receiver = place()
    done = run(config, *python(f"import sys; print('ValueError: x'); sys.exit({code})"))
    told = task(receiver)
    assert done.returncode == code
    assert [told.get(field) for field in FIELDS] == ["error", code, None]
    assert told["error"]["message"] == f"exit code {code}: ValueError: x"


def test_the_reason_is_the_last_line_of_the_error_output(place):
    config, receiver = place()
    # Python prints what it has buffered after the traceback.
    run(config, *python("print('step 9'); raise ValueError('no light')"))
    assert task(receiver)["error"]["message"] == "exit code 1: ValueError: no light"


def test_a_signal_that_ends_the_command_ends_taskbell_too(place):
    config, receiver = place()
    names = ["SIGKILL", "SIGSEGV", "SIGABRT"]
    for number in map(signal.Signals.__getitem__, names):
        done = run(config, *python(f"import os; os.kill(os.getpid(), {int(number)})"))
        assert done.returncode == -number
    told = [request.json()["data"]["task"] for request in receiver.wait_for(3)]
    assert [(one["status"], one["signal"]) for one in told] == [("error", name) for name in names]
    assert all("out_of_memory" not in one for one in told)


def test_a_command_that_cannot_be_run_is_told_and_has_the_code_of_a_shell(place, tmp_path):
    config, receiver = place()
    plain = tmp_path / "plain"
    plain.write_text("no program")
    for program, code in [("/missing/program", 127), (plain, 126)]:
        done = run(config, "--", program)
        assert done.returncode == code
        assert str(program).encode() in done.stderr
    assert [request.json()["data"]["task"]["status"] for request in receiver.wait_for(2)] == ["error"] * 2


def test_without_a_configuration_nothing_is_started(tmp_path):
    mark = tmp_path / "mark"
    for config in ["/missing.toml", "gopher://a.example/secretpath"]:
        done = run(config, "--", "touch", mark)
        assert done.returncode == 125
        assert b"secretpath" not in done.stderr
    assert not mark.exists()


def test_input_and_bytes_pass_through_untouched(place):
    config, _ = place()
    data = os.urandom(3 << 20)
    done = run(config, "--", "cat", input=data)
    assert done.stdout == data
    assert done.returncode == 0


def test_output_to_one_file_keeps_its_order(place, tmp_path):
    config, _ = place()
    code = "import os\nfor n in range(500): os.write(1 + n % 2, b'%d\\n' % n)"
    with open(tmp_path / "both", "wb") as file:
        subprocess.run(
            words(config, *python(code)), stdout=file, stderr=subprocess.STDOUT, check=True, timeout=60
        )
    assert (tmp_path / "both").read_text().split() == [str(n) for n in range(500)]


def test_a_reader_that_goes_away_ends_the_command(place):
    config, receiver = place()
    line = shlex.join(words(config, "--", "yes"))
    assert output_of("sh", "-c", f"{line} | head -n 2", timeout=60) == "y\ny\n"
    assert task(receiver)["signal"] == "SIGPIPE"


def test_the_last_lines_have_neither_secrets_nor_control_characters(place):
    config, receiver = place()
    code = "import os; print('\\x1b[31mred\\x1b[0m', os.environ['MY_API_TOKEN'], '\\x00 10%\\r99%')"
    done = run(config, *python(code), env={**os.environ, "MY_API_TOKEN": "tok-123456789"})
    assert b"tok-123456789" in done.stdout
    received = receiver.wait_for(1)[0]
    assert b"tok-123456789" not in received.body
    assert task(receiver)["output"] == "99%"


def test_a_command_that_prints_megabytes_is_told_by_its_last_lines(place):
    config, receiver = place()
    done = run(config, "--lines", "3", "--", "seq", "1000000")
    assert done.stdout.endswith(b"999999\n1000000\n")
    assert len(done.stdout) == 6888896
    assert task(receiver)["output"] == "999998\n999999\n1000000"


def test_a_receiver_that_hangs_costs_the_timeout_and_the_message_waits(place):
    config, receiver = place(Hang())
    began = time.monotonic()
    done = run(config, "--timeout", "500ms", *python("print('x'); raise SystemExit(4)"))
    assert done.returncode == 4
    assert time.monotonic() - began < 10
    assert b"taskbell deliver" in done.stderr
    output_of(command(), "deliver", config)
    assert task(receiver, 2)["exit_code"] == 4


TERMINATED = """
import os, signal, sys, time
def end(number, frame):
    os.write(1, b'got %d\\n' % number)
    sys.exit(7)
for number in [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1]:
    signal.signal(number, end)
print('ready', flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_reaches_the_command_and_its_end_is_told(place, number):
    config, receiver = place()
    with subprocess.Popen(words(config, *python(TERMINATED)), stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.stdout.read() == b"got %d\n" % number
    assert process.returncode == 7
    assert task(receiver)["status"] == ("error" if number == signal.SIGUSR1 else "cancelled")


class Terminal:
    """A process in a terminal of its own, as a shell would start it."""

    def __init__(self, line: list[str]) -> None:
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.execvp(line[0], line)
        self.text = b""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, pattern: bytes, timeout: float = 60) -> re.Match[bytes]:
        end = time.monotonic() + timeout
        while not (found := re.search(pattern, self.text)):
            left = end - time.monotonic()
            assert left > 0, f"not seen: {pattern!r} in {self.text!r}"
            if select.select([self.terminal], [], [], left)[0]:
                with contextlib.suppress(OSError):
                    self.text += os.read(self.terminal, 65536)
        return found

    def type(self, data: bytes) -> None:
        os.write(self.terminal, data)

    def end(self) -> int:
        """Waits for its end, and reads on meanwhile."""
        while True:
            process, status = os.waitpid(self.process, os.WNOHANG)
            if process:
                return os.waitstatus_to_exitcode(status)
            if select.select([self.terminal], [], [], 0.05)[0]:
                with contextlib.suppress(OSError):
                    self.text += os.read(self.terminal, 65536)


SEEN = """
import os, sys
print([os.isatty(fd) for fd in range(3)], os.get_terminal_size(1), flush=True)
print('name', input('name? '), flush=True)
"""


def test_in_a_terminal_the_command_sees_a_terminal_of_the_same_size(place):
    config, receiver = place()
    terminal = Terminal(words(config, *python(f"import time; time.sleep(0.5)\\n{SEEN}".replace("\\n", "\n"))))
    terminal.resize(33, 101)
    terminal.until(rb"\[True, True, True\] os.terminal_size\(columns=101, lines=33\)\r\n")
    terminal.until(rb"name\? ")
    terminal.type(b"ada\n")
    terminal.until(rb"name ada\r\n")
    assert terminal.end() == 0
    assert task(receiver)["output"].endswith("name ada")


RESIZED = """
import os, signal, time
signal.signal(signal.SIGWINCH, lambda *_: os.write(1, b'size %d %d\\n' % os.get_terminal_size(1)))
print('ready', flush=True)
while True: time.sleep(1)
"""


def test_a_terminal_that_changes_its_size_and_ctrl_c_reach_the_command(place):
    config, receiver = place()
    terminal = Terminal(words(config, *python(RESIZED)))
    terminal.until(rb"ready")
    terminal.resize(20, 77)
    terminal.until(rb"size 77 20")
    terminal.type(b"\x03")
    assert terminal.end() == -signal.SIGINT
    assert terminal.text.count(b"KeyboardInterrupt") == 1, "Ctrl-C came once"
    assert task(receiver)["status"] == "cancelled"


def test_ctrl_z_stops_the_command_and_it_goes_on(place):
    config, receiver = place()
    line = shlex.join(words(config, "--", "sh", "-c", "echo ready; read line; echo got $line"))
    terminal = Terminal(["sh", "-c", f"set -m; {line}; echo stopped $?; fg; echo over $?"])
    terminal.until(rb"ready")
    terminal.type(b"\x1a")
    terminal.until(rb"stopped 1\d\d\r\n")
    terminal.type(b"word\n")
    terminal.until(rb"got word")
    terminal.until(rb"over 0")
    assert task(receiver)["status"] == "success"


WATCHED = """
import time
for n in range(1, 4):
    print(f'frame {n}/3', flush=True)
    time.sleep(1.2)
time.sleep(3)
"""


def test_watch_tells_the_start_the_progress_and_a_silence(place):
    config, receiver = place()
    run(config, "--watch", "--silence", "2s", "--name", "film", *python(WATCHED))
    told = [request.json() for request in receiver.wait_for(4)]
    by_type = {one["type"]: one["data"] for one in told}
    assert list(by_type) == ["task.start", "task.progress", "task.silent", "task.complete"]
    # Another event of a task has its fields as they are.
    assert {json.dumps(one).count('"film"') > 0 for one in by_type.values()} == {True}
    assert '"total": 3' in json.dumps(by_type["task.progress"])


def test_a_bare_url_is_told_of_a_command_that_succeeds(tmp_path, receive):
    receiver = receive()
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "MY_URL": receiver.url()}
    for config in [receiver.url(), "env:MY_URL"]:
        done = run(config, "--name", "bake", "--", "true", env=env)
        assert (done.returncode, done.stderr) == (0, b"")
    told = [request.json()["data"]["task"] for request in receiver.wait_for(2)]
    assert [(one["name"], one["status"]) for one in told] == [("bake", "success")] * 2
    assert len(list((Path(tmp_path) / "taskbell").glob("*.db"))) == 1, "one spool for one receiver"


@pytest.fixture
def small_group():
    """A control group with 200 MiB of memory, of version 2 or 1."""
    root = Path("/sys/fs/cgroup")
    is_new = (root / "cgroup.controllers").exists()
    group = (root if is_new else root / "memory") / f"taskbell-test-{os.getpid()}"
    limits = ["memory.max", "memory.swap.max"] if is_new else ["memory.limit_in_bytes"]
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        for limit in limits:
            if (group / limit).exists():
                (group / limit).write_text("0" if "swap" in limit else str(200 << 20))
        if not (group / limits[0]).exists():
            pytest.skip("control groups do not limit memory here")
        yield group
        eventually("the group is empty", lambda: not (group / "cgroup.procs").read_text())
    finally:
        group.rmdir()


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
@pytest.mark.parametrize("by_shell", [False, True])
def test_a_command_killed_for_want_of_memory_is_told_so(place, small_group, by_shell):
    config, receiver = place()
    hungry = [sys.executable, "-c", "x = bytearray(b'x') * (1 << 30)"]
    line = words(config, "--", *(["sh", "-c", f"{shlex.join(hungry)}; exit $?"] if by_shell else hungry))
    done = subprocess.run(
        ["sh", "-c", f"echo $$ > {small_group}/cgroup.procs; exec {shlex.join(line)}"],
        timeout=60,
        check=False,
    )
    assert done.returncode == (128 + signal.SIGKILL if by_shell else -signal.SIGKILL)
    told = task(receiver)
    assert (told["status"], told["error"]["type"]) == ("error", "OutOfMemory")
    assert told["out_of_memory"] is True
