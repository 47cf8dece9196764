"""The scenario in Python: reads a call per line, fields separated by tabs, and answers in one line."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Callable

ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
PLAIN = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}


def unescaped(field: str) -> str | None:
    if field == "\\N":
        return None
    parts = iter(field)
    return "".join(PLAIN[next(parts)] if sign == "\\" else sign for sign in parts)


def answer(*fields: object) -> None:
    said = ["".join(ESCAPES.get(sign, sign) for sign in str(field)) for field in fields]
    sys.stdout.write("\t".join(said) + "\n")
    sys.stdout.flush()


try:
    import taskbell

    taskbell.version()
except ImportError as fault:
    answer("unusable", fault)
    sys.exit(0)

bells: dict[str, taskbell.Bell] = {}
logged: list[str] = []


def s(milliseconds: str) -> float:
    return float(milliseconds) / 1000


def keep(level: int, line: str) -> None:
    logged.append(f"{level} {line}")


def throw(level: int, line: str) -> None:
    keep(level, line)
    raise RuntimeError("a log function that fails")


def open_bell(name: str, config: str) -> str:
    bells[name] = taskbell.Bell(config, strict=True)
    return ""


def set_log(function: Callable[[int, str], None]) -> Callable[[str], None]:
    def call(name: str) -> None:
        logged.clear()
        bells[name].set_log(function)

    return call


def wrong(name: str) -> str:
    for kind, payload in ((7, "{}"), ("test.event", 7), (None, "{}")):
        try:
            bells[name].emit(kind, payload)  # type: ignore[arg-type]
        except (TypeError, AttributeError, taskbell.TaskbellError):
            continue
        return f"{kind!r} and {payload!r} were taken"
    return "each was a wrong type"


def fork(name: str) -> int:
    child = os.fork()
    if child == 0:
        bell = bells[name]
        bell.emit("test.event", {"text": "child"})
        bell.close(20)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def verify(scheme: str, headers: str, body: str, now: str) -> bool:
    return taskbell.verify(scheme, json.loads(headers), body.encode(), int(now))


CALLS: dict[str, Callable[..., Any]] = {
    "version": taskbell.version,
    "abi": lambda: taskbell._native.library().taskbell_abi_version(),
    "init": lambda config: taskbell.init(config, strict=True),
    "shutdown": lambda limit: taskbell.shutdown(s(limit)),
    "task": taskbell.on_task_complete,
    "queue": taskbell.on_queue_end,
    "open": open_bell,
    "close": lambda name, limit: bells[name].close(s(limit)),
    "reload": lambda name, config: bells[name].reload(config),
    "emit": lambda name, kind, payload: bells[name].emit(kind, payload),
    "metric": lambda name, metric, value: bells[name].metric(metric, float(value)),
    "wait": lambda name, ticket, limit: bells[name].wait(int(ticket), s(limit)),
    "sync": lambda name, limit: bells[name].sync(s(limit)),
    "flush": lambda name, limit: bells[name].flush(s(limit)),
    "poll": lambda name: bells[name].poll() or "none",
    "stats": lambda name: bells[name].stats(),
    "log": set_log(keep),
    "throw": set_log(throw),
    "logged": lambda: "\n".join(logged),
    "check": taskbell.check,
    "preview": taskbell.preview,
    "verify": verify,
    "wrong": wrong,
    "fork": fork,
}


def shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)


answer("ready", "")
for line in sys.stdin:
    name, *arguments = [unescaped(field) for field in line.rstrip("\n").split("\t")]
    try:
        answer("ok", shown(CALLS[name or ""](*arguments)))
    except taskbell.TaskbellError as fault:
        answer("error", fault.code, fault.message)
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        answer("error", type(fault).__name__, fault)
