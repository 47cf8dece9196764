"""Where ComfyUI keeps what it makes."""

from __future__ import annotations


def get_directory_by_type(kind: str) -> str | None:
    return {"output": "/comfy/output", "temp": "/comfy/temp", "input": "/comfy/input"}.get(kind)


def get_output_directory() -> str:
    return "/comfy/output"
