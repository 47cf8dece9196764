"""The functions that report no event: checking, previewing, verifying, the version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from . import _native
from ._config import Config, config_bytes
from ._encode import Payload, dump, payload_bytes, utf8
from ._native import check_status, failure, library, text_out


def check(config: Config) -> dict[str, Any]:
    """Checks a configuration without opening anything; returns the report with its errors and warnings."""
    code, text = text_out(library().taskbell_check, config_bytes(config))
    if code not in (_native.OK, _native.CONFIG) or not text:
        raise failure(code)
    report: dict[str, Any] = json.loads(text)
    return report


def preview(config: Config, type: str, payload: Payload = None) -> Any:
    """The requests that an event would cause, with secrets removed; ``None`` for a sample event."""
    body = payload_bytes(payload)
    code, text = text_out(library().taskbell_preview, config_bytes(config), utf8(type), body)
    check_status(code)
    return json.loads(text)


def verify(
    scheme: Mapping[str, Any] | str,
    headers: Mapping[str, str],
    body: bytes,
    now: int = 0,
) -> bool:
    """Whether a received body has a valid signature; for receivers.

    ``scheme`` is an entry of ``sign`` as in the configuration, ``now`` a Unix time in seconds (0: the
    current time).
    """
    scheme_json = scheme if isinstance(scheme, str) else dump(scheme)
    code = library().taskbell_verify(utf8(scheme_json), utf8(dump(dict(headers))), body, len(body), now)
    if code == _native.SIGNATURE:
        return False
    check_status(code)
    return True


def version() -> str:
    """The version of the loaded library."""
    text: bytes = library().taskbell_version()
    return text.decode("utf-8")
