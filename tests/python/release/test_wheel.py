"""The Python packages: judged by the tools of Python's index, and installed where there is no Rust."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packages import DIST, HERE, ROOT, package, user, version

from bells import settings
from tools import attempt, need, run

MACHINE = HERE.split("-")[0]
TOOLS = Path(sys.executable).parent

SEND = """
import sys, taskbell
print(taskbell.__file__, taskbell.version())
taskbell.notify(sys.argv[1], "first message", timeout=20)
"""


@pytest.fixture(scope="module")
def wheel():
    return package(f"taskbell-*-manylinux*_{MACHINE}.whl")


@pytest.fixture
def venv(tmp_path, wheel):
    """A fresh environment with the wheel and nothing else: its ``bin``."""
    env = user(tmp_path / "home")
    bin = fresh(tmp_path / "venv", env)
    run(*pip(bin), "install", "--quiet", "--no-index", wheel, env=env)
    return bin


def fresh(folder: Path, env: dict[str, str]) -> Path:
    """An environment with nothing in it, pip neither: its ``bin``."""
    run(sys.executable, "-m", "venv", "--without-pip", folder, env=env)
    return folder / "bin"


def pip(bin: Path) -> list[object]:
    """The pip of the tools, for that environment."""
    return [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", bin / "python"]


def test_the_judges_of_the_index_find_no_fault(wheel, tmp_path):
    env = user(tmp_path / "home")
    every = [wheel, package("taskbell-[0-9]*[0-9].tar.gz"), *DIST.glob("*.whl")]
    assert "FAILED" not in run(TOOLS / "twine", "check", "--strict", *every, env=env)
    # W009 asks for one package alone; `*.data` is the command.
    run(TOOLS / "check-wheel-contents", *DIST.glob("*.whl"), env=env)
    said = " ".join(run(TOOLS / "auditwheel", "show", wheel, env=env).split())
    (tag,) = [part for part in wheel.stem.split("-") if part.startswith("manylinux")]
    assert f'is consistent with the following platform tag: "{tag}"' in said, said


def test_the_wheel_is_typed_and_of_no_version_of_python(wheel):
    assert "-py3-none-" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
    assert "taskbell/py.typed" in names
    assert "taskbell/libtaskbell.so" in names
    about = f"taskbell-{version()}.dist-info"
    assert {f"{about}/licenses/THIRD-PARTY.md", f"{about}/sboms/taskbell.cdx.json"} <= set(names)


def test_an_installed_package_sends_its_first_message(venv, tmp_path, receive):
    receiver = receive()
    text = run(venv / "python", "-c", SEND, receiver.url(), env=user(tmp_path / "home"), cwd=tmp_path)
    assert f"site-packages/taskbell/__init__.py {version()}" in text
    (request,) = receiver.wait_for(1)
    assert request.json()["type"] == "message"


def test_the_module_is_the_command(venv, tmp_path, receive):
    env = user(tmp_path / "home")
    for command in ([venv / "taskbell"], [venv / "python", "-m", "taskbell"]):
        assert run(*command, "--version", env=env).strip() == f"taskbell {version()}"
    assert attempt(venv / "python", "-m", "taskbell", "no-such-command", env=env).returncode == 2
    receiver = receive()
    config = tmp_path / "taskbell.json"
    config.write_text(json.dumps(settings(tmp_path, receiver.url())))
    run(venv / "python", "-m", "taskbell", "send", config, "test.event", "{}", env=env)
    assert receiver.wait_for(1)[0].json()["type"] == "test.event"


def test_without_the_command_the_module_says_how_to_get_it(venv, tmp_path):
    (venv / "taskbell").unlink()
    said = attempt(venv / "python", "-m", "taskbell", "list", env=user(tmp_path / "home"))
    assert said.returncode == 1
    assert said.stdout.startswith("taskbell: the command is missing")
    assert said.stdout.count("\n") == 1


def test_an_update_and_a_removal_leave_nothing_behind(venv, wheel, tmp_path):
    env = user(tmp_path / "home")
    run(*pip(venv), "install", "--quiet", "--no-index", "--force-reinstall", wheel, env=env)
    run(*pip(venv), "uninstall", "--quiet", "--yes", "taskbell", env=env)
    left = list(venv.parent.rglob("*taskbell*"))
    assert left == []


def test_a_folder_that_cannot_be_written_serves_too(venv, tmp_path, receive):
    env = user(tmp_path / "home")
    (packages,) = (venv.parent / "lib").glob("python*/site-packages")
    run("chmod", "-R", "a-w", packages)
    receiver = receive()
    try:
        # Root writes everywhere, so a user who is not root tries it where one can be had.
        who = (
            [need("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
        )
        for folder in (tmp_path, *list(tmp_path.parents)[:3]):
            folder.chmod(folder.stat().st_mode | 0o055)
        state = tmp_path / "state"
        state.mkdir()
        state.chmod(0o777)
        env = {**env, "HOME": str(state)}
        run(*who, venv / "python", "-c", SEND, receiver.url(), env=env, cwd=state)
    finally:
        run("chmod", "-R", "u+w", packages)
    receiver.wait_for(1)


def test_uv_installs_and_runs_it(wheel, tmp_path, receive):
    env = user(tmp_path / "home")
    uv = [TOOLS / "uv", "--offline", "--no-config"]
    run(*uv, "venv", "--python", sys.executable, tmp_path / "uv", env=env)
    run(*uv, "pip", "install", "--python", tmp_path / "uv", "--no-index", wheel, env=env)
    receiver = receive()
    run(tmp_path / "uv" / "bin" / "python", "-c", SEND, receiver.url(), env=env, cwd=tmp_path)
    receiver.wait_for(1)
    tool = [*uv, "tool", "run", "--python", sys.executable, "--from", wheel, "taskbell", "--version"]
    assert f"taskbell {version()}" in run(*tool, env=env)


def test_pipx_installs_the_command(wheel, tmp_path):
    env = user(tmp_path / "home", PIPX_HOME=str(tmp_path / "pipx"), PIPX_BIN_DIR=str(tmp_path / "bin"))
    env["PIPX_DEFAULT_BACKEND"] = "pip"
    run(TOOLS / "pipx", "install", "--python", sys.executable, wheel, env=env)
    assert run(tmp_path / "bin" / "taskbell", "--version", env=env).strip() == f"taskbell {version()}"


def test_the_source_distribution_has_what_cargo_builds(tmp_path):
    """Every member of the workspace and every file that the crates read: cargo finds no fault with it."""
    source = package("taskbell-[0-9]*[0-9].tar.gz")
    run("tar", "-xzf", source, "-C", tmp_path)
    (top,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    env = {**os.environ, "CARGO_TARGET_DIR": str(tmp_path / "target")}
    text = run(
        need("cargo"),
        "metadata",
        "--locked",
        "--offline",
        "--format-version",
        "1",
        "--no-deps",
        cwd=top,
        env=env,
    )
    assert {part["name"] for part in json.loads(text[text.index("{") :])["packages"]} >= {
        "taskbell",
        "taskbell-ffi",
    }
    for path in (
        "build",
        "src",
        "crates/core/src",
        "crates/cli/src",
        "crates/taskbell/src",
        "bindings/python/taskbell",
    ):
        here = {
            file.relative_to(ROOT / path)
            for file in (ROOT / path).rglob("*")
            if file.suffix in {".rs", ".py", ".toml"}
        }
        assert {file for file in here if not (top / path / file).exists()} == set()


def test_without_cargo_the_source_distribution_says_what_is_missing(tmp_path):
    source = package("taskbell-[0-9]*[0-9].tar.gz")
    env = user(tmp_path / "home")
    words = [*pip(fresh(tmp_path / "venv", env)), "install", "--no-index", "--no-build-isolation", source]
    said = subprocess.run(
        list(map(str, words)), env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert said.returncode != 0
    if sys.version_info >= (3, 11):
        words = "there is no wheel for this system, and its source needs cargo, which is not on PATH"
        assert words in said.stdout + said.stderr
