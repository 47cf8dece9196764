"""A real IPython, as a notebook runs it: cell by cell."""

from __future__ import annotations

import json
import sys

from examples import need_host, surroundings, tasks
from tools import run

need_host("ipython")

CELLS = [
    "%load_ext taskbell",
    "%taskbell",
    "%taskbell htps://a.example/x",
    "%taskbell env:TEAM_URL",
    "%%taskbell train\nloss = 0.25\n{'loss': loss}",
    "%%taskbell\nraise ValueError('no light')",
    "assert loss == 0.25",
    "%%taskbell stopped\nimport signal\nsignal.raise_signal(signal.SIGINT)",
    "import taskbell\nfor number in taskbell.batch(range(3), 'loop'):\n    raise KeyError('black')",
    "%taskbell env:TEAM_URL",
    "%%taskbell last\n'a.png'",
]

NOTEBOOK = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in json.loads(sys.argv[1]):
    print(shell.run_cell(cell).success)
"""


def test_the_cells_of_a_notebook_report_their_end(tmp_path, receive):
    receiver = receive()
    output = run(
        sys.executable, "-c", NOTEBOOK, json.dumps(CELLS), cwd=tmp_path, env=surroundings(receiver, tmp_path)
    )
    told = {task["name"]: task for task in tasks(receiver, 4)}
    assert len(told) == len(tasks(receiver, 4)), "each end is reported once"
    assert "UsageError: %taskbell needs a URL" in output
    assert "UsageError: this URL: expected an http or https URL" in output
    assert (told["train"]["status"], told["train"]["metrics"]) == ("success", {"loss": 0.25})
    assert (told["cell"]["status"], told["cell"]["error"]["message"]) == ("error", "no light")
    assert (told["stopped"]["status"], "error" in told["stopped"]) == ("cancelled", False)
    assert told["last"]["metrics"] == {"result": "a.png"}
    assert "no light" in output, "the notebook shows the error too"
    (end,) = [
        request.json()["data"]["batch"] for request in receiver.requests if b'"batch.end"' in request.body
    ]
    assert (end["status"], end["error"]["type"]) == ("error", "KeyError")
