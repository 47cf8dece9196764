"""The part of aiohttp that the page of the package uses."""

from __future__ import annotations

from types import SimpleNamespace

web = SimpleNamespace(json_response=lambda body: body)
