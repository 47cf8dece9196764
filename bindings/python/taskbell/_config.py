"""What a configuration may be: a URL, a path, the text itself, or a mapping."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, Union

from ._encode import dump, utf8

Config = Union[Mapping[str, Any], str, "os.PathLike[str]"]

NOT_FOR_A_URL = "event.type is endingwith('.start') or event.type is endingwith('.progress')"
"""The events that a bare URL does not get: of a run, its end is enough."""


def config_bytes(config: Config) -> bytes:
    """The configuration for the C functions. A mapping is JSON; of a bare URL becomes a configuration that
    sends it every end, failure and message."""
    if isinstance(config, Mapping):
        return utf8(dump(config))
    text = os.fspath(config)
    return utf8(json.dumps(of_url(text)) if is_url(text) else text)


def is_url(text: str) -> bool:
    """Whether it is the address of a receiver and nothing else; ``env:NAME`` keeps it out of the program."""
    return (
        "\n" not in text and not text.lstrip().startswith("{") and ("://" in text or text.startswith("env:"))
    )


def of_url(url: str) -> dict[str, Any]:
    """The configuration that a bare URL is."""
    hook = {"on": ["*"], "to": ["url"], "when": f"not ({NOT_FOR_A_URL})"}
    return {"endpoints": {"url": {"url": url}}, "hooks": [hook]}


def lasting(config: Config) -> bytes:
    """A configuration that means the same in another folder: a path is absolute."""
    text = config_bytes(config)
    is_text = isinstance(config, Mapping) or text.lstrip().startswith(b"{") or b"\n" in text
    return text if is_text or not text else utf8(os.path.abspath(os.fsdecode(text)))
