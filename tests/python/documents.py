"""The code blocks and tables of the documents."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tools import ROOT


@dataclass
class Block:
    """A fenced block: its language, the words after it, and its text."""

    language: str
    words: list[str]
    text: str
    line: int


def blocks(document: str) -> list[Block]:
    """The fenced blocks of a document, in order."""
    text = (ROOT / document).read_text(encoding="utf-8")
    found = []
    for match in re.finditer(r"^```(\w+)([^\n]*)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE):
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(match[1], match[2].split(), match[3], line))
    return found


def one(document: str, language: str, *words: str) -> str:
    """The text of the one block with this language and these words after it."""
    found = [block for block in blocks(document) if (block.language, block.words) == (language, list(words))]
    assert len(found) == 1, f"{document} has {len(found)} blocks of {language} {' '.join(words)}"
    return found[0].text


def rows(document: str, heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, cell by cell."""
    text = "\n" + (ROOT / document).read_text(encoding="utf-8")
    assert f"\n{heading}\n" in text, f"{document} has no {heading}"
    lines = text.split(f"\n{heading}\n", 1)[1].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("|"))
    table = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        table.append([cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return table


def documents() -> list[str]:
    """Every document, by its path from the root."""
    paths = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
    return [str(path.relative_to(ROOT)) for path in paths if Path(path).is_file()]
