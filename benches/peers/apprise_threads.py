"""Sends with Apprise's JSON plug-in from a pool of threads."""

import apprise
from pool import run


def sender(url: str):
    """A function that sends one message."""
    bell = apprise.Apprise()
    bell.add(url.replace("http://", "json://"))

    def send(body: bytes) -> None:
        if not bell.notify(title="task", body=body.decode()):
            raise RuntimeError("not taken")

    return send


run(sender)
