"""A host never gets a signal of Taskbell's making, whatever it does with signals itself."""

from __future__ import annotations

import json
import sys

import pytest

from bells import settings
from tools import python

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")

SMALL_FILES = """
import json, resource, signal, sys, taskbell
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
try:
    with taskbell.Bell(json.loads(sys.argv[1])) as bell:
        bell.emit("test.event", {"text": "x" * 50_000})
        bell.sync(5)
except taskbell.TaskbellError as error:
    print(error.name, error.message)
else:
    print("opened", bell.close())
assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
assert signal.sigpending() == set(), signal.sigpending()
"""


@pytest.mark.parametrize("ring", ["beside", "auto"])
@pytest.mark.parametrize("limit", [0, 1, 4096, 40_000, 70_000, 140_000, 400_000, 5_000_000])
def test_a_limit_of_the_file_size_is_an_error_and_no_signal(tmp_path, receive, limit, ring):
    config = settings(tmp_path, receive().url(), queue={"ring": ring})
    *_, said = python(SMALL_FILES, json.dumps(config), limit).splitlines()
    assert said.startswith(("opened", "SPOOL ")), said
    if limit == 0:
        assert "bell.db" in said


PIPES = """
import json, os, signal, sys, threading, taskbell
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
config = json.loads(sys.argv[1])
pipe = config["spool"]["path"] + ".00112233445566aa.pipe"
with taskbell.Bell(config):
    os.mkfifo(pipe)
over = threading.Event()
def reader():
    while not over.is_set():
        os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
threading.Thread(target=reader, daemon=True).start()
for _ in range(30):
    if not os.path.exists(pipe):
        os.mkfifo(pipe)
    taskbell.Bell(config).close()
over.set()
print("alive")
"""


def test_a_neighbour_that_ends_raises_no_signal(tmp_path, receive):
    assert "alive" in python(PIPES, json.dumps(settings(tmp_path, receive().url())))
