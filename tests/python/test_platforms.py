"""Each platform's known answers, through the C ABI: what the spool says of the attempt, and of the end."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import taskbell
from bells import attempts, endpoint, reports, settings
from corpus import OWN_KEYS, TEXTS, events
from fake_platform import answers, command, fake_platform, platforms
from judges import JUDGES, cloudevents

# By platform, the answers to an edit of a living message: it is lost, and is posted again, or it shows
# this already. To a first message they are final.
OF_EDITS: dict[str, dict[str, str]] = {
    "discord": {"lost": "10008"},
    "slack-bot": {"lost": "message_not_found"},
    "telegram": {"lost": "no-message", "unchanged": "same"},
}

# The answers that the platforms' own pages and measurements name, whatever is implemented.
NAMED: dict[str, str] = {
    "slack": """ok rate_limited invalid_payload user_not_found no_text invalid_blocks too_many_attachments
        msg_blocks_too_long action_prohibited invalid_token posting_to_general channel_not_found no_service
        no_team channel_is_archived rollup_error""",
    "slack-bot": """ok ratelimited invalid_auth account_inactive token_revoked channel_not_found
        not_in_channel is_archived""",
    "discord": "ok 204 429 1015 50006 50035 50109 50027 50013 10015 40005 40333 220001 220003 413",
    "wecom": "ok -1 93000 40058 45009 45033 45002 40006 45001 40007 40008 44004 45034 40033",
    "dingtalk": """ok -1 300005 40035 43002 310000 keyword address timestamp 400101 400102 400013 400106
        400105 130101 410100 300001 300001-busy 460101 x5 130101-x5""",
    "feishu": """ok old-ok both-ok 19001 19002 19021 19022 19024 9499 11232 99991400 400-99991400 11310
        19036""",
    "teams": "ok 400 401 403 404 410 429 500 502 504 old-413 old-429".replace("400", "bad-request"),
    "telegram": "ok 429 too-long entities moved 401 404 403 chat",
    "googlechat": "ok RESOURCE_EXHAUSTED",
    "mattermost": "ok parse permissions invalid 429",
    "ntfy": "ok 429 401 403 400 413 507",
    "email": "ok 421 450 451 452 535 550 552 553 554",
    "pagerduty": "ok 400 429 500",
    "github": "ok run 404 422 422-inputs 422-ref 422-trigger 401 403 primary secondary",
    "gitlab": "ok 404 400 403 429",
    "cloudevents": "ok 202 410 415 429",
}

# Platforms that go by HTTP.
HTTP = [platform for platform in platforms() if platform != "email"]

# What the spool records of an answer, by what the command says that follows.
OUTCOMES = {"delivered": "delivered", "retry": "retry", "dead letter": "final", "endpoint gone": "gone"}


# Refusals of the form where no message has a plainer one: they end the delivery.
NOTHING_PLAINER = [("github", "422"), ("gitlab", "400")]


def each_answer(*follows: str) -> list[tuple[str, str]]:
    """The platform and the name of every known answer from which this follows."""
    return [
        (platform, answer)
        for platform in platforms()
        for answer, then in answers(platform).items()
        if then.split(" in ")[0] in follows
    ]


# Whose receivers look at little, or have a judge of their own.
TAKES_ALL = ("json", "cloudevents", "github", "gitlab")

# These go over the wire; what a card becomes of every kind of text is judged in `test_cards`, without one.
SENT_TEXTS = [TEXTS[name] for name in ("ordinary", "huge", "emoji", "pings", "markup", "control")]

PICTURE = {"url": "https://cdn.example.com/1.png", "mime": "image/png"}
TASK = {"name": "portrait-07", "status": "error", "error": "CUDA out of memory", "outputs": [PICTURE]}


def config(directory: Path, platform: str, url: str) -> dict[str, Any]:
    own = OWN_KEYS.get(platform, {})
    team = endpoint(url, platform=platform, retry={"schedule": ["10ms"]}, rate="1000/s", **own)
    return settings(directory, endpoints={"team": team})


@pytest.mark.parametrize(("platform", "answer"), [*each_answer(*OUTCOMES), *NOTHING_PLAINER])
def test_an_answer_means_what_the_platform_means_by_it(tmp_path: Path, platform: str, answer: str) -> None:
    follows, _, wait = answers(platform)[answer].partition(" in ")
    expected = "retry_after" if wait else OUTCOMES.get(follows, "final")
    with fake_platform(platform, answer) as receiver:
        bell = taskbell.Bell.open(config(tmp_path, platform, receiver.url))
        try:
            bell.task_complete(TASK)
            assert receiver.next()["answer"] == answer
            assert bell.flush(20)
            if not wait:
                (report,) = reports(bell, 1)
                assert report["state"] == ("dead" if expected in ("final", "gone") else "delivered"), report
        finally:
            bell.close(0.3)
    # Only now: the locks of two SQLites in one process do not hold against each other.
    rows = attempts(tmp_path)
    assert rows[0]["outcome"] == expected, rows
    if not wait:
        assert len(rows) == (2 if expected == "retry" else 1)
        return
    asked = int(wait.removesuffix(" s")) * 1000
    if asked > 86_400_000:
        assert rows[0]["next_at"] is None, "beyond the age of a delivery"
    else:
        assert asked <= rows[0]["next_at"] - rows[0]["started_at"] < asked + 30_000


@pytest.mark.parametrize(
    ("platform", "answer"), [one for one in each_answer("plainer message") if one not in NOTHING_PLAINER]
)
def test_a_refused_card_is_sent_once_in_a_plainer_form(tmp_path: Path, platform: str, answer: str) -> None:
    with fake_platform(platform, answer) as receiver:
        bell = taskbell.Bell.open(config(tmp_path, platform, receiver.url))
        try:
            bell.task_complete(TASK)
            refused, taken = receiver.next(), receiver.next()
            assert refused["answer"] == answer
            assert taken["answer"] in ("ok", "204"), taken
            assert len(json.dumps(taken["body"])) < len(json.dumps(refused["body"]))
            assert "portrait-07" in json.dumps(taken["body"])
            (report,) = reports(bell, 1)
            assert report["state"] == "delivered", report
        finally:
            bell.close(0)


@pytest.mark.parametrize(
    ("platform", "means", "answer"),
    [(platform, means, answer) for platform in OF_EDITS for means, answer in OF_EDITS[platform].items()],
)
def test_a_refused_edit_is_posted_again_or_is_shown_already(
    tmp_path: Path, platform: str, means: str, answer: str
) -> None:
    with fake_platform(platform, "ok", answer) as receiver:
        living = config(tmp_path, platform, receiver.url)
        living["hooks"] = [{"on": ["queue.progress"], "to": ["team"], "live": "queue.name"}]
        bell = taskbell.Bell.open(living)
        try:
            heard = []
            for done in (1, 2):
                bell.emit("queue.progress", {"name": "film", "done": done})
                heard.append(receiver.next())
                assert bell.flush(20)
            if means == "lost":
                heard.append(receiver.next())
            assert [one["answer"] for one in heard] == ["ok", answer, "ok"][: len(heard)]
            first, edit, *again = heard
            assert edit["target"] != first["target"]
            assert [one["target"] for one in again] == [first["target"]] * len(again)
            assert {report["state"] for report in reports(bell, 2)} == {"delivered"}
        finally:
            bell.close(0)
    assert len(attempts(tmp_path)) == len(heard)


@pytest.mark.parametrize("platform", platforms())
def test_what_the_pages_of_a_platform_name_is_known(platform: str) -> None:
    assert {*NAMED.get(platform, "ok").split()} <= {*answers(platform)}


def heard_of_everything(tmp_path: Path, platform: str, **own: Any) -> Iterator[dict[str, Any]]:
    """Every request that a receiver of the platform has of the corpus, each taken at the first attempt."""
    with fake_platform(platform) as receiver:
        own = {**OWN_KEYS.get(platform, {}), **own}
        team = endpoint(receiver.url, platform=platform, rate=[], **own)
        hooks = [{"on": sorted({kind for kind, _ in events("")}), "to": ["team"]}]
        queue = {"end_delay": "50ms", "max_bytes": "16MiB"}
        bell = taskbell.Bell.open(settings(tmp_path, endpoints={"team": team}, hooks=hooks, queue=queue))
        try:
            for text in SENT_TEXTS:
                # A queue that starts takes back an end before it.
                made = sorted(events(text), key=lambda event: event[0] == "queue.end")
                for kind, payload in made:
                    bell.emit(kind, payload)
                heard: list[dict[str, Any]] = []
                while len(heard) < len(made):
                    one = receiver.next()
                    assert one["answer"] == "ok", one
                    # What a card has no room for may follow in its thread.
                    if not (isinstance(one["body"], dict) and "thread_ts" in one["body"]):
                        heard.append(one)
                told = reports(bell, len(made))
                assert {(one["state"], one["attempts"]) for one in told} == {("delivered", 1)}, told
                yield from heard
        finally:
            bell.close(0)


@pytest.mark.parametrize("platform", [name for name in platforms() if name not in TAKES_ALL])
def test_a_strict_receiver_takes_every_card_at_once(tmp_path: Path, platform: str) -> None:
    assert len(list(heard_of_everything(tmp_path, platform))) == len(SENT_TEXTS) * len(events(""))


@pytest.mark.parametrize(
    ("platform", "own"),
    [("json", {}), ("gitlab", {}), ("cloudevents", {}), ("cloudevents", {"mode": "binary"})],
)
def test_a_machine_is_sent_what_its_judge_takes(tmp_path: Path, platform: str, own: dict[str, str]) -> None:
    heard = list(heard_of_everything(tmp_path, platform, **own))
    assert len(heard) == len(SENT_TEXTS) * len(events(""))
    for one in heard:
        if platform == "cloudevents":
            event = cloudevents(one["body"], one["headers"])
            assert event.get_type().startswith("taskbell.")
        else:
            JUDGES[platform](one["body"])


@pytest.mark.parametrize("platform", platforms())
def test_the_configuration_that_a_receiver_prints_rings_it(tmp_path: Path, platform: str) -> None:
    asked = [command(), "serve", "--port", "0", "--as", platform]
    process = subprocess.Popen(
        asked, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        assert process.stdout is not None
        lines = [line.strip() for line in iter(process.stdout.readline, '  to = ["here"]\n')]
        start = lines.index("[endpoints.here]")
        spool = f"[spool]\npath = {json.dumps(str(tmp_path / 'bell.db'))}"
        text = "\n".join([spool, *lines[start:], 'to = ["here"]'])
        bell = taskbell.Bell.open(text)
        try:
            bell.task_complete(TASK)
            (report,) = reports(bell, 1)
            assert (report["state"], report["attempts"]) == ("delivered", 1), report
        finally:
            bell.close(0)
    finally:
        process.kill()
        process.communicate()
