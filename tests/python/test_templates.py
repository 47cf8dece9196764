"""Templates as studios write them, hooks on families of events, and what is wrong in either."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import taskbell
from bells import endpoint, eventually, reports, settings
from conftest import ROOT
from corpus import OWN_KEYS, TEXTS
from fake_platform import fake_platform
from judges import JUDGES

EXAMPLES = ROOT / "docs" / "examples"

# Per platform, the event, and what no plain message has.
SHOWN = {
    "discord": ("task.complete", '"image": {"url"'),
    "slack": ("queue.end", '"type": "table"'),
    "teams": ("task.complete", '"Action.ToggleVisibility"'),
    "feishu": ("task.complete", '"collapsible_panel"'),
    "wecom": ("task.complete", '"card_type": "news_notice"'),
    "dingtalk": ("task.complete", '"actionCard"'),
    "telegram": ("task.complete", '"inline_keyboard"'),
}

PICTURES = [{"url": f"https://cdn.example.com/{n}.png", "mime": "image/png"} for n in range(6)]


def tasks(text: str) -> list[dict[str, Any]]:
    """What a host may say of a task or a queue: all, with this text everywhere, and little."""
    params = {"prompt": text, "model": text, "seed": 42, "steps": 30, "width": 1024, "height": 512}
    error = {"type": text, "message": text, "traceback": text}
    task = {"name": text, "params": params, "outputs": PICTURES, "duration_s": 42.4, "queue_remaining": 7}
    failures = [{"id": text, "name": text, "error": error}] * 20
    return [task, {**task, "status": "error", "error": error}, {"failed": 20, "failures": failures}]


SPARSE: list[dict[str, Any]] = [
    {},
    {"status": "error"},
    {"name": None, "params": None, "error": "no model", "status": "error"},
    {"outputs": [], "params": {}, "failures": [{}]},
    {"params": {"prompt": None}, "outputs": [{"path": "a.png"}], "failed": 1, "failures": [{"error": {}}]},
]


def studio(folder: Path, platform: str, url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The configuration of the examples, with one endpoint turned to this URL."""
    shutil.copytree(EXAMPLES, folder / "studio")
    for name in SHOWN:
        monkeypatch.setenv(f"{name.upper()}_URL", url)
    monkeypatch.setenv("TELEGRAM_TOKEN", OWN_KEYS["telegram"]["token"])
    path = folder / "studio" / "taskbell.toml"
    text = path.read_text("utf-8").replace('token = "env', f'url = "{url}"\ntoken = "env')
    # Without its pace, so that the test is quick.
    text = text.replace(f'platform = "{platform}"\n', f'platform = "{platform}"\nrate = []\n')
    spool = (folder / "bell.db").as_posix()
    head = f'[spool]\npath = "{spool}"\n[queue]\nend_delay = "0s"\nmax_bytes = "16MiB"\n'
    hooks = [hook for hook in text.split("[[hooks]]")[1:] if f'to = ["{platform}"]' in hook]
    path.write_text(f"{head}{text.split('[[hooks]]')[0]}[[hooks]]{hooks[0]}", "utf-8")
    return str(path)


@pytest.mark.parametrize("platform", SHOWN)
def test_the_templates_of_a_studio_are_accepted_whatever_the_event_says(
    tmp_path: Path, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, mark = SHOWN[platform]
    with fake_platform(platform) as receiver:
        config = studio(tmp_path, platform, receiver.url, monkeypatch)
        report = taskbell.check(config)
        assert report["ok"], report
        assert not [one for one in report["warnings"] if one["key"].startswith("hooks")], report
        bell = taskbell.Bell.open(config)
        try:
            heard = []
            made = [task for text in TEXTS.values() for task in tasks(text)] + SPARSE
            for number, payload in enumerate(made):
                # A queue ends once.
                own = {"name": f"shot {number}"} if kind == "queue.end" else {}
                bell.emit(kind, {**payload, **own})
                heard.append(receiver.next())
                (told,) = reports(bell, 1)
                assert (told["state"], told["attempts"]) == ("delivered", 1), (
                    told["reason"],
                    heard[-1]["answer"],
                    payload,
                )
        finally:
            bell.close(0)
    assert {one["answer"] for one in heard} == {"ok"}, heard
    # The other judges know only cards.
    for one in heard if platform in ("teams", "feishu", "dingtalk") else []:
        JUDGES[platform](one["body"])
    assert mark in json.dumps(heard[0]["body"] if kind == "task.complete" else heard[2]["body"])
    if platform == "discord":
        urls = [embed["url"] for embed in heard[0]["body"]["embeds"]]
        assert len(urls) == 4, "four pictures"
        assert len(set(urls)) == 1, "of one gallery"


def types(receiver: Any) -> list[str]:
    return [json.loads(request.body)["type"] for request in receiver.requests]


def test_a_hook_on_a_family_and_one_on_everything_get_what_the_host_and_taskbell_say(
    tmp_path: Path, receive: Any, ring: Any
) -> None:
    renders, everything = receive(), receive()
    config = settings(
        tmp_path,
        endpoints={"renders": endpoint(renders.url()), "everything": endpoint(everything.url())},
        hooks=[{"on": ["render.*"], "to": ["renders"]}, {"on": ["*"], "to": ["everything"]}],
        queue={"end_delay": "50ms", "progress": "1s"},
        alerts=[{"name": "disk", "metric": "disk.free", "below": 10}],
    )
    bell = ring(config)
    for kind in ("render.saved", "render.frame.saved", "renderer.started", "render", "upload.done"):
        bell.emit(kind, {"title": kind})
    bell.task_complete({"name": "frame 1", "queue_remaining": 3})
    bell.metric("disk.free", 3.0)
    eventually("progress is told", lambda: "queue.progress" in types(everything))
    bell.metric("disk.free", 30.0)
    bell.queue_end({})
    expected = {
        "render.saved",
        "render.frame.saved",
        "renderer.started",
        "render",
        "upload.done",
        "task.complete",
        "queue.progress",
        "queue.end",
        "alert.firing",
        "alert.resolved",
    }
    eventually("all is told", lambda: expected <= {*types(everything)})
    assert sorted(types(renders)) == ["render.frame.saved", "render.saved"]
    told = types(everything)
    assert len(told) == len({*told}) or told.count("queue.progress") > 1, told


def test_everything_but_the_progress_can_be_asked_for(tmp_path: Path, receive: Any, ring: Any) -> None:
    receiver = receive()
    hook = {
        "on": ["*"],
        "to": ["e0"],
        "when": "event.type not in ['queue.progress', 'batch.progress']",
    }
    bell = ring(settings(tmp_path, receiver.url(), hooks=[hook], queue={"end_delay": "0s"}))
    for kind in ("queue.progress", "batch.progress", "alert.firing", "x"):
        bell.emit(kind, {"name": "film"})
    assert bell.flush(20)
    eventually("the others arrive", lambda: {*types(receiver)} >= {"alert.firing", "x"})
    assert not {"queue.progress", "batch.progress"} & {*types(receiver)}


# What is wrong, and how the error names it.
WRONG = {
    "event.data.at | date('%Q')": "`%Q` is not a format of strftime",
    "event.data.at | date('%Y', 'Nowhere/Nope')": "no time zone is called `Nowhere/Nope`",
    "event.data.name | date": "`date` needs a time",
    "event.data.name | unix": "`unix` needs a time",
    "event.data.name | ago": "`ago` needs a time",
    "event.data.name | sparkline": "`sparkline` needs a list of numbers, this is string",
    "event.data.names | sparkline": "`sparkline` needs a list of numbers, one item is string",
    "event.data.number | sparkline": "`sparkline` needs a list of numbers, this is number",
    "event.data.missing | sparkline": "`event.data.missing` is undefined",
}


def test_a_filter_that_cannot_read_its_value_is_named_and_nothing_is_lost(
    tmp_path: Path, receive: Any, ring: Any
) -> None:
    receiver = receive()
    hooks = [
        {"name": f"h{index}", "on": [f"try.x{index}"], "to": ["e0"], "template": {"x": f"{{{{ {wrong} }}}}"}}
        for index, wrong in enumerate(WRONG)
    ]
    bell = ring(settings(tmp_path, receiver.url(), hooks=hooks))
    for index, (wrong, words) in enumerate(WRONG.items()):
        payload = {"at": 1_700_000_000, "name": "frame", "names": ["a", "b"], "number": 5}
        assert bell.wait(bell.emit(f"try.x{index}", payload), 20)
        (report,) = reports(bell, 1)
        assert report["state"] == "dead", (wrong, report)
        assert words in report["reason"], (wrong, report)
    assert bell.stats()["dead"] == len(WRONG)
    assert not receiver.requests


@pytest.mark.parametrize("given", ["0s", "-5s", "999ms", "", "soon", 0, -1, None, []])
def test_progress_that_is_no_time_is_refused_with_its_place(given: Any) -> None:
    config = {"queue": {"progress": given}, "endpoints": {}, "hooks": []}
    errors = taskbell.check(config)["errors"]
    assert "queue.progress" in [error["key"] for error in errors], errors


def test_a_machine_can_have_the_notice_of_every_event(tmp_path: Path, receive: Any, ring: Any) -> None:
    receiver = receive()
    hook = {"on": ["*"], "to": ["e0"], "template": {"type": "{{ event.type }}", "notice": "{{ notice }}"}}
    config = settings(tmp_path, receiver.url(), hooks=[hook])
    assert taskbell.check(config) == {**taskbell.check(config), "ok": True, "warnings": []}
    bell = ring(config)
    kinds = [
        "task.complete",
        "queue.start",
        "queue.progress",
        "queue.end",
        "batch.progress",
        "batch.end",
        "batch.stalled",
        "server.start",
        "server.stop",
        "alert.firing",
        "alert.resolved",
        "render.saved",
    ]
    for kind in kinds:
        for payload in ({}, {"name": "film", "value": 3}):
            assert bell.wait(bell.emit(kind, payload), 20)
    eventually("all arrive", lambda: {*types(receiver)} >= {*kinds})
    for request in receiver.requests:
        notice = json.loads(request.body)["notice"]
        assert notice["title"].strip(), notice
        assert notice["tone"] in ("good", "bad", "warn", "neutral"), notice
        assert isinstance(notice["lines"], list), notice
        assert isinstance(notice["facts"], list), notice
    assert bell.stats()["dead"] == 0
