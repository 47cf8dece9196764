"""Checkers that only npm has: fetched once with ``npm pack``, held to their sums, kept below ``target``."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable

from tools import ROOT, attempt, lacking, need

# By name and version, the SHA-512 of the archive that is meant.
PACKAGES: dict[str, str] = {
    "@octokit/openapi@23.0.2": "a55f0cecbf46636dc0c9b36f4e6a369f28e6a669edebedac444fedaabd192d07"
    "0f4b8967c3bbb979918d9b044d9010b70fb8195db171e401f32d455105718386",
    "discord-api-spec@10.0.266135": "8b75700f052a37ac4542d5dbc485207731ab5cd79ffc069224bc763323f994ab"
    "b834a7363ddde9db35bb794bab1de414328221dbb0d7b753835280892e0b16ee",
    "zod@4.6.7": "83c5b60f6914e9af2e9ed734e777d7d6e5412b333bcaa0315bfdf3c24f37fba4"
    "72176f9228eb95f9cd30043854c335753da19aa66647fab99c5333dffb7086c2",
}


def github_operation(path: str, method: str) -> dict[str, Any]:
    """An operation of GitHub's published description of its API."""
    package = "@octokit/openapi@23.0.2"
    name = "-".join(["octokit-openapi-23.0.2", method, *re.findall(r"\w+", path)])

    def extract(folder: Path) -> None:
        with archive(package) as packed:
            described = packed.extractfile("package/generated/api.github.com.json")
            assert described is not None
            operation = json.load(described)["paths"][path][method]
        (folder / "operation.json").write_text(json.dumps(operation))

    return json.loads((kept(name, extract) / "operation.json").read_text())


def discord_spec() -> Path:
    """The module with the zod schemas that are made of Discord's own description of its API."""

    def extract(folder: Path) -> None:
        with archive("discord-api-spec@10.0.266135") as packed:
            schemas = packed.extractfile("package/build/discord-api-spec.zod.js")
            assert schemas is not None
            # By its ending, node knows it for a module; its package does not say so.
            (folder / "discord-api-spec.mjs").write_bytes(schemas.read())
        with archive("zod@4.6.7") as packed:
            for member in packed.getmembers():
                inner = member.name.removeprefix("package/")
                if member.isfile() and inner.endswith(("package.json", ".js", ".cjs")) and ".." not in inner:
                    content = packed.extractfile(member)
                    assert content is not None
                    file = folder / "node_modules" / "zod" / inner
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(content.read())

    return kept("discord-api-spec-10.0.266135", extract) / "discord-api-spec.mjs"


def kept(name: str, extract: Callable[[Path], None]) -> Path:
    """The folder of this name; what is not there yet is extracted aside, and appears as a whole."""
    target = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "npm"
    folder = target / name
    if not folder.exists():
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target) as beside:
            fresh = Path(beside) / "fresh"
            fresh.mkdir()
            extract(fresh)
            try:
                fresh.rename(folder)
            except OSError:
                # Another process of this run was first.
                if not folder.exists():
                    raise
    return folder


@contextmanager
def archive(package: str) -> Iterator[tarfile.TarFile]:
    npm = need("npm")
    with tempfile.TemporaryDirectory() as folder:
        done = attempt(npm, "pack", "--loglevel=error", package, cwd=folder)
        found = list(Path(folder).glob("*.tgz"))
        if done.returncode != 0 or len(found) != 1:
            lacking(f"npm cannot fetch {package}; it needs the network once: {done.stdout.strip()}")
        digest = hashlib.sha512(found[0].read_bytes()).hexdigest()
        assert digest == PACKAGES[package], f"{package} is not the one that is meant"
        with tarfile.open(found[0]) as packed:
            yield packed
