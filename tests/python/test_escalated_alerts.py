"""Whoever is to be told of an alert that goes on is not told of one that is over, whatever ended it."""

from __future__ import annotations

import pytest

from bells import endpoint, eventually, query, settings


def watching(tmp_path, receiver, *names):
    """Alerts of these names on metrics of the same names; others hear of one that goes on for an hour."""
    return settings(
        tmp_path,
        endpoints={name: endpoint(receiver.url()) for name in ("e0", "e1")},
        hooks=[{"on": ["alert.firing"], "to": ["e0"], "escalate": {"after": "1h", "to": ["e1"]}}],
        alerts=[{"name": name, "metric": name, "above": 90} for name in names],
    )


def waiting(tmp_path):
    """The alerts that somebody stands by for."""
    return sorted(row["alert"] for row in query(tmp_path / "bell.db", "SELECT alert FROM fallbacks"))


def fire(bell, receiver, tmp_path, *names):
    for name in names:
        bell.metric(name, 95)
    receiver.wait_for(len(names))
    eventually("others stand by", lambda: waiting(tmp_path) == sorted(names))
    eventually("the messages are noted", lambda: bell.stats()["pending"] == 0)


def test_a_reload_that_leaves_an_alert_out_ends_its_escalation(tmp_path, receive, ring):
    receiver = receive()
    bell = ring(watching(tmp_path, receiver, "disk", "memory"))
    fire(bell, receiver, tmp_path, "disk", "memory")
    bell.reload(watching(tmp_path, receiver, "memory"))
    eventually("nobody stands by for it", lambda: waiting(tmp_path) == ["memory"])


@pytest.mark.parametrize("kept", [["memory"], ["disk", "memory"]])
def test_a_restart_ends_the_escalation_of_an_alert_that_is_left_out(tmp_path, receive, ring, kept):
    receiver = receive()
    bell = ring(watching(tmp_path, receiver, "disk", "memory"))
    fire(bell, receiver, tmp_path, "disk", "memory")
    assert bell.close(20) == 0
    bell = ring(watching(tmp_path, receiver, *kept))
    assert bell.flush()
    assert waiting(tmp_path) == kept


def test_an_alert_that_another_instance_resolves_is_not_escalated(tmp_path, receive, ring):
    receiver = receive()
    one, two = (ring(watching(tmp_path, receiver)) for _ in range(2))
    for name in ("disk", "memory"):
        one.emit("alert.firing", {"name": name})
    assert one.flush()
    eventually("the messages are noted", lambda: one.stats()["pending"] == 0)
    assert waiting(tmp_path) == ["disk", "memory"]
    two.emit("alert.resolved", {"name": "disk"})
    assert two.sync()
    assert waiting(tmp_path) == ["memory"]
