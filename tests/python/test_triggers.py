"""The recipes of docs/triggers.md, each through the library against real receivers."""

from __future__ import annotations

import datetime
import time

import pytest

import taskbell
from bells import eventually
from documents import blocks, one

GUIDE = "docs/triggers.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def recipe(tmp_path, monkeypatch, receive, ring):
    """Opens a bell with a recipe, as it stands but for shorter times; the receivers by endpoint."""
    variables = {"team": "TEAM_URL", "ci": "CI_URL", "me": "MY_URL", "pager": "PAGER_URL", "llm": "LLM_URL"}
    receivers = {name: receive() for name in variables}
    for name, variable in variables.items():
        monkeypatch.setenv(variable, receivers[name].url())
    monkeypatch.setenv("CI_SECRET", SECRET)

    def start(name: str, **changes: str):
        text = one(GUIDE, "toml", name)
        for old, new in changes.items():
            key = old.replace("__", " = ")
            found = [line for line in text.splitlines() if key in line]
            assert len(found) == 1, f"{key} stands in {len(found)} lines of {name}"
            text = text.replace(found[0], new)
        queue = "" if "[queue]" in text else "[queue]\nend_delay = '50ms'\n"
        text = text.replace("[queue]\n", "[queue]\nend_delay = '50ms'\n") + queue
        spool = str(tmp_path / "bell.db").replace("\\", "\\\\")
        return ring(f'{text}\n[spool]\npath = "{spool}"\n'), receivers

    return start


def bodies(receiver):
    return [request.json() for request in list(receiver.requests)]


def settled(bell):
    """Everything reported so far has been decided and tried."""
    assert bell.flush(20)


def finish(bell, tasks: int, name: str = "default", **task):
    for number in range(tasks):
        bell.task_complete({"id": f"{name}-{number}", "queue": name, **task})
    assert bell.wait(bell.queue_end({"name": name}), 20)


def test_every_recipe_is_a_sound_configuration(recipe):
    found = [block for block in blocks(GUIDE) if block.language == "toml"]
    assert len(found) == 11
    for block in found:
        report = taskbell.check(block.text)
        assert (report["ok"], report["errors"], report["warnings"]) == (True, [], []), block.words


def test_large_batches_only(recipe):
    """The wish of SwarmUI #18."""
    bell, receivers = recipe("large")
    finish(bell, 19, "small")
    finish(bell, 20, "large")
    receivers["team"].wait_for(1)
    assert [body["data"]["queue"]["name"] for body in bodies(receivers["team"])] == ["large"]


def test_failures_at_once_and_successes_as_a_digest(recipe):
    bell, receivers = recipe("digest", digest='digest = "2s"')
    for number in range(5):
        bell.task_complete({"name": f"frame {number}"})
    bell.task_complete({"name": "broken", "status": "error"})
    (failure,) = receivers["team"].wait_for(1)
    assert failure.json()["data"]["task"]["name"] == "broken"
    _, digest = receivers["team"].wait_for(2)
    assert digest.json()["data"]["digest"]["count"] == 5


def test_quiet_at_night(recipe):
    now = datetime.datetime.now(datetime.timezone.utc)
    hour = datetime.timedelta(hours=1)
    hours = f"{now - hour:%H:%M}-{now + 2 * hour:%H:%M}"
    bell, receivers = recipe(
        "night", quiet_hours=f'quiet_hours = "{hours}"', quiet_zone='quiet_zone = "+00:00"'
    )
    finish(bell, 12, "at night")
    finish(bell, 21, "on fire", status="error")
    receivers["team"].wait_for(1)
    assert [body["data"]["queue"]["name"] for body in bodies(receivers["team"])] == ["on fire"]


def test_a_training_that_is_done_starts_the_pipeline(recipe):
    bell, receivers = recipe("training")
    bell.task_complete({"kind": "image", "name": "a"})
    bell.task_complete({"kind": "training", "name": "b", "status": "error"})
    bell.task_complete({"kind": "training", "name": "run-7", "metrics": {"loss": 0.02}})
    settled(bell)
    (request,) = receivers["ci"].wait_for(1)
    assert request.json() == {"action": "evaluate", "run": "run-7", "metrics": {"loss": 0.02}}
    headers = dict(request.headers)
    scheme = {"scheme": "standard-webhooks", "secrets": [SECRET]}
    assert taskbell.verify(scheme, headers, request.body)


def test_the_disk_is_nearly_full(recipe):
    changes = {"below": "below = 1e12", "clear": "clear = 1e12", "for__": 'for = "1s"\nsample = "1s"'}
    _, receivers = recipe("disk", **changes)
    (request,) = receivers["team"].wait_for(1)
    body = request.json()
    assert (body["type"], body["data"]["alert"]["name"]) == ("alert.firing", "disk nearly full")


def test_longer_than_usual(recipe):
    """The wish of rundeck #3087."""
    bell, receivers = recipe("longer")
    for took in (100, 110, 90, 100, 105, 140, 160):
        bell.task_complete({"kind": "image", "duration_s": took})
    settled(bell)
    (request,) = receivers["team"].wait_for(1)
    assert request.json()["text"] == "took 2 min 40 s, usual is 1 min 43 s"


def test_only_for_the_jobs_that_ask(recipe):
    bell, receivers = recipe("asked")
    bell.task_complete({"name": "no"})
    bell.task_complete({"name": "yes", "webhook_params": {"notify": "manual"}})
    settled(bell)
    (request,) = receivers["me"].wait_for(1)
    assert request.json()["data"]["task"]["name"] == "yes"
    bell.task_complete({"name": "later", "webhook_params": {"notify": "manual_at_end"}})
    settled(bell)
    assert len(receivers["me"].requests) == 1
    bell.queue_end()
    _, later = receivers["me"].wait_for(2)
    body = later.json()
    assert (body["type"], body["data"]["queue"]["total"]) == ("queue.end", 3)
    settled(bell)
    assert len(receivers["me"].requests) == 2


def test_a_page_when_nobody_reacts(recipe):
    bell, receivers = recipe(
        "page", escalate='escalate = { after = "1s", to = ["pager"] }', for__='for = "1s"'
    )
    bell.metric("farm.frames_per_minute", 0)
    (told,) = receivers["team"].wait_for(1)
    assert told.json()["type"] == "alert.firing"
    (paged,) = receivers["pager"].wait_for(1)
    assert paged.json()["data"]["alert"]["name"] == "farm stalled"
    bell.metric("farm.frames_per_minute", 30)
    _, resolved = receivers["team"].wait_for(2)
    assert resolved.json()["type"] == "alert.resolved"


def test_the_graphics_memory_is_freed_before_the_queue_starts(recipe):
    bell, receivers = recipe("unload")
    start = time.monotonic()
    assert bell.wait(bell.emit("queue.start", {}), 20)
    assert time.monotonic() - start < 20
    assert bodies(receivers["llm"]) == [{"model": "llama3.2", "keep_alive": 0}]


def test_how_far_a_queue_has_come(recipe):
    bell, receivers = recipe("progress", progress__='progress = "1s"')
    for number in range(3):
        bell.task_complete({"duration_s": 2, "queue_remaining": 239 - number})
    bell.sync()
    (told,) = receivers["team"].wait_for(1)
    queue = told.json()["data"]["queue"]
    assert (told.json()["type"], queue["done"], queue["total"]) == ("queue.progress", 3, 240)
    assert queue["eta_s"] > 0
    assert queue["rate"] > 0


def test_one_message_a_film(recipe):
    bell, receivers = recipe("film", batch_stall='batch_stall = "1s"')
    for number in range(239):
        bell.task_complete({"id": f"f-{number}", "batch": {"id": "shot-12", "total": 240}})
    eventually("it stands still", lambda: len(receivers["team"].requests) == 1)
    bell.task_complete({"id": "f-239", "batch": {"id": "shot-12", "total": 240}})
    receivers["team"].wait_for(2)
    stalled, ended = bodies(receivers["team"])
    assert (stalled["type"], stalled["data"]["batch"]["total"]) == ("batch.stalled", 239)
    assert (ended["type"], ended["data"]["batch"]["total"]) == ("batch.end", 240)
