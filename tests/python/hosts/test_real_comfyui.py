"""A real ComfyUI: prompts over its API, its page in a browser, a kill and restarts in mid-queue.

``TASKBELL_COMFYUI`` names the folder of its source, ``TASKBELL_COMFYUI_PYTHON`` an interpreter with its
requirements, ``TASKBELL_COMFYUI_FRONT_END`` the folder of another front end. Without the first two these
tests are skipped: no package registry has ComfyUI. Screenshots go to ``target/screenshots``.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from bells import eventually
from tools import ROOT

SOURCE = os.environ.get("TASKBELL_COMFYUI")
INTERPRETER = os.environ.get("TASKBELL_COMFYUI_PYTHON")
FRONT_END = os.environ.get("TASKBELL_COMFYUI_FRONT_END")
START_S = 240.0
EVERY = ["task.complete", "task.note", "queue.start", "queue.end", "server.start", "server.stop"]
SHOTS = ROOT / "target" / "screenshots"

MISSING = not SOURCE or not INTERPRETER
pytestmark = pytest.mark.skipif(MISSING, reason="TASKBELL_COMFYUI, TASKBELL_COMFYUI_PYTHON name no ComfyUI")


class Comfy:
    """A ComfyUI in a folder of its own, with the package as its readers install it."""

    def __init__(self, home: Path, library: Path, receiver: Any) -> None:
        self.home = home
        nodes = home / "custom_nodes"
        package = nodes / "taskbell"
        shutil.copytree(ROOT / "bindings" / "hosts" / "comfyui", package)
        shutil.copytree(ROOT / "bindings" / "python" / "taskbell", package / "taskbell")
        shutil.copy(library, package / "taskbell" / library.name)
        shutil.copytree(ROOT / "tests" / "python" / "comfyui" / "testkit", nodes / "testkit")
        self.config = package / "taskbell.toml"
        self.config.write_text(
            f'[host]\nname = "comfy"\n[spool]\npath = "{home / "bell.db"}"\n'
            '[network]\ntask_urls = ["http://127.0.0.1/"]\n'
            f'[endpoints.team]\nurl = "{receiver.url("/team")}"\nconcurrency = 1\n'
            f'[endpoints.aside]\nurl = "{receiver.url("/aside")}"\n'
            f'[[hooks]]\non = {json.dumps(EVERY)}\nto = ["team"]\n'
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        keep = {
            key: value for key, value in os.environ.items() if not key.startswith(("TASKBELL", "PYTHONPATH"))
        }
        command = [str(INTERPRETER), "main.py", "--cpu", "--disable-auto-launch", "--listen", "127.0.0.1"]
        command += ["--port", str(self.port), "--base-directory", str(self.home)]
        command += ["--database-url", f"sqlite:///{self.home / 'comfy.db'}"]
        if FRONT_END:
            command += ["--front-end-root", FRONT_END]
        with (self.home / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=SOURCE, env=keep, stdout=log, stderr=log)
        eventually("ComfyUI answers", self.answers, START_S)

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(OSError):
            return bool(self.ask("/queue"))
        return False

    def ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def prompt(self, graph: dict[str, Any], **more: Any) -> str:
        return self.ask("/prompt", {"prompt": graph, "client_id": "mira", **more})["prompt_id"]

    def log(self) -> str:
        return (self.home / "log.txt").read_text(errors="replace")

    def end(self, how: int) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(60)


@pytest.fixture
def comfy(tmp_path, library_path, receive):
    """A running ComfyUI, and what its messages arrive at."""
    receiver = receive()
    home = tmp_path / "comfy"
    home.mkdir()
    comfy = Comfy(home, library_path, receiver)
    comfy.start()
    yield comfy, receiver
    if comfy.process and comfy.process.poll() is None:
        comfy.end(signal.SIGKILL)


def graph(
    seconds: float = 0.0, *, fails: bool = False, prefix: str = "ComfyUI", color: int = 0
) -> dict[str, Any]:
    """An image that needs no model, some work, and a file."""
    worker = {"images": ["1", 0]} if fails else {"images": ["1", 0], "seconds": seconds}
    size = {"width": 64, "height": 64, "batch_size": 1, "color": color}
    return {
        "1": {"class_type": "EmptyImage", "inputs": size},
        "2": {"class_type": "TestFails" if fails else "TestSlow", "inputs": worker},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": prefix}},
    }


def told(receiver: Any, target: str = "/team") -> list[dict[str, Any]]:
    return [request.json() for request in list(receiver.requests) if request.target == target]


def kinds(receiver: Any) -> list[str]:
    return [body["type"] for body in told(receiver)]


def test_prompts_nodes_and_wishes_of_a_real_comfyui(comfy):
    comfy, receiver = comfy
    noted = graph(prefix="hero/front")
    noted["4"] = {
        "class_type": "TaskbellNotify",
        "inputs": {"images": ["2", 0], "endpoint": "aside", "message": "look at this"},
    }
    noted["5"] = {
        "class_type": "TaskbellOnQueueEmpty",
        "inputs": {"endpoint": "aside", "message": "all is done"},
    }
    first = comfy.prompt(noted)
    failed = comfy.prompt(graph(fails=True))
    slow = comfy.prompt(graph(seconds=120, color=2), webhook_url="http://127.0.0.1/elsewhere")
    eventually(
        "the slow one runs", lambda: slow in [item[1] for item in comfy.ask("/queue")["queue_running"]]
    )
    comfy.ask("/interrupt", {})
    eventually("the queue ends", lambda: "queue.end" in kinds(receiver))
    tasks = {
        body["data"]["task"]["id"]: body["data"]["task"] for body in told(receiver) if "task" in body["data"]
    }
    assert [tasks[name]["status"] for name in (first, failed, slow)] == ["success", "error", "cancelled"]
    assert tasks[first]["name"] == "hero/front"
    assert Path(tasks[first]["outputs"][0]["path"]).is_file()
    assert tasks[failed]["error"] == {"type": "RuntimeError", "message": "TestFails (2): no room"}
    assert tasks[slow]["queue_remaining"] == 0
    look, done = [body["data"]["task"] for body in told(receiver, "/aside")]
    assert (look["name"], done["name"]) == ("look at this", "all is done")
    assert Path(look["outputs"][0]["path"]).parent == comfy.home / "output" / "taskbell"
    log = comfy.log()
    assert "taskbell: 2 endpoints, 1 hook" in log
    # Only a public address is allowed; the console says what became of this one.
    eventually("the refusal is logged", lambda: "127.0.0.1:80 is refused: it is loopback" in comfy.log())
    comfy.config.write_text(comfy.config.read_text().replace('name = "comfy"', 'name = "again"'))
    eventually("the change is in force", lambda: "a new configuration is in force" in comfy.log())
    comfy.config.write_text("nonsense")
    eventually("the fault is logged", lambda: "the former configuration stays in force" in comfy.log())


def test_a_kill_in_mid_queue_ends_the_queue_as_interrupted_at_the_next_start(comfy):
    comfy, receiver = comfy
    comfy.prompt(graph(color=1))
    comfy.prompt(graph(seconds=120, color=2))
    eventually("one is done", lambda: "task.complete" in kinds(receiver))
    comfy.end(signal.SIGKILL)
    comfy.start()
    eventually("the dead queue ends", lambda: "queue.end" in kinds(receiver))
    (end,) = (body["data"]["queue"] for body in told(receiver) if body["type"] == "queue.end")
    assert (end["interrupted"], end["total"]) == (True, 1)
    comfy.prompt(graph(color=3))
    eventually("the next queue ends", lambda: kinds(receiver).count("queue.end") == 2)
    assert told(receiver)[-1]["data"]["queue"]["total"] == 1


def test_a_service_stop_and_a_restart_by_the_manager_are_ends_of_the_server(comfy):
    comfy, receiver = comfy
    with contextlib.suppress(OSError):
        comfy.ask("/testkit/restart", {})
    eventually("it is back", lambda: kinds(receiver)[-2:] == ["server.stop", "server.start"], START_S)
    eventually("it answers", comfy.answers, START_S)
    comfy.end(signal.SIGTERM)
    assert kinds(receiver) == ["server.start", "server.stop"] * 2
    assert comfy.process.returncode == -signal.SIGTERM


READY = "Boolean(window.app?.extensionManager && LiteGraph.registered_node_types.TaskbellNotify)"

PUT_NODES = """() => {
  const graph = window.app.graph;
  if (graph._nodes.length == 2 && graph._nodes[0].type == "TaskbellNotify") {
    return true;
  }
  graph.clear();
  for (const [at, type] of ["TaskbellNotify", "TaskbellOnQueueEmpty"].entries()) {
    const node = LiteGraph.createNode(type);
    graph.add(node);
    node.pos = [100 + 500 * at, 120];
  }
  window.app.canvas.setDirty(true, true);
  return false;
}"""


def put_nodes(page: Any) -> bool:
    """Whether our nodes are alone there. The page puts a workflow of its own there some time later."""
    stayed = page.evaluate(PUT_NODES)
    page.wait_for_timeout(3000)
    return stayed and page.evaluate(PUT_NODES)


def test_the_page_in_the_settings_shows_tests_and_reloads(comfy):
    playwright = pytest.importorskip("playwright.sync_api")
    comfy, receiver = comfy
    SHOTS.mkdir(parents=True, exist_ok=True)
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
            ],
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(120_000)
        page.goto(f"http://127.0.0.1:{comfy.port}/")
        page.wait_for_function(READY)
        eventually("the nodes stay", lambda: put_nodes(page), START_S)
        choices = page.evaluate("window.app.graph._nodes[0].widgets[0].options.values")
        assert choices == ["(as configured)", "aside", "team"]
        page.keyboard.press("Escape")
        page.wait_for_timeout(1000)
        page.screenshot(path=SHOTS / "comfyui-nodes.png")
        page.evaluate("window.app.extensionManager.command.execute('Comfy.ShowSettingsDialog')")
        page.get_by_text("Taskbell", exact=True).first.click()
        panel = page.locator(".taskbell-panel")
        panel.get_by_text("team", exact=True).wait_for()
        page.screenshot(path=SHOTS / "comfyui-settings.png")
        panel.get_by_role("button", name="Send a test").last.click()
        page.get_by_text("A test is on its way to team.").first.wait_for()
        page.wait_for_timeout(1000)
        page.screenshot(path=SHOTS / "comfyui-test.png")
        eventually("the test arrives", lambda: "task.note" in kinds(receiver))
        comfy.config.write_text("nonsense")
        panel.get_by_role("button", name="Reload the configuration").click()
        page.get_by_text("the former configuration stays in force").first.wait_for()
        page.wait_for_timeout(1000)
        page.screenshot(path=SHOTS / "comfyui-fault.png")
        browser.close()
