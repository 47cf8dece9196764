"""What every command prints on a terminal fits into its width, whatever the texts are."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import socket
import struct
import subprocess
import termios
import threading
import time
import unicodedata
import urllib.error
import urllib.request

import pytest

import fake_platform

PROMPT = (
    "一只戴着红色围巾的狐狸坐在雪地里。" * 6
    + "a-very-long-word-without-any-space-" * 4
    + " and some plain words " * 8
)
NAME = "render-node-of-the-northern-farm-07"
URL = "https://render-07.example.com/outputs/" + "folder-of-the-day/" * 6 + "frame-0001.png"


def columns(line):
    """What a line takes on the screen."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in plain)
    combining = sum(unicodedata.category(char) in ("Mn", "Me", "Cf") for char in plain)
    return len(plain) + wide - combining


def on_terminal(words, width, env=None, seconds=60, until=None, typed=b""):
    """What a command prints on a terminal of this width, stdout and stderr together."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", **(env or {})}
    environment.pop("COLUMNS", None)
    process = subprocess.Popen(
        [fake_platform.command(), *words],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=environment,
        close_fds=True,
    )
    os.close(follower)
    text = bytearray()

    def read():
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:
                return
            if not piece:
                return
            text.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    os.write(leader, typed) if typed else None
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        assert time.monotonic() < deadline, text.decode(errors="replace")
        if until is not None and until in text.decode(errors="replace"):
            process.terminate()
        time.sleep(0.02)
    reader.join(10)
    os.close(leader)
    return text.decode(errors="replace").replace("\r\n", "\n")


def too_wide(text, width):
    """Lines beyond the width, but for what a person must copy: a URL alone on its line or behind the bar of a
    card, and the command line of `show`, which runs as it is printed."""
    in_command = False
    found = []
    for line in re.split(r"[\n\r]", text):
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).strip()
        in_command = plain.startswith(("curl -X POST", "printf '%s'")) or (in_command and plain != "")
        is_url = re.fullmatch(r"┃? *\S*(https?|file)://\S+", plain) is not None
        if columns(line.rstrip()) > width and not in_command and not is_url:
            found.append(line)
    return found


@pytest.fixture
def place(tmp_path):
    config = tmp_path / "configuration-with-a-long-name-for-the-northern-farm.toml"
    platforms = ["slack", "discord", "wecom", "dingtalk", "feishu", "teams", "googlechat", "mattermost"]
    endpoints = "".join(
        f'[endpoints."team-of-{platform}-in-the-north"]\nplatform = "{platform}"\nurl = "http://127.0.0.1:9/{platform}"\n'
        'retry = { schedule = ["1h"] }\n'
        for platform in platforms
    )
    names = json.dumps([f"team-of-{platform}-in-the-north" for platform in platforms])
    config.write_text(
        f'[host]\nname = "{NAME}"\nbase_url = "https://render-07.example.com"\n[spool]\npath = "spool.db"\n'
        f'[queue]\nend_delay = "50ms"\n{endpoints}'
        '[endpoints.machine]\nurl = "http://127.0.0.1:9/machine"\nretry = { schedule = [] }\n'
        f'[[hooks]]\nname = "{"all that fails " * 6}"\non = ["task.complete", "queue.end"]\nto = {names}\n'
        '[[hooks]]\nname = "machine"\non = ["task.complete"]\nto = ["machine"]\n'
        '[[hooks]]\nname = "never met"\non = ["task.complete"]\nto = ["machine"]\n'
        f"when = \"task.duration_s > 100000 and task.name == '{'x' * 60}' and task.user == 'somebody'\"\n"
    )
    event = tmp_path / "event.json"
    failed = {"type": "RenderError", "message": PROMPT}
    task = {
        "id": "f-1",
        "name": PROMPT,
        "status": "error",
        "error": failed,
        "params": {"prompt": PROMPT, "seed": 1 << 120},
    }
    event.write_text(json.dumps(task | {"outputs": [{"url": URL, "mime": "image/png"}]}))
    return tmp_path, str(config), f"@{event}"


@pytest.mark.parametrize("width", [80, 40])
def test_every_command_keeps_to_the_width_of_its_terminal(place, width):
    folder, config, event = place
    faulty = folder / "faulty.toml"
    faulty.write_text(
        '[endpoints.a]\nurl = "https://hooks.slack.com/services/T0/${TOKEN}"\ntimout = "5s"\n' + "x = 1\n" * 3
    )
    home = {"HOME": str(folder), "TMPDIR": str(folder)}
    commands = ["init", "check", "preview", "explain", "send", "serve", "verify", "list", "show", "replay"]
    commands += ["drop", "import-swarmui", "demo"]
    runs = [
        [],
        ["--help"],
        ["nonsense" * 12],
        ["--no-such-option-of-this-command-at-all-whatever-is-meant-by-it", "x"],
    ]
    runs += [[command, "--help"] for command in commands]
    runs += [
        ["check", config],
        ["check", str(faulty)],
        ["check", str(folder / "missing.toml")],
        ["preview", config, "task.complete", event],
        ["preview", config, "task.complete", event, "--card"],
        ["preview", config, "queue.end", "--card"],
        ["preview", config, "server.stop"],
        ["preview", config, "Queue End"],
        ["preview", config, "queue.end", "[1]"],
        ["explain", config, "task.complete", event],
        ["send", config, "task.complete", event, "--timeout", "2s"],
        ["send", config, "server.stop"],
        ["send", config, "queue.end", "--timeout", "8000h"],
        ["list", config],
        ["list", str(folder / "spool.db"), "--dead"],
        ["show", config, "1"],
        ["show", config, "1", "--full"],
        ["show", config, "77"],
        ["replay", config, "--dead"],
        ["drop", config, "--pending"],
        ["list", str(folder / "missing.db")],
        ["verify", "--secret", "UNSET_VARIABLE", "--headers", "{}", config],
        ["serve", "--as", "carrier-pigeon-of-the-northern-farm"],
        ["serve", "--as", "slack", "--answer", "help"],
        ["init", "https://hooks.slack.com/services/T0/${TOKEN}", "--output", str(folder / "a.toml")],
        ["init", "https://api.telegram.org/bot123456:abc", "--output", str(folder / "b.toml")],
        [
            "init",
            "https://hooks.slack.com/services/T00000000/B00000000/" + "X" * 24,
            "--output",
            str(folder / "c.toml"),
        ],
        ["import-swarmui", str(folder / "Settings.fds"), "--out", str(folder / "swarm.toml")],
    ]
    if width == 80:
        runs.append(["demo"])
    for words in runs:
        text = on_terminal(words, width, home, typed=b"\n" if words == ["demo"] else b"")
        assert text.strip(), words
        assert "panicked" not in text, text
        wide = too_wide(text, width)
        assert wide == [], f"{words}: {wide}\n{text}"


def test_what_serve_draws_keeps_to_the_width(place):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    body = json.dumps({"type": "task.complete", "data": {"task": {"name": PROMPT, "url": URL}}}).encode()
    headers = {"webhook-id": "evt_" + "0" * 32, "taskbell-attempt": "12"}

    def post_when_up():
        for _ in range(600):
            try:
                request = urllib.request.Request(f"http://127.0.0.1:{port}/", body, headers)
                urllib.request.urlopen(request, timeout=10).read()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.05)

    threading.Thread(target=post_when_up, daemon=True).start()
    secret = ["--secret", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]
    text = on_terminal(["serve", "--port", str(port), *secret, "--count", "1"], 80, {"HOME": str(place[0])})
    assert "attempt 12" in text
    wide = too_wide(text, 80)
    assert wide == [], f"{wide}\n{text}"


def test_lines_in_a_pipe_are_whole(place):
    _, config, event = place
    text = subprocess.run(
        [fake_platform.command(), "preview", config, "task.complete", event], capture_output=True, text=True
    ).stdout
    assert PROMPT.strip() in text
