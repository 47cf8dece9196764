"""Each platform's known answers, through the C ABI: what the spool says of the attempt, and of the end."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import taskbell
from bells import attempts, endpoint, reports, settings
from corpus import OWN_KEYS, TEXTS, events
from fake_platform import command, fake_platform
from judges import JUDGES, cloudevents

# By platform, the answers of each outcome. `final` and `gone` end the delivery, the others do not.
BY_OUTCOME: dict[str, dict[str, str]] = {
    "json": {
        "delivered": "ok 202 204",
        "retry": "302 400 401 500 503",
        "gone": "410",
        "retry_after": "429",
    },
    "apprise": {
        "delivered": "ok",
        "final": "204 403 404",
        "retry": "424 500",
    },
    "bark": {
        "delivered": "ok",
        "final": "key 404",
        "gone": "unregistered",
        "retry": "500",
    },
    "gotify": {
        "delivered": "ok",
        "final": "401 403 404",
        "retry": "500",
    },
    "home-assistant": {
        "delivered": "ok",
        "final": "401 404",
        "retry": "500",
    },
    "matrix": {
        "delivered": "ok",
        "final": "M_MISSING_TOKEN M_UNKNOWN_TOKEN M_FORBIDDEN M_UNRECOGNIZED",
        "retry_after": "M_LIMIT_EXCEEDED",
        "retry": "502",
    },
    "pushover": {
        "delivered": "ok",
        "final": "token 404",
        "retry": "429 500",
    },
    "pushplus": {
        "delivered": "ok",
        "final": "401 403 888 903 905 404",
        "retry_after": "900",
        "retry": "500",
    },
    "rocketchat": {
        "delivered": "ok",
        "gone": "404",
        "retry_after": "429",
        "retry": "503",
    },
    "serverchan": {
        "delivered": "ok",
        "retry_after": "limit",
        "final": "40001",
        "retry": "502",
    },
    "zulip": {
        "delivered": "ok",
        "final": "UNAUTHORIZED STREAM_DOES_NOT_EXIST 404",
        "retry_after": "RATE_LIMIT_HIT",
        "retry": "502",
    },
    "slack": {
        "delivered": "ok",
        "retry_after": "rate_limited",
        "final": "user_not_found action_prohibited posting_to_general channel_not_found",
        "gone": "invalid_token no_service no_team channel_is_archived token_revoked team_disabled",
        "retry": "rollup_error page empty",
    },
    "slack-bot": {
        "delivered": "ok",
        "retry_after": "ratelimited",
        "final": """not_authed missing_scope not_in_channel channel_not_found is_archived restricted_action
            unknown_method message_not_found""",
        "gone": "invalid_auth account_inactive token_revoked token_expired",
        "retry": "rate_limited internal_error fatal_error service_unavailable page empty 502",
    },
    "slack-workflow": {
        "delivered": "ok",
        "retry_after": "rate_limited",
        "final": "invalid_workflow action_prohibited",
        "gone": "no_service invalid_token team_disabled",
        "retry": "page 500",
    },
    "discord": {
        "delivered": "ok 204",
        "retry_after": "429",
        "retry": "1015 40333 page empty 502",
        "final": "220001 220003 50013 10008 404",
        "gone": "50027 10015",
    },
    "wecom": {
        "delivered": "ok media",
        "retry": "-1 45033 page empty 502",
        "retry_after": "45009",
        "gone": "93000",
        "final": "40004 40005 40006 40007 44001 45001 301019",
    },
    "teams": {
        "delivered": "ok",
        "retry_after": "429",
        "gone": "disabled 401 403 404 410",
        "retry": "500 old-429 page 502 504",
    },
    "googlechat": {
        "delivered": "ok",
        "retry_after": "RESOURCE_EXHAUSTED",
        "gone": "UNAUTHENTICATED PERMISSION_DENIED NOT_FOUND API_KEY_INVALID",
        "retry": "INTERNAL UNAVAILABLE page empty",
    },
    "mattermost": {
        "delivered": "ok",
        "retry_after": "429",
        "final": "permissions disabled channel channel-400 401",
        "gone": "invalid invalid-400",
        "retry": "page empty 500",
    },
    "dingtalk": {
        "delivered": "ok",
        "retry": "-1 300001-busy timestamp page empty 502",
        "retry_after": "130101 410100 x5 130101-x5",
        "gone": "300001 300005 400013 400101 400102 400106",
        "final": "address 310000 keyword 43002 no-token",
    },
    "feishu": {
        "delivered": "ok old-ok both-ok",
        "retry": "11232 page empty 502",
        "retry_after": "99991400 400-99991400",
        "gone": "19001",
        "final": "19021 19022 19024",
    },
    "telegram": {
        "delivered": "ok",
        "retry_after": "429",
        "final": "chat chat-empty same no-message",
        "retry": "moved page empty 502",
        "gone": "method 401 403 404",
    },
    "ntfy": {
        "delivered": "ok",
        "retry_after": "429",
        "final": "topic 401 403 404",
        "retry": "507 500 page",
    },
    "email": {
        "delivered": "ok",
        "retry": "421 450 451 452 454",
        "final": "530 534 535 550 552 553 554",
    },
    "pagerduty": {
        "delivered": "ok",
        "retry_after": "429",
        "retry": "500 503 page",
        "final": "400-key",
    },
    "github": {
        "delivered": "ok",
        "retry_after": "secondary primary 429",
        "final": "401 403 404 422",
        "retry": "500 502",
    },
    "gitlab": {
        "delivered": "ok",
        "retry_after": "429",
        "final": "400 403 404 401",
        "retry": "500 502 page",
    },
    "cloudevents": {
        "delivered": "ok 202 204",
        "retry_after": "429",
        "retry": "400 500 503",
        "gone": "410",
        "final": "415",
    },
}
OUTCOMES = {
    platform: {answer: outcome for outcome, answers in outcomes.items() for answer in answers.split()}
    for platform, outcomes in BY_OUTCOME.items()
}

# By platform, the answers that one plainer form of the message escapes, at once.
ESCAPED: dict[str, str] = {
    "teams": "413 old-413 old-400 bad-request",
    "googlechat": "INVALID_ARGUMENT",
    "mattermost": "413 length no-text parse",
    "dingtalk": "460101 400403 40035 400105",
    "feishu": "19002 9499 11246 11310 19036",
    "telegram": """entities too-long caption no-photo no-document empty-file no-image no-media dimensions 413
        413-page empty-text parse-mode object""",
    "apprise": "400 431",
    "bark": "400 large",
    "gotify": "400",
    "home-assistant": "400",
    "matrix": "M_BAD_JSON M_TOO_LARGE",
    "pushover": "400",
    "pushplus": "600 999",
    "rocketchat": "size 400",
    "serverchan": "40000",
    "zulip": "BAD_REQUEST",
    "ntfy": "413 400 attachment",
    "email": "large",
    "discord": "50035 40005 413 50006 50109",
    "wecom": "40058 45002 40008 40033 44004 45034 47001",
    "slack-bot": """invalid_json invalid_arguments invalid_blocks invalid_blocks_format invalid_attachments
        no_text msg_too_long msg_blocks_too_long too_many_attachments""",
    "slack": """invalid_blocks msg_blocks_too_long invalid_payload no_text too_many_attachments
        invalid_blocks_format invalid_attachments msg_too_long too_many_blocks""",
    "pagerduty": "413 400",
    "github": "422-size",
}

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
    "github": "ok 404 422 401 403 primary secondary",
    "gitlab": "ok 404 400 403 429",
    "cloudevents": "ok 202 410 415 429",
}

# Platforms that go by HTTP.
HTTP = [platform for platform in OUTCOMES if platform != "email"]

# How long each answer that asks for a wait is waited for, in seconds; none beyond the age of a delivery.
WAITS: dict[tuple[str, str], int | None] = {
    ("wecom", "45009"): 60,
    ("googlechat", "RESOURCE_EXHAUSTED"): 60,
    ("dingtalk", "130101"): 60,
    ("dingtalk", "410100"): 60,
    ("dingtalk", "x5"): 60,
    ("dingtalk", "130101-x5"): 60,
    ("feishu", "99991400"): 2,
    ("feishu", "400-99991400"): 2,
    ("matrix", "M_LIMIT_EXCEEDED"): 2,
    ("pushplus", "900"): 86_400,
    ("rocketchat", "429"): 46,
    ("serverchan", "limit"): 3600,
    ("zulip", "RATE_LIMIT_HIT"): 29,
    ("pagerduty", "429"): 120,
    ("github", "secondary"): 60,
    ("github", "429"): 60,
    ("github", "primary"): None,
}

# Whose receivers look at little, or have a judge of their own.
TAKES_ALL = ("json", "cloudevents", "github", "gitlab")

PICTURE = {"url": "https://cdn.example.com/1.png", "mime": "image/png"}
TASK = {"name": "portrait-07", "status": "error", "error": "CUDA out of memory", "outputs": [PICTURE]}


def config(directory: Path, platform: str, url: str) -> dict[str, Any]:
    own = OWN_KEYS.get(platform, {})
    team = endpoint(url, platform=platform, retry={"schedule": ["10ms"]}, rate="1000/s", **own)
    return settings(directory, endpoints={"team": team})


@pytest.mark.parametrize(
    ("platform", "answer"), [(platform, answer) for platform in OUTCOMES for answer in OUTCOMES[platform]]
)
def test_an_answer_means_what_the_platform_means_by_it(tmp_path: Path, platform: str, answer: str) -> None:
    expected = OUTCOMES[platform][answer]
    with fake_platform(platform, answer) as receiver:
        bell = taskbell.Bell.open(config(tmp_path, platform, receiver.url))
        try:
            bell.task_complete(TASK)
            assert receiver.next()["answer"] == answer
            assert bell.flush(20)
            if expected != "retry_after":
                (report,) = reports(bell, 1)
                assert report["state"] == ("dead" if expected in ("final", "gone") else "delivered"), report
        finally:
            bell.close(0.3)
    # Only now: the locks of two SQLites in one process do not hold against each other.
    rows = attempts(tmp_path)
    assert rows[0]["outcome"] == expected, rows
    if expected != "retry_after":
        assert len(rows) == (2 if expected == "retry" else 1)
        return
    wait = WAITS.get((platform, answer), 1)
    if wait is None:
        assert rows[0]["next_at"] is None
    else:
        assert wait * 1000 <= rows[0]["next_at"] - rows[0]["started_at"] < wait * 1000 + 30_000


@pytest.mark.parametrize(
    ("platform", "answer"),
    [(platform, answer) for platform in ESCAPED for answer in ESCAPED[platform].split()],
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


def told(*arguments: str) -> str:
    """What the command says of a wrong argument."""
    asked = [command(), "serve", *arguments]
    done = subprocess.run(
        asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    return done.stderr


@pytest.mark.parametrize("platform", OUTCOMES)
def test_every_known_answer_is_tried(platform: str) -> None:
    said = told("--as", platform, "--answer", "no-such-answer")
    known = {line.split()[0] for line in said.splitlines() if line.startswith("  ")}
    assert known == {*OUTCOMES[platform], *ESCAPED.get(platform, "").split()}, said
    assert {*NAMED.get(platform, "ok").split()} <= known


def test_every_platform_is_tried() -> None:
    known = re.search(r", only (.*)", told("--as", "carrier-pigeon"))
    assert known
    assert {*known[1].split(", ")} == {*OUTCOMES}


def heard_of_everything(tmp_path: Path, platform: str, **own: Any) -> Iterator[dict[str, Any]]:
    """Every request that a receiver of the platform has of the corpus, each taken at the first attempt."""
    with fake_platform(platform) as receiver:
        own = {**OWN_KEYS.get(platform, {}), **own}
        team = endpoint(receiver.url, platform=platform, rate=[], **own)
        hooks = [{"on": sorted({kind for kind, _ in events("")}), "to": ["team"]}]
        queue = {"end_delay": "50ms", "max_bytes": "16MiB"}
        bell = taskbell.Bell.open(settings(tmp_path, endpoints={"team": team}, hooks=hooks, queue=queue))
        try:
            for text in TEXTS.values():
                # A queue that starts takes back an end before it.
                made = sorted(events(text), key=lambda event: event[0] == "queue.end")
                for kind, payload in made:
                    bell.emit(kind, payload)
                heard = [receiver.next() for _ in made]
                assert {one["answer"] for one in heard} == {"ok"}, heard
                told = reports(bell, len(made))
                assert {(one["state"], one["attempts"]) for one in told} == {("delivered", 1)}, told
                yield from heard
        finally:
            bell.close(0)


@pytest.mark.parametrize("platform", [name for name in OUTCOMES if name not in TAKES_ALL])
def test_a_strict_receiver_takes_every_card_at_once(tmp_path: Path, platform: str) -> None:
    assert len(list(heard_of_everything(tmp_path, platform))) == len(TEXTS) * len(events(""))


@pytest.mark.parametrize(
    ("platform", "own"),
    [("json", {}), ("gitlab", {}), ("cloudevents", {}), ("cloudevents", {"mode": "binary"})],
)
def test_a_machine_is_sent_what_its_judge_takes(tmp_path: Path, platform: str, own: dict[str, str]) -> None:
    heard = list(heard_of_everything(tmp_path, platform, **own))
    assert len(heard) == len(TEXTS) * len(events(""))
    for one in heard:
        if platform == "cloudevents":
            event = cloudevents(one["body"], one["headers"])
            assert event.get_type().startswith("taskbell.")
        else:
            JUDGES[platform](one["body"])


@pytest.mark.parametrize("platform", OUTCOMES)
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
