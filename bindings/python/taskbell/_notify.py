"""One message, without anything else."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from typing import Any

from ._bell import Bell, Seconds
from ._config import Config
from ._default import default
from ._faults import note
from ._rank import is_first_rank

MAX_TITLE = 120


def notify(
    config: Config,
    text: str,
    *,
    title: str | None = None,
    timeout: Seconds = 10.0,
    strict: bool = False,
    **fields: Any,
) -> bool:
    """Sends one message to a URL (or by a configuration) and waits for it. Whether it has arrived.

    A message that has not arrived in time waits for the next ``notify`` to the same address in this folder,
    or for ``taskbell deliver``. ``fields`` are those of an event of your own: ``status`` (``"ok"``,
    ``"failed"``), ``url``, ``image``. Nothing is raised, but logged and counted, unless ``strict``.
    """
    if not is_first_rank():
        return False
    try:
        bell = Bell(config, strict=strict)
        try:
            ticket = bell.emit("message", {**_content(text, title), **fields})
            in_time = bell.wait(ticket, timeout) if ticket else False
            reports = iter(bell.poll, None)
            return in_time and all(report["state"] == "delivered" for report in reports)
        finally:
            # The time was for the message; what has no answer by now is in the spool.
            bell.close(0)
    except Exception as fault:
        if strict:
            raise
        note(fault)
        return False


def _content(text: str, title: str | None) -> dict[str, str]:
    """A short text is the title of its card; of a longer one the first line is."""
    if title is not None:
        return {"title": title, "text": text}
    first, _, rest = text.strip().partition("\n")
    if len(first) > MAX_TITLE:
        return {"title": first[: MAX_TITLE - 1] + "…", "text": text}
    return {"title": first, "text": rest} if rest else {"title": first}


class LogHandler(logging.Handler):
    """A handler of ``logging`` that reports records as events ``log.record``, by default errors only.

    The records of one line of code are reported at most every ``every`` seconds; the next report says how
    many there were between. Those of Taskbell itself are left out.
    """

    def __init__(
        self, level: int | str = logging.ERROR, *, every: float = 60.0, bell: Bell | None = None
    ) -> None:
        super().__init__(level)
        self.every = every
        self._bell = bell or default
        self._seen: dict[tuple[str, int], tuple[float, int]] = {}
        self._mutex = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Reports a record."""
        if record.name.partition(".")[0] == "taskbell":
            return
        repeated = self._repeated(record)
        if repeated is None:
            return
        try:
            self._bell.emit("log.record", self._event(record, repeated))
        except Exception:
            self.handleError(record)

    def _repeated(self, record: logging.LogRecord) -> int | None:
        """How many records of this line were not reported; ``None`` when this one is not either."""
        place, now = (record.pathname, record.lineno), time.monotonic()
        with self._mutex:
            at, kept = self._seen.get(place, (float("-inf"), 0))
            if now - at < self.every:
                self._seen[place] = at, kept + 1
                return None
            if len(self._seen) >= 1000:
                self._seen.clear()
            self._seen[place] = now, 0
            return kept

    def _event(self, record: logging.LogRecord, repeated: int) -> dict[str, Any]:
        message = record.getMessage()
        event: dict[str, Any] = {
            **_content(message, None),
            "status": "error" if record.levelno >= logging.ERROR else "warning",
            "level": record.levelname.lower(),
            "logger": record.name,
            "place": f"{record.pathname}:{record.lineno}",
        }
        if repeated:
            event["repeated"] = repeated
        if record.exc_info and record.exc_info[1] is not None:
            event["text"] = "".join(traceback.format_exception(*record.exc_info))[-3000:]
        return event
