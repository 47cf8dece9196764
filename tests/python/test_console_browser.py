"""The console in a real browser. Screenshots of each view go to ``target/screenshots``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bells import eventually
from console import HOSTILE, Console, Scene, console
from fake_platform import command
from steps import Reply
from tools import ROOT, lacking, need

SHOTS = ROOT / "target" / "screenshots"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
VIEWS = {"now": "/", "deliveries": "/deliveries", "dead": "/dead", "try": "/try", "figures": "/figures"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    try:
        from playwright import sync_api as playwright
    except ImportError:
        lacking("playwright is not installed: `cargo xtask test` installs it")
    with playwright.sync_playwright() as tool:
        opened = tool.chromium.launch(executable_path=need("chromium"), args=FLAGS)
        yield opened
        opened.close()


class Reader:
    """A page whose faults fail the test: errors of scripts, refusals of the policy, requests elsewhere."""

    def __init__(self, browser: Any, site: Console | Beside, **options: Any) -> None:
        self.context = browser.new_context(base_url=site.url, reduced_motion="reduce", **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.site = site
        self.faults: list[str] = []
        self.page.on("pageerror", lambda fault: self._note(str(fault)))
        self.page.on("console", lambda said: self._note(said.text if said.type == "error" else ""))
        self.page.on("request", lambda sent: self._note("" if sent.url.startswith(site.url) else sent.url))

    def _note(self, fault: str) -> None:
        # A console that has ended breaks off what it sent.
        if fault and not self.site.is_closed:
            self.faults.append(fault)

    def close(self) -> None:
        assert self.faults == []
        self.context.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Any]:
    opened: list[Reader] = []

    def start(site: Console | Beside, **options: Any) -> Any:
        opened.append(Reader(browser, site, **options))
        return opened[-1].page

    yield start
    for reader in opened:
        reader.close()


@pytest.fixture
def scene(tmp_path: Path, receive: Any, host: Any) -> Scene:
    return Scene(tmp_path, receive, host)


def test_each_view_shows_what_a_living_host_does(scene, open_page):
    with console(scene.config) as site:
        page = open_page(site)
        page.goto("/")
        page.get_by_text("1 host runs").wait_for()
        page.get_by_text("12 / 40").wait_for()
        sms = page.get_by_role("row").filter(has_text="sms")
        assert sms.get_by_text("quiet", exact=True).is_visible()
        assert page.get_by_role("row").filter(has_text="night render").get_by_text("12 / 40").is_visible()
        assert page.get_by_role("row").filter(has_text="gpu too hot").get_by_text("firing").is_visible()
        page.get_by_role("link", name="Deliveries").click()
        page.get_by_label("endpoint").select_option("ops")
        page.wait_for_url("**endpoint=ops**")
        page.get_by_role("link", name=re.compile(r"^\d+$")).first.click()
        page.get_by_text("Attempt 3").wait_for()
        assert page.locator("svg.phases").count() == 3
        answer = page.locator("pre").get_by_text("the disk of the receiver is full").first
        assert not answer.is_visible()
        page.locator("summary", has_text="Answer").first.click()
        assert answer.is_visible()


def test_what_happens_appears_without_a_reload(scene, open_page):
    with console(scene.config) as site:
        page, other = open_page(site), open_page(site)
        for one in [page, other]:
            one.goto("/")
            one.get_by_text("12 / 40").wait_for()
        scene.host.call(
            "emit", "task.complete", {"id": "f-13", "queue": "night render", "queue_remaining": 27}
        )
        for one in [page, other]:
            one.get_by_text("13 / 40").wait_for()


def test_the_death_of_the_host_is_seen_and_what_it_left_stays_readable(scene, open_page):
    with console(scene.config) as site:
        page = open_page(site)
        page.goto("/")
        page.get_by_text("1 host runs").wait_for()
        scene.host.kill()
        page.get_by_text("no host runs").wait_for()
        assert page.get_by_text("its host is dead").first.is_visible()
        page.get_by_role("link", name="Deliveries").click()
        assert page.get_by_role("row").count() > 10


def test_a_prompt_full_of_markup_and_script_is_text(scene, open_page):
    with console(scene.config) as site:
        page = open_page(site)
        for path in ["/", "/dead", "/deliveries?text=taken"]:
            page.goto(path)
            assert "taken" not in page.title()
        for number in range(page.get_by_role("link", name=re.compile(r"^\d+$")).count()):
            page.goto("/deliveries?text=taken")
            page.get_by_role("link", name=re.compile(r"^\d+$")).nth(number).click()
            page.locator("summary").evaluate_all("all => all.forEach(one => one.parentElement.open = true)")
            assert page.get_by_text("document.title='taken'").first.is_visible()
            assert page.locator("img[src=x]").count() == 0
            assert "taken" not in page.title()


def test_a_replay_from_the_page_reaches_the_receiver(scene, open_page):
    with console(scene.config) as site:
        page = open_page(site)
        page.goto("/dead")
        before = len(scene.ops.requests)
        scene.ops._default = Reply(200, b"ok")
        page.get_by_text("Replay all…").click()
        page.get_by_role("button", name="Replay", exact=True).click()
        page.get_by_text("1 dead letter is due again: the running host sends it now.").wait_for()
        scene.ops.wait_for(before + 1)
        page.get_by_text("There are no dead letters.").wait_for()
        eventually("it is delivered", lambda: scene.counts()["dead"] == 0)


def test_the_quiet_of_an_endpoint_is_lifted_from_the_page(scene, open_page):
    with console(scene.config) as site:
        page = open_page(site)
        page.goto("/")
        scene.sms._default = Reply(200, b"ok")
        before = len(scene.sms.requests)
        page.get_by_text("Send now…").click()
        page.get_by_role("button", name="Send now", exact=True).click()
        page.get_by_text("1 endpoint is tried again before the end of its pause.").wait_for()
        scene.sms.wait_for(before + 1)
        page.get_by_role("row").filter(has_text="sms").get_by_text("open", exact=True).wait_for()


def test_a_pending_delivery_is_sent_now_from_the_page(scene, open_page):
    with console(scene.config) as site:
        page = open_page(site)
        page.goto("/deliveries?state=pending")
        page.get_by_role("link", name=re.compile(r"^\d+$")).first.click()
        scene.sms._default = Reply(200, b"ok")
        before = len(scene.sms.requests)
        page.get_by_text("Send now…").click()
        page.get_by_role("button", name="Send now", exact=True).click()
        page.get_by_text("1 pending delivery is due now: the running host sends it now.").wait_for()
        scene.sms.wait_for(before + 1)
        eventually("nothing waits", lambda: scene.counts()["pending"] == 0)


def test_a_pending_delivery_is_dropped_from_the_page(scene, open_page):
    with console(scene.config) as site:
        page = open_page(site)
        page.goto("/deliveries?state=pending")
        page.get_by_role("link", name=re.compile(r"^\d+$")).first.click()
        page.get_by_text("Drop…").click()
        page.get_by_role("button", name="Drop", exact=True).click()
        page.get_by_text("1 pending delivery is a dead letter now").wait_for()
        page.get_by_text("dropped by hand").wait_for()


def test_an_event_is_tried_and_a_mistake_is_shown_at_its_place(scene, open_page):
    with console(scene.config) as site:
        page = open_page(site)
        page.goto("/try")
        page.get_by_label("JSON; sample data while it is empty").fill(
            '{"status": "error", "name": "Frame 9"}'
        )
        page.get_by_role("button", name="Try", exact=True).click()
        page.get_by_role("heading", name="Task failed: Frame 9").wait_for()
        assert page.locator("article.card").count() == 3
        copy = page.get_by_label("configuration", exact=True)
        copy.fill(copy.input_value().replace("only_failures", "only_failure", 1))
        page.get_by_role("button", name="Try", exact=True).click()
        page.get_by_text("did you mean `only_failures`?").wait_for()
        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_label("endpoint").select_option("ci")
        page.get_by_role("button", name="Send…").click()
        page.get_by_text("has it").wait_for()


def test_the_views_are_reached_by_keys_and_without_scripts(scene, open_page, browser):
    with console(scene.config) as site:
        page = open_page(site)
        page.goto("/")
        page.keyboard.press("2")
        page.wait_for_url("**/deliveries")
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("**/deliveries/*")
        plain = open_page(site, java_script_enabled=False)
        plain.goto("/dead")
        plain.get_by_text("Replay all…").click()
        plain.get_by_role("button", name="Replay", exact=True).click()
        assert plain.get_by_text("due again").is_visible()


class Beside:
    """A command that has a page while it does something else."""

    def __init__(self, key: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [str(command()), "--json", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.is_closed = False
        self.said: dict[str, Any] = {}
        while key not in self.said:
            self.said.update(json.loads(self.process.stdout.readline()))
        self.url: str = self.said[key].rstrip("/")

    def close(self) -> None:
        self.is_closed = True
        self.process.kill()
        self.process.communicate(timeout=30)


def test_the_demo_has_a_console_until_enter(open_page):
    demo = Beside("console", "demo", "--page")
    try:
        page = open_page(demo)
        page.goto("/")
        page.get_by_text("1 host runs").or_(page.get_by_text("no host runs")).wait_for()
        numbers = page.get_by_role("link", name=re.compile(r"^\d+$"))

        def has_arrived() -> bool:
            page.goto("/deliveries?endpoint=chat&state=delivered")
            return bool(numbers.count())

        eventually("a message in the chat", has_arrived)
        numbers.first.click()
        page.locator("article.card").first.wait_for()
        demo.is_closed = True
        out, _ = demo.process.communicate("\n", timeout=60)
        assert demo.process.returncode == 0, out
    finally:
        demo.close()


def test_a_receiver_shows_what_arrives_with_its_card(open_page):
    serve = Beside("page", "serve", "--port", "0", "--as", "discord", "--page")
    try:
        page = open_page(serve)
        page.goto("/")
        page.get_by_text("Nothing has arrived yet.").wait_for()
        card = {"embeds": [{"title": f"Frame 9 {HOSTILE}", "color": 15548997}]}
        request = urllib.request.Request(
            serve.said["listening"], json.dumps(card).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status in {200, 204}
        page.get_by_role("heading", name="Frame 9").first.wait_for()
        assert "taken" not in page.title()
        assert page.locator("img[src=x]").count() == 0
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / "serve-page.png")
    finally:
        serve.close()


def test_the_picture_of_the_readme_is_of_the_real_page(scene, open_page):
    """``TASKBELL_PICTURE=docs/pictures/console.png`` takes the picture of the README again."""
    wanted = os.environ.get("TASKBELL_PICTURE")
    path = ROOT / wanted if wanted else SHOTS / "console-readme.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    with console(scene.config) as site:
        page = open_page(site, color_scheme="light", viewport={"width": 1120, "height": 640})
        page.goto("/")
        page.get_by_text("12 / 40").wait_for()
        page.screenshot(path=path)
    assert (ROOT / "docs" / "pictures" / "console.png").exists()


def test_each_view_is_pictured_light_and_dark_and_on_a_phone(scene, open_page):
    SHOTS.mkdir(parents=True, exist_ok=True)
    with console(scene.config) as site:
        looks = {
            "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
            "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 800}},
            "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 800}},
            "chinese": {"locale": "zh-CN", "viewport": {"width": 1280, "height": 800}},
        }
        for look, options in looks.items():
            page = open_page(site, **options)
            for name, path in VIEWS.items():
                page.goto(path)
                wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
                assert not wide, f"{name} is wider than the window, {look}"
                page.screenshot(path=SHOTS / f"console-{name}-{look}.png", full_page=True)
            page.goto("/try")
            page.locator("button.main").click()
            page.locator("article.card").first.wait_for()
            page.screenshot(path=SHOTS / f"console-tried-{look}.png", full_page=True)
            page.goto("/deliveries?endpoint=team")
            page.get_by_role("link", name=re.compile(r"^\d+$")).last.click()
            page.locator("svg.phases").first.wait_for()
            assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
            page.screenshot(path=SHOTS / f"console-delivery-{look}.png", full_page=True)
