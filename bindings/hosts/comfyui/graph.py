"""Reads a prompt's graph: its parameters, and a name for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

LONGEST_NAME = 60
"""The longest name that is made from a prompt, in characters."""

WANTED = {
    "seed": "seed", "noise_seed": "seed", "steps": "steps", "cfg": "cfg_scale", "sampler_name": "sampler",
    "scheduler": "scheduler", "denoise": "denoise", "ckpt_name": "model", "unet_name": "model",
    "width": "width", "height": "height",
}  # fmt: skip
"""Inputs of nodes, and what they are called in a task."""

USUAL_PREFIXES = {"ComfyUI", "video/ComfyUI", "audio/ComfyUI", "mesh/ComfyUI", "3d/ComfyUI", ""}
"""What nodes that save files suggest."""


def params_of(prompt: Any) -> dict[str, Any]:
    """The parameters from the inputs of the nodes: the first of each name that is not a link."""
    found: dict[str, Any] = {}
    for inputs in _inputs(prompt):
        for key, name in (("positive", "prompt"), ("negative", "negative_prompt")):
            text = _text_behind(prompt, inputs.get(key))
            if text and name not in found:
                found[name] = text
    for inputs in _inputs(prompt):
        if isinstance(inputs.get("text"), str):
            found.setdefault("prompt", inputs["text"])
        for key, name in WANTED.items():
            if isinstance(inputs.get(key), (str, int, float)):
                found.setdefault(name, inputs[key])
    return found


def name_of(prompt: Any, extra: Any) -> str | None:
    """The prefix of its files if somebody chose one, else the workflow's title, else the first words."""
    for inputs in _inputs(prompt):
        prefix = inputs.get("filename_prefix")
        if isinstance(prefix, str) and prefix not in USUAL_PREFIXES:
            return prefix
    title = _title(extra)
    if title:
        return title
    words = re.sub(r"\s+", " ", str(params_of(prompt).get("prompt", ""))).strip()
    if len(words) > LONGEST_NAME:
        words = words[:LONGEST_NAME].rsplit(" ", 1)[0].rstrip(",.;:") + "…"
    return words or None


def _title(extra: Any) -> str | None:
    """The title that ComfyUI's page or an exporter wrote into the workflow."""
    here = extra
    for key in ("extra_pnginfo", "workflow"):
        here = here.get(key) if isinstance(here, dict) else None
    if not isinstance(here, dict):
        return None
    inner = here.get("extra") if isinstance(here.get("extra"), dict) else {}
    info = inner.get("info") if isinstance(inner.get("info"), dict) else {}
    for title in (
        here.get("title"),
        here.get("name"),
        inner.get("title"),
        info.get("name"),
        info.get("title"),
    ):
        if isinstance(title, str) and title.strip():
            return title.strip()
    return None


def _inputs(prompt: Any) -> Iterator[dict[str, Any]]:
    for node in prompt.values() if isinstance(prompt, dict) else ():
        inputs = node.get("inputs") if isinstance(node, dict) else None
        if isinstance(inputs, dict):
            yield inputs


def _text_behind(prompt: Any, link: Any) -> str | None:
    """The first text on the way that leads into a link: a conditioning may pass several nodes."""
    waiting, seen = [link], set()
    while waiting:
        link = waiting.pop(0)
        node = prompt.get(str(link[0])) if isinstance(link, list) and len(link) == 2 else None
        if not isinstance(node, dict) or str(link[0]) in seen:
            continue
        seen.add(str(link[0]))
        inputs = node.get("inputs") if isinstance(node.get("inputs"), dict) else {}
        for key in ("text", "prompt", "value", "string"):
            if isinstance(inputs.get(key), str) and inputs[key].strip():
                return inputs[key]
        waiting.extend(value for value in inputs.values() if isinstance(value, list))
    return None
