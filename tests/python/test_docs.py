"""The documents keep up with the library."""

from __future__ import annotations

import json
import os
import re

import taskbell
from bells import settings
from documents import blocks, documents, one, rows
from taskbell import _native
from tools import ROOT, compile_csharp, compile_native, need, python, run


def keys(stats, prefix=""):
    """The keys of the statistics as the document writes them."""
    found = set()
    for key, value in stats.items():
        name = "NAME" if prefix == "lanes." else key
        if isinstance(value, dict):
            found |= keys(value, f"{prefix}{name}.")
        else:
            found.add(f"{prefix}{name}")
    return found


def test_the_statistics_are_those_of_the_document(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(settings(tmp_path, receiver.url(), receiver.url("/other")))
    table = rows("docs/stats.md", "# Statistics")
    documented = [row[0].strip("`") for row in table]
    assert len(documented) == len(set(documented))
    assert set(documented) == keys(bell.stats())
    assert {row[1] for row in table} == {"counter", "gauge"}


def test_counters_only_grow_and_gauges_are_named_as_such(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(settings(tmp_path, receiver.url()))
    counters = [row[0].strip("`") for row in rows("docs/stats.md", "# Statistics") if row[1] == "counter"]

    def read() -> dict[str, int]:
        stats = bell.stats()
        values = {}
        for name in counters:
            value = stats
            for part in name.split("."):
                value = value[part]
            values[name] = value
        return values

    before = read()
    assert set(before.values()) == {0}
    tickets = [bell.emit("test.event", {"number": number}) for number in range(5)]
    assert all(bell.wait(ticket) for ticket in tickets)
    after = read()
    assert all(after[name] >= before[name] for name in counters)
    assert (after["accepted"], after["delivered"], after["attempts"]) == (5, 5, 5)


def test_the_error_codes_are_those_of_the_header():
    documented = {}
    for code, name, *_ in rows("docs/embedding.md", "## Error codes"):
        documented[int(code)] = name.strip("`")
    assert documented == {0: "OK", **_native.CODES}


def test_every_function_of_the_header_is_in_the_document():
    text = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    assert {name for name in _native.PROTOTYPES if f"`{name}`" not in text} == set()


def test_every_environment_variable_named_is_read_somewhere():
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("src", "crates", "bindings", "xtask", "tests")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".rs", ".py", ".cs", ".hpp"}
    )
    for document in documents():
        text = (ROOT / document).read_text(encoding="utf-8")
        for name in set(re.findall(r"\bTASKBELL_[A-Z_]+\b", text)):
            assert name in sources or name in (ROOT / "include" / "taskbell.h").read_text(), (document, name)


def test_the_schedule_of_the_document_is_the_default():
    defaults = {
        row[0].strip("`"): row[2] for row in rows("docs/configuration.md", "## `[endpoints.NAME.retry]`")
    }
    text = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")
    for step in re.findall(r'"(\w+)"', defaults["endpoints.NAME.retry.schedule"]):
        assert f"{step}" in text


def test_the_configurations_of_the_signatures_are_sound(monkeypatch):
    for name in ("CI_SECRET", "RENDER_SECRET", "SHOP_SECRET"):
        monkeypatch.setenv(name, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = [block.text for block in blocks("docs/signatures.md") if block.language == "toml"]
    table = "[endpoints.ci]\nurl = 'https://ci.example.com/hook'\n"
    signs = [line for text in found for line in text.splitlines() if line.startswith("sign = ")]
    assert len(signs) >= 3
    for sign in signs:
        report = taskbell.check(table + sign + "\n[[hooks]]\non = ['queue.end']\nto = ['ci']\n")
        assert (report["ok"], report["errors"], report["warnings"]) == (True, [], []), sign


def arrived(receiver) -> None:
    """The one task of the snippets."""
    (request,) = receiver.wait_for(1)
    assert request.json()["data"]["task"]["name"] == "frame 12"


def test_the_cpp_host_runs(tmp_path, library_path, receive):
    receiver = receive()
    source = tmp_path / "host.cpp"
    source.write_text(one("docs/embedding.md", "cpp", "run"), encoding="utf-8")
    program = compile_native(library_path, tmp_path / "host", source, flags=["-fno-exceptions"])
    run(program, json.dumps(settings(tmp_path, receiver.url())), timeout=60)
    arrived(receiver)


def test_the_csharp_host_runs(tmp_path, library_path, receive):
    receiver = receive()
    source = tmp_path / "Host.cs"
    source.write_text(one("docs/embedding.md", "csharp", "run"), encoding="utf-8")
    program = compile_csharp(tmp_path / "Host.exe", source)
    env = {**os.environ, "LD_LIBRARY_PATH": str(library_path.parent)}
    config = json.dumps(settings(tmp_path, receiver.url()))
    text = run(need("mono"), program, config, env=env, timeout=60)
    arrived(receiver)
    assert "delivered" in text


def test_the_python_host_runs(tmp_path, receive):
    receiver = receive()
    config = json.dumps(settings(tmp_path, receiver.url()))
    assert python(one("docs/embedding.md", "python", "run"), config, timeout=60) == "delivered\n"
    arrived(receiver)


def test_ci_runs_the_command_that_a_developer_runs():
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "run: cargo xtask test\n" in workflow
    assert "cargo xtask test  " in guide


def test_each_adapter_in_the_list_of_hosts_names_tests_that_exist():
    hosts = rows("docs/hosts.md", "# Hosts")
    adapters = {path.name for path in (ROOT / "bindings" / "hosts").iterdir() if path.is_dir()}
    page = (ROOT / "docs" / "hosts.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\(\.\./bindings/hosts/(\w+)/", page)) == adapters
    tests = {path.stem for path in (ROOT / "tests" / "python").rglob("test_*.py")}
    for row in [*hosts, *rows("docs/hosts.md", "## Farm managers")]:
        named = set(re.findall(r"`(test_\w+)`", row[-1]))
        assert named
        assert named <= tests, row
