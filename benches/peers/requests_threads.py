"""Sends with requests from a pool of threads, one session a thread."""

import threading

import requests
from pool import run

own = threading.local()


def send(url: str, body: bytes) -> None:
    """Sends one message; raises when it is not taken."""
    if not hasattr(own, "session"):
        own.session = requests.Session()
    answer = own.session.post(url, data=body, headers={"content-type": "application/json"}, timeout=15)
    answer.raise_for_status()


run(lambda url: lambda body: send(url, body))
