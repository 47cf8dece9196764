"""Every line of docs/install.md that a user types, tried as it is there."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from packages import DIST, HERE, package, user, version

from bells import settings
from documents import blocks, one
from languages import JNA, install_npm
from test_language_pages import URL, java, page
from tools import need, run

PAGE = "docs/install.md"


@pytest.fixture
def place(tmp_path):
    """A folder with the files of a release for this system."""
    folder = tmp_path / "place"
    folder.mkdir()
    machine = HERE.split("-")[0]
    for path in DIST.iterdir():
        wheel = re.search(rf"manylinux\w+_{machine}\.whl$", path.name)
        if HERE in path.name or wheel or path.name.startswith("SHA256SUMS"):
            shutil.copy(path, folder)
    return folder


def section(heading: str) -> str:
    """The shell lines of a section."""
    return next(block.text for block in blocks(PAGE) if block.language == "sh" and below(heading, block.line))


def below(heading: str, line: int) -> bool:
    from tools import ROOT

    before = (ROOT / PAGE).read_text().split("\n")[:line]
    return next(text for text in reversed(before) if text.startswith("## ")) == f"## {heading}"


def typed(script: str, place: Path, home: Path, **variables: str) -> str:
    """Types these lines into a shell, with this Python as ``python``."""
    programs = home.parent / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "python").symlink_to(sys.executable)
    env = user(home, **variables)
    env["PATH"] = f"{programs}{os.pathsep}{env['PATH']}"
    return run("bash", "-ec", script, env=env, cwd=place)


def test_python_from_nothing_to_a_first_message(place, tmp_path, receive):
    receiver = receive()
    typed(section("Python"), place, tmp_path / "home", TEAM_URL=receiver.url(), PIP_NO_INDEX="1")
    assert receiver.wait_for(1)[0].json()["type"] == "message"


def test_c_and_csharp_from_nothing_to_a_first_message(place, tmp_path, receive):
    for language, name, lines in (
        ("c", "host.c", section("C and C++") + "./host\n"),
        ("csharp", "Host.cs", section("C#")),
    ):
        need("mcs" if language == "csharp" else "cc")
        receiver = receive()
        config = settings(tmp_path, receiver.url(), hooks=[{"on": ["queue.end"], "to": ["e0"]}])
        (place / "taskbell.json").write_text(json.dumps(config))
        (place / name).write_text(one("README.md", language))
        home = tmp_path / f"home-{language}" / "home"
        home.parent.mkdir()
        typed(lines, place, home, TASKBELL_CONFIG="taskbell.json")
        assert receiver.wait_for(1)[0].json()["data"]["queue"]["total"] == 12


def test_node_from_nothing_to_a_first_message(tmp_path, receive):
    receiver = receive()
    shutil.copy(package(f"taskbell-{version()}.tgz"), tmp_path)
    install_npm(tmp_path)
    (tmp_path / "page.mjs").write_text(URL.sub(receiver.url(), one(page("node"), "js")))
    run(need("node"), "page.mjs", env=user(tmp_path / "home"), cwd=tmp_path)
    assert "frame 12" in receiver.wait_for(1)[0].body.decode()


def test_java_from_nothing_to_a_first_message(tmp_path, receive):
    receiver = receive()
    path = f"{package(f'taskbell-{version()}.jar')}{os.pathsep}{JNA}"
    java(
        tmp_path, URL.sub(receiver.url(), one(page("java"), "java")), lambda _: ["java", "-cp", path, ""], JNA
    )
    run(
        need("java"),
        "-cp",
        f"{tmp_path}{os.pathsep}{path}",
        "Page",
        env=user(tmp_path / "home"),
        cwd=tmp_path,
    )
    assert "frame 12" in receiver.wait_for(1)[0].body.decode()


@pytest.mark.parametrize(
    "heading",
    [
        "Python",
        "C and C++",
        "Debian and Ubuntu",
        "C#",
        "Node.js, Go, Java, Lua",
        "ComfyUI, SwarmUI, Blender",
        "Rust, and every other system",
    ],
)
def test_each_kind_of_user_is_led_in_three_lines_and_told_of_updates_and_removal(heading):
    page = (Path(__file__).parents[3] / PAGE).read_text()
    text = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    for lines in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL):
        assert len(lines.splitlines()) <= 3
    assert "**Update**" in text
    assert "**remove**" in text


def test_the_checksums_are_compared(place, tmp_path):
    text = typed(section("Is it what was released?"), place, tmp_path / "home")
    assert f"{package(f'taskbell-*-{HERE}.tar.gz').name}: OK" in text


def test_a_signed_release_is_recognised_and_a_changed_one_is_not(tmp_path):
    """As the release signs and the page verifies; with a key of this test's own."""
    for name in ("SHA256SUMS",):
        shutil.copy(DIST / name, tmp_path / name)
    key = tmp_path / "key"
    run(need("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", key)
    run("ssh-keygen", "-q", "-Y", "sign", "-n", "taskbell-release", "-f", key, tmp_path / "SHA256SUMS")
    (tmp_path / "allowed_signers").write_text(f"taskbell {(tmp_path / 'key.pub').read_text()}")
    (line,) = [
        line for line in (Path(__file__).parents[3] / PAGE).read_text().split("`") if "-Y verify" in line
    ]
    run("bash", "-ec", line, cwd=tmp_path)
    with (tmp_path / "SHA256SUMS").open("a") as sums:
        sums.write("0000  other\n")
    run("bash", "-ec", line, cwd=tmp_path, expect=255)
