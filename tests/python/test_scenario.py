"""One scenario of calls and expectations, which a host in every language runs against a real receiver."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from bells import eventually, settings
from languages import LANGUAGES, SCENARIO, Runner
from steps import Exchange, Reply
from tools import ROOT

SCENARIO_FILE = json.loads((SCENARIO / "scenario.json").read_text(encoding="utf-8"))
CASES: dict[str, Any] = {case["name"]: case for case in SCENARIO_FILE["cases"]}
WITHOUT: dict[str, dict[str, str]] = SCENARIO_FILE["without"]
LONG = "a prompt of many words " * 1000
LATE_S = 0.7
DOCUMENT = ROOT / "docs" / "languages.md"
NAMES = {
    "c": "C",
    "cpp": "C++",
    "csharp": "C#, Mono",
    "coreclr": "C#, .NET",
    "python": "Python",
    "node": "Node.js",
    "go": "Go, cgo",
    "go_purego": "Go, purego",
    "java": "Java, JNA",
    "java_foreign": "Java, foreign",
    "lua51": "Lua 5.1",
    "lua52": "Lua 5.2",
    "lua53": "Lua 5.3",
    "lua": "Lua 5.4",
    "luajit": "LuaJIT",
}


class Answers:
    """How the receiver answers just now: soon, late, never until that changes, or that it is gone."""

    def __init__(self) -> None:
        self.when = "soon"

    def __call__(self, _request: Any, _number: int) -> Answers:
        return self

    def run(self, exchange: Exchange) -> bool:
        while self.when == "never":
            if not exchange.wait(0.02):
                return False
        status = 410 if self.when == "gone" else 204
        return Reply(status, delay=LATE_S if self.when == "late" else 0).run(exchange)


class Runners:
    """The running host of each language; another one after it has ended."""

    def __init__(self, command: Any, library: Path) -> None:
        self.command, self.library = command, library
        self.running: dict[str, Runner] = {}

    def __call__(self, language: str) -> Runner:
        if language not in self.running:
            self.running[language] = Runner(self.command(language), self.library)
            assert self.running[language].greeting[0] == "ready", self.running[language].greeting
        return self.running[language]

    def stop(self, language: str) -> None:
        if running := self.running.pop(language, None):
            running.kill()

    def end(self, language: str) -> int:
        return self.running.pop(language).end()


@pytest.fixture(scope="module")
def runners(runner_command, library_path):
    """The hosts of this module."""
    found = Runners(runner_command, library_path)
    yield found
    for language in list(found.running):
        found.stop(language)


class Play:
    """One case in one language."""

    def __init__(self, folder: Path, language: str, runners: Any, receive: Any) -> None:
        self.language = language
        self.runners = runners
        self.answers = Answers()
        self.receiver = receive(self.answers)
        self.saved = {
            "$config": self.config(folder, "/hook"),
            "$second": self.config(folder, "/second"),
            "$long": LONG,
        }

    def config(self, folder: Path, path: str) -> str:
        main = {
            "platform": "json",
            "url": self.receiver.url(path),
            "concurrency": 1,
            "timeout": "30s",
            "retry": {"schedule": ["50ms", "100ms"]},
        }
        queue = {"end_delay": "50ms", "max_event_bytes": "16KiB"}
        return json.dumps(settings(folder, endpoints={"main": main}, queue=queue))

    def filled(self, text: str | None, number: int = 0) -> str | None:
        if text is None:
            return None
        for name, value in {**self.saved, "$n": str(number)}.items():
            text = text.replace(name, value)
        return text

    def texts(self) -> list[str]:
        return [request.json()["data"].get("text") for request in self.receiver.requests]

    def run(self, steps: list[dict[str, Any]]) -> None:
        for step in steps:
            check = next(check for kind, check in STEPS.items() if kind in step)
            check(self, step)

    def called(self, step: dict[str, Any]) -> None:
        runner = self.runners(self.language)
        for number in range(step.get("repeat", 1)):
            start = time.monotonic()
            given = runner.call(*(self.filled(argument, number) for argument in step["call"]))
            assert time.monotonic() - start < step.get("within_s", 60), step
            if "error" in step:
                assert given.code == step["error"], (step, given)
                assert all(word in given.words for word in step["words"]), (step, given)
                continue
            assert not given.code, (step, given)
            self.fits(given.value, step)
            if "save" in step:
                self.saved[f"${step['save']}"] = given.value

    def fits(self, value: str, step: dict[str, Any]) -> None:
        assert value == step.get("gives", value), (step, value)
        assert re.search(step.get("matches", ""), value), (step, value)
        for part in step.get("contains", []):
            assert str(self.filled(part)) in value, (step, value[:2000])
        if "fields" in step:
            found = json.loads(value)
            assert {name: found[name] for name in step["fields"]} == step["fields"], value

    def until(self, step: dict[str, Any]) -> None:
        def said() -> bool:
            value = self.runners(self.language).call(*step["until"]).value
            return all(part in value for part in step["contains"])

        eventually(str(step), said)

    def arrives(self, step: dict[str, Any]) -> None:
        expected = step["arrive"]
        requests = self.receiver.wait_for(len(expected))
        assert self.texts() == expected, step
        if "at" in step:
            assert requests[-1].target == step["at"]

    def arrives_of_types(self, step: dict[str, Any]) -> None:
        requests = self.receiver.wait_for(len(step["arrive_types"]))
        assert [request.json()["type"] for request in requests] == step["arrive_types"]

    def arrives_last(self, step: dict[str, Any]) -> None:
        eventually(str(step), lambda: step["arrive_last"] in self.texts())

    def arrives_all(self, step: dict[str, Any]) -> None:
        eventually(str(step), lambda: set(step["arrive_all"]) <= set(self.texts()))

    def has_arrived(self, step: dict[str, Any]) -> None:
        assert self.texts() == step["arrived"], step
        self.receiver.wait_answered(len(step["arrived"]))
        assert all(self.receiver.sent), "the program has not waited for the answer"

    def answered(self, step: dict[str, Any]) -> None:
        self.answers.when = step["answer"]

    def killed(self, _step: dict[str, Any]) -> None:
        self.runners.stop(self.language)

    def ended(self, _step: dict[str, Any]) -> None:
        assert self.runners.end(self.language) == 0


STEPS = {
    "call": Play.called,
    "until": Play.until,
    "arrive": Play.arrives,
    "arrive_types": Play.arrives_of_types,
    "arrive_last": Play.arrives_last,
    "arrive_all": Play.arrives_all,
    "arrived": Play.has_arrived,
    "answer": Play.answered,
    "kill": Play.killed,
    "end": Play.ended,
}

PLAYED = [
    (language, name) for language in LANGUAGES for name in CASES if name not in WITHOUT.get(language, {})
]


@pytest.mark.parametrize(
    ("language", "name"), PLAYED, ids=[f"{language}-{name.replace(' ', '-')}" for language, name in PLAYED]
)
def test_a_language_keeps_the_promise(tmp_path, receive, runners, language, name):
    play = Play(tmp_path, language, runners, receive)
    try:
        play.run(CASES[name]["steps"])
    except BaseException:
        # What is left open must not reach into the next case.
        runners.stop(language)
        raise


def table() -> str:
    """The promises, and which languages keep them."""
    head = ["promise", *(NAMES[language] for language in LANGUAGES)]
    lines = [head, ["---"] * len(head)]
    for name, case in CASES.items():
        cells = ["no" if name in WITHOUT.get(language, {}) else "yes" for language in LANGUAGES]
        lines.append([case["promise"], *cells])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def exceptions() -> str:
    """Why a language does without one."""
    return "".join(
        f"- {NAMES[language]}, {name}: {reason}.\n"
        for language, cases in WITHOUT.items()
        for name, reason in cases.items()
    )


def test_every_exception_is_one_of_the_scenario():
    for language, cases in WITHOUT.items():
        assert language in LANGUAGES
        assert set(cases) <= set(CASES), language
        assert all(cases.values())


def test_the_document_has_what_each_language_keeps():
    text = DOCUMENT.read_text(encoding="utf-8")
    begin, end = "<!-- scenario -->\n", "<!-- end of the scenario -->\n"
    before, rest = text.split(begin)
    _, after = rest.split(end)
    why = "What a language has no use for:"
    made = f"{before}{begin}{table()}\n{why}\n\n{exceptions()}{end}{after}"
    if os.environ.get("TASKBELL_UPDATE_DOCS"):
        DOCUMENT.write_text(made, encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == made, "TASKBELL_UPDATE_DOCS=1 writes it"
