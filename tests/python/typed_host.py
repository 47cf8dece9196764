"""A host that relies on the types of the binding. ``mypy`` reads it, with the binding; nothing runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import taskbell

if TYPE_CHECKING:
    from typing import assert_type


@taskbell.watch
def train(epochs: int, *, rate: float = 0.1) -> dict[str, float]:
    return {"loss": rate / epochs}


@taskbell.watch(name="fetch", kind="download", user="ada")
async def fetch(url: str) -> bytes:
    return url.encode()


@taskbell.watch
def frames(count: int) -> Iterator[Path]:
    yield from (Path(f"{number}.png") for number in range(count))


@taskbell.watch
async def lines(path: Path) -> AsyncIterator[str]:
    yield path.name


async def host() -> None:
    assert_type(taskbell.init(Path("taskbell.toml"), strict=True), bool)
    assert_type(taskbell.init({"endpoints": {"team": {"url": "env:TEAM_URL"}}}), bool)
    assert_type(train(3, rate=0.5), dict[str, float])
    assert_type(await fetch("a"), bytes)
    assert_type(frames(2), Iterator[Path])
    assert_type(lines(Path("a")), AsyncIterator[str])
    with taskbell.task("run", kind="training", params={"lr": 0.1}) as run:
        assert_type(run, taskbell.Task)
        run.metrics["loss"] = 0.5
        run.log({"loss": 0.5})
        run.output(Path("model.pt"), mime="application/octet-stream")
        run.progress(1, 3)
    with taskbell.batch([1, 2], "numbers") as numbers:
        assert_type(numbers, taskbell.Batch[int])
        for number in numbers:
            assert_type(number, int)
    for word in taskbell.batch(["a"]):
        assert_type(word, str)
    job = taskbell.Job("shot 042", total=2, users=["ada"])
    job.fail("frame 17", ValueError("no light"))
    assert_type(job.finish(status="error", duration_s=60), int)
    with taskbell.Bell("env:TEAM_URL") as bell:
        ticket = bell.emit("scan.page", {"page": 1})
        assert_type(bell.wait(ticket, timedelta(seconds=5)), bool)
        assert_type(bell.poll(), "dict[str, Any] | None")
        assert_type(bell.close(1.5), int)
    assert_type(taskbell.notify("env:TEAM_URL", "done", status="ok", timeout=2), bool)
    assert_type(taskbell.verify("standard", {"webhook-id": "1"}, b"{}"), bool)
    assert_type(taskbell.check("taskbell.toml"), dict[str, Any])
    assert_type(taskbell.failures(), dict[str, int])
    assert_type(taskbell.shutdown(timedelta(seconds=1)), int)
