"""What a configuration may be: a URL, a path, the text itself, or a mapping."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Union

from ._encode import dump, utf8

Config = Union[Mapping[str, Any], str, "os.PathLike[str]"]


def config_bytes(config: Config) -> bytes:
    """The configuration for the C functions; a mapping is JSON."""
    return utf8(dump(config) if isinstance(config, Mapping) else os.fspath(config))


def is_url(text: str) -> bool:
    """Whether it is the address of a receiver and nothing else; ``env:NAME`` keeps it out of the program."""
    return (
        "\n" not in text and not text.lstrip().startswith("{") and ("://" in text or text.startswith("env:"))
    )


def lasting(config: Config) -> bytes:
    """A configuration that means the same in another folder: a path is absolute."""
    text = config_bytes(config)
    if isinstance(config, Mapping) or not text or is_url(os.fspath(config)):
        return text
    is_file = b"\n" not in text and text.lower().endswith((b".toml", b".json"))
    return utf8(os.path.abspath(os.fsdecode(text))) if is_file else text
