"""Every snippet of the page on Python runs, and its messages arrive."""

from __future__ import annotations

import pytest

from bells import eventually
from documents import blocks
from tools import python

SNIPPETS = [block for block in blocks("docs/python.md") if block.language == "python" and not block.words]
ENDS = {
    "notify(": "message",
    "task(": "task.complete",
    "watch": "task.complete",
    "batch(": "batch.end",
    "Job(": "batch.end",
    "LogHandler": "log.record",
}


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda block: f"line {block.line}")
def test_a_snippet_of_the_page_sends_what_it_says(snippet, tmp_path, receive):
    receiver = receive()
    text = snippet.text.replace("https://hooks.slack.com/services/T0/B0/x", receiver.url())
    python(text, cwd=tmp_path, env={"TEAM_URL": receiver.url(), "HOME": str(tmp_path)})
    (end,) = {type for word, type in ENDS.items() if word in text}
    arrived = eventually(end, lambda: [request.json() for request in list(receiver.requests)])
    assert [body["type"] for body in arrived] == [end]
