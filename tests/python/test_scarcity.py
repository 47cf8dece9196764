"""What the host and Taskbell share, threads, memory and file descriptors, is scarce."""

from __future__ import annotations

import json
import signal
import socket
import sys
import threading

import pytest

from bells import endpoint, eventually, reports, settings
from tools import ROOT, need, python, run

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs limits of Linux")

THREADS_LATER = """
import json, os, sys, time, taskbell
flag = os.environ["NO_THREADS"]
with taskbell.Bell(json.loads(sys.argv[1])) as bell:
    open(flag, "w").close()
    ticket = bell.emit("test.event", {})
    bell.sync(20)
    assert not bell.wait(ticket, 0.5)
    os.remove(flag)
    assert bell.wait(ticket, 30), bell.stats()
print("delivered")
"""


def test_what_waits_for_a_thread_goes_out_when_there_is_one_again(tmp_path, receive):
    shim = tmp_path / "no_threads.so"
    run(need("cc"), "-shared", "-fPIC", "-o", shim, ROOT / "tests" / "c" / "no_threads.c", "-ldl")
    receiver = receive()
    config = json.dumps(settings(tmp_path, receiver.url()))
    env = {"LD_PRELOAD": str(shim), "NO_THREADS": str(tmp_path / "none")}
    assert "delivered" in python(THREADS_LATER, config, env=env)
    receiver.wait_for(1)


WITHOUT_MEMORY = """
import ctypes, sys, taskbell
bell = taskbell.Bell(sys.argv[1])
bell.emit("test.event", {"n": 0})
assert bell.flush(30)
ctypes.CDLL(None).refuse_memory()
for number in range(1, 100_000):
    bell.emit("test.event", {"n": number})
    print(number, flush=True)
"""


def test_a_process_without_memory_ends_and_the_next_start_sends_what_it_had_accepted(tmp_path, receive, ring):
    shim = tmp_path / "no_memory.so"
    run(need("cc"), "-shared", "-fPIC", "-o", shim, ROOT / "tests" / "c" / "no_memory.c")
    receiver = receive()
    config = settings(tmp_path, receiver.url())
    ended = python(WITHOUT_MEMORY, json.dumps(config), env={"LD_PRELOAD": str(shim)}, expect=-signal.SIGABRT)
    accepted = [int(line) for line in ended.splitlines() if line.isdigit()]
    assert "memory allocation of " in ended, ended
    ring(config).flush(60)
    eventually(
        "every accepted event arrives",
        lambda: {request.json()["data"]["n"] for request in receiver.wait_for(0)} >= {0, *accepted},
    )


@pytest.fixture
def keeping():
    """A receiver that keeps its connections; it counts those that it saw end."""
    server = socket.create_server(("127.0.0.1", 0), backlog=512)
    ended = threading.Semaphore(0)

    def serve(connection):
        data = b""
        while more := connection.recv(65536):
            data += more
            head, found, body = data.partition(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
            if found and len(body) >= length:
                data = b""
                connection.sendall(b"HTTP/1.1 204 x\r\n\r\n")
        connection.close()
        ended.release()

    def accept():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/", ended
    server.close()


def test_a_connection_without_use_is_closed(tmp_path, keeping, ring):
    url, ended = keeping
    bell = ring(settings(tmp_path, url))
    ticket = bell.emit("test.event")
    assert bell.wait(ticket, 20)
    assert ended.acquire(timeout=30), "the connection stays open"


FEW_DESCRIPTORS = """
import json, os, resource, sys, time, taskbell
resource.setrlimit(resource.RLIMIT_NOFILE, (128, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
with taskbell.Bell(json.loads(sys.argv[1])) as bell:
    ticket = bell.emit("test.event", {})
    most = 0
    end = time.monotonic() + 60
    while not bell.wait(ticket, 0.01) and time.monotonic() < end:
        most = max(most, len(os.listdir("/proc/self/fd")))
        files = [open("/dev/null") for _ in range(32)]
        for file in files:
            file.close()
    stats = bell.stats()
    print(stats["delivered"], stats["attempts"], most)
"""


def test_many_endpoints_leave_the_host_its_file_descriptors(tmp_path, keeping):
    url, _ = keeping
    endpoints = {f"e{number}": endpoint(f"{url}{number}") for number in range(150)}
    said = python(FEW_DESCRIPTORS, json.dumps(settings(tmp_path, endpoints=endpoints)))
    delivered, attempts, most = map(int, said.split())
    assert (delivered, attempts) == (150, 150), said
    assert most < 96, said


def close_waits(ports: set[int]) -> int:
    """How many connections of this process to these ports the receiver has closed and this side has not."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return sum(row[3] == "08" and int(row[2].split(":")[1], 16) in ports for row in rows)


def test_connections_that_receivers_have_closed_are_closed_here_too(tmp_path, ring):
    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer_one, args=(connection,), daemon=True).start()

    def answer_one(connection: socket.socket) -> None:
        with connection:
            connection.recv(1 << 16)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(5)]
    for listener in listeners:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
    ports = {listener.getsockname()[1] for listener in listeners}
    bell = ring(settings(tmp_path, *(f"http://127.0.0.1:{port}/" for port in ports)))
    for _ in range(4):
        bell.emit("test.event", {})
    reports(bell, 20)
    eventually("the receivers have closed some", lambda: close_waits(ports) > 0)
    eventually("they are closed here too", lambda: close_waits(ports) == 0, timeout=60)
    for listener in listeners:
        listener.close()
