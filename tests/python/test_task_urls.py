"""Addresses that tasks name, dialled for good: on a network of the test's own, where one is public."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from bells import endpoint, settings
from tools import ROOT, need, run

PUBLIC = "8.8.8.8"

# The receiver is on this network too: nothing of it can be reached from outside.
HOST = """
import json, sys, taskbell
from bells import eventually, reports
from receiver import Receiver

described = json.loads(sys.argv[1])
receiver = Receiver(interface="0.0.0.0")
described["endpoints"]["gen"]["url"] = receiver.url("/gen")
described["network"]["task_urls"] = [
    receiver.url("/users/", host=name) for name in ("hooks.public.test", "home.test", "8.8.8.8")
]
bell = taskbell.Bell(described)
urls = [
    receiver.url("/users/mira?key=MARKER", host="hooks.public.test"),
    receiver.url("/users/by-address", host="8.8.8.8"),
    receiver.url("/users/inside", host="home.test"),
]
for url in urls:
    bell.task_complete({"name": "n", "webhook_params": {"url": url, "vars": {"x": 1}}})
told = reports(bell, 6)
requests = [
    {
        "target": one.target,
        "id": one.header("webhook-id"),
        "host": one.header("host"),
        "body": one.body.decode(),
    }
    for one in receiver.requests
]
bell.close(5)
print(json.dumps({"told": told, "requests": requests, "port": receiver.port}))
"""


@pytest.fixture
def on_a_network_of_its_own(tmp_path):
    """Runs a host where a public address is this machine's, and two names are known."""

    def run_host(code: str, config: dict) -> dict:
        unshare, ip = need("unshare"), need("ip")
        hosts = tmp_path / "hosts"
        hosts.write_text(f"127.0.0.1 localhost home.test\n{PUBLIC} hooks.public.test\n")
        namespace = [unshare, "--user", "--map-root-user", "--mount", "--net"]
        prepare = (
            f'{ip} link set lo up && {ip} address add {PUBLIC}/32 dev lo && mount --bind "$0" /etc/hosts'
            ' && exec "$@"'
        )
        allowed = subprocess.run([*namespace, "sh", "-c", prepare, str(hosts), "true"], capture_output=True)
        if allowed.returncode != 0:
            pytest.skip(f"no network can be made here: {allowed.stderr.decode()}")
        paths = [ROOT / "bindings" / "python", ROOT / "tests" / "python"]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
        host = [sys.executable, "-c", code, json.dumps(config)]
        output = run(*namespace, "sh", "-c", prepare, hosts, *host, env=env, timeout=120)
        # The log says as well what did not arrive.
        (told,) = (line for line in output.splitlines() if line.startswith("{"))
        return json.loads(told)

    return run_host


@pytest.mark.skipif(sys.platform != "linux", reason="needs network namespaces")
def test_a_public_address_that_a_task_names_gets_the_message_and_a_private_one_does_not(
    tmp_path, on_a_network_of_its_own
):
    described = settings(
        tmp_path,
        network={"task_urls": []},
        endpoints={"gen": endpoint("http://127.0.0.1:1/")},
        hooks=[{"on": ["task.complete"], "to": ["gen"]}],
    )
    seen = on_a_network_of_its_own(HOST, described)
    by_target = {request["target"]: request for request in seen["requests"] if request["target"] != "/gen"}
    assert set(by_target) == {"/users/mira?key=MARKER", "/users/by-address"}
    named = by_target["/users/mira?key=MARKER"]
    assert named["host"] == f"hooks.public.test:{seen['port']}"
    assert json.loads(named["body"])["data"]["task"]["name"] == "n"
    assert "webhook_params" not in named["body"]
    assert "MARKER" not in named["body"]
    # The same event as for the hook's own endpoint, under the same id.
    assert named["id"] in {request["id"] for request in seen["requests"] if request["target"] == "/gen"}
    to_tasks = [report for report in seen["told"] if report["endpoint"].startswith("task-url:")]
    assert sorted(report["state"] for report in to_tasks) == ["dead", "delivered", "delivered"]
    (dead,) = (report for report in to_tasks if report["state"] == "dead")
    assert "loopback" in dead["reason"]
    assert "MARKER" not in json.dumps(seen["told"])
