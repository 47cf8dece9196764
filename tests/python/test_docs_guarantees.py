"""docs/guarantees.md: each statement names tests, and each of these exists."""

from __future__ import annotations

import re

from tools import ROOT

TEXT = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
REFERENCE = re.compile(r"`((?:tests|src|crates)/[\w/.]+)::(\w+)`")


def statements() -> list[str]:
    """The items of the lists."""
    body = TEXT.split("\n## ", 1)[1]
    items = re.split(r"\n(?=- )", body)
    return [item.split("\n## ")[0] for item in items if item.startswith("- ")]


def test_every_statement_names_a_test():
    found = statements()
    assert len(found) > 20
    assert [item for item in found if not REFERENCE.search(item)] == []


def test_nothing_is_stated_outside_the_lists():
    lines = TEXT.split("\n## ", 1)[1].splitlines()[1:]
    assert [line for line in lines if line and not line.startswith(("- ", "  ", "## "))] == []


def test_every_test_that_is_named_exists():
    missing = []
    for file, name in REFERENCE.findall(TEXT):
        path = ROOT / file
        code = path.read_text(encoding="utf-8") if path.is_file() else ""
        pattern = rf"^\s*(?:async )?def {name}\(" if file.endswith(".py") else rf"^\s*fn {name}\("
        found = re.search(pattern, code, re.MULTILINE)
        is_test = file.endswith(".py") or (
            found and re.search(r"#\[test\]", code[max(0, found.start() - 200) : found.start()])
        )
        if not (found and is_test):
            missing.append(f"{file}::{name}")
    assert missing == []
