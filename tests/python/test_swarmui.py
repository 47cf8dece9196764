"""SwarmUI's templates and its wishes for single tasks, through the library."""

from __future__ import annotations

import hmac
import json

import pytest

import taskbell
from bells import DEADLINE_S, all_text, endpoint, eventually, reports, settings
from fake_platform import command
from steps import Reply
from test_channels import parts, png
from tools import run

TEMPLATE = '{"text": "%prompt% by %user_name%", "seed": %seed%, "image": "%image%", "left": "%nobody%"}'


def config(tmp_path, receiver, **hook):
    """An ordinary hook for the ends of queues, and the one under test."""
    return settings(
        tmp_path,
        host={"name": "test-host", "base_url": "https://swarm.example.com"},
        endpoints={"end": endpoint(receiver.url("/end")), "gen": endpoint(receiver.url("/gen"))},
        hooks=[
            {"on": ["queue.end"], "to": ["end"]},
            {"on": ["task.complete"], "to": ["gen"], "syntax": "swarmui", **hook},
        ],
    )


def task(**params):
    return {
        "user": "mira",
        "outputs": [{"url": "View/mira/a b%.png"}],
        "params": {"prompt": 'a "cat"', "seed": 7},
        **({"webhook_params": params} if params else {}),
    }


@pytest.mark.parametrize(
    "junk",
    [
        ["MARKER"],
        "MARKER" * 150_000,
        {"notify": "MARKER"},
        {"notify": {"notify": ["MARKER"]}},
        {"to": ["MARKER"]},
        {"to": "MARKER"},
        {"to": [{"MARKER": 1}]},
        {"vars": ["MARKER"]},
        {"vars": {"x": "MARKER" * 15_000}},
        {"url": "http://169.254.169.254/MARKER"},
        {"MARKER": "MARKER"},
        7,
    ],
    ids=lambda junk: json.dumps(junk)[:40],
)
def test_junk_for_wishes_is_ignored_counted_and_never_delivered(tmp_path, receive, ring, junk):
    receiver = receive()
    described = config(tmp_path, receiver)
    described["hooks"][1] = {"on": ["task.complete"], "to": ["gen"]}
    bell = ring(described)
    bell.task_complete({"name": "n", "webhook_params": junk})
    (request,) = receiver.wait_for(1)
    assert b"MARKER" not in request.body
    assert b"webhook_params" not in request.body
    assert bell.stats()["params_ignored"] == 1
    bell.close(5.0)
    assert "MARKER" not in all_text(tmp_path / "bell.db")


def test_check_tries_a_manual_hook_on_what_it_will_tell(tmp_path, receive):
    described = config(tmp_path, receive(), template=TEMPLATE, manual=True)
    described["hooks"][1]["on"] = ["task.complete", "queue.end"]
    assert taskbell.check(described)["errors"] == []
    described["hooks"][1]["manual"] = False
    (error,) = taskbell.check(described)["errors"]
    assert error["key"] == "hooks[1].template"
    assert "this is not JSON" in error["message"]


SIX = {
    "ServerStart": '{"text": "up"}',
    "QueueStart": '{"text": "busy"}',
    "EveryGen": '{"text": "%prompt% by %user_name%", "seed": %seed%, "image": "%image%"}',
    "ManualGen": '{"text": "asked: %prompt%"}',
    "QueueEnd": '{"text": "idle, 100% of it"}',
    "ServerShutdown": None,
}


def imported(tmp_path, receiver):
    """The configuration that the command makes of a SwarmUI server's settings."""
    lines = ["WebHooks:", "  QueueEndDelay: 0.05"]
    for key, data in SIX.items():
        lines.append(f"  {key}Webhook: {receiver.url('/' + key)}")
        lines += [f"  {key}WebhookData: {data}"] if data else []
    lines += ["Network:", "  ExternalURL: https://swarm.example.com/"]
    file = tmp_path / "Settings.fds"
    file.write_text("\n".join(lines) + "\n")
    run(command(), "import-swarmui", file, "--out", tmp_path / "out")
    return tmp_path / "out" / "taskbell.toml"


def test_an_imported_configuration_does_what_swarmui_did(tmp_path, receive, ring):
    receiver = receive()
    file = imported(tmp_path, receiver)
    secrets = list((tmp_path / "out" / "secrets").iterdir())
    assert len(secrets) == 6
    assert {secret.stat().st_mode & 0o777 for secret in secrets} == {0o600}
    assert (tmp_path / "out" / "secrets").stat().st_mode & 0o777 == 0o700
    bell = ring(str(file))
    bell.emit("server.start", {})
    bell.emit("queue.start", {})
    bell.task_complete({**task(), "status": "success"})
    bell.task_complete({**task(), "status": "error", "params": {"prompt": "failed", "seed": 1}})
    for notify in ("manual", "manual_at_end", "none"):
        params = {"prompt": notify, "seed": 2}
        bell.task_complete({**task(notify=notify), "status": "success", "params": params})
    bell.queue_end()
    # Three of Every Gen, two of Manual Gen, and all edges but the last.
    receiver.wait_for(8)
    bell.emit("server.stop", {})
    assert bell.flush(DEADLINE_S)
    bodies: dict[str, list[object]] = {}
    for request in receiver.requests:
        bodies.setdefault(request.target.removeprefix("/"), []).append(request.json())
    gen = {"image": "https://swarm.example.com/View/mira/a%20b%25.png"}
    assert bodies.pop("ServerStart") == [{"text": "up"}]
    assert bodies.pop("QueueStart") == [{"text": "busy"}]
    assert bodies.pop("QueueEnd") == [{"text": "idle, 100% of it"}]
    assert bodies.pop("ServerShutdown") == [{}]
    every = sorted(bodies.pop("EveryGen"), key=lambda body: str(body["text"]))
    assert every == [
        {**gen, "text": 'a "cat" by mira', "seed": 7},
        {**gen, "text": "manual by mira", "seed": 2},
        {**gen, "text": "manual_at_end by mira", "seed": 2},
    ], "a failed task and one that wants no message are not told of"
    asked = sorted(str(body["text"]) for body in bodies.pop("ManualGen"))
    assert asked == ["asked: manual", "asked: manual_at_end"]
    assert not bodies


def test_bug_9_a_failure_rings_a_hook_that_is_written_for_failures(tmp_path, receive, ring):
    receiver = receive()
    template = '{"text": "%prompt%", "image": "%image%"}'
    bell = ring(config(tmp_path, receiver, template=template, only_failures=True))
    bell.task_complete({**task(), "status": "success"})
    failed = {"status": "error", "error": {"message": "no space left"}, "params": {"prompt": "lost"}}
    bell.task_complete(failed)
    receiver.wait_for(1)
    assert bell.flush(DEADLINE_S)
    assert [request.json() for request in receiver.requests] == [{"text": "lost", "image": "%image%"}]


def test_a_pasted_template_for_discord_brings_its_picture(tmp_path, receive, ring):
    receiver = receive(default=Reply(200, body=b'{"id":"1"}'))
    folder = tmp_path / "outputs"
    folder.mkdir()
    (folder / "a.png").write_bytes(png())
    described = config(tmp_path, receiver, template='[discord_image]{"content": "%prompt%", "nonce": %seed%}')
    described["files"] = {"roots": [str(folder)]}
    described["endpoints"]["gen"]["platform"] = "discord"
    bell = ring(described)
    bell.task_complete({**task(), "outputs": [{"path": "a.png"}]})
    # Without a file it is plain JSON.
    (first,) = receiver.wait_for(1)
    bell.task_complete({**task(), "outputs": []})
    _, second = receiver.wait_for(2)
    form = parts(first)
    assert form["file"] == ("image.png", png())
    quiet = {"allowed_mentions": {"parse": []}}
    assert json.loads(form["payload_json"][1]) == {"content": 'a "cat"', "nonce": 7, **quiet}
    assert second.json()["content"] == 'a "cat"'
    assert dict(second.headers)["content-type"].startswith("application/json")


def test_d1_a_relay_gets_the_form_that_swarmui_sends_signed_and_the_same_on_each_attempt(
    tmp_path, receive, ring
):
    receiver = receive([Reply(503), Reply(200)])
    folder = tmp_path / "outputs"
    folder.mkdir()
    (folder / "run.mp4").write_bytes(b"frames")
    described = config(tmp_path, receiver, template='[discord_image]{"content": "%prompt%"}')
    described["files"] = {"roots": [str(folder)]}
    described["endpoints"]["gen"]["sign"] = [{"scheme": "github", "secrets": ["MARKER-0123456789abcdef"]}]
    bell = ring(described)
    bell.task_complete({**task(), "outputs": [{"path": "run.mp4"}]})
    first, second = receiver.wait_for(2)
    assert first.body == second.body
    expected = hmac.new(b"MARKER-0123456789abcdef", second.body, "sha256").hexdigest()
    assert dict(second.headers)["x-hub-signature-256"] == f"sha256={expected}"
    form = parts(second)
    assert form["file"] == ("image.mp4", b"frames")
    assert json.loads(form["payload_json"][1]) == {"content": 'a "cat"'}


def test_check_warns_of_a_picture_that_will_not_be_attached(tmp_path, receive):
    described = config(tmp_path, receive(), template='[discord_image]{"text": "%seed%"}')
    (warning,) = taskbell.check(described)["warnings"]
    assert warning["key"] == "hooks[1].template"
    assert "`[files] roots` names no folder" in warning["message"]
    described["files"] = {"roots": [str(tmp_path)]}
    assert taskbell.check(described)["warnings"] == []
    described["endpoints"]["gen"]["platform"] = "slack"
    (warning,) = taskbell.check(described)["warnings"]
    assert "takes no file" in warning["message"]


def with_address(tmp_path, receiver, starts):
    """A configuration in which tasks may name addresses that begin like this."""
    return settings(
        tmp_path,
        network={"task_urls": starts},
        endpoints={"gen": endpoint(receiver.url("/gen"))},
        hooks=[{"on": ["task.complete"], "to": ["gen"]}],
    )


def test_an_address_of_a_task_is_dialled_only_if_it_is_public(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(with_address(tmp_path, receiver, [receiver.url("/users/")]))
    url = receiver.url("/users/MARKER-token-of-the-user")
    bell.task_complete({"name": "n", "webhook_params": {"url": url}})
    told = {report["endpoint"]: report for report in reports(bell, 2)}
    assert told.pop("gen")["state"] == "delivered"
    ((name, report),) = told.items()
    assert name.startswith("task-url:")
    assert report["state"] == "dead"
    assert "loopback" in report["reason"]
    assert "MARKER" not in json.dumps(report)
    assert [request.target for request in receiver.requests] == ["/gen"]
    assert b"MARKER" not in receiver.requests[0].body
    assert bell.stats()["params_ignored"] == 0


def test_addresses_of_tasks_are_bounded_in_number_and_lose_nothing_silently(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(with_address(tmp_path, receiver, ["http://192.0.2.1/"]))
    for number in range(200):
        bell.task_complete({"webhook_params": {"url": f"http://192.0.2.1/{number}"}})
    told = reports(bell, 400)
    assert sum(report["state"] == "delivered" for report in told) == 200
    assert all(report["reason"] for report in told if report["state"] == "dead")
    lanes = [name for name in bell.stats()["lanes"] if name.startswith("task-url:")]
    assert len(lanes) <= 64


def test_an_address_of_a_task_survives_a_restart(tmp_path, receive, ring):
    receiver = receive(default=Reply(503))
    described = with_address(tmp_path, receiver, ["http://task-url.invalid/"])
    first = ring(described)
    first.task_complete({"webhook_params": {"url": "http://task-url.invalid/x"}})
    assert first.flush(DEADLINE_S)
    assert first.close(5.0) >= 1
    second = ring(described)
    lanes = [name for name in second.stats()["lanes"] if name.startswith("task-url:")]
    assert len(lanes) == 1
    second.close(5.0)
    # Once it is no longer allowed, what waits for it is a dead letter that says so.
    third = ring(with_address(tmp_path, receiver, []))

    def dead():
        report = third.poll()
        return report if report and report["endpoint"].startswith("task-url:") else None

    assert "no longer" in eventually("the dead letter", dead)["reason"]
